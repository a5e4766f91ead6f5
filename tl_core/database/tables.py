"""The database tables, as SQLAlchemy Core."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
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

from tl_core.database.holder import holder_of

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
    Column("project", String(260), nullable=False, server_default=""),  # owner's id / name
    Column("deleted", Float, nullable=True),  # when it went into the trash
    UniqueConstraint("owner", "name", "version"),
    Index("datasets_by_project", "project"),
)
Index("datasets_by_holder", holder_of(datasets.c.project), datasets.c.created, datasets.c.id)
Index(
    "datasets_in_trash",
    datasets.c.deleted,
    sqlite_where=datasets.c.deleted.is_not(None),
    postgresql_where=datasets.c.deleted.is_not(None),
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
    # another dataset that it reads as its target: owner's id / name @ version
    Column("target", String(280), nullable=False, default="", server_default=""),
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
    Column("project", String(260), nullable=False, server_default=""),  # that of its dataset
    Column("deleted", Float, nullable=True),
    Column("priority", Integer, nullable=False, default=0, server_default="0"),
    Column("moved", Float, nullable=True),  # when its worker last had something to tell
    Column("stop_reason", JSON(none_as_null=True), nullable=True),  # of the server's own
    Column("executor", String(16), nullable=False, default="", server_default=""),
    # of another scheduler; empty where the process is known here, or nothing is submitted yet
    Column("job", String(64), nullable=False, default="", server_default=""),
    Column("losses", Integer, nullable=False, default=0, server_default="0"),  # of its machine
    UniqueConstraint("owner", "draft"),
    Index("runs_by_status", "status", "queued"),
    Index("runs_by_parent", "parent"),
    Index("runs_by_project", "project"),
)
Index("runs_by_holder", holder_of(runs.c.project), runs.c.created, runs.c.id)
Index(
    "runs_in_trash",
    runs.c.deleted,
    sqlite_where=runs.c.deleted.is_not(None),
    postgresql_where=runs.c.deleted.is_not(None),
)
Index("runs_by_turn", *(runs.c[name] for name in ("status", "owner", "kind", "priority", "queued")))

stints = Table(  # each time that a run waited for a slot and had it; rows outlive their runs
    "stints",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run", String(32), nullable=False),
    Column("owner", String(128), nullable=False),
    Column("lane", String(16), nullable=False),
    Column("recipe", String(32), nullable=False),  # as asked for; a search becomes another one
    Column("metered", Boolean, nullable=False),  # whether its time counts as GPU minutes
    Column("gpus", Integer, nullable=False),
    Column("held", Float, nullable=False),  # seconds that it is expected, or allowed, to take
    Column("known", Boolean, nullable=False),  # whether these are expected from experience
    Column("queued", Float, nullable=False),
    Column("started", Float, nullable=True),
    Column("ended", Float, nullable=True),
    Index("stints_by_lane", "lane", "ended"),
    Index("stints_by_owner", "owner", "ended"),
    Index("stints_by_run", "run"),
)

lanes = Table(
    "lanes",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("slots", Integer, nullable=False),  # as the dispatcher has them
)

quotas = Table(  # what administrators set for one person; everybody else has the defaults
    "quotas",
    metadata,
    Column("owner", String(128), primary_key=True),
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),  # 0: no limit
    Column("set_by", String(128), nullable=False),
    Column("set_at", Float, nullable=False),
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

stores = Table(  # buckets that hold artifacts of this registry, by the sign that lies in each
    "stores",
    metadata,
    Column("place", String(255), primary_key=True),
    Column("sign", String(32), nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("issuer", String(255), nullable=False),  # who vouches for them: a provider, or `here`
    Column("subject", String(255), nullable=False),  # their name there, which never changes
    Column("handle", String(64), nullable=False, unique=True),
    Column("name", String(128), nullable=False),
    Column("email", String(255), nullable=False, server_default=""),
    Column("role", String(16), nullable=False),
    Column("created", Float, nullable=False),
    Column("seen", Float, nullable=False),
    Column("signed_in", Float, nullable=False, server_default="0"),  # the last time, by its claims
    Column("disabled", Boolean, nullable=False, default=False, server_default=false()),
    # sessions that began before it are over: signed out everywhere
    Column("sessions_valid_after", Float, nullable=False, server_default="0"),
    UniqueConstraint("issuer", "subject"),
)

passwords = Table(
    "passwords",
    metadata,
    Column("user", String(32), primary_key=True),
    Column("hash", Text, nullable=False),  # argon2id with its own salt and costs
    Column("changed", Float, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("hash", String(64), primary_key=True),  # SHA-256 of what the cookie holds
    Column("user", String(32), nullable=False),
    Column("started", Float, nullable=False),
    Column("address", String(64), nullable=False, server_default=""),
    Index("sessions_by_user", "user"),
)

invites = Table(
    "invites",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("note", String(255), nullable=False, server_default=""),
    Column("created_by", String(32), nullable=False),
    Column("expires", Float, nullable=False),
    Column("used_by", String(32), nullable=True),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("key", String(320), nullable=False),  # of an account, or of an address
    Column("at", Float, nullable=False),
    Index("attempts_by_key", "key", "at"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner", String(32), nullable=False),
    Column("name", String(128), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("scopes", JSON, nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("used", Float, nullable=True),
    Index("tokens_by_owner", "owner"),
)

grants = Table(
    "grants",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("object", String(260), primary_key=True),
    Column("grantee", String(32), primary_key=True),  # a person's id, or `*` for everybody here
    Column("access", String(16), nullable=False),
    Column("granted_by", String(32), nullable=False),
    Column("created", Float, nullable=False),
    Index("grants_by_grantee", "grantee", "kind"),
)

links = Table(
    "links",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("run", String(32), nullable=False),
    Column("created_by", String(32), nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("opened", Integer, nullable=False, server_default="0"),
    Index("links_by_run", "run"),
)

models = Table(
    "models",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("name", String(128), nullable=False),
    Column("project", String(260), nullable=False),  # owner's id / name, as that of a dataset
    Column("folder", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("deleted", Float, nullable=True),
    UniqueConstraint("owner", "name"),
)

uploads = Table(
    "uploads",
    metadata,
    Column("id", String(32), primary_key=True),  # and the name of its folder in `uploads/`
    Column("owner", String(128), nullable=False),
    Column("name", String(255), nullable=False),  # of its file, safe on any disk
    Column("size", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False, server_default="0"),  # bytes surely on the disk
    Column("sha256", String(64), nullable=False, server_default=""),  # promised, then computed
    Column("created", Float, nullable=False),
    Column("touched", Float, nullable=False),  # when its last bytes came
    Column("finished", Float, nullable=True),
    Index("uploads_by_owner", "owner", "finished"),
)

answers = Table(  # what people said of single items; a label becomes one of the next version
    "answers",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("dataset", String(32), nullable=False),  # the id of a version
    Column("row", Integer, nullable=False),
    Column("given_by", String(128), nullable=False),
    Column("action", String(16), nullable=False),
    Column("label", Text, nullable=False, server_default=""),
    Column("why", String(32), nullable=False, server_default=""),  # by what the item came up
    # whether the person had looked at the model's suggestion before
    Column("aided", Boolean, nullable=False, server_default=false()),
    Column("used", Boolean, nullable=False, server_default=false()),  # it is in this version
    Column("batch", String(16), nullable=False),  # what was given, and is undone, together
    Column("at", Float, nullable=False),
    Index("answers_by_dataset", "dataset", "row"),
    Index("answers_by_person", "given_by", "dataset"),
)

claims = Table(  # who has which item before them, and until when it is kept from others
    "claims",
    metadata,
    Column("dataset", String(32), primary_key=True),
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("owner", String(128), primary_key=True),
    Column("until", Float, nullable=False),
)

label_queues = Table(
    "label_queues",
    metadata,
    Column("dataset", String(32), primary_key=True),
    Column("twice", Integer, nullable=False),  # per cent of the items that two people are asked
)

activity = Table(
    "activity",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("way", String(16), nullable=False),
    Column("address", String(64), nullable=False, server_default=""),
    Column("action", String(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("object", String(260), nullable=False),
    Column("detail", JSON, nullable=False),
    Index("activity_by_time", "at"),
    Index("activity_by_actor", "actor", "at"),
)
