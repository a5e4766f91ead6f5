"""Uploaded models, and looks at closed test scores, belong to somebody: until now to whoever has
most of the runs, who was the only person of this server.
"""

import time
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    counted = sa.text("SELECT owner FROM runs GROUP BY owner ORDER BY COUNT(*) DESC")
    main = connection.execute(counted).scalar() or "local"
    home = op.get_context().config.attributes.get("home")  # type: ignore[union-attr]
    if home is None:
        return
    for path in sorted(Path(home, "models").glob("*")):
        connection.execute(
            sa.text(
                "INSERT INTO models (id, owner, name, project, folder, created)"
                " VALUES (:id, :owner, :name, :project, :folder, :created)"
            ),
            {
                "id": f"before-{path.name}"[:32],
                "owner": main,
                "name": path.name,
                "project": f"{main}/{path.name}",
                "folder": f"models/{path.name}",
                "created": time.time(),
            },
        )
    rows = connection.execute(sa.text("SELECT id, owner FROM runs")).fetchall()
    owners: dict[str, str] = {row.id: row.owner for row in rows}
    for look in sorted(Path(home, "looks").glob("*/*")):
        if not look.is_file():
            continue  # it has been moved already
        place = Path(home, "looks", owners.get(look.name, main), look.parent.name)
        place.mkdir(parents=True, exist_ok=True)
        look.rename(place / look.name)
    for empty in Path(home, "looks").glob("*"):
        if empty.is_dir() and not any(empty.iterdir()):
            empty.rmdir()


def downgrade() -> None:
    op.execute("DELETE FROM models")
