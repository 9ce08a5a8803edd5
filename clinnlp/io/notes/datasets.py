"""Hugging Face datasets: notes as rows, in memory or streaming.

=========================== ===============================================================
column                      in the note
=========================== ===============================================================
id, text, patient,          the same
encounter, kind, labels
time, known                 ISO 8601 with microseconds, so that a zone survives
tokens, sentences           list of [start, end]; null: not computed
sections                    list of {start, end, kind, heading}
entities                    list of {id, start, end, label, parts, concepts, assertion,
                            attributes, score, source}; assertion and attributes are JSON
relations                   list of {id, label, roles, attributes, score, source}; roles and
                            attributes are JSON
coverage                    [seen, total]
new                         {tokens, pairs, unlike}, of `Coverage`
=========================== ===============================================================

`from_dataset` also reads datasets of others: a text column, or tokens with tags, as most entity
corpora on the hub have them (`clinnlp.io.notes.datasets_of_others`). Times are written to the
microsecond, since a reader of JSON makes a time of its own of a shorter one, without its zone.

What ``to_json`` writes of these columns `read_notes` reads, and what ``load_dataset("json", ...)``
makes of our JSON Lines `from_dataset` reads; there all rows have the same keys, so that an
attribute, axis or role without value is one of another row.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from clinnlp.core.errors import ArgumentError, DataError, instead_of
from clinnlp.core.installed import needed
from clinnlp.core.notes import Note
from clinnlp.io.notes.datasets_of_others import Columns, columns_of, note_of_row
from clinnlp.io.notes.records import note_from_record, note_to_record
from clinnlp.io.notes.values import check_values

if TYPE_CHECKING:
    from datasets import Dataset, Features, IterableDataset

__all__ = ["from_dataset", "is_row", "record_of_row", "to_dataset"]

_JSON = {"entities": ("assertion", "attributes"), "relations": ("roles", "attributes")}
_META = ("id", "text", "patient", "encounter", "time", "known", "kind")
_TIMES = ("time", "known")


def to_dataset(notes: Iterable[Note], *, streaming: bool = False) -> "Dataset | IterableDataset":
    """Return notes as a dataset of the columns above.

    Parameters
    ----------
    notes : iterable of Note
    streaming : bool
        An `IterableDataset` that reads `notes` anew on each pass, instead of one in memory.

    Returns
    -------
    Dataset or IterableDataset
        One row per note.

    Raises
    ------
    MissingExtra
        The package datasets is not installed.

    Examples
    --------
    >>> rows = to_dataset([Note(id="n1", text="No cough.", labels=("ENT",))])
    >>> rows[0]["text"], rows[0]["labels"]
    ('No cough.', ['ENT'])
    >>> list(from_dataset(rows))
    [Note(id='n1', n_chars=9, n_entities=0, n_relations=0)]
    """
    needed("datasets")
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

    Where no column is named, a dataset of `to_dataset` is read whole, and one of others by the
    names that such datasets have: ``tokens`` (or ``words``) with ``ner_tags`` (or ``tags``), else
    ``text`` with ``label`` (or ``labels``), and ``id``.

    Parameters
    ----------
    dataset : Dataset or IterableDataset
    text : str, optional
        Column with the text.
    id, label : str, optional
        Columns with the id (absent: the row from 0) and the class, or a list of classes.
    tokens, tags : str, optional
        Columns with a list of tokens and their tags (IOB1, IOB2, IOBES or BILOU, by name or by
        the number in a `ClassLabel`): the text is the tokens, joined by blanks. The tags beside
        named tokens are found by their name.

    Notes
    -----
    The number −1 or −100 of a `ClassLabel` means "not annotated": such a note has no label, such
    a token is in no mention.

    Yields
    ------
    Note
        One per row, in order.

    Raises
    ------
    ArgumentError
        No dataset, or the splits of one; a column that is not there. For a dataset of others: both
        or neither of text and tokens, or a column of mentions while no column is named.
    DataError
        A row that holds no note, named by its number.

    Examples
    --------
    >>> from datasets import Dataset
    >>> rows = {"tokens": [["No", "fever"]], "ner_tags": [["O", "B-Problem"]]}
    >>> (note,) = from_dataset(Dataset.from_dict(rows))
    >>> note.text, [(e.label, note[e.span]) for e in note.entities]
    ('No fever', [('Problem', 'fever')])
    """
    named = {"text": text, "id": id, "label": label, "tokens": tokens, "tags": tags}
    columns = {field: name for field, name in named.items() if name is not None}
    _check_is_one(dataset)
    present = _column_names(dataset)
    missing = [name for name in columns.values() if name not in present]
    if missing:
        raise ArgumentError(f"columns must be among {', '.join(present)}, got {', '.join(missing)}")
    if not columns and _is_ours(dataset, present):
        return _notes(dataset, None)
    found = columns_of(present, columns, dataset.features or {})
    return _notes(dataset, found if present else None)


class _Whole:
    """Hides a list from datasets, which would cut it into shards."""

    def __init__(self, notes: Iterable[Note]) -> None:
        self._notes = notes

    def __iter__(self) -> Iterator[Note]:
        return iter(self._notes)


def _notes(dataset: Any, columns: Columns | None) -> Iterator[Note]:
    foreign = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
    for number, row in enumerate(dataset):
        with instead_of(foreign, partial(_refusal, f"row {number}")):
            made = _own(row) if columns is None else note_of_row(row, number, columns)
            note = check_values(made)
        yield note


def _check_is_one(dataset: Any) -> None:
    if isinstance(dataset, dict) and dataset:
        got = f"splits; take one, such as [{next(iter(dataset))!r}]"
    elif hasattr(dataset, "column_names") and hasattr(dataset, "features"):
        return
    else:
        got = type(dataset).__name__
    raise ArgumentError(f"dataset must be a Dataset or an IterableDataset, got {got}")


def _column_names(dataset: Any) -> list[str]:
    """Return the names of the columns; of a stream that does not say, those of its first row."""
    names: list[str] | None = dataset.column_names
    return list(next(iter(dataset), {})) if names is None else names


def _is_ours(dataset: Any, present: list[str]) -> bool:
    """Return whether the columns are some of those that `to_dataset` writes, id and text at least.

    Labels of others are one class, or numbers, and so may their ids be.
    """
    known = {*_META, *_LAYERS, *_COLUMNS, "labels"}
    if not {"id", "text"} <= set(present) <= known:
        return False
    features = dataset.features or {}
    if "int" in getattr(features.get("id"), "dtype", ""):
        return False
    labels = features.get("labels")
    inner = getattr(labels, "feature", None)
    return labels is None or (inner is not None and getattr(inner, "dtype", "") != "int64")


def _refusal(row: str, error: Exception) -> DataError:
    if isinstance(error, DataError):
        return error.at(row)
    return DataError("a row must hold a note", path=row)


def _own(row: dict[str, Any]) -> Note:
    record = record_of_row(row)
    for key in _TIMES:
        if isinstance(record.get(key), datetime):  # as a reader of JSON or CSV has made it
            record[key] = record[key].isoformat()
    return note_from_record(record)


def is_row(record: Mapping[str, Any]) -> bool:
    """Return whether an object is a row of `to_dataset`, whose columns are JSON or null.

    Examples
    --------
    >>> is_row({"entities": [{"start": 0, "end": 5, "label": "Sign", "attributes": None}]})
    True
    >>> is_row({"entities": [{"start": 0, "end": 5, "label": "Sign"}]})
    False
    """
    for kind, fields in _JSON.items():
        things = record.get(kind)
        first = things[0] if isinstance(things, list) and things else None
        if isinstance(first, dict) and any(
            first[field] is None or isinstance(first[field], str)
            for field in fields
            if field in first
        ):
            return True
    return False


def record_of_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as an object of JSON Lines: what is null left out, what is JSON read.

    Raises
    ------
    TypeError, ValueError
        A row of another form.
    """
    record = {key: value for key, value in row.items() if value is not None}
    for kind, fields in _JSON.items():
        if kind in record:
            record[kind] = [_thing(thing, fields) for thing in record[kind]]
    return record


def _thing(row: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    """Return an entity or a relation, some of whose fields are JSON or have keys of all rows."""
    known = {key: value for key, value in row.items() if value is not None}
    return {key: _value(value) if key in fields else value for key, value in known.items()}


def _value(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else _without_null(value)


def _without_null(value: Any) -> Any:
    """Return an object without the keys that only other rows fill, as those of its objects."""
    if not isinstance(value, dict):
        return value
    return {key: _without_null(each) for key, each in value.items() if each is not None}


def _rows(notes: Iterable[Note]) -> Iterator[dict[str, Any]]:
    for note in notes:
        record = note_to_record(note)
        record |= _times(note)
        for kind, fields in _JSON.items():
            things = record.get(kind, [])
            for thing in things:
                thing |= {key: json.dumps(thing[key]) for key in fields if key in thing}
            record[kind] = [{**dict.fromkeys(_COLUMNS[kind]), **thing} for thing in things]
        if "sections" in record:
            record["sections"] = [{"heading": None, **s} for s in record["sections"]]
        yield {**dict.fromkeys((*_META, *_LAYERS)), "labels": [], **record}


def _times(note: Note) -> dict[str, str]:
    times = {"time": note.time, "known": note.known}
    return {key: t.isoformat(timespec="microseconds") for key, t in times.items() if t}


_LAYERS = ("tokens", "sentences", "sections", "coverage", "new")
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
            "new": {"tokens": number, "pairs": number, "unlike": Value("bool")},
        }
    )
