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
    # Signing in with a WeChat public account: all four, or it is off. The first two are addresses.
    wechat_authorize: str | None = None
    wechat_api: str | None = None
    wechat_app_id: str | None = None
    wechat_app_secret: SecretStr | None = None
    # How notices leave, by each way: `log`, which is none in production, or a gateway's address.
    notice_sms: str = "log"
    notice_wechat: str = "log"
    notice_token: SecretStr | None = None

    # Development: webhooks may go to http, and to addresses that are not public.
    webhooks_private: bool = False

    # Scenes whose AR provider the service plays itself. Unset: in development only, because whoever
    # opens one from home and claims to be there is believed.
    ar_scene: bool | None = None

    # Where rounds of the drand beacon are fetched from, for lotteries that announce one.
    drand_url: str = "https://api.drand.sh"

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    web_workers: int = Field(default=2, ge=1, le=64)
    # Claims that wait at the same time share one transaction; see docs/performance.md.
    web_threads: int = Field(default=32, ge=1, le=256)
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
    # One with a phone's key in it only works together with that phone's proof, in flight mode too.
    bound_token_ttl_s: int = Field(default=86_400, ge=300, le=604_800)
    # How far a phone's clock may be off beyond a proof's own thirty seconds.
    proof_skew_s: int = Field(default=5, ge=0, le=60)
    # How long a phone that takes another's place waits before it may show vouchers.
    phone_rebind_cooldown_s: int = Field(default=600, ge=0, le=86_400)
    phone_binds_per_day: int = Field(default=5, ge=1, le=100)
    # From this face on a voucher wants the till's challenge: see docs/qr.md.
    challenge_from_fen: int = Field(default=20_000, ge=1)
    # Paper vouchers of one season, and of one official in it.
    paper_per_season_max: int = Field(default=20_000, ge=0)
    paper_per_official_max: int = Field(default=2_000, ge=0)
    # How many people a waiting room lets in per second: no more than claims are answered in one.
    waiting_room_per_s: int = Field(default=200, ge=1, le=10_000)
    # Claims that may go past a cold gate at once, per process.
    cold_claims_max: int = Field(default=4, ge=1, le=64)
    # Seats of one release that may go to one browser, and to one address (of IPv6, one /64). A
    # family shares a phone; a carrier puts a whole neighbourhood behind one address.
    claims_per_device_max: int = Field(default=10, ge=1)
    claims_per_network_max: int = Field(default=2_000, ge=1)
    # Scans per minute of all tills of a merchant, and of all tills behind one address: those of a
    # chain, or of a point-of-sale company that asks for its shops.
    scans_per_merchant_max: int = Field(default=3_000, ge=1)
    scans_per_network_max: int = Field(default=6_000, ge=1)
    # What one till may accept without a network before it has to bring it in: vouchers, fen, hours;
    # from which face on a voucher needs the network; and how long afterwards it may still come in.
    offline_vouchers_max: int = Field(default=20, ge=1, le=20)
    offline_fen_max: int = Field(default=100_000, ge=1, le=100_000)
    offline_lease_h: int = Field(default=24, ge=1, le=24)
    offline_face_max_fen: int = Field(default=5_000, ge=1, le=100_000)
    offline_grace_h: int = Field(default=72, ge=0, le=720)
    # What one official may do at the counter on one day: residents served, and coupons claimed.
    counter_visits_per_day: int = Field(default=200, ge=1)
    counter_claims_per_day: int = Field(default=400, ge=1)
    rate_limits_enabled: bool = True

    @field_validator("host")
    @classmethod
    def _host_is_an_address(cls, value: str) -> str:
        return str(ip_address(value))

    @field_validator("sms_sender", "notice_sms", "notice_wechat")
    @classmethod
    def _sender_is_log_or_an_address(cls, value: str) -> str:
        if value in ("", "log"):
            return "log"
        if not value.startswith(("https://", "http://")):
            raise ValueError("must be `log` or the address of a gateway")
        return value

    @model_validator(mode="after")
    def _wechat_is_whole_or_off(self) -> Self:
        parts = (
            self.wechat_authorize,
            self.wechat_api,
            self.wechat_app_id,
            self.wechat_app_secret,
        )
        if any(parts) and not all(parts):
            raise ValueError("COUPON_WECHAT_AUTHORIZE, _API, _APP_ID and _APP_SECRET go together")
        return self

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
        faults += [
            f"COUPON_{way.upper()} must be an https address"
            for way in ("notice_sms", "notice_wechat")
            if getattr(self, way).startswith("http://")
        ]
        if self.webhooks_private:
            faults.append("COUPON_WEBHOOKS_PRIVATE must be off")
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

    @property
    def has_scenes(self) -> bool:
        """Whether residents can open AR scenes of the service's own."""
        return self.is_development if self.ar_scene is None else self.ar_scene


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
