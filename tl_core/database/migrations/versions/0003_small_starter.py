"""`starter:image` became another network; what was made with the old one says `starter:image-small`
from now on.

Every run that stands here now was made, or is waiting to be made, with the old one. Each file is
rewritten whole, and a second time does nothing, so an interruption loses nothing.
"""

import json
import os
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_OLD, _NEW = "starter:image", "starter:image-small"
_FILES = ("config.json", "report.json", "sealed/report.json", "rungs/*/config.json")


def upgrade() -> None:
    connection = op.get_bind()
    for (folder,) in connection.execute(sa.text("SELECT folder FROM runs")).fetchall():
        for pattern in _FILES:
            for path in Path(folder).glob(pattern):
                _rewrite(path)
    connection.execute(
        sa.text("UPDATE runs SET backbone = :new WHERE backbone = :old"), {"new": _NEW, "old": _OLD}
    )


def downgrade() -> None:
    op.get_bind().execute(
        sa.text("UPDATE runs SET backbone = :old WHERE backbone = :new"), {"new": _NEW, "old": _OLD}
    )


def _rewrite(path: Path) -> None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return  # whoever opens that run will say what is wrong with it
    new = _renamed(content)
    if new != content:
        temporary = path.with_suffix(".renamed")
        temporary.write_text(json.dumps(new, indent=1, ensure_ascii=False), encoding="utf-8")
        os.replace(temporary, path)


def _renamed(value: object) -> object:
    if isinstance(value, dict):
        return {key: _renamed(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_renamed(one) for one in value]
    return _NEW if value == _OLD else value
