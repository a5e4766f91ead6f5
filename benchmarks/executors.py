"""Every executor on the list of mishaps of `tests/executors`, a real Slurm of two nodes among them:
which it stands, and what of it shows when.

`python benchmarks/executors.py [local] [ssh] [ray] [stand-in] [slurm]` prints the table of
docs/guide/executors.md and writes results/executors.json. Needs TL_TEST_POSTGRES_URL, slurm-wlm and
munge, openssh-server and rsync, and the extra `ray`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from common import RESULTS, machine, write_result

ROOT = Path(__file__).parents[1]
EXECUTORS = {  # by what selects them among the tests
    "local": ("local", "local"),
    "ssh": ("ssh", "ssh"),
    "ray": ("ray (real, two machines)", "ray"),
    "stand-in": ("slurm (stand-in)", "slurm and not real"),
    "slurm": ("slurm (real, two nodes)", "real"),
}
MISHAPS = {
    "test_a_run_is_carried_out": "events within 2 s, logs, limits",
    "test_it_is_cancelled": "cancel; stop and keep the best",
    "test_a_killed_worker": "worker killed, resumed to the same numbers",
    "test_another_dispatcher": "another dispatcher in mid-run",
    "test_a_lost_machine": "machine lost, goes on to the same numbers",
    "test_a_job_that_is_over": "jobs that are over or unknown",
}


def measure(name: str) -> dict[str, str]:
    """What came of each mishap on one place: `passed`, `failure`; absent where a lost run waits for
    a person.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        suite = "tests/executors/test_conformance.py"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", suite]
        subprocess.run(
            [*command, "-k", EXECUTORS[name][1], f"--junitxml={report}"],
            cwd=ROOT,
            env={**os.environ, "TL_TEST_SLURM": "1"},
            check=False,
        )
        cases = list(ElementTree.parse(report).iter("testcase"))
    found = {}
    for case in cases:
        test = case.attrib["name"]
        mishap = next(text for begins, text in MISHAPS.items() if test.startswith(begins))
        bad = [kind.tag for kind in case if kind.tag in ("failure", "error", "skipped")]
        found[mishap] = bad[0] if bad else "passed"
    return found


def table(found: dict[str, dict[str, str]]) -> str:
    """The same as Markdown."""
    lines = [f"| | {' | '.join(found)} |", "|---" * (len(found) + 1) + "|"]
    for mishap in MISHAPS.values():
        told = [results.get(mishap, "not by itself") for results in found.values()]
        lines.append(f"| {mishap} | {' | '.join(told)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(EXECUTORS))
    former = RESULTS / "executors.json"
    found = json.loads(former.read_text())["executors"] if former.exists() else {}
    what = "Executors, mishap by mishap: tests/executors/test_conformance.py"
    for name in parser.parse_args().names:
        found[EXECUTORS[name][0]] = measure(name)
        write_result("executors", {"what": what, "machine": machine(), "executors": found})
    sys.stdout.write(table(found) + "\n")


if __name__ == "__main__":
    main()
