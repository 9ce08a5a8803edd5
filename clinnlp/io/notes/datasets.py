"""Hugging Face datasets: notes as rows, in memory or streaming.

=========================== ===============================================================
column                      in the note
=========================== ===============================================================
id, text, patient,          the same
encounter, kind, labels
time, known                 ISO 8601, so that a zone survives
tokens, sentences           list of [start, end]; null: not computed
sections                    list of {start, end, kind, heading}
entities                    list of {id, start, end, label, parts, concepts, assertion,
                            attributes, score, source}; assertion and attributes are JSON
relations                   list of {id, label, roles, attributes, score, source}; roles and
                            attributes are JSON
coverage                    [seen, total]
=========================== ===============================================================

`from_dataset` also reads datasets of others: a text column, or tokens with tags, as most entity
corpora on the hub have them.
"""

import json
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from clinnlp.core.errors import ArgumentError, DataError, instead_of
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.core.tags import decode_tags
from clinnlp.io.notes.records import note_from_record, note_to_record
from clinnlp.io.notes.values import WITHOUT_TEXT, check_values, is_no_text

if TYPE_CHECKING:
    from datasets import Dataset, Features, IterableDataset

__all__ = ["from_dataset", "to_dataset"]

_JSON = {"entities": ("assertion", "attributes"), "relations": ("roles", "attributes")}
_META = ("id", "text", "patient", "encounter", "time", "known", "kind")


def to_dataset(notes: Iterable[Note], *, streaming: bool = False) -> "Dataset | IterableDataset":
    """Return notes as a dataset of the columns above.

    Parameters
    ----------
    notes : iterable of Note
    streaming : bool
        An `IterableDataset` that reads `notes` anew on each pass, instead of one in memory.

    Examples
    --------
    >>> rows = to_dataset([Note(id="n1", text="No cough.", labels=("ENT",))])
    >>> rows[0]["text"], rows[0]["labels"]
    ('No cough.', ['ENT'])
    >>> list(from_dataset(rows))
    [Note(id='n1', n_chars=9, n_entities=0, n_relations=0)]
    """
    import pyarrow as pa
    from datasets import Dataset, IterableDataset

    features = _features()
    if streaming:
        if iter(notes) is notes:
            raise ArgumentError("streaming needs notes that are re-iterable, got an iterator")
        made: IterableDataset = IterableDataset.from_generator(
            _rows, features=features, gen_kwargs={"notes": _Whole(notes)}
        )
        return made
    table = pa.Table.from_pylist(list(_rows(notes)), schema=features.arrow_schema)
    return Dataset(table)


def from_dataset(
    dataset: "Dataset | IterableDataset",
    *,
    text: str | None = None,
    id: str | None = None,
    label: str | None = None,
    tokens: str | None = None,
    tags: str | None = None,
) -> Iterator[Note]:
    """Yield one note per row.

    Parameters
    ----------
    dataset : Dataset or IterableDataset
        Of `to_dataset`; of others where a column is named.
    text : str, optional
        Column with the text.
    id, label : str, optional
        Columns with the id (absent: the row from 0) and the class.
    tokens, tags : str, optional
        Columns with a list of tokens and their tags (IOB1, IOB2, IOBES or BILOU, by name or by
        the number in a `ClassLabel`): the text is the tokens, joined by blanks.

    Raises
    ------
    ArgumentError
        Both or neither of text and tokens for a dataset of others, or a column that is not there.
    DataError
        A row that holds no note, named by its number.
    """
    named = {"text": text, "id": id, "label": label, "tokens": tokens, "tags": tags}
    columns = {field: name for field, name in named.items() if name is not None}
    present = dataset.column_names
    missing = [name for name in columns.values() if present is not None and name not in present]
    if missing:
        raise ArgumentError(f"columns must be among {', '.join(present)}, got {', '.join(missing)}")
    if columns and ("text" in columns) == ("tokens" in columns):
        raise ArgumentError("one of text and tokens must name a column of a dataset of others")
    return _notes(dataset, columns)


class _Whole:
    """Hides a list from datasets, which would cut it into shards."""

    def __init__(self, notes: Iterable[Note]) -> None:
        self._notes = notes

    def __iter__(self) -> Iterator[Note]:
        return iter(self._notes)


def _notes(dataset: Any, columns: dict[str, str]) -> Iterator[Note]:
    names = {name: _tag_names(dataset, name) for name in columns.values()}
    foreign = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
    for number, row in enumerate(dataset):
        with instead_of(foreign, partial(_refusal, f"row {number}")):
            note = check_values(_other(row, columns, number, names) if columns else _own(row))
        yield note


def _refusal(row: str, error: Exception) -> DataError:
    if isinstance(error, DataError):
        return error.at(row)
    return DataError("a row must hold a note", path=row)


def _own(row: dict[str, Any]) -> Note:
    record = {key: value for key, value in row.items() if value is not None}
    for kind, fields in _JSON.items():
        record[kind] = [
            {
                key: json.loads(value) if key in fields else value
                for key, value in thing.items()
                if value is not None
            }
            for thing in record.get(kind) or ()
        ]
    return note_from_record(record)


def _other(row: dict[str, Any], columns: dict[str, str], number: int, names: Any) -> Note:
    def named(field: str) -> str | None:
        value = row[columns[field]] if field in columns else None
        of = names.get(columns.get(field))
        return None if value is None else str(of[value] if of else value)

    found = named("label")
    made: dict[str, Any] = {"id": named("id") or str(number), "labels": (found,) if found else ()}
    if "text" in columns:
        value = row[columns["text"]]
        if is_no_text(None if value is None else str(value)):
            raise DataError(WITHOUT_TEXT)
        return Note(text=str(value), **made)
    words = [str(word) for word in row[columns["tokens"]]]
    starts = [0]
    for word in words:
        starts.append(starts[-1] + len(word) + 1)
    tokens = [Span(at, at + len(word)) for at, word in zip(starts, words, strict=False)]
    return Note(
        text=" ".join(words), tokens=tuple(tokens), entities=_tagged(row, columns, names, tokens),
        **made,
    )  # fmt: skip


def _tagged(
    row: dict[str, Any], columns: dict[str, str], names: Any, tokens: list[Span]
) -> tuple[Entity, ...]:
    if "tags" not in columns:
        return ()
    of = names[columns["tags"]]
    tags = [str(of[tag] if of else tag) for tag in row[columns["tags"]]]
    if len(tags) != len(tokens):
        raise DataError(f"tags must be as many as tokens, got {len(tags)} and {len(tokens)}")
    return tuple(
        Entity(id=f"T{k}", span=Span(tokens[r.start].start, tokens[r.end - 1].end), label=r.label)
        for k, r in enumerate(decode_tags(tags), 1)
    )


def _tag_names(dataset: Any, name: str) -> list[str] | None:
    """Return the names of a column of class labels, or of lists of them."""
    feature = (dataset.features or {}).get(name)
    feature = getattr(feature, "feature", feature)
    return getattr(feature, "names", None)


def _rows(notes: Iterable[Note]) -> Iterator[dict[str, Any]]:
    for note in notes:
        record = note_to_record(note)
        for kind, fields in _JSON.items():
            things = record.get(kind, [])
            for thing in things:
                thing |= {key: json.dumps(thing[key]) for key in fields if key in thing}
            record[kind] = [{**dict.fromkeys(_COLUMNS[kind]), **thing} for thing in things]
        if "sections" in record:
            record["sections"] = [{"heading": None, **s} for s in record["sections"]]
        yield {**dict.fromkeys((*_META, *_LAYERS)), "labels": [], **record}


_LAYERS = ("tokens", "sentences", "sections", "coverage")
_COLUMNS = {
    "entities": (
        *("id", "start", "end", "label", "parts", "concepts", "assertion", "attributes"),
        *("score", "source"),
    ),
    "relations": ("id", "label", "roles", "attributes", "score", "source"),
}


def _features() -> "Features":
    from datasets import Features, List, Value

    text, number = Value("string"), Value("int64")
    spans = List(List(number))
    kinds: dict[str, Any] = {
        "start": number,
        "end": number,
        "parts": spans,
        "concepts": List(text),
        "score": Value("float64"),
    }
    things = {
        kind: List({name: kinds.get(name, text) for name in names})
        for kind, names in _COLUMNS.items()
    }
    section = {"start": number, "end": number, "kind": text, "heading": List(number)}
    return Features(
        {
            **dict.fromkeys(_META, text),
            "labels": List(text),
            "tokens": spans,
            "sentences": spans,
            "sections": List(section),
            **things,
            "coverage": List(number),
        }
    )
