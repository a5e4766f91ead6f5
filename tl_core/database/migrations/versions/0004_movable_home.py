"""Paths are relative to TL_HOME, so that a home can be moved; a run names its parent in a column.

Each file is rewritten whole, and a second time does nothing, so an interruption loses nothing.
"""

import json
import os
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_FILES = ("config.json", "rungs/*/config.json", "trials/*/config.json")


def upgrade() -> None:
    op.add_column("runs", sa.Column("parent", sa.String(32), nullable=False, server_default=""))
    op.create_index("runs_by_parent", "runs", ["parent"])
    connection = op.get_bind()
    home = op.get_context().config.attributes.get("home")  # type: ignore[union-attr]
    for table in ("datasets", "runs"):
        rows = connection.execute(sa.text(f"SELECT id, folder FROM {table}")).fetchall()
        for row_id, folder in rows:
            place = Path(folder).parts[-2:]
            if place[0] != table:
                continue
            values = {"id": row_id, "folder": "/".join(place)}
            connection.execute(
                sa.text(f"UPDATE {table} SET folder = :folder WHERE id = :id"), values
            )
            if table == "runs":
                now = Path(home, *place) if home else Path(folder)
                parent = _rewrite(now, Path(folder).parents[1])
                connection.execute(
                    sa.text("UPDATE runs SET parent = :parent WHERE id = :id"),
                    {"id": row_id, "parent": parent},
                )


def downgrade() -> None:
    op.drop_index("runs_by_parent", "runs")
    op.drop_column("runs", "parent")


def _rewrite(folder: Path, home: Path) -> str:
    """Make the paths in a run's configs relative; gives the run's parent."""
    parent = ""
    for pattern in _FILES:
        for path in folder.glob(pattern):
            try:
                content = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue  # whoever opens that run will say what is wrong with it
            if path.parent == folder and isinstance(content, dict):
                parent = _parent(content)
            new = _marked(content, f"{home}/")
            if new != content:
                temporary = path.with_suffix(".moved")
                temporary.write_text(json.dumps(new, indent=1, ensure_ascii=False), "utf-8")
                os.replace(temporary, path)
    return parent


def _parent(config: dict[str, object]) -> str:
    """The run that a config goes on from or looks at; folders stood where ids stand today."""
    options = config.get("options")
    options = options if isinstance(options, dict) else {}
    for key, above in (("continue_from", 0), ("run", 0), ("model", 1), ("bundle", 1)):
        if isinstance(value := options.get(key), str) and value:
            return Path(*Path(value).parts[: len(Path(value).parts) - above]).name[:32]
    backbone = str(config.get("backbone") or "")
    return backbone.removeprefix("run:")[:32] if backbone.startswith("run:") else ""


def _marked(value: object, home: str) -> object:
    if isinstance(value, dict):
        return {key: _marked(one, home) for key, one in value.items()}
    if isinstance(value, list):
        return [_marked(one, home) for one in value]
    if isinstance(value, str) and value.startswith(home):
        return f"${{TL_HOME}}/{value.removeprefix(home)}"
    return value
