"""People, how they sign in, what they share and did; every dataset and run belongs to a project."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _projects()
    _people()
    _sharing()


def _projects() -> None:
    """Each row names its project: its owner and the name of its dataset, without a version."""
    connection = op.get_bind()
    for table, column in (("datasets", "name"), ("runs", "dataset")):
        op.add_column(
            table, sa.Column("project", sa.String(260), nullable=False, server_default="")
        )
        op.add_column(table, sa.Column("deleted", sa.Float(), nullable=True))
        op.create_index(f"{table}_by_project", table, ["project"])
        rows = connection.execute(sa.text(f"SELECT id, owner, {column} FROM {table}")).fetchall()
        for row_id, owner, name in rows:
            values = {"id": row_id, "project": f"{owner}/{name.partition('@')[0]}"}
            connection.execute(
                sa.text(f"UPDATE {table} SET project = :project WHERE id = :id"), values
            )


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("handle", sa.String(64), nullable=False, unique=True),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("email", sa.String(255), nullable=False, server_default=""),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("seen", sa.Float(), nullable=False),
        sa.Column("signed_in", sa.Float(), nullable=False, server_default="0"),
        sa.Column("disabled", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("sessions_valid_after", sa.Float(), nullable=False, server_default="0"),
        sa.UniqueConstraint("issuer", "subject"),
    )
    op.create_table(
        "passwords",
        sa.Column("user", sa.String(32), primary_key=True),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("changed", sa.Float(), nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("user", sa.String(32), nullable=False),
        sa.Column("started", sa.Float(), nullable=False),
        sa.Column("address", sa.String(64), nullable=False, server_default=""),
    )
    op.create_index("sessions_by_user", "sessions", ["user"])
    op.create_table(
        "invites",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("note", sa.String(255), nullable=False, server_default=""),
        sa.Column("created_by", sa.String(32), nullable=False),
        sa.Column("expires", sa.Float(), nullable=False),
        sa.Column("used_by", sa.String(32), nullable=True),
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(320), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
    )
    op.create_index("attempts_by_key", "attempts", ["key", "at"])
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("owner", sa.String(32), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("expires", sa.Float(), nullable=False),
        sa.Column("used", sa.Float(), nullable=True),
    )
    op.create_index("tokens_by_owner", "tokens", ["owner"])


def _sharing() -> None:
    op.create_table(
        "grants",
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("object", sa.String(260), primary_key=True),
        sa.Column("grantee", sa.String(32), primary_key=True),
        sa.Column("access", sa.String(16), nullable=False),
        sa.Column("granted_by", sa.String(32), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
    )
    op.create_index("grants_by_grantee", "grants", ["grantee", "kind"])
    op.create_table(
        "links",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("run", sa.String(32), nullable=False),
        sa.Column("created_by", sa.String(32), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("expires", sa.Float(), nullable=False),
        sa.Column("opened", sa.Integer(), nullable=False, server_default="0"),
    )
    op.create_index("links_by_run", "links", ["run"])
    op.create_table(
        "models",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("project", sa.String(260), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("deleted", sa.Float(), nullable=True),
        sa.UniqueConstraint("owner", "name"),
    )
    op.create_table(
        "activity",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("way", sa.String(16), nullable=False),
        sa.Column("address", sa.String(64), nullable=False, server_default=""),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("object", sa.String(260), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
    )
    op.create_index("activity_by_time", "activity", ["at"])
    op.create_index("activity_by_actor", "activity", ["actor", "at"])
