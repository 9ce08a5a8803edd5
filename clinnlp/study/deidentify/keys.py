"""A secret key, and draws that depend on nothing but it: HMAC-SHA256 (RFC 2104).

The same key draws the same on every machine; without it nothing can be traced back or repeated. A
key lies in a file of its own that only its user may read, and is written nowhere else.
"""

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

from clinnlp.core.checks import check_file
from clinnlp.core.errors import DataError, RunError, instead_of

__all__ = ["Key", "make_key", "read_key"]

_FORM = re.compile(rb"[0-9a-f]{64}\n?")


class Key:
    """Draws by a secret; its `repr` does not show it.

    Parameters
    ----------
    secret : bytes

    Examples
    --------
    >>> key = Key(b"only for this example")
    >>> key.draw("offset", "p1") == key.draw("offset", "p1") != key.draw("offset", "p2")
    True
    >>> key
    Key()
    """

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def __repr__(self) -> str:
        return "Key()"

    def draw(self, *words: str) -> int:
        """Return a whole number below 2**256 that these words, in this order, always get."""
        return int.from_bytes(self._digest(words), "big")

    def seal(self, *words: str) -> str:
        """Return 32 hex digits by which the same words are known again, and by nobody else."""
        return self._digest(("seal", *words)).hex()[:32]

    def _digest(self, words: tuple[str, ...]) -> bytes:
        # The length goes first: two words are never taken for one
        raw = [word.encode("utf-8", "surrogatepass") for word in words]
        whole = b"".join(len(word).to_bytes(8, "big") + word for word in raw)
        return hmac.digest(self._secret, whole, hashlib.sha256)


def make_key(path: str | Path) -> Key:
    """Make a new key in a file that only its user may read (mode 0600), and return it.

    Parameters
    ----------
    path : path
        A file that is not there yet, apart from all outputs.

    Returns
    -------
    Key

    Raises
    ------
    RunError
        The file is there already, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> key = make_key(f"{folder.name}/key")
    >>> read_key(f"{folder.name}/key").draw("p1") == key.draw("p1")
    True
    >>> folder.cleanup()
    """
    secret = secrets.token_hex(32)
    with instead_of(OSError, lambda error: RunError(f"writing {path} failed: {error.strerror}")):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{secret}\n")
            file.flush()
            os.fsync(file.fileno())
    return Key(bytes.fromhex(secret))


def read_key(path: str | Path) -> Key:
    """Return the key in a file that `make_key` made.

    Parameters
    ----------
    path : path

    Returns
    -------
    Key

    Raises
    ------
    DataError
        No such file, or others may read it, or it holds something else.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> _ = make_key(f"{folder.name}/key")
    >>> read_key(f"{folder.name}/key")
    Key()
    >>> folder.cleanup()
    """
    if not Path(path).exists():
        raise DataError("no such file; say --new-key (new_key=True) to make one", path=path)
    path = check_file(path)
    if path.stat().st_mode & 0o077:
        raise DataError(
            "a key must be readable by its user alone, got a file that others may read; "
            "chmod 600 it, or make a new key where others may have read it",
            path=path,
        )
    raw = path.read_bytes()
    if _FORM.fullmatch(raw) is None:
        raise DataError("a key must be 64 hex digits in one line, got something else", path=path)
    return Key(bytes.fromhex(raw.decode("ascii").strip()))
