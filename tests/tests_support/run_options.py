"""The options that each kind of run needs beside what every run has, and no more."""

from __future__ import annotations

ABOUT_A_RUN = {  # beside the id of that run
    "predict": {},
    "stress": {},
    "trace": {},
    "export": {"name": "mail"},
    "push": {"folder": "mail", "repository": "ann/mail"},
}
OTHERS = {
    "import": {"source": "mail.csv", "name": "d"},
    "fix": {"restore": True},
    "takeout": {"format": "csv"},
    "domains": {"column": "domain"},
    "hold_out": {"column": "domain"},
    "rank": {"backbones": ["starter:text"]},
}


def options_of(kind, run_id):
    """The options of a run of that kind; `run_id` is an earlier run, read where the kind reads
    one.
    """
    if kind in ABOUT_A_RUN:
        return {"run": run_id, **ABOUT_A_RUN[kind]}
    return dict(OTHERS.get(kind, {}))
