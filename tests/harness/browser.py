"""The real Chromium that page tests drive, where there is one."""

import os
import shutil

import pytest
from playwright.sync_api import Browser, Playwright

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
NEEDS_CHROMIUM = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]


def launch(playwright: Playwright, *arguments: str) -> Browser:
    """A headless browser. Chromium's sandbox does not work for root."""
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    return playwright.chromium.launch(executable_path=CHROMIUM, args=[*sandbox, *arguments])
