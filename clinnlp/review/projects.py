"""Projects: notes to judge in an order, what may be said of them, and how they are given out."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from clinnlp.core.errors import ArgumentError, StoreError
from clinnlp.core.notes import AXES, Note
from clinnlp.review.database import Database, new_id
from clinnlp.review.forms import (
    Json,
    entity_from,
    entity_to,
    note_from,
    note_to,
    relation_from,
    relation_to,
    text_sha256,
)
from clinnlp.review.readings import Words
from clinnlp.review.tables import concepts, notes, projects, tasks

__all__ = [
    "Project",
    "ProjectRules",
    "add_concepts",
    "add_notes",
    "add_project",
    "all_projects",
    "concept_ids",
    "find_concepts",
    "find_project",
    "given_of",
    "names_of",
    "progress",
    "project_named",
    "suggested_notes",
]

_MOST_FOUND = 20
_BLOCK = 500  # rows written at once


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRules:
    """What may be said of the notes of a project, and how they are given out.

    Parameters
    ----------
    labels : tuple of str
    axes : tuple of str
        Of assertion, that may be toggled.
    relation_labels, note_labels : tuple of str
    relation_roles : mapping of str to tuple of str
        By label of a relation, the roles of its ends, where they are known.
    guideline : str
        Markdown, shown beside the note.
    n_annotators : int
        Of each note, 1 or 2, who do not see each other.
    repeat_share : float
        Share of the notes that a person gets a second time, 0 to 1.
    wrong_share : float
        Share of the suggestions that are wrong on purpose, 0 to 1.
    bare_share : float
        Share of the notes that are shown without suggestions, 0 to 1.
    uncertain_first : bool
        Whether a model that is learned and used also orders the notes that nobody has.
    hold_days : float
        Days after which a note that a person holds without a step goes to another who has nothing
        left; 0 for never.
    seed : int
        Of these draws.
    """

    labels: tuple[str, ...]
    axes: tuple[str, ...] = AXES
    relation_labels: tuple[str, ...] = ()
    note_labels: tuple[str, ...] = ()
    relation_roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    guideline: str = ""
    n_annotators: int = 1
    repeat_share: float = 0.05
    wrong_share: float = 0.02
    bare_share: float = 0.0
    uncertain_first: bool = False
    hold_days: float = 14.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.n_annotators not in (1, 2):
            raise ArgumentError(f"annotators of a note must be 1 or 2, got {self.n_annotators}")
        for name in ("repeat_share", "wrong_share", "bare_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ArgumentError(f"{name} must be from 0 to 1, got {getattr(self, name)}")
        if not self.hold_days >= 0:
            raise ArgumentError(f"hold_days must be at least 0, got {self.hold_days}")
        if not set(self.axes) <= set(AXES):
            raise ArgumentError(f"axes must be among {', '.join(AXES)}, got another")

    @property
    def words(self) -> Words:
        """What may be said."""
        return Words(self.labels, self.axes, self.relation_labels, self.note_labels)


class Project(NamedTuple):
    """A project, the SHA-256 of the model that suggests in it, and where that lies."""

    id: int
    name: str
    rules: ProjectRules
    model: str
    folder: str | None


def add_project(
    connection: Connection, name: str, rules: ProjectRules, *, model: str = ""
) -> Project:
    """Return a new project without notes.

    Parameters
    ----------
    connection : Connection
    name : str
    rules : ProjectRules
    model : str
        The SHA-256 of what made the suggestions.

    Raises
    ------
    ArgumentError
        The name is empty or taken.
    """
    if not name.strip():
        raise ArgumentError("a project must have a name, got none")
    if connection.scalar(select(projects.c.id).where(projects.c.name == name)) is not None:
        raise ArgumentError(f"a project must have a name of its own, got {name!r}, which is taken")
    row = {"name": name, "settings": asdict(rules), "model": model}
    made = connection.execute(projects.insert().values(**row))
    return Project(new_id(made), name, rules, model, None)


def all_projects(connection: Connection) -> list[Project]:
    """Return the projects in the order in which they were made."""
    return [_project(row) for row in connection.execute(select(projects).order_by(projects.c.id))]


def find_project(connection: Connection, id: int) -> Project | None:
    """Return the project of a number, or None."""
    row = connection.execute(select(projects).where(projects.c.id == id)).first()
    return None if row is None else _project(row)


def project_named(connection: Connection, name: str | None) -> Project:
    """Return the project of a name; without one, the only project that there is.

    Raises
    ------
    StoreError
        No such project, or several where none is named.
    """
    there = all_projects(connection)
    if not there:
        raise StoreError("a store must hold a project, got none; make one: clinnlp review create")
    found = [project for project in there if name in (None, project.name)]
    if len(found) != 1:
        raise StoreError(
            f"a project must be one of {', '.join(project.name for project in there)}, "
            f"got {'none named' if name is None else repr(name)}"
        )
    return found[0]


def add_notes(
    connection: Connection, project: Project, given: Iterable[Note], *, model: str | None = None
) -> int:
    """Add notes behind those of a project, in their order, and return how many there are then.

    Parameters
    ----------
    connection : Connection
    project : Project
    given : iterable of Note
        Their mentions, relations and labels are the suggestions.
    model : str, optional
        The SHA-256 of what made them; by default the project's.

    Raises
    ------
    Conflict
        An id is there already.
    """
    mine = select(func.count()).select_from(notes).where(notes.c.project == project.id)
    n = connection.scalar(mine) or 0
    rows: list[Json] = []
    for note in given:
        rows.append(_row(note, project, n, project.model if model is None else model))
        n += 1
        if len(rows) == _BLOCK:
            connection.execute(notes.insert(), rows)
            rows = []
    if rows:
        connection.execute(notes.insert(), rows)
    return n


def given_of(note: Note) -> Json:
    """Return the mentions, relations and labels of a note as suggestions."""
    return {
        "mentions": [entity_to(entity) for entity in note.entities],
        "relations": [relation_to(relation) for relation in note.relations],
        "labels": list(note.labels),
    }


def add_concepts(
    connection: Connection, project: Project, rows: Iterable[tuple[str, str, str]]
) -> None:
    """Add concepts to choose from: id, vocabulary, name."""
    made = [
        {"project": project.id, "id": code, "vocabulary": of, "name": name, "folded": _folded(name)}
        for code, of, name in rows
    ]
    for k in range(0, len(made), _BLOCK):
        connection.execute(concepts.insert(), made[k : k + _BLOCK])


def find_concepts(connection: Connection, project: int, words: str) -> list[Json]:
    """Return concepts whose names hold words, those that begin with them first, the short first."""
    wanted = _folded(words)
    if not wanted:
        return []
    there = concepts.c.folded
    query = (
        select(concepts.c.id, concepts.c.vocabulary, concepts.c.name)
        .where(concepts.c.project == project, there.contains(wanted, autoescape=True))
        .order_by(~there.startswith(wanted, autoescape=True), func.length(there), there)
    )
    found: dict[str, Json] = {}
    for row in connection.execute(query.limit(_MOST_FOUND)).mappings():
        found.setdefault(row["id"], dict(row))
    return list(found.values())


def names_of(connection: Connection, project: int, ids: Iterable[str]) -> Mapping[str, Json]:
    """Return vocabulary and name of concepts, by id; what is unknown is left out."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    query = select(concepts.c.id, concepts.c.vocabulary, concepts.c.name)
    mine = query.where(concepts.c.project == project, concepts.c.id.in_(wanted))
    found: dict[str, Json] = {}
    for row in connection.execute(mine.order_by(concepts.c.number)).mappings():
        found.setdefault(row["id"], dict(row))
    return found


def progress(connection: Connection, project: Project) -> tuple[int, int]:
    """Return how many notes a project has, and how many are judged by as many as it asks for."""
    mine = select(func.count()).select_from(notes).where(notes.c.project == project.id)
    done = (
        select(tasks.c.note)
        .where(tasks.c.project == project.id, tasks.c.kind == "first", tasks.c.state == "done")
        .group_by(tasks.c.note)
        .having(func.count() >= project.rules.n_annotators)
    )
    n_done = connection.scalar(select(func.count()).select_from(done.subquery()))
    return connection.scalar(mine) or 0, n_done or 0


def suggested_notes(database: Database, project: Project) -> list[Note]:
    """Return the notes of a project with what is suggested in them now."""
    query = select(notes.c.record, notes.c.given).where(notes.c.project == project.id)
    with database.reading() as connection:
        rows = connection.execute(query.order_by(notes.c.position, notes.c.id)).all()
    return [
        note_from(
            record,
            entities=map(entity_from, given.get("mentions", ())),
            relations=map(relation_from, given.get("relations", ())),
            labels=given.get("labels", ()),
        )
        for record, given in rows
    ]


def concept_ids(database: Database, project: Project) -> dict[str, str]:
    """Return the concept that each name of the project's concepts stands for; case is folded."""
    query = select(concepts.c.folded, concepts.c.id).where(concepts.c.project == project.id)
    with database.reading() as connection:
        found: dict[str, str] = {}
        for name, code in connection.execute(query.order_by(concepts.c.number)):
            found.setdefault(name, code)
    return found


def _project(row: Any) -> Project:
    said: Json = {k: tuple(v) if isinstance(v, list) else v for k, v in row.settings.items()}
    return Project(row.id, row.name, ProjectRules(**said), row.model, row.folder)


def _row(note: Note, project: Project, position: int, model: str) -> Json:
    return {
        "project": project.id,
        "name": note.id,
        "position": float(position),
        "sha256": text_sha256(note.text),
        "record": note_to(note),
        "given": given_of(note),
        "model": model,
    }


def _folded(name: str) -> str:
    """Return a name as it is searched for; what PostgreSQL does not take becomes a blank."""
    kept = "".join(" " if sign == "\0" or "\ud800" <= sign <= "\udfff" else sign for sign in name)
    return " ".join(kept.casefold().split())
