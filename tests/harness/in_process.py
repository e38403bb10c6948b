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
            # The browser does not follow a redirect that a script's request was given here.
            follow_redirects=request.resource_type == "fetch",
        )
        headers, body, status = dict(answered.headers), answered.data, answered.status_code
        where = headers.get("Location")
        if where is not None and request.is_navigation_request():
            # Nobody is asked about what a redirect leads to, so the page goes there by itself.
            del headers["Location"]
            status, body = 200, f'<meta http-equiv="refresh" content="0;url={where}">'.encode()
            headers |= {"Content-Type": "text/html", "Content-Length": str(len(body))}
        route.fulfill(status=status, headers=headers, body=body)

    context.route(f"{ORIGIN}/**", answer)
