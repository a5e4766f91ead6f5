"""`python tests/fuzz/run.py zip|csv|image|sound SECONDS`: fuzz one intake with Atheris, from its
kept corpus.

New inputs that reach new code go to a scratch folder; a crash is written to `crash-*` and ends the
run with an error. Copy what is worth keeping into `corpus/`, where `test_corpus.py` replays it with
every test run.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

with atheris.instrument_imports(include=["tl_core", "zipfile", "PIL"]):
    from targets import TARGETS


def main() -> None:
    name, seconds = sys.argv[1], sys.argv[2]
    with tempfile.TemporaryDirectory() as scratch:
        atheris.Setup(
            [
                sys.argv[0],
                f"-max_total_time={seconds}",
                "-max_len=8192",
                "-rss_limit_mb=2048",
                "-timeout=20",
                "-print_final_stats=1",
                scratch,
                str(HERE / "corpus" / name),
            ],
            TARGETS[name],
        )
        atheris.Fuzz()


if __name__ == "__main__":
    main()
