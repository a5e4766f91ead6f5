"""People label items in the app: their answers, what they have before them, and how much is asked
twice.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answers",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("dataset", sa.String(32), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("given_by", sa.String(128), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("label", sa.Text(), nullable=False, server_default=""),
        sa.Column("why", sa.String(32), nullable=False, server_default=""),
        sa.Column("aided", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("used", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("batch", sa.String(16), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
    )
    op.create_index("answers_by_dataset", "answers", ["dataset", "row"])
    op.create_index("answers_by_person", "answers", ["given_by", "dataset"])
    op.create_table(
        "claims",
        sa.Column("dataset", sa.String(32), primary_key=True),
        sa.Column("row", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("owner", sa.String(128), primary_key=True),
        sa.Column("until", sa.Float(), nullable=False),
    )
    op.create_table(
        "label_queues",
        sa.Column("dataset", sa.String(32), primary_key=True),
        sa.Column("twice", sa.Integer(), nullable=False),
    )
