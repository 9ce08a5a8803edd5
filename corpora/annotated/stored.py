"""What is committed of the annotated notes, and the reader that joins it with their texts.

A file of mentions holds one JSON object a note, in the order of the sample::

    {"note": "mt7", "sha256": "…", "mentions": [[12, 22, "Problem", "n"], …]}

Offsets are half-open code points; the letters are those of `form.AXIS_LETTERS`. ``mentions.jsonl``
is what counts; ``reading_a.jsonl`` and ``reading_b.jsonl`` are what two readers wrote.
"""

import csv
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from clinnlp.core.checks import check_file, check_one_of
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.files import atomic_write
from clinnlp.core.notes import Assertion, Entity, Note
from clinnlp.core.spans import Span
from corpora.annotated.form import AXIS_LETTERS, Mention, parse_form
from corpora.annotated.texts import read_texts

__all__ = [
    "FOLDER",
    "PARTS",
    "READINGS",
    "collate",
    "read_annotated",
    "read_sample",
    "read_stored",
    "withheld_notes",
]

FOLDER = Path(__file__).parents[1] / "mtsamples-notes"
READINGS = {"settled": "mentions", "a": "reading_a", "b": "reading_b"}
PARTS = ("train", "dev", "test")


def read_sample(folder: Path = FOLDER) -> list[dict[str, str]]:
    """Return the rows of ``notes.tsv``."""
    with check_file(folder / "notes.tsv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def withheld_notes(
    *, parts: Collection[str] = ("dev", "test"), folder: Path = FOLDER
) -> frozenset[str]:
    """Return the keys that silver labels, pretraining and distillation must leave out.

    They are the notes of the parts and all near-duplicates of them in the source.

    Parameters
    ----------
    parts : collection of str
        Of ``"train"``, ``"dev"`` and ``"test"``.
    folder : Path
        The corpus.

    Examples
    --------
    >>> keys = withheld_notes()
    >>> len(keys) >= 60, {row["note"] for row in read_sample() if row["part"] == "test"} <= keys
    (True, True)
    """
    for part in parts:
        check_one_of(part, PARTS, name="part")
    groups = {row["group"] for row in read_sample(folder) if row["part"] in parts}
    with check_file(folder / "groups.tsv").open(encoding="utf-8", newline="") as handle:
        near = {row["note"]: row["group"] for row in csv.DictReader(handle, delimiter="\t")}
    alone = {row["note"] for row in read_sample(folder) if row["group"] in groups}
    return frozenset(alone | {note for note, group in near.items() if group in groups})


def read_annotated(
    data: str | Path, *, part: str | None = None, reading: str = "settled", folder: Path = FOLDER
) -> list[Note]:
    """Return the annotated notes, each with its mentions and what is said of them.

    Parameters
    ----------
    data : str or Path
        The folder that holds ``mtsamples``.
    part : {"train", "dev", "test"}, optional
        All parts by default. The test part is scored once, last.
    reading : {"settled", "a", "b"}
        What counts, or what one of two readers wrote.
    folder : Path
        The corpus.

    Returns
    -------
    list of Note
        ``kind`` is the specialty a note was drawn for. Axes of Anatomy are ``None``.

    Raises
    ------
    DataError
        A text is not the one that was annotated.
    """
    check_one_of(reading, READINGS, name="reading")
    if part is not None:
        check_one_of(part, PARTS, name="part")
    rows = {row["note"]: row for row in read_sample(folder)}
    texts = {key: source.text for key, source in read_texts(Path(data)).items()}
    stored = read_stored(folder / f"{READINGS[reading]}.jsonl")
    wanted = {key: found for key, found in stored.items() if part in (None, rows[key]["part"])}
    return [
        _note(key, _checked(texts.get(key), rows[key]), rows[key]["specialty"], found)
        for key, found in wanted.items()
    ]


def read_stored(path: Path) -> dict[str, list[Mention]]:
    """Return the mentions of a stored file by note."""
    with check_file(path).open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return {row["note"]: [Mention(*cells) for cells in row["mentions"]] for row in rows}


def collate(
    forms: Iterable[Path], target: Path, data: str | Path, *, folder: Path = FOLDER
) -> dict[str, int]:
    """Write the mentions of all forms of folders; a later folder counts over an earlier one.

    Parameters
    ----------
    forms : iterable of Path
        Folders of files ``KEY.tsv``.
    target : Path
        The stored file; written whole, in the order of the sample.
    data : str or Path
        The folder that holds ``mtsamples``.

    Returns
    -------
    dict of str to int
        Mentions by note.

    Raises
    ------
    DataError
        A form is wrong, or a text is not the one of the sample.
    """
    rows = read_sample(folder)
    paths = {path.stem: path for place in forms for path in sorted(place.glob("*.tsv"))}
    strange = sorted(paths.keys() - {row["note"] for row in rows})
    if strange:
        raise ArgumentError(f"forms must be of notes of the sample, got {', '.join(strange)}")
    texts = {key: source.text for key, source in read_texts(Path(data)).items()}
    found = {
        row["note"]: _read_form(paths[row["note"]], _checked(texts.get(row["note"]), row))
        for row in rows
        if row["note"] in paths
    }
    sums = {row["note"]: row["sha256"] for row in rows}
    with atomic_write(target) as handle:
        for key, mentions in found.items():
            cells = [[m.start, m.end, m.label, m.axes] for m in mentions]
            line = {"note": key, "sha256": sums[key], "mentions": cells}
            handle.write(json.dumps(line, separators=(",", ":")) + "\n")
    return {key: len(mentions) for key, mentions in found.items()}


def _read_form(path: Path, text: str) -> list[Mention]:
    return parse_form(path.read_text(encoding="utf-8").split("\n"), text, path=path)


def _checked(text: str | None, row: Mapping[str, str]) -> str:
    """Return the text of a note, if it is the one that was annotated."""
    if text is None or hashlib.sha256(text.encode()).hexdigest() != row["sha256"]:
        raise DataError(
            f"the text of note {row['note']} must be the annotated one, got "
            f"{'none' if text is None else 'another'}; use the table that CARD.md names"
        )
    return text


def _note(key: str, text: str, kind: str, mentions: Iterable[Mention]) -> Note:
    entities = tuple(
        Entity(id=f"T{k}", span=Span(m.start, m.end), label=m.label, assertion=_assertion(m))
        for k, m in enumerate(mentions, start=1)
    )
    return Note(id=key, text=text, kind=kind, entities=entities)


def _assertion(mention: Mention) -> Assertion:
    if mention.label == "Anatomy":
        return Assertion()
    said: dict[str, Any] = {axis: sign in mention.axes for sign, axis in AXIS_LETTERS.items()}
    return Assertion(**said)
