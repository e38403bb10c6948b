"""Health, readiness and metrics for whoever operates the service."""

import hmac
from http import HTTPStatus

from flask import Blueprint, Response, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, multiprocess
from redis.exceptions import RedisError
from sqlalchemy import text

from coupon_service.core.auth import Kind, Principal, require
from coupon_service.core.db import transaction
from coupon_service.core.errors import UnavailableError
from coupon_service.core.ids import new_id
from coupon_service.core.resources import resources

bp = Blueprint("ops", __name__)


@bp.get("/healthz")
@require(Kind.ANYONE)
def healthz() -> Response:
    """The process answers. Says nothing about its servers, so a database outage restarts nobody."""
    return jsonify(status="ok")


@bp.get("/readyz")
@require(Kind.ANYONE)
def readyz() -> tuple[Response, HTTPStatus]:
    """Whether requests can be served: the database must answer; Redis may be away, only slower."""
    try:
        with transaction(resources().sessions) as session:
            session.execute(text("SELECT 1"))
        database = "ok"
    except UnavailableError:
        database = "unavailable"
    try:
        resources().hints.ping()
        redis = "ok"
    except RedisError:
        redis = "degraded"
    ready = database == "ok"
    body = jsonify(status="ready" if ready else "unready", database=database, redis=redis)
    return body, HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE


@bp.get("/metrics")
@require(Kind.MONITOR)
def metrics() -> Response:
    """Prometheus text, summed over the processes of this host."""
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def monitor() -> Principal | None:
    """A scraper with the metrics token; in development, anybody on this machine."""
    settings = resources().settings
    if settings.metrics_token is None:
        local = request.remote_addr in ("127.0.0.1", "::1")
        return Principal(Kind.MONITOR, new_id()) if local and settings.is_development else None
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
    expected = settings.metrics_token.get_secret_value().encode()
    return Principal(Kind.MONITOR, new_id()) if hmac.compare_digest(given, expected) else None
