"""Settings: the only reader of the environment. The README says the same (a test compares)."""

import os
import re
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pyrage import IdentityError
from pyrage.x25519 import Identity

PLACEHOLDERS = frozenset({"", "secret", "changeme", "change-me", "your-secret-key", "dev", "test"})

AMOUNT = r"^[1-9]\d{0,11}/(second|minute|hour|day)$"
MONGODB_SCHEMES = ("mongodb://", "mongodb+srv://")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}
REDIS_SCHEMES = ("redis://", "rediss://", "unix://", "redis+cluster://", "rediss+cluster://")


class Settings(BaseSettings):
    """The settings of a school. Every field is an environment variable of the same name."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", case_sensitive=False, env_ignore_empty=True)

    port: int = Field(8501, ge=1, le=65535, description="Port of the web server")
    worker_port: int | None = Field(
        None, ge=1, le=65535, description="Port on which a worker answers /metrics and /health/live. Default: none"
    )
    data_dir: Path = Field(Path("data"), description="Folder of the private servers, secrets and logs")
    secrets_dir: Path | None = Field(
        None,
        description="Folder of files named like these variables, whose content is their value (Docker, Kubernetes)",
    )
    mongodb_uri: SecretStr | None = Field(None, description="Use this MongoDB instead of a private one")
    mongodb_database: str = Field("chapter_performance", pattern=r"^[A-Za-z0-9_-]{1,60}$", description="Database name")
    redis_url: SecretStr | None = Field(
        None,
        description="Use this Redis or Valkey instead of a private one: redis://, rediss://, unix://, redis+cluster://",
    )
    environment: Literal["development", "production"] = Field(
        "development", description="production refuses placeholder secrets and the demo school"
    )
    jwt_secret: SecretStr | None = Field(
        None, description="Signs access tokens; at least 32 characters. A private start generates one"
    )
    jwt_keys: SecretStr | None = Field(
        None,
        description="Several keys, to change them: NAME:SECRET or NAME:SECRET:YYYY-MM-DD (last day); the first signs",
    )
    session_student: str = Field("14d/30d", description="A student's session ends unused after / in any case after")
    session_teacher: str = Field("7d/30d", description="The same for teachers; m, h and d are minutes, hours, days")
    session_admin: str = Field("12h/7d", description="The same for administrators")
    require_second_factor: Literal["nobody", "admins", "staff", "everyone"] | None = Field(
        None, description="Who must set up a second factor. Default: admins in production, nobody in development"
    )
    oidc_name: str = Field("", max_length=40, description="Sign-in with the school's OpenID provider: its name, Google")
    oidc_metadata_url: str | None = Field(
        None, description="Address of its metadata, ending in /.well-known/openid-configuration"
    )
    oidc_client_id: str | None = Field(None, description="What the provider calls this app")
    oidc_client_secret: SecretStr | None = Field(None, description="The secret that goes with it")
    oidc_sign_up_domains: str = Field(
        "", description="Mail domains, by commas, whose people become students by signing in there"
    )
    oidc_trusted_domains: str = Field(
        "",
        description="Mail domains of the school's own tenant, where the provider does not say “verified” (Microsoft)",
    )
    public_url: str | None = Field(
        None,
        description="Address that people type, such as https://learn.school.example; https makes cookies Secure",
    )
    certificate_file: Path | None = Field(
        None,
        description="Certificate of PUBLIC_URL (PEM), to watch its end where this machine cannot reach the address",
    )
    allowed_hosts: str = Field(
        "",
        max_length=2000,
        description="Names, by commas, under which this server answers; *.school.example for all below one. "
        "Default: any in development; in production that of PUBLIC_URL and localhost",
    )
    school_name: str = Field("", max_length=80, description="Shown in the sidebar and on the sign-in page")
    time_zone: str = Field("Asia/Kolkata", description="Time zone of people who chose none")
    allow_demo: bool | None = Field(
        None,
        description="Offer the demo school on first visit. Default: yes in development, no in production",
    )
    metrics_token: SecretStr | None = Field(
        None, min_length=16, description="Whoever sends it as Bearer token may read /api/v1/metrics"
    )
    deletion_grace_days: int = Field(
        14, ge=0, le=90, description="Days between asking for the deletion of an account and its fulfilment"
    )
    idle_student_days: int = Field(
        0, ge=0, le=3650, description="Delete students who have not signed in for so many days; 0: never"
    )
    audit_days: int = Field(730, ge=30, le=3650, description="Days that entries of the audit trail are kept")
    rate_limit_anonymous: str = Field(
        "100/hour", pattern=AMOUNT, description="Requests of a program that is not signed in"
    )
    rate_limit_user: str = Field("1000/hour", pattern=AMOUNT, description="Requests of one person's programs")
    rate_limit_premium: str = Field("5000/hour", pattern=AMOUNT, description="The same for people of the premium plan")
    rate_limit_burst: str = Field("20/second", pattern=AMOUNT, description="How many of them may come at once")
    rate_limit_processes: int = Field(
        1, ge=1, le=1000, description="Web processes there are at least: they share the allowances while Redis is away"
    )
    rate_limit_adaptive: bool = Field(True, description="Allow programs less while the machine is loaded, to a quarter")
    trusted_proxies: str = Field(
        "", description="Networks, by commas, whose X-Forwarded-For is believed, such as 10.0.0.0/8"
    )
    drain_seconds: float = Field(
        0.0,
        ge=0,
        le=300,
        description="Seconds between SIGTERM and the stop: requests are answered, but /health/ready says no",
    )
    traces_url: str | None = Field(
        None, description="Collector of OpenTelemetry (OTLP over HTTP) that gets traces, such as http://collector:4318"
    )
    traces_share: float = Field(0.1, ge=0, le=1, description="Share of the traces that are sent, 0 to 1")
    slow_operation_ms: int = Field(
        100, ge=0, le=60_000, description="Commands to MongoDB that take longer are shown on the health page; 0: none"
    )
    backup_url: str | None = Field(
        None, description="Place of the backups: a folder or s3://bucket/prefix. Default: backups in DATA_DIR"
    )
    backup_key: SecretStr | None = Field(
        None,
        min_length=16,
        description="Seals backups by age (its identity, or any secret); "
        "without it nobody reads them again: keep it elsewhere too",
    )
    backup_journal: bool | None = Field(
        None,
        description="Keep every change, to go back to any second. Default: yes where BACKUP_URL is set",
    )
    smtp_url: SecretStr | None = Field(
        None,
        description="Server that takes mail: smtps://user:password@host, or smtp://user:password@host:587?starttls. "
        "Without it no mail is sent",
    )
    mail_from: str = Field(
        "", max_length=300, validate_default=True, description="Sender of mail, such as School <learn@school.example>"
    )
    background_work: bool = Field(
        True, description="Do background work in the web process as well; no: leave it to workers"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least severity that is logged")

    @model_validator(mode="before")
    @classmethod
    def _empty_counts_as_none(cls, given: dict[str, Any]) -> dict[str, Any]:
        """An empty file of SECRETS_DIR, as an empty variable."""
        return {name: value for name, value in given.items() if value != ""}

    @field_validator("secrets_dir")
    @classmethod
    def _is_folder(cls, value: Path | None) -> Path | None:
        if value and not value.is_dir():
            raise ValueError("is no folder")
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (LookupError, ValueError, OSError) as error:  # none, not in the folder of zones, or a folder itself
            raise ValueError(f"{value!r} is not a time zone such as Asia/Kolkata") from error
        return value

    @field_validator("mongodb_uri", "redis_url")
    @classmethod
    def _scheme_is_known(cls, value: SecretStr | None, field: ValidationInfo) -> SecretStr | None:
        schemes = MONGODB_SCHEMES if field.field_name == "mongodb_uri" else REDIS_SCHEMES
        if value and not value.get_secret_value().startswith(schemes):
            raise ValueError(f"does not begin with one of {', '.join(schemes)}")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for each in filter(None, map(str.strip, value.split(","))):
            ip_network(each)  # its own words say what is wrong
        return value

    @field_validator("backup_url")
    @classmethod
    def _is_folder_or_bucket(cls, value: str | None) -> str | None:
        is_address = value and re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", value)  # one letter before it is a drive
        if is_address and not re.match(r"(file:///|s3://[a-z0-9.-]{3,63}(/|$))", str(value)):
            raise ValueError("is neither a folder nor s3://bucket/prefix")
        return value

    @field_validator("backup_key")
    @classmethod
    def _is_whole_identity(cls, value: SecretStr | None) -> SecretStr | None:
        key = value.get_secret_value().upper() if value else ""
        if key.startswith("AGE-SECRET-KEY-"):
            try:
                Identity.from_str(key)
            except IdentityError as error:
                raise ValueError("is no whole age identity: a part of it is missing or changed") from error
        return value

    @field_validator("smtp_url")
    @classmethod
    def _is_mail_server(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not re.fullmatch(r"smtps?://[^\s/?#]+/?(\?starttls=?)?", value.get_secret_value()):
            raise ValueError("is no address such as smtp://user:password@mail.school.example:587?starttls")
        return value

    @field_validator("mail_from")
    @classmethod
    def _sender_is_named(cls, value: str, field: ValidationInfo) -> str:
        if field.data.get("smtp_url") and not re.fullmatch(
            r"[^\r\n<>@]*<[^\s@<>]+@[^\s@<>]+>|[^\s@<>]+@[^\s@<>]+", value
        ):
            raise ValueError("is needed with SMTP_URL: the sender, such as School <learn@school.example>")
        return value

    @field_validator("public_url", "traces_url")
    @classmethod
    def _is_web_address(cls, value: str | None) -> str | None:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("does not begin with http:// or https://")
        if value and not urlsplit(value).hostname:
            raise ValueError("names no host")
        return value

    @field_validator("session_student", "session_teacher", "session_admin")
    @classmethod
    def _is_span_pair(cls, value: str) -> str:
        idle, absolute = _spans(value)
        if not timedelta(minutes=15) <= idle <= absolute:
            raise ValueError("is no pair such as 14d/30d: at least 15m unused, and not more than in any case")
        return value

    @property
    def session_limits(self) -> dict[str, tuple[timedelta, timedelta]]:
        """The session lifetimes of each role: without use, and in any case."""
        return {
            "student": _spans(self.session_student),
            "teacher": _spans(self.session_teacher),
            "admin": _spans(self.session_admin),
        }

    @property
    def second_factor_roles(self) -> frozenset[str]:
        """The roles that must have a second factor."""
        wanted = self.require_second_factor or ("admins" if self.is_production else "nobody")
        return {
            "nobody": frozenset[str](),
            "admins": frozenset({"admin"}),
            "staff": frozenset({"admin", "teacher"}),
            "everyone": frozenset({"admin", "teacher", "student"}),
        }[wanted]

    @property
    def has_oidc(self) -> bool:
        """Whether people may sign in with the school's provider."""
        return bool(self.oidc_metadata_url and self.oidc_client_id and self.oidc_client_secret)

    @property
    def hosts(self) -> frozenset[str] | None:
        """Names under which this server answers, in small letters; None for any."""
        given = frozenset(name.strip().lower() for name in self.allowed_hosts.split(",") if name.strip())
        if given or not self.is_production:
            return given or None
        own = urlsplit(self.public_url or "").hostname
        return frozenset({"localhost", "127.0.0.1", "::1", *([own] if own else [])})

    @property
    def is_production(self) -> bool:
        return self.environment == "production"

    @property
    def backup_place(self) -> str:
        """The address of the backups."""
        return self.backup_url or str(self.data_dir / "backups")

    @property
    def keeps_journal(self) -> bool:
        return self.backup_url is not None if self.backup_journal is None else self.backup_journal

    @property
    def demo_allowed(self) -> bool:
        """Whether demo sign-ins may be made here."""
        return (not self.is_production) if self.allow_demo is None else self.allow_demo

    @property
    def cookie_secure(self) -> bool:
        return bool(self.public_url and self.public_url.startswith("https://"))


def _spans(value: str) -> tuple[timedelta, timedelta]:
    """Two lengths of time, as in 12h/7d. Raises ValueError."""
    found = re.fullmatch(r"(\d{1,4})([mhd])/(\d{1,4})([mhd])", value)
    if not found:
        raise ValueError("is no pair of times such as 14d/30d")
    one, its, other, theirs = found.groups()
    return timedelta(**{UNITS[its]: int(one)}), timedelta(**{UNITS[theirs]: int(other)})


def load() -> Settings:
    """Settings from the environment, then from the files of SECRETS_DIR.

    Raises pydantic's ValidationError, which names each wrong variable.
    """
    folder = os.environ.get("SECRETS_DIR")
    return Settings(_secrets_dir=folder) if folder and Path(folder).is_dir() else Settings()
