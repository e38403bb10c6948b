"""A proxy between the service and one of its servers that delays, swallows, or cuts."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.engine import make_url

from coupon_service.core.settings import Settings

_CHUNK_BYTES = 65_536
_POSTGRES_SOCKET = ".s.PGSQL.5432"
# By then PostgreSQL has done what it was asked.
_DONE_AFTER_S = 0.3


class Proxy:
    """Passes bytes between Unix sockets. What it does to them may be changed at any time.

    Attributes:
        delay_s: how long each piece waits on its way to the server.
        swallow: whether the server's answers get lost.
        before_request, after_request: called with each piece on its way to the server, before and
            after it has gone there.
    """

    def __init__(self, listen: Path, server: Path) -> None:
        self.delay_s = 0.0
        self.swallow = False
        self.before_request: Callable[[bytes], object] = lambda _piece: None
        self.after_request: Callable[[bytes], object] = lambda _piece: None
        self._server = server
        self._open: set[socket.socket] = set()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(listen))
        listen.chmod(0o777)
        self._listener.listen(256)
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break every connection there is; new ones may come."""
        for end in list(self._open):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Break everything and take no more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            upstream = socket.socket(socket.AF_UNIX)
            try:
                upstream.connect(str(self._server))
            except OSError:
                client.close()
                continue
            self._open |= {client, upstream}
            threading.Thread(target=self._ask, args=(client, upstream), daemon=True).start()
            threading.Thread(target=self._answer, args=(client, upstream), daemon=True).start()

    def _ask(self, client: socket.socket, upstream: socket.socket) -> None:
        def send(piece: bytes) -> None:
            if self.delay_s:
                time.sleep(self.delay_s)
            self.before_request(piece)
            upstream.sendall(piece)
            self.after_request(piece)

        self._pass_on(client, send)
        self._end(client, upstream)

    def _answer(self, client: socket.socket, upstream: socket.socket) -> None:
        def send(piece: bytes) -> None:
            if not self.swallow:
                client.sendall(piece)

        self._pass_on(upstream, send)
        self._end(client, upstream)

    def _pass_on(self, source: socket.socket, send: Callable[[bytes], None]) -> None:
        with suppress(OSError):
            while piece := source.recv(_CHUNK_BYTES):
                send(piece)

    def _end(self, *ends: socket.socket) -> None:
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class CutAtCommit:
    """Cuts the way to PostgreSQL at a COMMIT: before that arrives, or before its answer.

    It is the first COMMIT after a statement that contains `after`; `was_due` tells whether there
    was one.
    """

    def __init__(self, between: Proxy, *, after: bytes, arrives: bool) -> None:
        self.was_due = False
        self._between = between
        self._after_statement = after
        self._arrives = arrives
        self._writing = False
        between.before_request, between.after_request = self._before, self._after

    def _before(self, piece: bytes) -> None:
        self._writing |= self._after_statement in piece
        if self._writing and b"COMMIT" in piece:
            self.was_due = True
            self._between.swallow = True
            if not self._arrives:
                self._cut()

    def _after(self, _piece: bytes) -> None:
        if self.was_due:
            time.sleep(_DONE_AFTER_S)
            self._cut()

    def _cut(self) -> None:
        self._between.before_request = self._between.after_request = lambda _piece: None
        self._between.cut()
        self._between.swallow = False


@contextmanager
def proxy(listen: Path, server: Path) -> Iterator[Proxy]:
    """A proxy that listens on one socket's path and passes to another's."""
    between = Proxy(listen, server)
    try:
        yield between
    finally:
        between.close()


@contextmanager
def postgres_between(settings: Settings) -> Iterator[tuple[Settings, Proxy]]:
    """Settings under which PostgreSQL is reached through a proxy."""
    url = make_url(settings.database_url or "")
    server = Path(str(url.query["host"])) / _POSTGRES_SOCKET
    with short_folder() as folder, proxy(folder / _POSTGRES_SOCKET, server) as between:
        through = url.update_query_dict({"host": str(folder)})
        yield (
            settings.model_copy(
                update={"database_url": through.render_as_string(hide_password=False)}
            ),
            between,
        )


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder for sockets: their paths must be short, and the servers' account must get in."""
    with TemporaryDirectory(prefix="cut-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)
