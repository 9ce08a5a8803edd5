"""Keys: a file of one a line, each with what it may ask for.

The file belongs to the user of the service (or root) and nobody else may read it. A key is never
kept: what is compared, in a time that does not depend on where they differ, are SHA-256 digests,
and each with all of them.
"""

import hashlib
import hmac
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from clinnlp.core.errors import ArgumentError, DataError, RunError, instead_of

__all__ = ["RIGHTS", "Keys", "read_keys"]

RIGHTS = ("extract", "risk", "signals", "metrics")
_FEWEST = 24  # signs of a key: 144 bits in base64
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What each key may ask for, by the digest of the key.

    Examples
    --------
    >>> keys = Keys(rights={hashlib.sha256(b"s" * 32).digest(): frozenset({"metrics"})})
    >>> keys
    Keys()
    >>> sorted(keys.rights_of(b"Bearer " + b"s" * 32)), keys.rights_of(b"Bearer " + b"t" * 32)
    (['metrics'], None)
    """

    rights: Mapping[bytes, frozenset[str]] = field(repr=False)

    def caller_of(self, header: bytes) -> bytes | None:
        """Return the digest of the key in an Authorization header; None where it is none of ours.

        Digests are compared, and all of them, so that time tells nothing.
        """
        scheme, _, key = header.partition(b" ")
        digest = hashlib.sha256(key.strip()).digest()
        known = None
        for mine in self.rights:
            if hmac.compare_digest(mine, digest):
                known = mine
        return known if scheme.lower() == b"bearer" else None

    def rights_of(self, header: bytes) -> frozenset[str] | None:
        """Return what the key of a header may ask for; None where it is none of ours."""
        caller = self.caller_of(header)
        return None if caller is None else self.rights[caller]


def read_keys(path: str | Path) -> Keys:
    """Return the keys of a file.

    Lines that are empty or begin with ``#`` are passed over. Behind a key may stand what it may ask
    for, of `RIGHTS`; where nothing does, it may ask for everything.

    Raises
    ------
    ArgumentError
        Others may read or write the file, or it belongs to another user.
    DataError
        No key in it, one that is too short, that stands there twice, or with another right.
    RunError
        It cannot be read.
    """
    refusal = RunError(f"{path} must be a file that can be read, and is not")
    with instead_of(OSError, refusal), open(path, "rb") as handle:
        said = os.fstat(handle.fileno())  # of what was opened, whatever the name leads to later
        raw = handle.read(_MOST_BYTES) if stat.S_ISREG(said.st_mode) else b""
    _check_private(said, path)
    rights: dict[bytes, frozenset[str]] = {}
    for number, line in enumerate(raw.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith(b"#"):
            continue
        digest, allowed = _key_of(words, path, number)
        if digest in rights:
            raise DataError("a key must stand in one line, got it again", path=path, line=number)
        rights[digest] = allowed
    if not rights:
        raise DataError("a file of keys must hold one or more, got none", path=path)
    return Keys(rights=rights)


def _check_private(said: os.stat_result, path: str | Path) -> None:
    mode = stat.S_IMODE(said.st_mode)
    if mode & 0o077:
        raise ArgumentError(f"{path} must be of mode 0600, got {mode:04o}; chmod 600 {path}")
    if hasattr(os, "geteuid") and said.st_uid not in (0, os.geteuid()):
        raise ArgumentError(f"{path} must belong to who runs the service, got another user")


def _key_of(words: list[bytes], path: str | Path, number: int) -> tuple[bytes, frozenset[str]]:
    key, *named = words
    if len(key) < _FEWEST or not all(0x21 <= sign <= 0x7E for sign in key):
        raise DataError(
            f"a key must be of {_FEWEST} or more ASCII signs, got another form; make one with "
            "openssl rand -base64 32",
            path=path,
            line=number,
        )
    allowed = frozenset(word.decode("ascii", "replace") for word in named)
    if not allowed <= {*RIGHTS}:  # what stands there may be a key that was broken in two
        said = f"what a key may ask for must be among {', '.join(RIGHTS)}, got another word"
        raise DataError(said, path=path, line=number)
    return hashlib.sha256(key).digest(), allowed or frozenset(RIGHTS)
