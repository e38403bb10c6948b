"""One visitor of the service over HTTP: a browser with its cookies, a till, or a program."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx

_TIMEOUT_S = 30.0
_TEXT_SHOWN = 200


class SurpriseError(Exception):
    """Something came back that should not have; the message is for whoever runs the walk."""


@dataclass(frozen=True)
class Reply:
    """What came back, as expected. `json` is empty where the body is not a JSON object."""

    status: int
    json: Mapping[str, Any]
    body: bytes
    headers: Mapping[str, str]


class Visitor:
    """Speaks to one service. Every answer is either the expected one or a surprise."""

    def __init__(self, url: str) -> None:
        # Nothing of the environment: a proxy must not stand between the walk and the service.
        self.client = httpx.Client(
            base_url=url, timeout=_TIMEOUT_S, trust_env=False, verify=_trusted()
        )

    def prove(self, key: str) -> None:
        """Send this key with every request from now on, as tills do."""
        self.client.headers["Authorization"] = f"Bearer {key}"

    @property
    def cookie_header(self) -> str:
        """What this browser sends as `Cookie`."""
        return "; ".join(f"{name}={value}" for name, value in self.client.cookies.items())

    def get(self, path: str, **query: str) -> Reply:
        """GET, answered with 200."""
        return self._ask("GET", path, {200}, params=query)

    def post(
        self,
        path: str,
        json: Mapping[str, Any] | None = None,
        *,
        csv: bytes | None = None,
        expect: int | frozenset[int] = 201,
    ) -> Reply:
        """POST, answered with the expected status."""
        wanted = {expect} if isinstance(expect, int) else set(expect)
        if csv is not None:
            return self._ask(
                "POST", path, wanted, content=csv, headers={"Content-Type": "text/csv"}
            )
        return self._ask("POST", path, wanted, json=json)

    def put(self, path: str, *, expect: int = 200) -> Reply:
        """PUT without a body, answered with the expected status."""
        return self._ask("PUT", path, {expect})

    def refused(self, path: str, json: Mapping[str, Any], *, slug: str) -> Reply:
        """POST, refused as problem+json with that slug.

        Raises:
            SurpriseError: it was accepted, or refused for another reason.
        """
        reply = self._send("POST", path, json=json)
        found = reply.json.get("slug")
        if found != slug:
            raise SurpriseError(
                f"POST {path} should be refused as {slug}; the answer was {_told(reply)}"
            )
        return reply

    def _ask(self, method: str, path: str, expected: set[int], **rest: Any) -> Reply:
        reply = self._send(method, path, **rest)
        if reply.status not in expected:
            wanted = " or ".join(map(str, sorted(expected)))
            raise SurpriseError(f"{method} {path} answered {_told(reply)}; expected {wanted}")
        return reply

    def _send(self, method: str, path: str, **rest: Any) -> Reply:
        try:
            response = self.client.request(method, path, **rest)
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise SurpriseError(
                f"{method} {path} got no answer from {self.client.base_url}: {reason}"
            ) from None
        json = {}
        if "json" in response.headers.get("content-type", ""):
            json = response.json()
        return Reply(response.status_code, json, response.content, response.headers)


@cache
def _trusted() -> ssl.SSLContext:
    """One for all visitors: reading the system's authorities takes longer than a whole sign-in."""
    return ssl.create_default_context()


def _told(reply: Reply) -> str:
    slug = reply.json.get("slug")
    if slug is None:
        return f"{reply.status} {reply.body[:_TEXT_SHOWN].decode(errors='replace')}".strip()
    more = {key: value for key, value in reply.json.items() if key not in _USUAL}
    return f"{reply.status} {slug} {more or ''}".strip()


_USUAL = frozenset({"type", "title", "status", "slug", "detail", "request_id"})
