"""Structured logs: one JSON object a line in production, readable lines in development."""

import logging
import sys
from typing import Any, cast

import structlog


def configure_logging(*, readable: bool) -> None:
    """Set up structlog and send the standard library's records the same way."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        # The default formatter prints local variables, and those may be personal data.
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
        if readable
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer]
        if not readable
        else [*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")


def get_logger(name: str) -> Any:
    """A logger; keyword arguments become fields. Never log a phone, an ID number or a code."""
    return cast(Any, structlog.get_logger(name))
