from pathlib import Path

from coupon_service.core.error_catalogue import as_markdown, catalogue
from coupon_service.entrypoints.modules import all_modules

ERRORS = Path(__file__).parents[2] / "docs" / "errors.md"


def test_the_errors_document_is_what_the_code_says() -> None:
    all_modules()
    assert ERRORS.read_text() == as_markdown(), "run: coupon-service errors > docs/errors.md"


def test_every_slug_belongs_to_one_status() -> None:
    all_modules()
    slugs = [error.slug for error in catalogue()]
    assert len(slugs) == len(set(slugs))
    assert all(400 <= error.status < 600 for error in catalogue())
