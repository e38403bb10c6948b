"""`create_app`: the application with everything in its place."""

from flask_openapi3 import Info, OpenAPI

from coupon_service.core.application import Application
from coupon_service.core.db import make_engine, make_sessions
from coupon_service.core.i18n import init_i18n
from coupon_service.core.jobs import JobRegistry
from coupon_service.core.limits import init_limits
from coupon_service.core.log import configure_logging
from coupon_service.core.personal import Vault
from coupon_service.core.redis import make_hint_redis, make_queue_redis
from coupon_service.core.resources import EXTENSION, Resources
from coupon_service.core.schemas import Problem
from coupon_service.core.settings import Environment, Settings, load_settings
from coupon_service.core.web import init_web, invalid_request
from coupon_service.entrypoints import models
from coupon_service.entrypoints.modules import all_modules
from fraud.gate import FraudGate

SECURITY_SCHEMES = {
    "resident": {"type": "apiKey", "in": "cookie", "name": "coupon_resident"},
    "office": {"type": "apiKey", "in": "cookie", "name": "coupon_office"},
    "merchant": {"type": "apiKey", "in": "cookie", "name": "coupon_merchant"},
    "till": {"type": "http", "scheme": "bearer", "description": "The till's key"},
    "till_signature": {
        "type": "apiKey",
        "in": "header",
        "name": "Signature",
        "description": "HTTP Message Signature (RFC 9421) with a point-of-sale key",
    },
    "ar_provider": {
        "type": "apiKey",
        "in": "header",
        "name": "webhook-signature",
        "description": "Standard Webhooks signature over the raw body",
    },
}


def build_resources(settings: Settings) -> Resources:
    """Open what the settings name. Nothing is contacted before its first use."""
    if settings.database_url is None or settings.redis_url is None:
        raise RuntimeError(
            "COUPON_DATABASE_URL and COUPON_REDIS_URL are set by `coupon-service up`"
        )
    assert models.metadata.tables  # every table is known before the first query
    registry = JobRegistry(job for module in all_modules() for job in module.jobs)
    engine = make_engine(
        settings.database_url, pool_size=settings.db_pool_size, timeout_s=settings.db_timeout_s
    )
    return Resources(
        settings=settings,
        engine=engine,
        sessions=make_sessions(engine, jobs=registry),
        statements=make_sessions(
            engine.execution_options(isolation_level="AUTOCOMMIT"), jobs=registry
        ),
        hints=make_hint_redis(settings.redis_url, timeout_s=settings.redis_timeout_s),
        queue_redis=make_queue_redis(settings.redis_url),
        vault=Vault(settings.secret_key.get_secret_value()),
        jobs=registry,
        invariants=[check for module in all_modules() for check in module.invariants],
        risk=FraudGate(),
    )


def create_app(settings: Settings | None = None) -> OpenAPI:
    """A Flask application over these settings, or those of the environment."""
    settings = settings or load_settings()
    configure_logging(readable=settings.env is not Environment.PRODUCTION)
    held = build_resources(settings)
    app = Application(
        "coupon_service.core",
        info=Info(title="Coupon service", version="1"),
        security_schemes=SECURITY_SCHEMES,
        doc_prefix="/docs",
        doc_url="/openapi.json",
        validation_error_status=400,
        validation_error_model=Problem,
        validation_error_callback=invalid_request,
    )
    app.extensions[EXTENSION] = held
    app.extensions["authenticators"] = {}
    init_web(app, held)
    init_limits(app, held)
    init_i18n(app)
    for module in all_modules():
        for api in module.apis:
            app.register_api(api)
        for pages in module.pages:
            app.register_blueprint(pages)
        app.extensions["authenticators"].update(module.authenticators)
        if module.setup is not None:
            module.setup(app)
    # The description again where programs look for it first.
    app.add_url_rule("/openapi.json", "openapi.root", lambda: app.api_doc)
    return app
