"""A run names another dataset that it reads as its target, which protects that from deletion."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("target", sa.String(280), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("runs", "target")
