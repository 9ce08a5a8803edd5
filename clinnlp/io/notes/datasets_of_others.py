"""Rows of datasets that others made: which columns hold what, and the note of a row.

================ ===========================================================================
column           in the note
================ ===========================================================================
tokens           text, the tokens joined by blanks, and ``tokens``
tags             entities; IOB1, IOB2, IOBES or BILOU, by name or by number in a `ClassLabel`
text             the same
label            one label, or a list of several
id               the same; absent: the number of the row
================ ===========================================================================

The numbers −1 and −100 of a `ClassLabel` mean that nobody annotated: −1 is what datasets give where
the answers of a test set are kept secret, −100 what losses leave out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.core.tags import decode_tags
from clinnlp.io.notes.values import WITHOUT_TEXT, is_no_text

__all__ = ["Columns", "columns_of", "note_of_row"]

_TAGS = ("ner_tags", "tags", "ner")
_USUAL = {
    "text": ("text",),
    "id": ("id",),
    "label": ("label", "labels"),
    "tokens": ("tokens", "words"),
    "tags": _TAGS,
}
_SPANS = ("entities", "ents", "spans", "annotations", "relations")  # of tools and of others
_NOT_ANNOTATED = (-1, -100)
_OUTSIDE = "O"


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The column of each field, and the names of its classes where it has numbers."""

    of: Mapping[str, str]
    names: Mapping[str, Sequence[str]]


def columns_of(
    present: Sequence[str], named: Mapping[str, str], features: Mapping[str, Any]
) -> Columns:
    """Return the columns of a dataset of others: those that are named, else the usual ones.

    Raises
    ------
    ArgumentError
        Both or neither of text and tokens; or, where no column is named, one with mentions that
        would be lost.
    """
    of = dict(named) if named else _usual(present)
    if not named:
        _check_keeps_mentions(present, of)
    tags = _first(_TAGS, present)
    if "tokens" in of and tags:
        of.setdefault("tags", tags)
    if present and ("text" in of) == ("tokens" in of):
        raise ArgumentError(
            "one of text and tokens must name a column of a dataset of others, which has "
            f"{', '.join(present)}"
        )
    names = {field: found for field, name in of.items() if (found := _names(features.get(name)))}
    return Columns(of=of, names=names)


def _check_keeps_mentions(present: Sequence[str], of: Mapping[str, str]) -> None:
    """Raise `ArgumentError` for columns whose mentions nobody would read, and nobody told so."""
    if "tokens" in of:
        beside = None if "tags" in of else _first(_USUAL["label"], present)
        said = f"tokens={of['tokens']!r} with tags={beside!r} or label={beside!r}"
    else:
        beside = _first(_SPANS, present)
        said = f"what is to be read, such as text={of.get('text', 'text')!r}"
    if beside is not None:
        raise ArgumentError(
            f"columns must be named where the column {beside!r} may hold mentions; name {said}"
        )


def note_of_row(row: Mapping[str, Any], number: int, columns: Columns) -> Note:
    """Return the note of a row.

    Raises
    ------
    DataError
        There is no text, tags are not as many as tokens, or a number is that of no class.
    """
    of = columns.of
    said = row[of["id"]] if "id" in of else None
    known: dict[str, Any] = {"id": str(number) if said in (None, "") else str(said)}
    if "label" in of:
        known["labels"] = _labels(row[of["label"]], columns.names.get("label"))
    if "text" in of:
        value = row[of["text"]]
        if is_no_text(None if value is None else str(value)):
            raise DataError(WITHOUT_TEXT)
        return Note(text=str(value), **known)
    words = [str(word) for word in row[of["tokens"]]]
    tokens = _places(words)
    if "tags" in of:
        known["entities"] = _entities(row[of["tags"]], columns.names.get("tags"), tokens)
    return Note(text=" ".join(words), tokens=tuple(tokens), **known)


def _places(words: Sequence[str]) -> list[Span]:
    """Return where words stand in a text of them joined by blanks."""
    starts = [0]
    for word in words:
        starts.append(starts[-1] + len(word) + 1)
    return [Span(at, at + len(word)) for at, word in zip(starts, words, strict=False)]


def _first(names: Sequence[str], present: Sequence[str]) -> str | None:
    return next((name for name in names if name in present), None)


def _usual(present: Sequence[str]) -> dict[str, str]:
    """Return the column of each field that has a usual name; tokens with tags before a text."""
    found = {field: name for field, names in _USUAL.items() if (name := _first(names, present))}
    if {"tokens", "tags"} <= set(found) or "text" not in found:
        left_out = ("text", "label")
    else:
        left_out = ("tokens", "tags")
    return {field: name for field, name in found.items() if field not in left_out}


def _labels(value: Any, names: Sequence[str] | None) -> tuple[str, ...]:
    values = value if isinstance(value, list | tuple) else [value]
    if any(isinstance(each, list | tuple | Mapping) for each in values):
        raise DataError("a label must be the name or number of a class, got one with parts")
    found = (_named(each, names) for each in values)
    return tuple(dict.fromkeys(label for label in found if label))


def _entities(
    tags: Sequence[Any], names: Sequence[str] | None, tokens: Sequence[Span]
) -> tuple[Entity, ...]:
    if len(tags) != len(tokens):
        raise DataError(f"tags must be as many as tokens, got {len(tags)} and {len(tokens)}")
    said = [_named(tag, names) or _OUTSIDE for tag in tags]
    return tuple(
        Entity(id=f"T{k}", span=Span(tokens[r.start].start, tokens[r.end - 1].end), label=r.label)
        for k, r in enumerate(decode_tags(said), 1)
    )


def _named(value: Any, names: Sequence[str] | None) -> str | None:
    """Return the name of a class, or None where nobody annotated."""
    if value is None or value != value:  # nan
        return None
    if not names or isinstance(value, str):
        return str(value)
    if value in _NOT_ANNOTATED:
        return None
    if not 0 <= value < len(names):
        raise DataError(f"a class must be a number below {len(names)}, or -1 or -100, got another")
    return str(names[value])


def _names(feature: Any) -> list[str] | None:
    """Return the names of a column of class labels, or of lists of them."""
    names: list[str] | None = getattr(getattr(feature, "feature", feature), "names", None)
    return names
