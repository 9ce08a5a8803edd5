"""What the store holds: one table each, the same in SQLite and PostgreSQL.

Texts are kept as JSON strings in ASCII: PostgreSQL takes no NUL and neither takes lone surrogates.
Judgements are only ever added; triggers refuse what would alter or delete one. There are no
migrations: a store says the version of its tables, and another version is refused.
"""

import json
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from clinnlp.review.forms import canonical

__all__ = [
    "APPEND_ONLY",
    "SCHEMA_VERSION",
    "concepts",
    "corrections",
    "failures",
    "judgements",
    "meta",
    "metadata",
    "notes",
    "projects",
    "runs",
    "sessions",
    "suggestions",
    "tasks",
    "users",
    "verdicts",
]

SCHEMA_VERSION = 2


class _Json(TypeDecorator[Any]):
    """A value of JSON in its canonical spelling."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else canonical(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else json.loads(value)


def _key(to: str) -> Any:
    return ForeignKey(to)


metadata = MetaData()

meta = Table(
    "meta", metadata,
    Column("key", String(32), primary_key=True),
    Column("value", Text, nullable=False),
)  # fmt: skip

users = Table(
    "users", metadata,
    Column("id", Integer, primary_key=True),
    Column("name", _Json, nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("may_see_text", Boolean, nullable=False),
    Column("password", String(256), nullable=False),
)  # fmt: skip

sessions = Table(
    "sessions", metadata,
    Column("digest", String(64), primary_key=True),  # of the cookie, which is not kept
    Column("user", Integer, _key("users.id"), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("begun", Float, nullable=False),
    Column("seen", Float, nullable=False),
)  # fmt: skip

failures = Table(
    "failures", metadata,
    Column("who", String(64), primary_key=True),  # SHA-256 of a name or an address
    Column("n", Integer, nullable=False),
    Column("last", Float, nullable=False),
)  # fmt: skip

projects = Table(
    "projects", metadata,
    Column("id", Integer, primary_key=True),
    Column("name", _Json, nullable=False, unique=True),
    Column("settings", _Json, nullable=False),
    Column("model", String(256), nullable=False),  # SHA-256 of what suggests now, or ""
    Column("folder", _Json),  # of the model that suggests now, where one was learned here
)  # fmt: skip

notes = Table(
    "notes", metadata,
    Column("id", Integer, primary_key=True),
    Column("project", Integer, _key("projects.id"), nullable=False),
    Column("name", _Json, nullable=False),
    Column("position", Float, nullable=False),
    Column("sha256", String(64), nullable=False),  # of the text
    Column("record", _Json, nullable=False),
    Column("given", _Json, nullable=False),  # what is suggested to whoever takes it next
    Column("model", String(256), nullable=False),
    UniqueConstraint("project", "name"),
)  # fmt: skip

concepts = Table(
    "concepts", metadata,
    Column("number", Integer, primary_key=True),
    Column("project", Integer, _key("projects.id"), nullable=False),
    Column("id", _Json, nullable=False),
    Column("vocabulary", _Json, nullable=False),
    Column("name", _Json, nullable=False),
    Column("folded", Text, nullable=False),
    Index("concepts_by_id", "project", "id"),
)  # fmt: skip

tasks = Table(
    "tasks", metadata,
    Column("id", Integer, primary_key=True),
    Column("project", Integer, _key("projects.id"), nullable=False),
    Column("note", Integer, _key("notes.id"), nullable=False),
    Column("user", Integer, _key("users.id")),  # of an adjudication whoever takes it
    Column("kind", String(16), nullable=False),  # first, repeat, adjudication
    Column("position", Float, nullable=False),
    Column("state", String(8), nullable=False),  # open, begun, done, left
    Column("held", Float, nullable=False),  # when it was given out, or judged last
    Column("version", Integer, nullable=False),  # how many judgements it has
    Column("given", _Json, nullable=False),
    Column("given_sha256", String(64), nullable=False),
    Column("planted", _Json, nullable=False),  # id of a mention → what it would be, were it right
    Column("model", String(256), nullable=False),
    Column("is_bare", Boolean, nullable=False),  # shown without suggestions, to compare
    Index("tasks_by_note", "note"),
    Index("tasks_by_user", "user", "project"),
    UniqueConstraint("note", "user", "kind"),
    sqlite_autoincrement=True,  # no id comes again
)  # fmt: skip

judgements = Table(
    "judgements", metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("task", Integer, _key("tasks.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("user", Integer, _key("users.id"), nullable=False),
    Column("who", _Json, nullable=False),
    Column("at", String(32), nullable=False),
    Column("note_sha256", String(64), nullable=False),
    Column("given_sha256", String(64), nullable=False),
    Column("model", String(256), nullable=False),
    Column("seconds", Float, nullable=False),
    Column("action", _Json, nullable=False),
    Column("before", _Json),
    Column("after", _Json),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    UniqueConstraint("task", "version"),
)  # fmt: skip

runs = Table(
    "runs", metadata,
    Column("id", Integer, primary_key=True),
    Column("project", Integer, _key("projects.id"), nullable=False),
    Column("state", String(16), nullable=False),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("result", _Json),
    Column("before", _Json),  # model and folder that suggested before it was used
)  # fmt: skip

suggestions = Table(
    "suggestions", metadata,
    Column("run", Integer, _key("runs.id"), primary_key=True),
    Column("note", Integer, _key("notes.id"), primary_key=True),
    Column("new", _Json, nullable=False),
    Column("old", _Json),  # what stood there before it was used
    Column("old_model", String(256)),
    Column("position", Float),  # in the order that the new model asks for
    Column("old_position", Float),
)  # fmt: skip

verdicts = Table(
    "verdicts", metadata,
    Column("id", Integer, primary_key=True),
    Column("project", Integer, _key("projects.id"), nullable=False),
    Column("rule", String(64), nullable=False),
    Column("sides", _Json, nullable=False),  # antecedents, consequents
    Column("item", _Json),  # whose mentions are wrong, where the verdict says so
    Column("version", Integer, nullable=False),
    Column("who", _Json, nullable=False),
    Column("at", String(32), nullable=False),
    Column("verdict", String(32), nullable=False),
    Column("comment", _Json, nullable=False),
    UniqueConstraint("project", "rule", "version"),
)  # fmt: skip

corrections = Table(
    "corrections", metadata,
    Column("id", Integer, primary_key=True),
    Column("project", Integer, _key("projects.id"), nullable=False),
    Column("note", Integer, _key("notes.id"), nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("label", _Json, nullable=False),
    Column("alike", Boolean, nullable=False),  # all mentions with these words and this label
    Column("rule", String(64), nullable=False),
    Column("who", _Json, nullable=False),
    Column("at", String(32), nullable=False),
)  # fmt: skip

_SQLITE = """
CREATE TRIGGER {table}_{word}_no BEFORE {word} ON {table}
BEGIN SELECT RAISE(ABORT, 'rows of {table} are only added'); END
"""
_POSTGRES = """
CREATE TRIGGER {table}_{word}_no BEFORE {word} ON {table}
FOR EACH ROW EXECUTE FUNCTION only_added()
"""
_POSTGRES_FUNCTION = """
CREATE OR REPLACE FUNCTION only_added() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'rows are only added'; END $$
"""


_ADDED = ("judgements", "verdicts", "corrections")


def _triggers(form: str) -> list[str]:
    pairs = ((table, word) for table in _ADDED for word in ("UPDATE", "DELETE"))
    return [form.format(table=table, word=word) for table, word in pairs]


APPEND_ONLY = {  # by dialect, run once after the tables are made
    "sqlite": _triggers(_SQLITE),
    "postgresql": [_POSTGRES_FUNCTION, *_triggers(_POSTGRES)],
}
