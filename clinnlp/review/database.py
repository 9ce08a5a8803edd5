"""The store as a database: one SQLite file, or PostgreSQL by its URL.

All that is written goes through `Database.writing`: one writer at a time, over all processes, so
that the chain of judgements has one order. What fails is told without the words of the driver,
which may quote a row.

References
----------
https://www.sqlite.org/wal.html; https://www.postgresql.org/docs/current/explicit-locking.html
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, create_engine, event, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError as BadUrl
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from clinnlp.core.errors import ArgumentError, MissingExtra, RunError, StoreError, instead_of
from clinnlp.core.files import check_writable
from clinnlp.core.modes import file_mode
from clinnlp.review.tables import APPEND_ONLY, SCHEMA_VERSION, meta, metadata

__all__ = [
    "Conflict",
    "Connection",
    "Database",
    "Unreachable",
    "create_database",
    "new_id",
    "open_database",
    "remove_database",
]

_BUSY_S = 30
_LOCK = 0x636C696E  # of PostgreSQL's advisory locks: one writer of a store
# A writer waits for the lock first, and then must see what was written meanwhile: not for it
_ONE_STATE: dict[str, dict[str, Any]] = {"postgresql": {"isolation_level": "REPEATABLE READ"}}
_NOT_OPENED = "must be a file that you may read and write, in a folder that you may write"
_WHY = {  # beginnings of SQLite's names of what failed
    "SQLITE_FULL": "must have room, and its disk is full",
    "SQLITE_READONLY": _NOT_OPENED,
    "SQLITE_CANTOPEN": _NOT_OPENED,
    "SQLITE_PERM": _NOT_OPENED,
    "SQLITE_BUSY": f"must be free within {_BUSY_S} seconds, and another process writes to it",
    "SQLITE_IOERR": "must be read and written, and its disk failed",
}
_BESIDE = ("", "-wal", "-shm")  # files of SQLite
_FIRST = "0" * 64  # what the first judgement names as the hash before it


class Conflict(StoreError):
    """What was to be written rests on a version that is no longer the newest."""


class Unreachable(RunError):
    """A store that is there, or may be, and cannot be read or written now."""


class Database:
    """An open store.

    Parameters
    ----------
    engine : Engine
    place : str
        With which another process opens it; it may hold a password.
    where : str
        What errors call it: a path, or the name of a database without its password.
    folder : Path
        Where what belongs to it may be written beside it, such as models.
    """

    def __init__(self, engine: Engine, place: str, where: str, folder: Path) -> None:
        self._engine, self.place, self.where, self.folder = engine, place, where, folder
        self._writer = threading.Lock()
        self.cache: OrderedDict[Any, Any] = OrderedDict()  # of readings, see `review.judging`

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._engine.dialect.name

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the store.

        Raises
        ------
        RunError
            The database does not answer.
        """
        with self._failures(), self._engine.connect() as plain:
            yield plain.execution_options(**_ONE_STATE.get(self.dialect, {}))

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose changes are all there after the block, or none of them.

        Raises
        ------
        RunError
            They could not be written.
        Conflict
            Another writer was first.
        """
        with self._failures(), self._writer, self._engine.connect() as plain:
            connection = plain.execution_options(writes=True)
            with connection.begin():
                if self.dialect == "postgresql":
                    connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK})
                yield connection

    def close(self) -> None:
        """End all connections."""
        self._engine.dispose()

    def _failures(self) -> AbstractContextManager[None]:
        return instead_of(SQLAlchemyError, self._failure)

    def _failure(self, error: SQLAlchemyError) -> Exception:
        if isinstance(error, IntegrityError):
            return Conflict(f"the store {self.where} has got another row meanwhile; ask again")
        cause = getattr(error, "orig", None) or error
        name = getattr(cause, "sqlite_errorname", "")
        why = next((said for begin, said in _WHY.items() if name.startswith(begin)), None)
        if why is not None:
            return Unreachable(f"the store {self.where} {why}")
        if getattr(error, "connection_invalidated", False) or _is_lost(cause):
            return Unreachable(f"the database {self.where} must answer, and does not")
        kind = type(cause).__name__
        return RunError(f"the store {self.where} must answer, and failed with a {kind}")


def create_database(place: str | Path) -> Database:
    """Return a new, empty store.

    Parameters
    ----------
    place : str or Path
        A file that does not exist, or ``postgresql://user@host/database``.

    Raises
    ------
    ArgumentError
        There is a store already, or the URL is of another database.
    RunError
        It cannot be written.
    """
    if not _is_url(place):
        path = check_writable(Path(place))
        refusal = ArgumentError(f"a new store must be a file that is not there, got {place}")
        with instead_of(FileExistsError, refusal):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, file_mode()))
    database = _opened(place)
    try:
        _make(database)
    except BaseException:
        database.close()
        remove_database(place)
        raise
    return database


def _make(database: Database) -> None:
    with database.writing() as connection:
        metadata.create_all(connection)
        if connection.scalar(select(meta.c.value).where(meta.c.key == "schema")) is not None:
            raise ArgumentError(f"a new store must be empty, got {database.where} with a store")
        for statement in APPEND_ONLY[database.dialect]:
            connection.execute(text(statement))
        rows = [("schema", str(SCHEMA_VERSION)), ("head", f"0:{_FIRST}")]
        connection.execute(meta.insert(), [{"key": key, "value": value} for key, value in rows])


def remove_database(place: str | Path) -> None:
    """Remove the files of a store that nobody has open; a database of a server stays.

    Parameters
    ----------
    place : str or Path
    """
    if not _is_url(place):
        for ending in _BESIDE:
            Path(f"{place}{ending}").unlink(missing_ok=True)


def open_database(place: str | Path) -> Database:
    """Return a store that is there.

    Parameters
    ----------
    place : str or Path
        As for `create_database`.

    Raises
    ------
    StoreError
        There is none, it is damaged, or of another version.
    Unreachable
        It may not be read and written, or does not answer.
    """
    if not _is_url(place) and not Path(place).is_file():
        raise StoreError(
            f"a store must be there, got none at {place}; make one: clinnlp review create"
        )
    database = _opened(place)
    refusal = StoreError(f"a store of clinnlp must be at {database.where}, got something else")

    def told(error: Exception) -> Exception:
        return error if isinstance(error, Unreachable) else refusal

    with instead_of(RunError, told), database.reading() as connection:
        found = connection.scalar(select(meta.c.value).where(meta.c.key == "schema"))
    if found != str(SCHEMA_VERSION):
        raise StoreError(
            f"the store {database.where} must be of version {SCHEMA_VERSION}, got another; use the "
            "release of clinnlp that made it"
        )
    return database


def new_id(made: CursorResult[Any]) -> int:
    """Return the number of the row that a statement has added."""
    key = made.inserted_primary_key
    assert key is not None  # one row was added
    return int(key[0])


def _is_lost(error: BaseException) -> bool:
    """Return whether PostgreSQL could not be reached: it then tells no code of what failed."""
    return type(error).__name__ == "OperationalError" and getattr(error, "sqlstate", "") is None


def _is_url(place: str | Path) -> bool:
    return isinstance(place, str) and "://" in place


def _opened(place: str | Path) -> Database:
    if _is_url(place):
        return _postgres(str(place))
    path = Path(place).absolute()
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        hide_parameters=True,
        connect_args={"timeout": _BUSY_S},
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return Database(engine, str(path), str(place), path.parent / f"{path.name}-models")


def _postgres(place: str) -> Database:
    refusal = ArgumentError("a store must be a file or postgresql://user@host/database")
    with instead_of(BadUrl, refusal):
        url = make_url(place)
    if url.drivername not in ("postgresql", "postgresql+psycopg"):
        raise refusal
    with instead_of(ImportError, MissingExtra("psycopg", extra="postgres")):
        import psycopg  # noqa: F401
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        pool_pre_ping=True,
    )
    name = url.database or ""
    port = f":{url.port}" if url.port else ""
    where = f"postgresql://{url.host or 'localhost'}{port}/{name}"
    return Database(engine, place, where, Path(f"clinnlp-review-{name}-models").absolute())


def _on_connect(raw: Any, _: Any) -> None:
    raw.isolation_level = None  # transactions are begun by `_on_begin`, at once where they write
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL"):
        raw.execute(f"PRAGMA {pragma}")


def _on_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
