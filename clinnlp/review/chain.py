"""The chain of judgements: each names the hash of the one before it.

    hash = SHA-256(canonical JSON of all that a judgement says, its number and the hash before it)

An altered, deleted, inserted or swapped judgement breaks the chain there; the head, which the store
keeps beside it, tells of judgements cut off at the end. Whoever can rewrite the whole file can
also make a new chain: note the head elsewhere (``clinnlp review check``), and give it to the next
check.

References
----------
Haber and Stornetta, How to time-stamp a digital document, J Cryptology 1991.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from clinnlp.review.database import Database
from clinnlp.review.forms import Row, sha256_of, text_sha256
from clinnlp.review.readings import Reading, applied, begun
from clinnlp.review.tables import judgements, meta, notes, tasks

__all__ = ["Audit", "Fault", "audit", "hash_of", "head_of", "set_head"]

_SAID = (
    *("seq", "task", "version", "user", "who", "at", "note_sha256", "given_sha256", "model"),
    *("seconds", "action", "before", "after", "previous"),
)
_BLOCK = 1000


class Fault(NamedTuple):
    """What is wrong, and at which judgement (0: none of them)."""

    seq: int
    what: str


class Audit(NamedTuple):
    """What a check found: how many judgements, the head, the faults."""

    n_judgements: int
    head: str
    faults: list[Fault]


def hash_of(row: Row) -> str:
    """Return the hash of a judgement, of all its columns but the hash."""
    return sha256_of([row[name] for name in _SAID])


def head_of(connection: Connection) -> tuple[int, str]:
    """Return the number and the hash of the last judgement."""
    value = connection.scalar(select(meta.c.value).where(meta.c.key == "head")) or "0:"
    seq, _, digest = value.partition(":")
    return int(seq), digest


def set_head(connection: Connection, seq: int, digest: str) -> None:
    """Write the number and the hash of the last judgement."""
    head = meta.update().where(meta.c.key == "head")
    connection.execute(head.values(value=f"{seq}:{digest}"))


def audit(database: Database, *, head: str | None = None) -> Audit:
    """Return what is wrong with a store, judgement by judgement.

    Parameters
    ----------
    database : Database
    head : str, optional
        A head that an earlier check told, which must be in the chain.
    """
    with database.reading() as connection:
        seq, digest = head_of(connection)
        chained = list(_chained(connection, seq, digest, head))
        faults = [*chained, *_texts(connection), *_replayed(connection)]
    return Audit(seq, f"{seq}:{digest}", sorted(set(faults)))


def _chained(connection: Connection, n: int, digest: str, head: str | None) -> Iterator[Fault]:
    before, expected, known = "0" * 64, 1, head is None or head.startswith("0:")
    query = select(judgements).order_by(judgements.c.seq)
    for row in connection.execute(query, execution_options={"yield_per": _BLOCK}).mappings():
        if row["seq"] != expected:
            yield Fault(row["seq"], f"judgement {expected} is missing")
        if row["previous"] != before:
            yield Fault(row["seq"], "it does not follow the one before it")
        if row["hash"] != hash_of(row):
            yield Fault(row["seq"], "it was altered")
        before, expected = row["hash"], row["seq"] + 1
        known = known or head == f"{row['seq']}:{row['hash']}"
    if (expected - 1, before) != (n, digest):
        yield Fault(0, f"the last judgement is {expected - 1}, and the head says {n}")
    if not known:
        yield Fault(0, "the head that was given is not in the chain")


def _texts(connection: Connection) -> Iterator[Fault]:
    query = select(notes.c.id, notes.c.sha256, notes.c.record)
    for number, digest, record in connection.execute(query):
        if text_sha256(record["text"]) != digest:
            yield Fault(0, f"the text of note number {number} was altered")


def _replayed(connection: Connection) -> Iterator[Fault]:
    """Yield what does not come again when each task is judged again from its start."""
    query = select(tasks, notes.c.record, notes.c.sha256.label("text_sha256"))
    for task in connection.execute(query.join(notes, notes.c.id == tasks.c.note)).mappings():
        if sha256_of(task["given"]) != task["given_sha256"]:
            yield Fault(0, f"the suggestions of task {task['id']} were altered")
        mine = select(judgements).where(judgements.c.task == task["id"])
        rows = connection.execute(mine.order_by(judgements.c.version)).mappings().all()
        if len(rows) != task["version"]:
            yield Fault(0, f"task {task['id']} must have {task['version']} judgements")
        yield from _steps(begun(task["given"], len(task["record"]["text"])), task, rows)


def _steps(reading: Reading, task: Row, rows: Any) -> Iterator[Fault]:
    for version, row in enumerate(rows, 1):
        hashes = (row["note_sha256"], row["given_sha256"])
        if hashes != (task["text_sha256"], task["given_sha256"]):
            yield Fault(row["seq"], "it is of another text or of other suggestions")
        try:
            step = applied(reading, row["action"])
        except (KeyError, TypeError, ValueError):
            yield Fault(row["seq"], "it cannot be replayed")
            return
        if (step.before, step.after, version) != (row["before"], row["after"], row["version"]):
            yield Fault(row["seq"], "replayed, it gives something else")
        reading = step.reading
