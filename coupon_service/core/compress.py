"""Static text travels compressed. Pages do not: they mix secrets with what a stranger chose."""

import gzip
from functools import lru_cache

from flask import Response, request

_TEXT = frozenset({"text/css", "text/javascript", "image/svg+xml", "application/json"})
# Bigger files belong to a proxy in front; below this, headers outweigh the gain.
_BYTES_MAX = 2_000_000
_BYTES_MIN = 300
_CACHED_FILES = 64


def compressed(response: Response) -> Response:
    """The answer of a static route, compressed if it is text and the browser takes gzip."""
    if response.status_code != 200:
        return response
    size = response.content_length or 0
    if response.mimetype not in _TEXT or not _BYTES_MIN <= size <= _BYTES_MAX:
        return response
    response.vary.add("Accept-Encoding")
    if request.method != "GET" or not request.accept_encodings["gzip"]:
        return response
    etag, _ = response.get_etag()
    response.direct_passthrough = False
    response.set_data(_gzipped(request.path, etag, response.get_data()))
    response.content_encoding = "gzip"
    if etag:
        response.set_etag(etag, weak=True)  # the same file, byte for byte only after decoding
    return response


@lru_cache(_CACHED_FILES)
def _gzipped(_path: str, _etag: str | None, clear: bytes) -> bytes:
    return gzip.compress(clear, 9, mtime=0)
