"""The database tables, as SQLAlchemy Core."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

metadata = MetaData()

datasets = Table(
    "datasets",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("name", String(128), nullable=False),
    Column("version", Integer, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("modality", String(16), nullable=False),
    Column("task", String(32), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("classes", Integer, nullable=False),
    Column("folder", Text, nullable=False),
    Column("created", Float, nullable=False),
    UniqueConstraint("owner", "name", "version"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("dataset", String(160), nullable=False, default=""),
    Column("backbone", Text, nullable=False, default=""),
    Column("recipe", String(32), nullable=False, default=""),
    Column("folder", Text, nullable=False),  # inside TL_HOME, as that of a dataset
    Column("parent", String(32), nullable=False, default="", server_default=""),
    Column("draft", String(64), nullable=True),
    Column("status", String(16), nullable=False),
    Column("reason", JSON, nullable=True),
    Column("created", Float, nullable=False),
    Column("queued", Float, nullable=False),
    Column("started", Float, nullable=True),
    Column("finished", Float, nullable=True),
    Column("progress", Float, nullable=False, default=0.0),
    Column("headline", Text, nullable=False, default=""),
    Column("summary", JSON, nullable=True),
    Column("host", String(128), nullable=True),
    Column("pid", Integer, nullable=True),
    Column("pid_started", Float, nullable=True),
    Column("heartbeat", Float, nullable=True),
    Column("cancel_requested", Boolean, nullable=False, default=False),
    Column("stop_requested", Boolean, nullable=False, default=False, server_default=false()),
    Column("tags", JSON, nullable=False, default=list, server_default="[]"),
    Column("note", Text, nullable=False, default="", server_default=""),
    Column("archived", Boolean, nullable=False, default=False, server_default=false()),
    UniqueConstraint("owner", "draft"),
    Index("runs_by_status", "status", "queued"),
    Index("runs_by_parent", "parent"),
)

presets = Table(
    "presets",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("name", String(128), nullable=False),
    Column("recipe", String(32), nullable=False),
    Column("options", JSON, nullable=False),
    Column("shared", Boolean, nullable=False, default=False, server_default=false()),
    Column("created", Float, nullable=False),
    UniqueConstraint("owner", "name"),
)

locks = Table(
    "locks",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("host", String(128), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("pid_started", Float, nullable=False),
    Column("heartbeat", Float, nullable=False),
)
