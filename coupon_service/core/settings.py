"""Settings: frozen, from `COUPON_*` variables. Everything wrong is listed at once."""

from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

# Public on purpose: a development service needs no preparation, and production refuses it.
DEVELOPMENT_SECRET = "development-only-secret-never-use-in-production"


class Environment(StrEnum):
    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


class SettingsError(Exception):
    """The environment does not make valid settings; the message has one line per fault."""


class Settings(BaseSettings):
    """What a deployment may choose. Each field is read from `COUPON_<FIELD>`."""

    model_config = SettingsConfigDict(
        env_prefix="COUPON_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    env: Environment = Environment.DEVELOPMENT
    state_dir: Path = Path(".coupon")

    # Unset: `coupon-service up` starts a PostgreSQL and a Valkey of its own in the state directory.
    database_url: str | None = None
    redis_url: str | None = None

    secret_key: SecretStr = SecretStr(DEVELOPMENT_SECRET)
    metrics_token: SecretStr | None = None
    public_url: str | None = None

    # `log`, or the address of a gateway that sends text messages. Production wants the latter.
    sms_sender: str = "log"
    sms_token: SecretStr | None = None

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    web_workers: int = Field(default=2, ge=1, le=64)
    # More threads than this mostly wait for the interpreter's lock; see docs/performance.md.
    web_threads: int = Field(default=4, ge=1, le=256)
    # How many reverse proxies in front may be believed about the client's address.
    trusted_proxies: int = Field(default=0, ge=0, le=4)

    db_pool_size: int = Field(default=16, ge=1, le=256)
    db_timeout_s: float = Field(default=5.0, gt=0, le=60)
    redis_timeout_s: float = Field(default=0.1, gt=0, le=5)

    body_limit_bytes: int = Field(default=64 * 1024, ge=1024, le=16 * 1024 * 1024)
    # How long a client may take to send a request's body.
    body_within_s: float = Field(default=10.0, gt=0, le=120)
    session_days: int = Field(default=30, ge=1, le=365)
    sign_in_code_ttl_s: int = Field(default=300, ge=30, le=900)
    # A level-1 token is refreshed by the page long before this runs out.
    token_ttl_s: int = Field(default=300, ge=30, le=86_400)
    # Claims that may go past a cold gate at once, per process.
    cold_claims_max: int = Field(default=4, ge=1, le=64)
    rate_limits_enabled: bool = True

    @field_validator("host")
    @classmethod
    def _host_is_an_address(cls, value: str) -> str:
        return str(ip_address(value))

    @field_validator("sms_sender")
    @classmethod
    def _sms_sender_is_log_or_an_address(cls, value: str) -> str:
        if value in ("", "log"):
            return "log"
        if not value.startswith(("https://", "http://")):
            raise ValueError("must be `log` or the address of a text message gateway")
        return value

    @model_validator(mode="after")
    def _production_has_its_own_secrets(self) -> Self:
        if self.env is not Environment.PRODUCTION:
            return self
        faults = []
        secret = self.secret_key.get_secret_value()
        if secret == DEVELOPMENT_SECRET or len(secret) < 32:
            faults.append("COUPON_SECRET_KEY must be a secret of at least 32 characters")
        if self.metrics_token is None:
            faults.append("COUPON_METRICS_TOKEN must be set")
        if self.public_url is None or not self.public_url.startswith("https://"):
            faults.append("COUPON_PUBLIC_URL must be the https address residents see")
        if not self.sms_sender.startswith("https://"):
            faults.append("COUPON_SMS_SENDER must be the https address of the text message gateway")
        if self.database_url is None:
            faults.append("COUPON_DATABASE_URL must name the production PostgreSQL")
        if self.redis_url is None:
            faults.append("COUPON_REDIS_URL must name the production Redis or Valkey")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def is_development(self) -> bool:
        return self.env is not Environment.PRODUCTION


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment, `overrides` winning.

    Raises:
        SettingsError: one line per fault, naming the variable and never its value.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # pydantic validates the values
    except ValidationError as error:
        lines = []
        for fault in error.errors(include_input=False, include_url=False):
            name = "COUPON_" + "_".join(str(part) for part in fault["loc"]).upper()
            text = fault["msg"].removeprefix("Value error, ")
            lines += [f"{name}: {text}"] if fault["loc"] else text.split("; ")
        raise SettingsError("\n".join(lines)) from None
