"""Indexes for registries of a million runs: what somebody may see, newest first; whose turn it is;
what lies in the trash.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_HOLDER = {
    "postgresql": "split_part(project, '/', 1)",
    "sqlite": "substr(project, 1, instr(project, '/') - 1)",
}


def upgrade() -> None:
    holder = sa.text(_HOLDER[op.get_bind().dialect.name])
    there = sa.text("deleted IS NOT NULL")
    for table in ("runs", "datasets"):
        op.create_index(f"{table}_by_holder", table, [holder, "created", "id"])
        op.create_index(
            f"{table}_in_trash", table, ["deleted"], sqlite_where=there, postgresql_where=there
        )
    op.create_index("runs_by_turn", "runs", ["status", "owner", "kind", "priority", "queued"])
