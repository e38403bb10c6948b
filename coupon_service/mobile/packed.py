"""Pages that travel compressed.

Compression gives away what a page says to whoever can put words of their own into it and watch its
length (BREACH, 2013). These pages repeat nothing of the request, so there is nothing to put in.
"""

import gzip

from flask import Response, request

# Higher levels cost more of a busy morning than the bytes they save.
_LEVEL = 5


def takes_gzip() -> bool:
    """Whether the browser of this request unpacks gzip."""
    return request.accept_encodings["gzip"] > 0


def pack(html: str) -> bytes:
    """The page as it travels."""
    return gzip.compress(html.encode(), _LEVEL, mtime=0)


def packed_page(html: str | bytes) -> Response:
    """Answer with a page: its text, or what `pack` made of it."""
    if isinstance(html, str) and takes_gzip():
        html = pack(html)
    response = Response(html, mimetype="text/html")
    response.vary.add("Accept-Encoding")
    if isinstance(html, bytes):
        response.content_encoding = "gzip"
    return response
