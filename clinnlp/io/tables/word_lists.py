"""Word lists of one's own, from a list, a mapping, a table in memory or rows of a file.

Rows of one code are one concept: the first name is the preferred one, those of the other rows are
synonyms, so that a list may have a row per synonym.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from clinnlp.core.arrow import column_lists, is_frame, names_of, read_once
from clinnlp.core.errors import ArgumentError, DataError, instead_of
from clinnlp.core.vocab import Concept, Vocabulary, fold
from clinnlp.io.tables.cells import text_of
from clinnlp.io.tables.columns import check_columns, columns_named

__all__ = ["FIELDS", "check_fields", "concepts_of", "not_empty", "vocabulary_of", "wanted_columns"]

FIELDS = ("code", "system", "name", "synonyms", "label", "parents", "match", "level")

_ALWAYS = "always"  # the names of a concept are found anywhere, doubtful ones too

Row = Mapping[str, Any]
Where = str | tuple[Path, int]  # an entry in memory, or file and line


def vocabulary_of(words: Any, *, label: str | None = None, **columns: str) -> Vocabulary:
    """Return the vocabulary of a list, a mapping or a table in memory.

    Parameters
    ----------
    words : Vocabulary, list, mapping, DataFrame, or table with the Arrow interface
        A list holds names, `Concept` values, or mappings with ``name`` and perhaps ``code``,
        ``system``, ``synonyms``, ``label``, ``parents``, ``match`` and ``level``; a mapping gives
        of each code a name, or a list of the name and its synonyms; a table has the columns of a
        file (`read_vocabulary`).
    label : str, optional
        Of every concept; else the one that its row says, else ``"Term"``.
    **columns : str
        Which column of a table is ``name``, ``code``, ``system``, ``synonyms``, ``match``.

    Raises
    ------
    ArgumentError
        Another type, or columns of what is no table.
    DataError
        No column of names, an empty name, or rows of one code that do not fit together.

    Examples
    --------
    >>> vocabulary_of({"DB00945": ["aspirin", "ASA"]}, label="Drug")["DB00945"].synonyms
    ('ASA',)
    >>> [concept.code for concept in vocabulary_of(["Aspirin", "chest  pain"])]
    ['aspirin', 'chest pain']
    """
    if isinstance(words, Vocabulary):
        return words
    if is_frame(words) or hasattr(words, "__arrow_c_stream__"):
        rows = _rows_of_table(words, columns)
    elif columns:
        raise ArgumentError("columns can be named of a table only, got another word list")
    elif isinstance(words, Mapping):
        rows = (_row_of_entry(code, names) for code, names in words.items())
    elif isinstance(words, Iterable) and not isinstance(words, str | bytes):
        rows = map(_row_of_item, words)
    else:
        raise ArgumentError(
            "a word list must be a path, a list, a mapping, a table or a Vocabulary, got "
            f"{type(words).__name__}"
        )
    return Vocabulary(concepts_of(((f"entry {n}", row) for n, row in enumerate(rows, 1)), label))


def wanted_columns(names: Sequence[str], columns: Mapping[str, str]) -> dict[str, str]:
    """Return which column of a table is which field: those named, else those called so."""
    return {"name": "name", **columns_named(FIELDS, names), **columns}


def check_fields(columns: Mapping[str, str]) -> None:
    """Raise `ArgumentError` where a column is named for a field that no word list has."""
    unknown = sorted(set(columns) - set(FIELDS))
    if unknown:
        raise ArgumentError(
            f"columns of a vocabulary are {', '.join(FIELDS)}, got {', '.join(unknown)}"
        )


def not_empty(words: Vocabulary, path: str | Path | None = None) -> Vocabulary:
    """Return a vocabulary, or raise `DataError` where it has no concept."""
    if not len(words):
        raise DataError("a word list must have at least one name, got none", path=path)
    return words


def concepts_of(rows: Iterable[tuple[Where, Row]], label: str | None) -> Iterator[Concept]:
    """Return the concepts of rows, each with where it stands.

    Raises
    ------
    DataError
        An empty name, a value that is no text, or another system or label for the same code.
    """
    made: dict[str, Concept] = {}
    for where, row in rows:
        with instead_of(TypeError, _wrong(where, "a word list must hold text, got another type")):
            concept = _concept(row, label)
        if not concept.name:
            raise _wrong(where, "each concept must have a name, got an empty one")
        if _text(row.get("match")) not in ("", _ALWAYS):
            said = f"match of a concept must be {_ALWAYS} or empty, got another word"
            raise _wrong(where, said)
        before = made.get(concept.code)
        if before is None:
            made[concept.code] = concept
        elif (before.system, before.label) == (concept.system, concept.label):
            names = dict.fromkeys((*before.synonyms, *concept.names))
            names.pop(before.name, None)
            parents = tuple(dict.fromkeys((*before.parents, *concept.parents)))
            made[concept.code] = replace(
                before,
                synonyms=tuple(names),
                parents=parents,
                always=before.always or concept.always,
                level=before.level or concept.level,
            )
        else:
            raise _wrong(where, "rows of one code must have one system and label, got another")
    return iter(made.values())


def _wrong(where: Where, message: str) -> DataError:
    if isinstance(where, str):
        return DataError(f"{where}: {message}")
    return DataError(message, path=where[0], line=where[1])


def _concept(row: Row, label: str | None) -> Concept:
    name = _text(row.get("name"))
    return Concept(
        code=_text(row.get("code")) or fold(name),
        name=name,
        system=_text(row.get("system")),
        synonyms=_listed(row.get("synonyms")),
        label=label or _text(row.get("label")) or "Term",
        parents=_listed(row.get("parents")),
        always=_text(row.get("match")) == _ALWAYS,
        level=_text(row.get("level")),
    )


def _listed(value: Any) -> tuple[str, ...]:
    """Return the texts of a list, or of a cell in which ``|`` stands between them."""
    each = value.split("|") if isinstance(value, str) else map(_text, value or ())
    return tuple(text.strip() for text in each if text.strip())


def _text(value: Any) -> str:
    return (text_of(value) or "").strip()


def _rows_of_table(table: Any, columns: Mapping[str, str]) -> Iterator[Row]:
    check_fields(columns)
    table = read_once(table)
    names = names_of(table)
    wanted = wanted_columns(names, columns)
    at = check_columns(list(wanted.values()), names)
    lists = column_lists(table, [names[k] for k in at])
    return (dict(zip(wanted, values, strict=True)) for values in zip(*lists, strict=True))


def _row_of_entry(code: Any, names: Any) -> Row:
    if isinstance(names, bytes | Mapping) or not isinstance(names, Iterable):
        raise ArgumentError(
            "a mapping of words must give of each code a name or a list of names, got "
            f"{type(names).__name__}"
        )
    listed = [names] if isinstance(names, str) else list(names)
    return {"code": code, "name": listed[0] if listed else "", "synonyms": listed[1:]}


def _row_of_item(item: Any) -> Row:
    if isinstance(item, Concept):
        plain = {field: getattr(item, field) for field in FIELDS if field != "match"}
        return plain | {"match": _ALWAYS if item.always else ""}
    if not isinstance(item, str | Mapping):
        raise ArgumentError(
            f"a list of words must hold names, mappings or concepts, got {type(item).__name__}"
        )
    return {"name": item} if isinstance(item, str) else item
