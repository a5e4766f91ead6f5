"""docs/SECURITY.md names tests that exist, at least one for every threat."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from pages.shell.server import check, cookie_secret
from tl_core.errors import ConfigError
from tl_core.settings import Settings

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/SECURITY.md").read_text()
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def rows():
    """Threat, measure and what shows it, of every table with these columns."""
    for table in re.findall(r"\| threat \| measure \| shown by \|\n\|---.*\n((?:\|.*\n)+)", TEXT):
        for line in table.splitlines():
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            assert len(cells) == 3, line
            yield cells


def test_every_threat_has_a_measure_and_a_test():
    found = list(rows())
    assert len(found) >= 50
    for threat, measure, shown in found:
        assert threat and measure and NAMED.findall(shown), threat
        assert not re.sub(NAMED, "", shown).strip(", "), shown  # nothing but tests
    assert len({threat for threat, _, _ in found}) == len(found)


@pytest.mark.parametrize("path", sorted({path for path, _ in NAMED.findall(TEXT)}))
def test_every_named_test_exists(path):
    names = {name for one, name in NAMED.findall(TEXT) if one == path}
    there = {
        node.name
        for node in ast.parse((ROOT / path).read_text()).body
        if isinstance(node, ast.FunctionDef)
    }
    assert names <= there, names - there


def test_the_attacks_are_all_told():
    attacks = {path.name for path in (ROOT / "tests/attacks").glob("test_*.py")}
    assert attacks <= {Path(path).name for path, _ in NAMED.findall(TEXT)}


def test_a_server_for_everybody_needs_sign_in():
    with pytest.raises(ConfigError, match="nobody would have to sign in"):
        check(Settings(address="0.0.0.0"))
    check(Settings(address="0.0.0.0", open="1"))
    check(Settings())
    with pytest.raises(ConfigError, match="TL_PROXIES is missing"):
        check(Settings(sign_in="header", url="https://graft.example.org"))


def test_a_short_cookie_secret_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="too short"):
        cookie_secret(Settings(cookie_secret="short", home=str(tmp_path)))
    made = cookie_secret(Settings(home=str(tmp_path)))
    assert len(made) >= 32 and cookie_secret(Settings(home=str(tmp_path))) == made
    assert (tmp_path / "cookie_secret").stat().st_mode & 0o777 == 0o600
