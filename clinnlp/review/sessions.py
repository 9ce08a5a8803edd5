"""Who is logged in: a cookie whose SHA-256 is kept, and a word that each change must bring.

A login always begins a new session and ends the one that the browser had, so that nobody can be
made to use a session that another person knows. Before a password is looked at, names and
addresses that failed often must wait, twice as long each time; who never failed does not.

References
----------
OWASP Session Management and Authentication Cheat Sheets.
"""

import hashlib
import secrets
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Select, delete, select

from clinnlp.core.errors import ClinnlpError
from clinnlp.review.database import Database
from clinnlp.review.people import User, verified
from clinnlp.review.tables import failures, sessions, users

__all__ = ["Session", "TooOften", "log_in", "log_out", "session_of"]

_IDLE_S = 8 * 3600.0
_LONGEST_S = 24 * 3600.0
_SEEN_S = 60.0  # how exactly it is kept when a session was last used
_FREE = (5, 50)  # failures of a name, of an address, before it waits; a proxy is one address
_MOST_WAIT_S = 900.0
_FORGOTTEN_S = 24 * 3600.0


class Session(NamedTuple):
    """A person who is logged in, the word that changes must bring, the digest of the cookie."""

    user: User
    csrf: str
    digest: str


class TooOften(ClinnlpError):
    """A name or an address failed too often, and must wait for `seconds`."""

    def __init__(self, message: str, *, seconds: float = 0.0) -> None:
        super().__init__(message)
        self.seconds = seconds


def log_in(
    database: Database,
    name: str,
    password: str,
    *,
    address: str = "",
    before: str | None = None,
    now: Callable[[], float] = time.time,
) -> str | None:
    """Return the cookie of a new session; None where name or password are wrong.

    Parameters
    ----------
    database : Database
    name, password : str
    address : str
        Where the request comes from.
    before : str, optional
        The cookie that the browser had; its session ends.
    now : callable
        The clock.

    Raises
    ------
    TooOften
        The name or the address must wait.
    """
    keys = [_digest(f"name {name}"), _digest(f"address {address}")]
    with database.writing() as connection:  # counted first, so that many at once are too many
        _check_wait(connection, keys, now())
        _count_failure(connection, keys, now())
        row = connection.execute(
            select(users.c.id, users.c.password).where(users.c.name == name)
        ).first()
    if not verified(None if row is None else row.password, password) or row is None:
        return None
    cookie = secrets.token_urlsafe(32)
    with database.writing() as connection:
        _forget_failures(connection, keys)
        ended = [sessions.c.seen < now() - _IDLE_S, sessions.c.digest == _digest(before or "")]
        for which in ended:
            connection.execute(delete(sessions).where(which))
        values = {"user": row.id, "csrf": secrets.token_urlsafe(32), "begun": now(), "seen": now()}
        connection.execute(sessions.insert().values(digest=_digest(cookie), **values))
    return cookie


def log_out(database: Database, digest: str) -> None:
    """End a session, by the digest of its cookie."""
    with database.writing() as connection:
        connection.execute(delete(sessions).where(sessions.c.digest == digest))


def session_of(
    database: Database, cookie: str | None, *, now: Callable[[], float] = time.time
) -> Session | None:
    """Return the session of a cookie; None where there is none, or it has ended.

    Parameters
    ----------
    database : Database
    cookie : str, optional
    now : callable
        The clock.
    """
    if not cookie:
        return None
    query = select(sessions.c.csrf, sessions.c.begun, sessions.c.seen, *_USER)
    query = query.join(users, users.c.id == sessions.c.user)
    with database.reading() as connection:
        row = connection.execute(query.where(sessions.c.digest == _digest(cookie))).first()
    if row is None or now() > min(row.begun + _LONGEST_S, row.seen + _IDLE_S):
        return None
    if now() > row.seen + _SEEN_S:
        with database.writing() as connection:
            mine = sessions.update().where(sessions.c.digest == _digest(cookie))
            connection.execute(mine.values(seen=now()))
    return Session(User(*row[3:]), row.csrf, _digest(cookie))


_USER = (users.c.id, users.c.name, users.c.role, users.c.may_see_text)


def _digest(word: str) -> str:
    return hashlib.sha256(word.encode("utf-8", "surrogatepass")).hexdigest()


def _check_wait(connection: Connection, keys: Sequence[str], now: float) -> None:
    free = dict(zip(keys, _FREE, strict=True))
    for row in connection.execute(select(failures).where(failures.c.who.in_(keys))):
        n = row.n - free[row.who]
        wait = min(2.0 ** min(n, 30), _MOST_WAIT_S) if n >= 0 else 0.0
        if now < row.last + wait:
            raise TooOften(
                "too many logins failed; wait before the next one", seconds=row.last + wait - now
            )


def _count_failure(connection: Connection, keys: Sequence[str], now: float) -> None:
    connection.execute(delete(failures).where(failures.c.last < now - _FORGOTTEN_S))
    there = {row.who: row.n for row in connection.execute(_known(keys))}
    for key in keys:
        if key in there:
            mine = failures.update().where(failures.c.who == key)
            connection.execute(mine.values(n=min(there[key] + 1, 1000), last=now))
        else:
            connection.execute(failures.insert().values(who=key, n=1, last=now))


def _forget_failures(connection: Connection, keys: Sequence[str]) -> None:
    """Forget those of the name; of the address only this try, which counted as a failure."""
    name, address = keys
    connection.execute(delete(failures).where(failures.c.who == name))
    for row in connection.execute(_known([address])).all():
        mine = failures.update().where(failures.c.who == address)
        connection.execute(mine.values(n=max(row.n - 1, 0)))


def _known(keys: Sequence[str]) -> Select[tuple[str, int]]:
    return select(failures.c.who, failures.c.n).where(failures.c.who.in_(keys))
