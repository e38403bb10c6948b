"""A browser that talks to the application in this very process: no server to start."""

from urllib.parse import urlsplit

from flask_openapi3 import OpenAPI
from playwright.sync_api import BrowserContext, Route

# Trusted like https by browsers, and answered by nobody.
ORIGIN = "http://localhost"


def serve_in_process(context: BrowserContext, app: OpenAPI) -> None:
    """Answer every request of the context's pages by calling the application."""
    client = app.test_client(use_cookies=False)

    def answer(route: Route) -> None:
        request = route.request
        parts = urlsplit(request.url)
        answered = client.open(
            f"{parts.path}?{parts.query}" if parts.query else parts.path,
            method=request.method,
            headers=request.all_headers(),
            data=request.post_data_buffer,
            base_url=ORIGIN,
        )
        route.fulfill(
            status=answered.status_code, headers=dict(answered.headers), body=answered.data
        )

    context.route(f"{ORIGIN}/**", answer)
