"""Runs have priorities; a ledger keeps who had which slot for how long; people have quotas."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TRAIN = ("train", "curve")  # the kinds that waited for a GPU's slot in earlier versions
_FREE = ("import", "fix", "takeout", "export", "push")  # and those that no network computes
_UNKNOWN = 1800.0  # seconds, where nobody knows how long a waiting run will take


def upgrade() -> None:
    op.add_column("runs", sa.Column("priority", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("runs", sa.Column("moved", sa.Float(), nullable=True))
    op.add_column("runs", sa.Column("stop_reason", sa.JSON(), nullable=True))
    op.create_table(
        "stints",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("run", sa.String(32), nullable=False),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("lane", sa.String(16), nullable=False),
        sa.Column("recipe", sa.String(32), nullable=False),
        sa.Column("metered", sa.Boolean(), nullable=False),
        sa.Column("gpus", sa.Integer(), nullable=False),
        sa.Column("held", sa.Float(), nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("queued", sa.Float(), nullable=False),
        sa.Column("started", sa.Float(), nullable=True),
        sa.Column("ended", sa.Float(), nullable=True),
    )
    for name, columns in (
        ("lane", ["lane", "ended"]),
        ("owner", ["owner", "ended"]),
        ("run", ["run"]),
    ):
        op.create_index(f"stints_by_{name}", "stints", columns)
    op.create_table(
        "lanes",
        sa.Column("name", sa.String(16), primary_key=True),
        sa.Column("slots", sa.Integer(), nullable=False),
    )
    op.create_table(
        "quotas",
        sa.Column("owner", sa.String(128), primary_key=True),
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("set_by", sa.String(128), nullable=False),
        sa.Column("set_at", sa.Float(), nullable=False),
    )
    _ledger()


def _ledger() -> None:
    """What earlier versions noted of each run becomes the ledger's beginning."""
    runs = sa.table(
        "runs",
        *(
            sa.column(name)
            for name in "id owner kind recipe status queued started finished".split()
        ),
    )
    running, waiting = runs.c.status == "running", runs.c.status == "queued"
    had_slot = sa.and_(runs.c.started.is_not(None), sa.or_(running, runs.c.finished.is_not(None)))
    lane = sa.case((runs.c.kind.in_(_TRAIN), "train"), else_="light")
    rows = sa.select(
        runs.c.id,
        runs.c.owner,
        lane,
        runs.c.recipe,
        runs.c.kind.not_in(_FREE),
        sa.literal(1),
        sa.literal(_UNKNOWN),
        sa.false(),
        runs.c.queued,
        sa.case((waiting, sa.null()), else_=runs.c.started),
        sa.case((sa.or_(running, waiting), sa.null()), else_=runs.c.finished),
    ).where(sa.or_(waiting, had_slot))
    ledger = sa.table(
        "stints",
        *(
            sa.column(name)
            for name in (
                "run owner lane recipe metered gpus held known queued started ended".split()
            )
        ),
    )
    op.get_bind().execute(sa.insert(ledger).from_select(list(ledger.c), rows))
