"""Every refusal of the service, for programs and their authors."""

from collections.abc import Iterator

from coupon_service.core.errors import ProblemError


def catalogue() -> list[type[ProblemError]]:
    """One class per slug, by slug; every package must have been imported."""
    by_slug: dict[str, type[ProblemError]] = {}
    for error in _family(ProblemError):
        by_slug.setdefault(error.slug, error)
    return [by_slug[slug] for slug in sorted(by_slug)]


def as_markdown() -> str:
    """The catalogue as `docs/errors.md` has it."""
    rows = [
        f"| `{error.slug}` | {int(error.status)} | {error.title} | {error.sentence} |"
        for error in catalogue()
    ]
    return "\n".join(
        [
            "# Errors",
            "",
            "Every refusal of the API is `application/problem+json` (RFC 9457).",
            "Programs decide by `slug`; `detail` is a plain sentence in the caller's language.",
            "Written by `coupon-service errors`.",
            "",
            "| slug | status | title | sentence |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _family(error: type[ProblemError]) -> Iterator[type[ProblemError]]:
    yield error
    for child in error.__subclasses__():
        yield from _family(child)
