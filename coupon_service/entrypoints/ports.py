"""Which port a service on this machine may take."""

import errno
import socket
from ipaddress import ip_address

_NEXT_PORTS_TRIED = 50


def free_port(host: str, wanted: int) -> int:
    """`wanted` if it can be had, else the next that can, else any.

    Raises:
        OSError: the address is not one of this machine's.
    """
    for port in range(wanted, min(wanted + _NEXT_PORTS_TRIED, 65_535) + 1):
        try:
            return _bind(host, port)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
    return _bind(host, 0)


def base_url(host: str, port: int) -> str:
    """Where a browser on this machine finds a service that listens on `host`."""
    address = ip_address(host)
    if address.is_unspecified:
        return f"http://localhost:{port}"
    return f"http://[{host}]:{port}" if address.version == 6 else f"http://{host}:{port}"


def _bind(host: str, port: int) -> int:
    """Take the port and leave it again: the web server sets SO_REUSEPORT and would share it."""
    family = socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # A connection that was closed a minute ago is no reason to move.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        bound: int = probe.getsockname()[1]
        return bound
