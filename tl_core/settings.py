"""Where things live and how big they may get: read from `TL_*` environment variables, nowhere
else.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit

from tl_core.errors import ConfigError
from tl_core.executor_settings import ExecutorSettings
from tl_core.executor_settings import setting as _setting
from tl_core.store_settings import StoreSettings

_ROOT = Path(__file__).resolve().parent.parent
_LOCAL_HOSTS = ("", "localhost", "127.0.0.1", "::1")
# no setting of people: an executor sets it for runs whose processes are to be on several machines
SPREAD_VARIABLE = "TL_SPREAD"


@dataclass(frozen=True)
class Settings(ExecutorSettings, StoreSettings):
    """The raw settings, as strings; the properties give them their types."""

    home: str = _setting(
        "TL_HOME",
        "",
        "Folder of all state: database, datasets, features, runs. Default: .graft beside app.py.",
    )
    database_url: str = _setting(
        "TL_DATABASE_URL",
        "",
        "SQLAlchemy address of a PostgreSQL server; default: SQLite inside TL_HOME.",
        secret=True,
    )
    workers: str = _setting(
        "TL_WORKERS",
        "",
        "Runs that train at the same time. Default: one per GPU, one without a GPU.",
    )
    models_dir: str = _setting(
        "TL_MODELS_DIR",
        "",
        "Folders with Hugging Face or timm model folders, separated by the path separator.",
    )
    data_dirs: str = _setting(
        "TL_DATA_DIRS",
        "",
        "Folders that the pages may read data from, separated by the path separator.",
    )
    upload_mb: str = _setting("TL_UPLOAD_MB", "1024", "Largest single upload, in MB.")
    max_unpacked_mb: str = _setting(
        "TL_MAX_UNPACKED_MB", "20480", "Most that one dataset source may hold once unpacked, in MB."
    )
    max_items: str = _setting(
        "TL_MAX_ITEMS", "1000000", "Most files or rows that one dataset may hold."
    )
    keep_days: str = _setting(
        "TL_KEEP_DAYS", "30", "Days that unused feature caches and uploads are kept."
    )
    checkpoint_days: str = _setting(
        "TL_CHECKPOINT_DAYS",
        "14",
        "Days that the checkpoints of an ended run are kept; resumed later, it begins anew.",
    )
    staging_days: str = _setting(
        "TL_STAGING_DAYS",
        "1",
        "Days after which what an import left behind is removed, and an upload that nobody went "
        "on with.",
    )
    trash_days: str = _setting(
        "TL_TRASH_DAYS", "30", "Days that deleted datasets and runs can be restored."
    )
    fair_share_hours: str = _setting(
        "TL_FAIR_SHARE_HOURS",
        "24",
        "Hours whose computing time decides whose run is next: who has used least of it.",
    )
    run_minutes: str = _setting(
        "TL_RUN_MINUTES",
        "",
        "Most minutes that one run may take; trainings then keep their best state. "
        "Empty or 0: no limit.",
    )
    idle_minutes: str = _setting(
        "TL_IDLE_MINUTES",
        "",
        "Minutes without any progress after which a run is cancelled. Empty or 0: never.",
    )
    quotas: str = _setting(
        "TL_QUOTAS",
        "",
        "What each person may use, such as running=2,gpu_minutes_day=240; the names are in "
        "docs/guide/server.md. What is not named has no limit; administrators set exceptions.",
    )
    sandbox: str = _setting(
        "TL_SANDBOX",
        "auto",
        "What workers may not do: auto takes the network from runs that need none where the system "
        "permits it, and limits what a run may use; require refuses runs where that cannot be had; "
        "off limits nothing. See docs/SECURITY.md.",
    )
    log_format: str = _setting(
        "TL_LOG",
        "text",
        "Form of the log lines: text, or json for one object a line (time, level, logger, message, "
        "and run, person and exception where there are any).",
    )
    address: str = _setting(
        "TL_ADDRESS",
        "localhost",
        "Address that the page server listens on; elsewhere than localhost, "
        "server folders are closed unless TL_DATA_DIRS and TL_MODELS_DIR open them.",
    )
    dispatcher: str = _setting(
        "TL_DISPATCHER",
        "auto",
        "auto starts a dispatcher in the background when none is running; external leaves that to "
        "a service of its own.",
    )
    webhook: str = _setting(
        "TL_WEBHOOK",
        "",
        "Webhook: address that receives a POST (JSON: run, status, text) when a run has ended.",
        secret=True,
    )
    metrics_token: str = _setting(
        "TL_METRICS_TOKEN",
        "",
        "Bearer token with which a monitor reads /api/metrics; administrators need none.",
        secret=True,
    )
    serve_token: str = _setting(
        "TL_SERVE_TOKEN",
        "",
        "Bearer token for `serve`; empty disables authentication.",
        secret=True,
    )
    served: str = _setting(
        "TL_SERVED",
        "",
        "Folder in which `serve` keeps statistics of what it was asked, and in which pages and "
        "commands look for them. Default: served inside TL_HOME.",
    )
    hub_token: str = _setting(
        "TL_HUB_TOKEN",
        "",
        "Token that bundles are pushed to the Hugging Face Hub with. Without it HF_TOKEN does, but "
        "only on localhost: there it is yours, on a server it would let every visitor write.",
        secret=True,
    )
    trackers: str = _setting(
        "TL_TRACKERS",
        "",
        "Where finished trainings are logged as well: mlflow, tensorboard, or both with a comma.",
    )
    user: str = _setting(
        "TL_USER", "local", "The acting user of the command line and of a single-user server."
    )
    sign_in: str = _setting(
        "TL_SIGN_IN",
        "",
        "How people sign in: oidc (a provider), accounts (names and passwords kept here), header "
        "(a reverse proxy signs them in). Empty: nobody does, which is allowed on localhost alone.",
    )
    open: str = _setting(
        "TL_OPEN",
        "",
        "1 lets a server without sign-in listen elsewhere than on localhost; everybody who reaches "
        "it is then the same person, and every page says so.",
    )
    url: str = _setting(
        "TL_URL",
        "",
        "Address by which browsers reach this server, such as https://graft.example.org; needed "
        "for sign-in.",
    )
    cookie_secret: str = _setting(
        "TL_COOKIE_SECRET",
        "",
        "What cookies are signed with, the same on all replicas; at least 32 characters. Default: "
        "made once and kept in TL_HOME.",
        secret=True,
    )
    session_hours: str = _setting(
        "TL_SESSION_HOURS", "12", "Hours after which people have to sign in again."
    )
    oidc_metadata_url: str = _setting(
        "TL_OIDC_METADATA_URL",
        "",
        "The provider's address that ends in /.well-known/openid-configuration. Several providers: "
        "names in TL_OIDC_PROVIDERS, and TL_OIDC_NAME_METADATA_URL and so on for each.",
    )
    oidc_client_id: str = _setting(
        "TL_OIDC_CLIENT_ID", "", "The name under which the provider knows this server."
    )
    oidc_client_secret: str = _setting(
        "TL_OIDC_CLIENT_SECRET", "", "The secret that the provider gave for it.", secret=True
    )
    oidc_providers: str = _setting(
        "TL_OIDC_PROVIDERS",
        "",
        "Names of several providers, with commas; letters and digits, shown on the sign-in page.",
    )
    groups_claim: str = _setting(
        "TL_GROUPS_CLAIM", "groups", "The claim of the ID token that lists a person's groups."
    )
    group_roles: str = _setting(
        "TL_GROUP_ROLES",
        "",
        "Roles by group at each sign-in, such as it=admin,staff=member,*=viewer; who is in none "
        "stays out. Empty: roles are given on the People page.",
    )
    default_role: str = _setting(
        "TL_DEFAULT_ROLE", "member", "Role of people who are new: viewer, member or admin."
    )
    admins: str = _setting(
        "TL_ADMINS",
        "",
        "Who is an administrator whenever they sign in: verified e-mail addresses or subjects, "
        "with commas.",
    )
    proxies: str = _setting(
        "TL_PROXIES",
        "",
        "Addresses of reverse proxies whose headers are believed, with commas; networks such as "
        "10.0.0.0/8 are allowed. Needed for TL_SIGN_IN=header.",
    )
    user_header: str = _setting(
        "TL_USER_HEADER",
        "X-Forwarded-User",
        "Header in which such a proxy names who has signed in; X-Forwarded-Email and "
        "X-Forwarded-Groups are read beside it.",
    )
    api_per_minute: str = _setting(
        "TL_API_PER_MINUTE",
        "600",
        "Requests a minute that /api/v1 answers for one token, on each replica; more are answered "
        "429. Empty or 0: no limit.",
    )
    server: str = _setting(
        "TL_SERVER",
        "",
        "Address of a server, such as https://graft.example.org, that the command line works with "
        "instead of this machine.",
    )
    token: str = _setting(
        "TL_TOKEN", "", "The token that the command line shows to that server.", secret=True
    )

    @property
    def home_path(self) -> Path:
        return Path(self.home or _ROOT / ".graft").absolute()

    @property
    def served_path(self) -> Path:
        """Where statistics of served models are."""
        return Path(self.served).absolute() if self.served else self.home_path / "served"

    @property
    def database(self) -> str:
        """The SQLAlchemy URL, with the driver that is installed."""
        if not self.database_url:
            return f"sqlite:///{self.home_path / 'graft.db'}"
        for prefix in ("postgres://", "postgresql://"):
            if self.database_url.startswith(prefix):
                return "postgresql+psycopg://" + self.database_url[len(prefix) :]
        return self.database_url

    @property
    def model_folders(self) -> list[Path]:
        """Folders whose subfolders are models: those of TL_MODELS_DIR, and what was uploaded."""
        return [*self.named_model_folders, self.home_path / "models"]

    @property
    def named_model_folders(self) -> list[Path]:
        """Only those of TL_MODELS_DIR."""
        return [Path(part) for part in self.models_dir.split(os.pathsep) if part]

    @property
    def data_folders(self) -> list[Path]:
        """Folders that pages may read; on localhost without a setting, the user's own home."""
        named = [Path(part) for part in self.data_dirs.split(os.pathsep) if part]
        return named or ([Path.home()] if self.is_local else [])

    @property
    def origin(self) -> str:
        """Scheme, host and port of `TL_URL`, as browsers send it; empty without one.

        Raises:
            ConfigError: when it is no address.
        """
        if not self.url:
            return ""
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/"):
            raise ConfigError(
                f"TL_URL is {self.url!r}.",
                "It must be an address without a path.",
                "Set it to the one in the browser, such as https://graft.example.org.",
            )
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def is_local(self) -> bool:
        """Whether this is one person's own computer: only they reach it, and nobody signs in."""
        return self.address in _LOCAL_HOSTS and not self.sign_in

    @property
    def json_log(self) -> bool:
        """Whether log lines are JSON.

        Raises:
            ConfigError: when TL_LOG is neither text nor json.
        """
        if self.log_format not in ("text", "json"):
            raise ConfigError(f"TL_LOG is {self.log_format!r}.", "It is text or json.")
        return self.log_format == "json"

    def listed(self, name: str) -> list[str]:
        """Setting `name` as the parts between its commas."""
        value: str = getattr(self, name)
        return [part.strip() for part in value.split(",") if part.strip()]

    def shown(self, name: str) -> str:
        """What pages may show of setting `name`: its value, but of a secret only that it is set."""
        value: str = getattr(self, name)
        if self.__dataclass_fields__[name].metadata["secret"] and value:
            return "set"
        return value or "default"

    def number(self, name: str) -> int:
        """Setting `name` as a positive whole number.

        Raises:
            ConfigError: when it is anything else.
        """
        raw: str = getattr(self, name)
        env = self.__dataclass_fields__[name].metadata["env"]
        if not raw.isdigit() or int(raw) < 1:
            raise ConfigError(
                f"{env} is {raw!r}.",
                "It must be a whole number above 0.",
                f"Set {env} to a number or unset it.",
            )
        return int(raw)

    def limit(self, name: str) -> int | None:
        """Setting `name` as a positive whole number, None where empty or 0 says that nothing
        limits.

        Raises:
            ConfigError: when it is anything else.
        """
        return None if getattr(self, name) in ("", "0") else self.number(name)


def provider_settings(settings: Settings, name: str) -> dict[str, str]:
    """What is needed to sign in with a provider: `TL_OIDC_...`, or `TL_OIDC_NAME_...` for one of
    several.

    Raises:
        ConfigError: when one of the three is missing.
    """
    wanted = {}
    for key in ("metadata_url", "client_id", "client_secret"):
        env = "TL_OIDC_" + (f"{name.upper()}_" if name else "") + key.upper()
        value = os.environ.get(env, "") if name else getattr(settings, f"oidc_{key}")
        if not value:
            raise ConfigError(
                f"{env} is missing.",
                "Sign-in with a provider needs it.",
                "See docs/guide/server.md.",
            )
        wanted[key] = value
    return {
        "server_metadata_url": wanted["metadata_url"],
        "client_id": wanted["client_id"],
        "client_secret": wanted["client_secret"],
    }


def spread_by() -> str:
    """What spreads the processes of this run over several machines, such as `ray`; else empty."""
    return os.environ.get(SPREAD_VARIABLE, "")


_NAMES = {spec.metadata["env"]: spec.name for spec in fields(Settings)}


def read_settings() -> Settings:
    """The settings of this process, read anew at each call so that tests and workers see
    changes.
    """
    # a page does so some forty times, and asking the environment for each takes three times longer
    return Settings(**{_NAMES[env]: os.environ[env] for env in os.environ if env in _NAMES})
