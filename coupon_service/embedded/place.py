"""Where a server's programs, data and sockets go, and which account it runs as.

PostgreSQL refuses to run as root, so root hands its servers to `nobody`. That account may not be
able to enter the checkout (a home is often 0700), and opening parent folders is not ours to do:
then the data goes to /var/lib, the programs are copied to /var/cache, and a link is left behind.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from coupon_service.embedded.children import Account
from coupon_service.embedded.errors import EmbeddedServerError

_ROOT_DATA = Path("/var/lib/coupon-service")
_ROOT_PROGRAMS = Path("/var/cache/coupon-service")
# sun_path holds 108 bytes on Linux with its closing NUL, 104 on macOS and the BSDs.
_SOCKET_PATH_BYTES_MAX = 103


def account_for(wanted: Path) -> Account | None:
    """The account to run the server of `wanted` as; None for our own.

    Root takes the owner of data that an ordinary user made before, else `nobody`.

    Raises:
        EmbeddedServerError: the data belongs to somebody else.
    """
    data = wanted / "data"
    owner = data.stat().st_uid if data.exists() else None
    if os.geteuid() == 0:
        try:
            entry = pwd.getpwuid(owner) if owner else pwd.getpwnam("nobody")
        except KeyError as error:
            raise EmbeddedServerError(f"No account to run a server as: {error}") from None
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    if owner not in (None, os.geteuid()):
        raise EmbeddedServerError(
            f"{data} was made by another user (uid {owner}). "
            "Run as that user or as root, or let them run `make reset`."
        )
    return None


def data_home(wanted: Path, account: Account | None) -> Path:
    """The directory that really holds what belongs at `wanted`."""
    wanted = wanted.absolute()
    if account is None or _can_enter(_nearest_existing(wanted.parent), account):
        return wanted
    temporary = Path(tempfile.gettempdir())
    # What was meant to be temporary stays so.
    base = temporary if wanted.is_relative_to(temporary) else _ROOT_DATA
    return base / f"coupon-{wanted.name}-{_digest(wanted)}"


def make_home(wanted: Path, account: Account | None) -> Path:
    """Make the data directory, closed to other users, and return where it really is.

    It holds `data` and `run`, which belong to the account. The directory itself stays ours, so
    that what is written next to them is not written where another account could plant a link.
    """
    home = data_home(wanted, account)
    home.mkdir(parents=True, exist_ok=True)
    if home != wanted.absolute():
        _let_others_through(_ROOT_DATA)
        if home.is_symlink() or home.stat().st_uid != os.geteuid():
            raise EmbeddedServerError(f"{home} belongs to somebody else; remove it first")
        if not wanted.is_symlink():
            wanted.parent.mkdir(parents=True, exist_ok=True)
            wanted.symlink_to(home)
    home.chmod(0o700 if account is None else 0o755)
    return home


def private_dir(path: Path, account: Account | None) -> Path:
    """A directory that only the account (and root) can enter.

    Raises:
        EmbeddedServerError: something else is there, or it belongs to somebody else.
    """
    uid = account.uid if account else os.geteuid()
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if account and found.st_uid == 0 and stat.S_ISDIR(found.st_mode):
        os.chown(path, account.uid, account.gid)
        found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid:
        raise EmbeddedServerError(f"{path} is not a directory of uid {uid}; remove it first")
    path.chmod(0o700)
    return path


def socket_dir(home: Path, account: Account | None, *, socket_name: str) -> Path:
    """A private directory for a socket: the same one each time, and of a path short enough."""
    run = home / "run"
    if len(os.fsencode(run / socket_name)) > _SOCKET_PATH_BYTES_MAX:
        run = _short_run(home, account)
    return private_dir(run, account)


def forget(wanted: Path) -> None:
    """Remove a server's data and its sockets, wherever they are."""
    account = account_for(wanted)
    home = data_home(wanted, account)
    for path in (_short_run(home, account), home, wanted):
        if path.is_symlink():
            path.unlink()
        elif path.exists():
            shutil.rmtree(path)


def _short_run(home: Path, account: Account | None) -> Path:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    # Not the configured temporary folder: that may be long too. `private_dir` refuses a folder
    # that another user planted there.
    base = Path(runtime) if runtime and account is None else Path("/tmp")  # noqa: S108
    uid = account.uid if account else os.geteuid()
    return base / f"coupon-{uid}-{_digest(home)}"


def programs(
    distribution: str, package: str, inside: Iterable[str], account: Account | None
) -> Path:
    """The directory of an installed package whose programs the account can run.

    `inside` names the parts of the package that are needed if it has to be copied.

    Raises:
        EmbeddedServerError: the package is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError(f"{distribution} is not installed: run `make env`")
    source = Path(next(iter(spec.submodule_search_locations)))
    if account is None or all(_can_read(source / part, account) for part in inside):
        return source
    installed = importlib.metadata.distribution(distribution)
    build = hashlib.sha256((installed.read_text("WHEEL") or "").encode()).hexdigest()[:12]
    copy = _ROOT_PROGRAMS / f"{distribution}-{installed.version}-{build}"
    if not copy.exists():
        _copy_programs(source, inside, copy)
    return copy / package


def _copy_programs(source: Path, inside: Iterable[str], copy: Path) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True)
    _let_others_through(_ROOT_PROGRAMS)
    # Made aside and renamed, so that two starts at once cannot see half a copy.
    aside = Path(tempfile.mkdtemp(dir=copy.parent, prefix=".copying-"))
    for part in inside:
        shutil.copytree(source / part, aside / source.name / part, symlinks=True)
    # The loader looks for bundled libraries in a folder beside the package.
    libraries = source.with_name(f"{source.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, aside / libraries.name, symlinks=True)
    for path in (aside, *aside.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if executable else 0o644)
    try:
        aside.rename(copy)
    except OSError:
        shutil.rmtree(aside)
        if not copy.exists():
            raise


def _let_others_through(ours: Path) -> None:
    # A strict umask has closed what we have just made.
    if ours.exists():
        ours.chmod(0o755)


def _can_enter(folder: Path, account: Account) -> bool:
    """Whether the account may pass through a folder and every folder above it."""
    folder = folder.resolve()
    return all(_allows(part, account, stat.S_IXUSR) for part in (folder, *folder.parents))


def _can_read(folder: Path, account: Account) -> bool:
    return _can_enter(folder, account) and _allows(folder, account, stat.S_IRUSR)


def _allows(path: Path, account: Account, right: int) -> bool:
    """Whether the mode grants `right`, given as the owner's bit; access lists are not asked."""
    found = path.stat()
    if found.st_uid == account.uid:
        return bool(found.st_mode & right)
    if found.st_gid == account.gid:
        return bool(found.st_mode & right >> 3)
    return bool(found.st_mode & right >> 6)


def _nearest_existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
