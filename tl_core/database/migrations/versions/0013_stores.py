"""Which stores of artifacts belong to this registry."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stores",
        sa.Column("place", sa.String(255), primary_key=True),
        sa.Column("sign", sa.String(32), nullable=False),
    )
