"""Connections to addresses that strangers name: public ones only, and never longer than allowed.

Whoever may say where a request goes could otherwise make this service ask its own database, a
neighbour, or the cloud's metadata. The address is judged where the connection is opened, so that
a name cannot mean one address when it is judged and another one when it is used.
"""

import socket
import ssl
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from time import monotonic
from typing import Any

import httpcore

# Addresses of IPv6 that carry one of IPv4 in their last 32 bits (RFC 6052, section 2.1).
_NAT64 = IPv6Network("64:ff9b::/96")


class AddressNotAllowedError(Exception):
    """The name means no address, or one that is not public."""


def is_public(text: str) -> bool:
    """Whether the whole internet could connect to this address, whatever it is wrapped in."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        inner = _inner(address)
        if inner is not None:
            return is_public(str(inner))
    return address.is_global and not address.is_multicast


def is_public_host(host: str) -> bool:
    """Whether a host may be public: not an address that is not, nor a name without a dot."""
    try:
        return is_public(host)
    except ValueError:
        return "." in host.rstrip(".") and not host.endswith((".localhost", ".local", ".internal"))


class PublicNetwork(httpcore.NetworkBackend):
    """Opens connections to public addresses, all of which end `within_s` after this was made.

    Attributes:
        allow_private: development: let addresses pass that are not public.
    """

    def __init__(self, *, within_s: float, allow_private: bool) -> None:
        self._ends = monotonic() + within_s
        self._allow_private = allow_private
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002  # the end is known already
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first address of `host`.

        Raises:
            AddressNotAllowedError: it has none, or any of them is not public.
        """
        address = self._resolve(host, port)
        left_s = _left_s(self._ends, httpcore.ConnectTimeout)
        stream = self._network.connect_tcp(address, port, left_s, local_address, socket_options)
        return _Bounded(stream, self._ends)

    def _resolve(self, host: str, port: int) -> str:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise AddressNotAllowedError from None
        addresses = [str(entry[4][0]) for entry in found]
        # One that is not public among others is an attempt, or a mistake.
        if not self._allow_private and not all(map(is_public, addresses)):
            raise AddressNotAllowedError
        return addresses[0]


class _Bounded(httpcore.NetworkStream):
    """A connection whose every wait ends at the same moment, however slowly it drips."""

    def __init__(self, stream: httpcore.NetworkStream, ends: float) -> None:
        self._stream = stream
        self._ends = ends

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._stream.read(max_bytes, _left_s(self._ends, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._stream.write(buffer, _left_s(self._ends, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        left_s = _left_s(self._ends, httpcore.ConnectTimeout)
        return _Bounded(self._stream.start_tls(ssl_context, server_hostname, left_s), self._ends)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left_s(ends: float, late: type[httpcore.TimeoutException]) -> float:
    left_s = ends - monotonic()
    if left_s <= 0:
        raise late
    return left_s


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The address of IPv4 that one of IPv6 leads to."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
