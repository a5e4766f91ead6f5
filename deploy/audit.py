"""`make audit`: known vulnerabilities of the packages that are shipped, from OSV by pip-audit.

It never passes in silence: where the service does not answer for every package, the last line says
NOT AUDITED, and with AUDIT=require that is a failure.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from locked import locked

SERVICE = os.environ.get("OSV_URL", "https://api.osv.dev/v1/query")
_SECONDS = 10.0


def answers(url: str) -> str:
    """Why the service does not answer a question about one package; nothing when it does."""
    question = {"package": {"name": "pip", "ecosystem": "PyPI"}, "version": "9.0.0"}
    request = urllib.request.Request(
        url, json.dumps(question).encode(), {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
            told = json.load(answer)
    except (OSError, ValueError) as error:
        return f"{url} does not answer: {error}"
    if not told.get("vulns"):  # pip 9.0.0 has some
        return f"{url} knows nothing of pip 9.0.0, of which there is something to know"
    return ""


def ask(versions: dict[str, str], url: str) -> dict[str, list[dict]]:
    """What pip-audit tells of each package: `vulns`, or `skip_reason`.

    Raises:
        SystemExit: when it tells nothing that can be read.
    """
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "locked.txt"
        listed.write_text("".join(f"{name}=={one}\n" for name, one in versions.items()))
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pip_audit", "-r", str(listed), "--no-deps"),
                *("--disable-pip", "-s", "osv", "--osv-url", url, "-f", "json"),
                *("--progress-spinner", "off", "--cache-dir", folder),
            ],
            capture_output=True,
            text=True,
        )
    try:
        return {one["name"]: one for one in json.loads(done.stdout)["dependencies"]}
    except (ValueError, KeyError, TypeError):
        said = done.stderr.strip().splitlines() or ["nothing"]
        return _not_audited(f"pip-audit ended with {done.returncode}: {said[-1]}")


def _not_audited(why: str) -> dict[str, list[dict]]:
    print(f"NOT AUDITED: {why}. Nothing is known of vulnerabilities.", file=sys.stderr)
    sys.exit(1 if os.environ.get("AUDIT") == "require" else 0)


def main() -> None:
    """Audit, and end with 1 when there is a vulnerability."""
    versions = locked()
    if why := answers(SERVICE):
        _not_audited(why)
    told = ask(versions, SERVICE)
    bad = {name: one["vulns"] for name, one in told.items() if one.get("vulns")}
    for name, vulnerabilities in sorted(bad.items()):
        for one in vulnerabilities:
            mended = ", ".join(one.get("fix_versions", [])) or "no version yet"
            print(f"{name} {versions[name]}: {one['id']}, mended in {mended}")
    open_ = sorted(set(versions) - {name for name, one in told.items() if "vulns" in one})
    if bad:
        sys.exit(f"{len(bad)} of {len(versions)} packages have known vulnerabilities.")
    if open_:
        _not_audited(f"{len(open_)} of {len(versions)} packages, such as {open_[0]}")
    print(f"AUDITED: {len(versions)} packages, no known vulnerability.")


if __name__ == "__main__":
    main()
