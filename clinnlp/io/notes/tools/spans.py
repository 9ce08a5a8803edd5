"""A table of texts and a table of spans in one folder, as spreadsheets and notebooks keep them.

::

    texts.csv    id,text                          spans.csv    doc,start,end,label,mention
                 n1,💊 for fever.                               n1,6,11,Problem,fever

=========================== ===============================================================
column of the spans         in the note
=========================== ===============================================================
``doc``, ``doc_id``,        which text: its ``id``, or its column of the same name
``note``, ``note_id``, ...
``start`` or ``begin``,     entity, offsets half open, in code points
``end`` or ``stop``, also
with ``_offset``, ``_char``
``label``, ``type``,        label
``category``, ...
``mention``, ``text``       the text of the mention, which is then checked
``concept``, ``code``,      ``concepts``
``cui``
``entity``                  id of the entity where it is one, else ``T1``, ``T2``, ... per note
other columns               read over
=========================== ===============================================================

The texts are read as any table of notes is (`io.notes.tables`), with its columns named or not; the
spans of all texts are in memory. Spans of a text that is not there are counted
(`Notes.n_excluded`). Tables are CSV, TSV or Parquet, one of texts and one of spans; read only, for
``clinnlp extract`` writes tables of mentions.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Entity, Note
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.files.packing import plain_name
from clinnlp.io.files.source import Document, Source
from clinnlp.io.notes.documents import Format
from clinnlp.io.notes.offsets import is_offset, place
from clinnlp.io.notes.tables import CSV, PARQUET, TSV
from clinnlp.io.tables.cells import text_of
from clinnlp.io.tables.rows import FORMS, column_names, read_rows, table_form

__all__ = ["SPANS", "span_columns"]

_DOCS = (
    *("doc", "doc_id", "document", "document_id", "note", "note_id", "text_id"),
    *("file", "filename", "file_name", "id"),
)
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "doc": _DOCS,
    "start": ("start", "begin", "start_offset", "begin_offset", "start_char"),
    "end": ("end", "stop", "end_offset", "end_char"),
    "label": ("label", "type", "entity_type", "category", "tag", "class", "entity_label"),
    "mention": ("mention", "text", "span", "surface", "mention_text"),
    "concept": ("concept", "concept_id", "code", "cui"),
    "id": ("entity", "entity_id", "span_id"),
}
_NEEDED = {"doc", "start", "end", "label"}
_TABLES = {"csv": CSV, "tsv": TSV, "parquet": PARQUET}
_NO_TEXT = "span of a text that is not in the table"


def span_columns(names: Sequence[str]) -> dict[str, str] | None:
    """Return which columns of a table say what of a span, or None where it holds none.

    Examples
    --------
    >>> span_columns(["Doc_ID", "begin", "end", "type"])
    {'doc': 'Doc_ID', 'start': 'begin', 'end': 'end', 'label': 'type'}
    >>> span_columns(["id", "text", "label"]) is None
    True
    """
    there = {name.strip().lower(): name for name in reversed(names)}
    found = {
        field: next((there[known] for known in known_as if known in there), None)
        for field, known_as in _COLUMNS.items()
    }
    made = {field: name for field, name in found.items() if name is not None}
    return made if made.keys() >= _NEEDED else None


def _tables(folder: Path, dialect: Dialect) -> tuple[list[Path], list[Path]]:
    """Return the tables of texts and those of spans in a folder."""
    texts: list[Path] = []
    spans: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.is_file() and plain_name(path).rpartition(".")[2] in FORMS:
            try:
                names = column_names(path, dialect=dialect)
            except DataError:
                continue
            if span_columns(names) is not None:
                spans.append(path)
            elif "text" in {name.strip().lower() for name in names}:
                texts.append(path)
    return texts, spans


def _fits(folder: Path) -> bool:
    texts, spans = _tables(folder, Dialect())
    return len(texts) == 1 and len(spans) == 1


def _split(source: Source) -> Iterator[Document]:
    folder = source.path if source.path.is_dir() else source.path.parent
    texts, spans = _tables(folder, source.dialect)
    if len(texts) != 1 or len(spans) != 1:
        raise DataError(
            "a folder of spans must hold one table of texts (id, text) and one of spans (doc, "
            f"start, end, label), got {len(texts)} and {len(spans)}",
            path=folder,
        )
    left = _spans(spans[0], source.dialect)
    n_excluded: Counter[str] = Counter() if source.n_excluded is None else source.n_excluded
    columns = dict(source.columns) or _id_column(texts[0], source.dialect)
    form = _TABLES[table_form(texts[0])]
    for document in form.split(source._replace(path=texts[0], columns=columns)):
        note = _note_or_error(form, document)
        data = (note, spans[0], left.pop(note.id, [])) if isinstance(note, Note) else note
        yield document._replace(data=data)
    n_left = sum(map(len, left.values()))
    n_excluded.update({_NO_TEXT: n_left} if n_left else {})


def _note_or_error(form: Format, document: Document) -> Note | DataError:
    if isinstance(document.data, DataError):
        return document.data
    try:
        return form.parse(document)
    except DataError as error:
        return error.at(document.path, document.line)


def _id_column(path: Path, dialect: Dialect) -> dict[str, str]:
    """Return the columns of a table of texts where the id is not called so."""
    there = {name.strip().lower(): name for name in column_names(path, dialect=dialect)}
    name = next((there[known] for known in _DOCS if known in there), None)
    if "id" in there or name is None:
        return {}
    return {"text": there["text"], "id": name}


def _spans(path: Path, dialect: Dialect) -> dict[str | None, list[tuple[int, dict[str, Any]]]]:
    """Return the rows of spans by text, with their lines."""
    columns = span_columns(column_names(path, dialect=dialect)) or {}
    found: dict[str | None, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
    form = table_form(path)
    for line, cells in read_rows(path, list(columns.values()), form=form, dialect=dialect):
        row = dict(zip(columns, map(text_of, cells), strict=True))
        found[row["doc"]].append((line, row))
    return found


def _parse(document: Document) -> Note:
    note: Note = document.data[0]
    path, rows = document.data[1:]
    there = document._replace(path=path)
    return replace(note, entities=tuple(_entities(note, rows, there)))


def _entities(
    note: Note, rows: Iterable[tuple[int, dict[str, Any]]], document: Document
) -> Iterator[Entity]:
    for k, (line, row) in enumerate(rows, 1):
        bounds = (row["start"] or "", row["end"] or "")
        if not all(map(is_offset, bounds)) or not row["label"]:
            raise document.wrong(
                "a span must have two whole numbers and a label, got another form", line
            )
        (span,) = place(
            document, note.text, [(int(bounds[0]), int(bounds[1]))], row.get("mention"), line=line
        )
        concept = row.get("concept")
        yield Entity(
            id=row.get("id") or f"T{k}",
            span=span,
            label=row["label"],
            concepts=(concept,) if concept else (),
        )


SPANS = Format(
    suffixes=(),
    split=_split,
    parse=_parse,
    in_folder=True,
    packs=False,
    fits_folder=_fits,
    named=True,
)
