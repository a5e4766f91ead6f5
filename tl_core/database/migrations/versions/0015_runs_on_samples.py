"""Runs on a sample belong to the project of the dataset that they have made: they kept the name of
the sample.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        sa.text(
            "UPDATE runs SET project = replace(project, '/sample:', '/')"
            " WHERE project LIKE '%/sample:%' AND dataset NOT LIKE 'sample:%'"
        )
    )
