"""Runs name the executor that carries them out, and their job where another scheduler keeps it."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("runs") as table:
        table.add_column(sa.Column("executor", sa.String(16), nullable=False, server_default=""))
        table.add_column(sa.Column("job", sa.String(64), nullable=False, server_default=""))
        table.add_column(sa.Column("losses", sa.Integer(), nullable=False, server_default="0"))
