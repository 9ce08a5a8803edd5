"""A note as one person sees it, and what each action makes of it.

A `Reading` is a value; `applied` returns another one, with what stood there before and after. So
the log of actions gives the same reading whenever it is replayed. An action is JSON:

=================== ==========================================================================
``do``              what it does
=================== ==========================================================================
``accept``          ``mention`` is right as it stands
``reject``          ``mention`` is wrong: a suggestion stays as rejected, an added one goes
``undo_judgement``  ``mention`` is as it was suggested, not judged; an added one goes
``add``             a mention ``id`` at ``start``, ``end`` (or ``parts``) with ``label`` and, on
                    wish, ``axes``, ``attributes``, ``concepts``
``change``          any of these of ``mention``
``relate``          a relation ``id`` with ``label`` and ``roles``; the same id replaces it
``unrelate``        ``relation`` goes
``note_labels``     ``labels`` of the whole note
``comment``         ``text``
``done``            all suggestions are judged, and the note is done
``reopen``          it is not
=================== ==========================================================================
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import AXES, Assertion, Entity, Relation
from clinnlp.core.spans import Span
from clinnlp.review.forms import Json, entity_from, entity_to, relation_from, relation_to

__all__ = ["ACTIONS", "Mention", "Reading", "Step", "Words", "applied", "begun", "check_action"]

_KEPT = ("accepted", "added", "changed")
_OPEN_WHEN_DONE = ("reopen", "comment")


class Words(NamedTuple):
    """What may be said of the notes of a project."""

    labels: tuple[str, ...]
    axes: tuple[str, ...] = AXES
    relation_labels: tuple[str, ...] = ()
    note_labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A mention with what was judged of it.

    Parameters
    ----------
    entity : Entity
        As it stands now.
    judged : str or None
        ``accepted``, ``rejected``, ``added``, ``changed``; None where nobody judged it.
    given : Entity or None
        As it was suggested; None where a person added it.
    """

    entity: Entity
    judged: str | None
    given: Entity | None

    @property
    def is_kept(self) -> bool:
        """Whether it stands in what was judged."""
        return self.judged in _KEPT


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one person made of one note, so far.

    Parameters
    ----------
    n_chars : int
        Of the text.
    mentions : mapping of str to Mention
    relations : mapping of str to Relation
    labels : tuple of str
    comment : str
    is_done : bool
    """

    n_chars: int
    mentions: Mapping[str, Mention]
    relations: Mapping[str, Relation]
    labels: tuple[str, ...] = ()
    comment: str = ""
    is_done: bool = False

    @property
    def n_open(self) -> int:
        """Suggestions that are not judged."""
        return sum(mention.judged is None for mention in self.mentions.values())

    def entities(self) -> tuple[Entity, ...]:
        """Return what is kept, in the order of the text, without score and source."""
        kept = (m.entity for m in self.mentions.values() if m.is_kept)
        plain = [replace(entity, score=None, source=None) for entity in kept]
        return tuple(sorted(plain, key=lambda e: (e.span.start, e.span.end, e.label, e.id)))

    def links(self) -> tuple[Relation, ...]:
        """Return the relations whose mentions are all kept."""
        gone = {name for name, mention in self.mentions.items() if not mention.is_kept}
        links = (replace(link, score=None, source=None) for link in self.relations.values())
        return tuple(one for one in links if gone.isdisjoint(_ends(one)))


class Step(NamedTuple):
    """A reading after an action, and what the action was about, before and after it."""

    reading: Reading
    before: Json | None
    after: Json | None


def begun(given: Mapping[str, Any], n_chars: int) -> Reading:
    """Return the reading of a note that nobody has judged.

    Parameters
    ----------
    given : mapping
        ``mentions``, each of which may have ``judged`` already, ``relations``, ``labels``.
    n_chars : int
    """
    mentions = {}
    for made in given.get("mentions", ()):
        entity = entity_from(made)
        mentions[entity.id] = Mention(entity=entity, judged=made.get("judged"), given=entity)
    relations = map(relation_from, given.get("relations", ()))
    return Reading(
        n_chars=n_chars,
        mentions=mentions,
        relations={relation.id: relation for relation in relations},
        labels=tuple(given.get("labels", ())),
    )


def applied(reading: Reading, action: Mapping[str, Any]) -> Step:
    """Return a reading after an action that `check_action` has let pass.

    Examples
    --------
    >>> empty = begun({}, n_chars=9)
    >>> add = {"do": "add", "id": "a", "start": 3, "end": 8, "label": "Problem"}
    >>> step = applied(empty, add)
    >>> step.before, step.after["label"], step.reading.mentions["a"].judged
    (None, 'Problem', 'added')
    """
    return ACTIONS[action["do"]].apply(reading, action)


def check_action(reading: Reading, action: Mapping[str, Any], words: Words) -> None:
    """Raise where an action does not go with a reading.

    Raises
    ------
    ArgumentError
        No such action, mention, relation or word; offsets outside the text; a note that is done.
    """
    kind = ACTIONS.get(action.get("do", ""))
    if kind is None:
        raise ArgumentError(f"an action must be one of {', '.join(ACTIONS)}, got another")
    if reading.is_done and action["do"] not in _OPEN_WHEN_DONE:
        raise ArgumentError("a note that is done must be reopened before it is judged, and is not")
    kind.check(reading, action, words)


# --- mentions ------------------------------------------------------------------------------


def _shown(mention: Mention | None) -> Json | None:
    return None if mention is None else {**entity_to(mention.entity), "judged": mention.judged}


def _put(reading: Reading, id: str, after: Mention | None) -> Step:
    mentions = dict(reading.mentions)
    before = mentions.pop(id, None)
    if after is not None:
        mentions[id] = after
    return Step(replace(reading, mentions=mentions), _shown(before), _shown(after))


def _accept(reading: Reading, action: Mapping[str, Any]) -> Step:
    mention = reading.mentions[action["mention"]]
    if mention.is_kept:
        return _put(reading, action["mention"], mention)
    return _put(reading, action["mention"], replace(mention, judged="accepted"))


def _as_given(judged: str | None) -> Callable[[Reading, Mapping[str, Any]], Step]:
    def apply(reading: Reading, action: Mapping[str, Any]) -> Step:
        given = reading.mentions[action["mention"]].given
        after = None if given is None else Mention(entity=given, judged=judged, given=given)
        return _put(reading, action["mention"], after)

    return apply


def _add(reading: Reading, action: Mapping[str, Any]) -> Step:
    blank = Entity(id=action["id"], span=Span(action["start"], action["end"]), label="")
    return _put(
        reading, action["id"], Mention(entity=_with(blank, action), judged="added", given=None)
    )


def _change(reading: Reading, action: Mapping[str, Any]) -> Step:
    mention = reading.mentions[action["mention"]]
    entity = _with(mention.entity, action)
    judged = "added" if mention.given is None else "changed"
    if entity == mention.given:
        judged = "accepted"
    return _put(reading, action["mention"], replace(mention, entity=entity, judged=judged))


def _with(entity: Entity, action: Mapping[str, Any]) -> Entity:
    """Return a mention with what an action says of it."""
    parts = tuple(Span(*ends) for ends in action.get("parts") or ())
    placed = any(action.get(key) is not None for key in ("start", "end", "parts"))
    span = Span(
        parts[0].start if parts else _or(action.get("start"), entity.span.start),
        parts[-1].end if parts else _or(action.get("end"), entity.span.end),
    )
    return replace(
        entity,
        span=span,
        parts=parts if placed else entity.parts,
        label=_or(action.get("label"), entity.label),
        assertion=_asserted(entity.assertion, action.get("axes") or {}),
        attributes=_or(action.get("attributes"), entity.attributes),
        concepts=tuple(_or(action.get("concepts"), entity.concepts)),
    )


def _asserted(assertion: Assertion, axes: Mapping[str, bool | None]) -> Assertion:
    """Return an assertion with other values; what a person decided has no cue."""
    changed = {axis: value for axis, value in axes.items() if getattr(assertion, axis) != value}
    if not changed:
        return assertion
    cues = {axis: cue for axis, cue in assertion.cues.items() if axis not in changed}
    return replace(assertion, **changed, cues=cues)


def _or(value: Any, otherwise: Any) -> Any:
    return otherwise if value is None else value


# --- the note ------------------------------------------------------------------------------


def _ends(relation: Relation) -> set[str]:
    return {end for ends in relation.roles.values() for end in ends}


def _link(reading: Reading, id: str, after: Relation | None) -> Step:
    relations = dict(reading.relations)
    before = relations.pop(id, None)
    if after is not None:
        relations[id] = after
    shown = [None if one is None else relation_to(one) for one in (before, after)]
    return Step(replace(reading, relations=relations), *shown)


def _relate(reading: Reading, action: Mapping[str, Any]) -> Step:
    roles = {
        role: (ends,) if isinstance(ends, str) else tuple(ends)
        for role, ends in action["roles"].items()
    }
    return _link(
        reading, action["id"], Relation(id=action["id"], label=action["label"], roles=roles)
    )


def _unrelate(reading: Reading, action: Mapping[str, Any]) -> Step:
    return _link(reading, action["relation"], None)


def _note_labels(reading: Reading, action: Mapping[str, Any]) -> Step:
    after = replace(reading, labels=tuple(dict.fromkeys(action["labels"])))
    return Step(after, {"labels": list(reading.labels)}, {"labels": list(after.labels)})


def _comment(reading: Reading, action: Mapping[str, Any]) -> Step:
    after = replace(reading, comment=action["text"])
    return Step(after, {"comment": reading.comment}, {"comment": after.comment})


def _done(value: bool) -> Callable[[Reading, Mapping[str, Any]], Step]:  # noqa: FBT001
    def apply(reading: Reading, _: Mapping[str, Any]) -> Step:
        after = replace(reading, is_done=value)
        return Step(after, {"is_done": reading.is_done}, {"is_done": value})

    return apply


# --- what goes with a reading --------------------------------------------------------------


def _is_there(reading: Reading, action: Mapping[str, Any], _: Words) -> None:
    if action["mention"] not in reading.mentions:
        raise ArgumentError("an action must be about a mention of the note, got another id")


def _may_add(reading: Reading, action: Mapping[str, Any], words: Words) -> None:
    if action["id"] in reading.mentions:
        raise ArgumentError("a mention that is added must have a new id, got one that is there")
    _check_said(reading, action, words)


def _may_change(reading: Reading, action: Mapping[str, Any], words: Words) -> None:
    _is_there(reading, action, words)
    entity = reading.mentions[action["mention"]].entity
    ends = {"start": entity.span.start, "end": entity.span.end}
    said = {key: value for key, value in action.items() if value is not None}
    _check_said(reading, {**ends, **said}, words)


def _check_said(reading: Reading, action: Mapping[str, Any], words: Words) -> None:
    parts = action.get("parts") or [(action["start"], action["end"])]
    _check_ends([end for part in parts for end in part], reading.n_chars)
    if action.get("parts") and len(parts) < 2:
        raise ArgumentError("parts of a mention must be two or more, got one")
    if action.get("label") is not None:
        _check_words([action["label"]], words.labels, "label")
    _check_words(action.get("axes") or (), words.axes, "axis")


def _check_ends(ends: list[int], n_chars: int) -> None:
    if any(a >= b for a, b in zip(ends[::2], ends[1::2], strict=True)) or ends != sorted(ends):
        raise ArgumentError("a mention must end behind its start, and its parts stand in order")
    if ends[0] < 0 or ends[-1] > n_chars:
        raise ArgumentError(f"a mention must lie in the text of {n_chars} characters")


def _may_relate(reading: Reading, action: Mapping[str, Any], words: Words) -> None:
    _check_words([action["label"]], words.relation_labels, "label of a relation")
    known = reading.mentions.keys() | reading.relations.keys() - {action["id"]}
    for ends in action["roles"].values():
        if not known >= ({ends} if isinstance(ends, str) else set(ends)):
            raise ArgumentError("a relation must be of mentions of the note, got another id")


def _may_unrelate(reading: Reading, action: Mapping[str, Any], _: Words) -> None:
    if action["relation"] not in reading.relations:
        raise ArgumentError("an action must be about a relation of the note, got another id")


def _may_label(_: Reading, action: Mapping[str, Any], words: Words) -> None:
    _check_words(action["labels"], words.note_labels, "label of a note")


def _may_end(reading: Reading, _: Mapping[str, Any], __: Words) -> None:
    if reading.n_open:
        raise ArgumentError(
            f"every suggestion must be judged before a note is done, got {reading.n_open} that "
            "are not"
        )


def _always(_: Reading, __: Mapping[str, Any], ___: Words) -> None:
    return


def _check_words(said: Iterable[str], known: tuple[str, ...], what: str) -> None:
    if not set(said) <= set(known):
        raise ArgumentError(f"each {what} must be one of the project, got another")


class _Action(NamedTuple):
    apply: Callable[[Reading, Mapping[str, Any]], Step]
    check: Callable[[Reading, Mapping[str, Any], Words], None]


ACTIONS: Mapping[str, _Action] = {
    "accept": _Action(_accept, _is_there),
    "reject": _Action(_as_given("rejected"), _is_there),
    "undo_judgement": _Action(_as_given(None), _is_there),
    "add": _Action(_add, _may_add),
    "change": _Action(_change, _may_change),
    "relate": _Action(_relate, _may_relate),
    "unrelate": _Action(_unrelate, _may_unrelate),
    "note_labels": _Action(_note_labels, _may_label),
    "comment": _Action(_comment, _always),
    "done": _Action(_done(True), _may_end),
    "reopen": _Action(_done(False), _always),
}
