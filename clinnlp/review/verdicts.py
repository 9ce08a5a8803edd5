"""What people think of mined rules, and which mentions under them are none; only ever added.

A verdict is of a rule, told by its two sides. *artefact* means that the rule rests on mentions that
are none; where it names an item, every rule with that item does. A correction takes one mention
away, or all with the same words and label, from what is mined and from what is suggested.
"""

from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.verdicts import ARTEFACT, VERDICTS
from clinnlp.core.vocab import fold
from clinnlp.review.chain import head_of
from clinnlp.review.database import Conflict
from clinnlp.review.forms import Json, entity_from, relation_from, sha256_of
from clinnlp.review.people import User
from clinnlp.review.projects import Project, given_of
from clinnlp.review.tables import corrections, notes, projects, verdicts

__all__ = [
    "Corrections",
    "Verdict",
    "add_correction",
    "add_verdict",
    "corrections_of",
    "rule_id",
    "state_of",
    "verdicts_of",
]

Sides = tuple[tuple[str, ...], tuple[str, ...]]


class Verdict(NamedTuple):
    """The newest verdict of a rule."""

    rule: str
    sides: Sides
    verdict: str
    item: str | None
    comment: str
    version: int
    who: str
    at: str


class Corrections(NamedTuple):
    """Mentions that are none: by note, place and label, and by words and label."""

    places: frozenset[tuple[str, int, int, str]]
    words: frozenset[tuple[str, str]]

    def applied(self, note: Note) -> Note:
        """Return a note without the mentions that are none."""
        gone = {entity.id for entity in note.entities if self._holds(note, entity)}
        if not gone:
            return note
        return note.with_(
            entities=tuple(entity for entity in note.entities if entity.id not in gone),
            relations=tuple(
                link
                for link in note.relations
                if not any(gone.intersection(ends) for ends in link.roles.values())
            ),
        )

    def taken_from(self, name: str, text: str, given: Json) -> Json:
        """Return suggestions without the mentions that are none, of a note by name and text."""
        if not (self.places or self.words):
            return given
        note = Note(
            id=name,
            text=text,
            entities=tuple(map(entity_from, given.get("mentions", ()))),
            relations=tuple(map(relation_from, given.get("relations", ()))),
            labels=tuple(given.get("labels", ())),
        )
        return given_of(self.applied(note))

    def _holds(self, note: Note, entity: Entity) -> bool:
        place = (note.id, entity.span.start, entity.span.end, entity.label)
        return place in self.places or (fold(note.mention(entity)), entity.label) in self.words


def rule_id(sides: Sides) -> str:
    """Return what tells a rule from others, whatever the order of its items.

    Examples
    --------
    >>> rule_id((("a", "b"), ("c",))) == rule_id((("b", "a"), ("c",)))
    True
    """
    return sha256_of([sorted(side) for side in sides])[:24]


def add_verdict(
    connection: Connection,
    project: Project,
    user: User,
    sides: Sides,
    verdict: str,
    *,
    version: int,
    comment: str = "",
    item: str | None = None,
) -> int:
    """Add a verdict, and return its version.

    Parameters
    ----------
    connection : Connection
    project : Project
    user : User
    sides : pair of tuple of str
        Antecedents and consequents.
    verdict : str
        One of `clinnlp.core.verdicts.VERDICTS`.
    version : int
        Of the verdict that the person saw; 0 where there was none.
    comment : str
    item : str, optional
        Of an artefact, the item of the rule whose mentions are wrong.

    Raises
    ------
    ArgumentError
        No such verdict, or an item that is none of the rule.
    Conflict
        Another verdict has come meanwhile.
    """
    if verdict not in VERDICTS:
        raise ArgumentError(f"a verdict must be one of {', '.join(VERDICTS)}, got another")
    if item is not None and (verdict != ARTEFACT or item not in (*sides[0], *sides[1])):
        raise ArgumentError("an item at fault must be one of the rule, of an artefact, got another")
    rule = rule_id(sides)
    now = verdicts_of(connection, project).get(rule)
    if version != (0 if now is None else now.version):
        raise Conflict("the rule was judged meanwhile; look again")
    row = {
        "project": project.id,
        "rule": rule,
        "sides": [sorted(side) for side in sides],
        "item": item,
        "version": version + 1,
        "who": user.name,
        "at": _now(),
        "verdict": verdict,
        "comment": comment,
    }
    connection.execute(verdicts.insert().values(**row))
    return version + 1


def verdicts_of(connection: Connection, project: Project) -> dict[str, Verdict]:
    """Return the newest verdict of each rule, by `rule_id`."""
    query = select(verdicts).where(verdicts.c.project == project.id).order_by(verdicts.c.version)
    return {
        row.rule: Verdict(
            row.rule,
            (tuple(row.sides[0]), tuple(row.sides[1])),
            row.verdict,
            row.item,
            row.comment,
            row.version,
            row.who,
            row.at,
        )
        for row in connection.execute(query)
    }


def add_correction(
    connection: Connection,
    project: Project,
    user: User,
    *,
    note: str,
    start: int,
    end: int,
    label: str,
    rule: str,
    alike: bool = False,
) -> None:
    """Add that a mention is none.

    Parameters
    ----------
    connection : Connection
    project : Project
    user : User
    note : str
        Its id.
    start, end : int
    label : str
    rule : str
        Under which it was found.
    alike : bool
        All mentions of the project with the same words and label are none.

    Raises
    ------
    ArgumentError
        No such note.
    """
    mine = select(notes.c.id).where(notes.c.project == project.id, notes.c.name == note)
    number = connection.scalar(mine)
    if number is None:
        raise ArgumentError("a mention must stand in a note of the project, got another note")
    row = {"project": project.id, "note": number, "start": start, "end": end, "label": label}
    row |= {"alike": alike, "rule": rule, "who": user.name, "at": _now()}
    connection.execute(corrections.insert().values(**row))


def corrections_of(connection: Connection, project: Project) -> Corrections:
    """Return the mentions of a project that are none."""
    columns = (corrections.c.start, corrections.c.end, corrections.c.label, corrections.c.alike)
    query = select(notes.c.name, notes.c.record, *columns)
    query = query.join(notes, notes.c.id == corrections.c.note)
    places, words = set(), set()
    for row in connection.execute(query.where(corrections.c.project == project.id)):
        places.add((row.name, row.start, row.end, row.label))
        if row.alike:
            words.add((fold(row.record["text"][row.start : row.end]), row.label))
    return Corrections(frozenset(places), frozenset(words))


def state_of(connection: Connection, project: Project) -> tuple[object, ...]:
    """Return what changes whenever other rules may be mined from a project."""
    mine = select(func.count()).select_from(corrections).where(corrections.c.project == project.id)
    used = select(projects.c.model).where(projects.c.id == project.id)
    return head_of(connection), connection.scalar(mine), connection.scalar(used)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
