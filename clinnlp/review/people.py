"""Who may judge: names, roles, passwords.

=============== ==============================================================================
role            may
=============== ==============================================================================
``annotator``   judge the notes that are his
``adjudicator`` also decide where two read differently, and see how far people agree
``owner``       also teach the model, exchange it, and judge what was mined
=============== ==============================================================================

Who may not see text may see numbers alone. Passwords are kept as argon2id makes them.

References
----------
RFC 9106 (Argon2); NIST SP 800-63B (length before rules of composition).
"""

import secrets
import unicodedata
from functools import cache
from typing import NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, delete, select

from clinnlp.core.errors import ArgumentError
from clinnlp.review.database import new_id
from clinnlp.review.tables import sessions, users

__all__ = [
    "ROLES",
    "User",
    "add_user",
    "find_user",
    "person_id",
    "remove_sessions",
    "set_password",
    "verified",
]

ROLES = ("annotator", "adjudicator", "owner")  # each may what those before it may
_FEWEST, _MOST = 10, 1000  # signs of a password
_NAME = 64  # signs of a name


class User(NamedTuple):
    """A person."""

    id: int
    name: str
    role: str
    may_see_text: bool

    def is_at_least(self, role: str) -> bool:
        """Return whether the person may what a role may."""
        return ROLES.index(self.role) >= ROLES.index(role)


def add_user(
    connection: Connection,
    name: str,
    password: str,
    *,
    role: str = "annotator",
    may_see_text: bool = True,
) -> User:
    """Return a new person.

    Parameters
    ----------
    connection : Connection
    name : str
        Of up to 64 signs that can be seen.
    password : str
        Of ten or more.
    role : {"annotator", "adjudicator", "owner"}
    may_see_text : bool
        Where not, the person sees numbers alone.

    Raises
    ------
    ArgumentError
        The name is taken or has another form, no such role, or the password is too short.
    """
    if role not in ROLES:
        raise ArgumentError(f"a role must be one of {', '.join(ROLES)}, got {role!r}")
    if not 0 < len(name) <= _NAME or not name.isprintable() or name != name.strip():
        raise ArgumentError(f"a name must be of 1 to {_NAME} signs that can be seen, got another")
    if find_user(connection, name) is not None:
        raise ArgumentError("a name must be of one person, got one that is taken")
    row = {"name": name, "role": role, "may_see_text": may_see_text, "password": _hashed(password)}
    made = connection.execute(users.insert().values(**row))
    return User(new_id(made), name, role, may_see_text)


def set_password(connection: Connection, name: str, password: str) -> None:
    """Give a person another password, and end all his sessions.

    Raises
    ------
    ArgumentError
        No such person, or the password is too short.
    """
    user = find_user(connection, name)
    if user is None:
        raise ArgumentError("a person must be of the store, got an unknown name")
    change = users.update().where(users.c.id == user.id)
    connection.execute(change.values(password=_hashed(password)))
    remove_sessions(connection, user)


def person_id(connection: Connection, name: str) -> int:
    """Return the number of the person of a name.

    Raises
    ------
    ArgumentError
        There is no such person.
    """
    found = connection.scalar(select(users.c.id).where(users.c.name == name))
    if found is None:
        raise ArgumentError("a person must be one of the store, got another")
    return int(found)


def remove_sessions(connection: Connection, user: User) -> None:
    """End all sessions of a person."""
    connection.execute(delete(sessions).where(sessions.c.user == user.id))


def find_user(connection: Connection, name: str) -> User | None:
    """Return the person of a name, or None."""
    query = select(users.c.id, users.c.name, users.c.role, users.c.may_see_text)
    row = connection.execute(query.where(users.c.name == name)).first()
    return None if row is None else User(*row)


def verified(kept: str | None, password: str) -> bool:
    """Return whether a password is the one whose hash is kept; as slow where there is none."""
    try:
        return _hasher().verify(kept or _nobody(), _normal(password)) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def _hashed(password: str) -> str:
    if not _FEWEST <= len(password) <= _MOST:
        raise ArgumentError(f"a password must be of {_FEWEST} or more signs, got fewer")
    return str(_hasher().hash(_normal(password)))


def _normal(password: str) -> str:
    """Return a password in one form, however a keyboard composes its letters."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "replace").decode()


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()  # argon2id, with the parameters of RFC 9106 for little memory


@cache
def _nobody() -> str:
    """Return a hash that no password has, for names that nobody has."""
    return str(_hasher().hash(secrets.token_hex(16)))
