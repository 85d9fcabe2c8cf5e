"""Every setting of the service, read once from the environment."""

from __future__ import annotations

from functools import lru_cache

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def with_driver(url: str) -> str:
    """The URL with the driver that is installed: providers write postgres:// or postgresql://."""
    scheme, mark, rest = url.partition("://")
    return f"postgresql+psycopg2{mark}{rest}" if scheme in ("postgres", "postgresql") else url


class Settings(BaseSettings):
    """The settings; each stands in docs/settings.md. No other module reads the environment."""

    # What is wrong is told without its value: it may be a secret, or hold one.
    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    database_url: str = Field(
        "postgresql+psycopg2://service@localhost/connector", description="Postgres, as the role service"
    )
    migration_database_url: str = Field(
        "postgresql+psycopg2://owner@localhost/connector", description="Postgres, as the role owner; for migrations"
    )
    redis_url: str = Field("redis://localhost:6379/0", description="Redis: broker and quota, nothing that must last")
    saleslayer_url: str = Field("https://api.saleslayer.com", description="Host of the Sales Layer connector API")
    bigcommerce_url: str = Field("https://api.bigcommerce.com", description="Host of the BigCommerce API")
    credential_keys: SecretStr = Field(
        SecretStr(""), description="Key ring: id:base64 of 32 bytes, comma-separated, the first one seals"
    )
    slice_seconds: float = Field(600.0, gt=0, description="Longest slice, seconds")
    slice_yield_seconds: float = Field(
        60.0, gt=0, description="After this long a slice yields to a poorer one, seconds"
    )
    lease_seconds: float = Field(25.0, gt=0, description="How long a slice holds its turn without a sign, seconds")
    drain_seconds: float = Field(20.0, gt=0, description="Longest a stopping worker waits for its slices, seconds")
    door_size: int = Field(8, ge=1, description="Most slices dispatched and not yet begun; never more than free slots")
    dispatch_seconds: float = Field(
        150.0, gt=0, description="After this long a dispatched slice is sent again, seconds"
    )
    pacemaker_seconds: float = Field(1.5, gt=0, description="Mean time between two looks of the pacemaker, seconds")
    calls_in_flight: int = Field(48, ge=1, le=48, description="Most calls to a store that one slice has in flight")
    categories_a_call: int = Field(50, ge=10, le=250, description="Most categories with their URL that go in one call")
    assignments_a_call: int = Field(
        500, ge=50, le=1000, description="Most pairs of a product and a storefront that go in one call"
    )
    process_calls_in_flight: int = Field(256, ge=1, description="Most calls to stores that one process has in flight")
    call_timeout_seconds: float = Field(90.0, gt=0, description="Longest a call to the store may take, seconds")
    source_timeout_seconds: float = Field(300.0, gt=0, description="Longest a call to the source may take, seconds")
    database_pool: int = Field(8, ge=1, description="Postgres connections of one process")
    retention_days: int = Field(90, ge=1, description="Runs and their items' history older than this go, days")
    metrics_port: int = Field(0, ge=0, le=65535, description="Port on which a process serves metrics; 0 = none")
    metrics_host: str = Field("127.0.0.1", description="Address on which metrics are served")
    public_url: str = Field("http://127.0.0.1:8000", description="Where people's browsers reach the pages")
    frame_origins: str = Field("", description="Origins that may show the pages in a frame, space-separated")
    link_seconds: float = Field(300.0, gt=0, description="How long a link to the pages can be opened, seconds")
    view_seconds: float = Field(
        28_800.0, gt=0, description="How long the pages stay open for who came by a link, seconds"
    )
    api_calls_per_minute: int = Field(1200, ge=1, description="Most calls to the HTTP API by one key in a minute")
    webhook_private: bool = Field(
        False, description="Whether webhooks may go to http and to private addresses; for tests and trials alone"
    )
    api_streams: int = Field(200, ge=1, description="Most streams of events that one API process holds open")
    log_format: str = Field("console", pattern="^(console|json)$", description="console or json")
    log_level: str = Field(
        "info", pattern="^(debug|info|warning|error|critical)$", description="Lowest level that is logged"
    )

    otel_exporter_otlp_endpoint: str = Field(
        "", description="Base URL of an OpenTelemetry collector (OTLP over HTTP) that gets traces; empty = none"
    )

    @field_validator("database_url", "migration_database_url")
    @classmethod
    def _names_the_driver(cls, url: str) -> str:
        if not with_driver(url).startswith("postgresql"):
            raise ValueError("it is no address of Postgres: postgresql://role:password@host/database is meant")
        return with_driver(url)

    @field_validator("redis_url")
    @classmethod
    def _is_of_redis(cls, url: str) -> str:
        if not url.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("it is no address of Redis: redis://:password@host:6379/0 is meant")
        return url

    @property
    def heartbeat_seconds(self) -> float:
        """The longest between two heartbeats (law 4): a quarter of the lease, 6 s at most."""
        return min(6.0, self.lease_seconds / 4)


def faults(trouble: ValidationError) -> list[str]:
    """What is wrong with which setting, without its value."""
    return [f"{str(one['loc'][0]).upper()}: {one['msg'].removeprefix('Value error, ')}" for one in trouble.errors()]


@lru_cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings()
