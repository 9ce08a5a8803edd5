"""What notes state, beside what was mined: a table of relations or notes → counts and places."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clinnlp.core.baskets import Baskets
from clinnlp.core.errors import DataError
from clinnlp.core.notes import Note
from clinnlp.core.spans import Span
from clinnlp.core.tables import RelationTable
from clinnlp.features.relations import relation_table
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.tables.relations import read_relation_table
from clinnlp.io.tables.rows import column_names
from clinnlp.mine.rules import Rules
from clinnlp.mine.signals.interactions import Signals
from clinnlp.mine.stated import StatedPairs
from clinnlp.report.blocks import Block, Column, Facts, Paragraph, ReportSection, TableBlock
from clinnlp.study.reading import TableReading
from clinnlp.study.settings import MineSettings
from clinnlp.study.verdicts import sides_of
from clinnlp.text.normalise import DRUG_LABELS
from clinnlp.text.relations import PROBLEM_LABELS, StatedRelations
from clinnlp.text.sentences import Sentences

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Stated", "read_stated", "relations_of"]

_OF_RELATIONS = {"relation", "first_role", "first_text", "second_text"}
_TABLES = (".csv", ".tsv", ".parquet")
_N_SHOWN = 25  # statements shown
_N_PLACES = 5  # places shown behind each
_SAYS = ("stated", "denied")
_TOLD = (
    "n stated and n denied are baskets in which a sentence says so. p stated is the chance of as "
    "many, were it no cause; q stated is that of a screen that asks less of what is stated "
    "(clinnlp.mine.signals.stated_tests)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What notes state of pairs of items, and the sentences that do.

    Parameters
    ----------
    pairs : StatedPairs
    sentences : mapping of str to sequence of Span
        Of each note with relations; empty where only a table of relations was read.
    n_by_rules : int
        Notes without relations, in which they were sought by rules.
    """

    pairs: StatedPairs
    sentences: Mapping[str, Sequence[Span]]
    n_by_rules: int = 0

    def lines(self) -> tuple[str, ...]:
        """Return what a reader is told of the relations."""
        pairs = self.pairs
        n = {name: sum(map(len, told.values())) for name, told in self._told().items()}
        lost = ", ".join(f"{why} {k:,}" for why, k in sorted(pairs.n_excluded.items()) if k)
        rules = f", those of {self.n_by_rules:,} notes by rules" if self.n_by_rules else ""
        told = f"{n['stated']:,} state and {n['denied']:,} deny a pair of items"
        return (f"relations: {len(pairs.relations):,}{rules}; {told}; left out: {lost or 'none'}",)

    def frame(self) -> "pd.DataFrame":
        """Return a row per relation that counts: the items, what it says, and where."""
        import pandas as pd

        places = _Places(self)
        rows = [
            places.of(k) | {"item_1": pair[0], "item_2": pair[1], "says": says}
            for says, told in self._told().items()
            for pair, at in sorted(told.items())
            for k in at.tolist()
        ]
        return pd.DataFrame(rows, columns=self._columns())

    def section(self, mined: Mapping[str, Rules | Signals]) -> ReportSection:
        """Return the section of a report: what was counted, and the places of the first rows."""
        facts = [(f"left out: {why}", n) for why, n in sorted(self.pairs.n_excluded.items())]
        blocks: list[Block] = [
            Paragraph(text=_TOLD),
            Facts(pairs=(("relations", len(self.pairs.relations)), *facts)),
        ]  # fmt: skip
        rows = [row for one in mined.values() for row in self._behind(one)]
        rows.sort(key=lambda row: -row["n_stated"] - row["n_denied"])
        if rows:
            columns = ("statement", Column(key="n_stated", title="n stated", kind="count"),
                       Column(key="n_denied", title="n denied", kind="count"),
                       Column(key="places", kind="code"))  # fmt: skip
            table = TableBlock(
                title="Where it is stated", rows=tuple(rows[:_N_SHOWN]), columns=columns,
                n_rows=len(rows), whole="stated.csv",
            )  # fmt: skip
            blocks.append(table)
        return ReportSection(title="What notes state", blocks=tuple(blocks))

    def _behind(self, mined: Rules | Signals) -> Iterable[dict[str, Any]]:
        """Yield the rows of a table that some note states or denies, each with its places."""
        n_stated, n_denied = mined["n_stated"], mined["n_denied"]
        sides, places_of = sides_of(mined), _Places(self)
        for i in (n_stated + n_denied).nonzero()[0].tolist():
            left, right = (", ".join(map(mined.baskets.called, sorted(s))) for s in sides[i])
            at = [k for rows in self.pairs.rows_of(mined, i) for k in rows.tolist()]
            places = [places_of.of(k) for k in at[:_N_PLACES]]
            shown = ", ".join(f"{p['note']}:{p['start']}-{p['end']}" for p in places)
            yield {
                "statement": f"{left} → {right}",
                "n_stated": int(n_stated[i]),
                "n_denied": int(n_denied[i]),
                "places": shown + (" …" if len(at) > _N_PLACES else ""),
            }

    def _told(self) -> dict[str, Mapping[tuple[str, str], Any]]:
        return dict(zip(_SAYS, (self.pairs.stated, self.pairs.denied), strict=True))

    def _columns(self) -> list[str]:
        sentence = ["sentence_start", "sentence_end"] if self.sentences else []
        return ["item_1", "item_2", "says", "label", "patient", "encounter", "note", "start",
                "end", *sentence, "rule", "score"]  # fmt: skip


class _Places:
    """Where relations stand; the columns are read once."""

    def __init__(self, stated: Stated) -> None:
        names = ("label", "patient", "encounter", "note", "start", "end", "rule", "score")
        self._columns = {name: stated.pairs.relations[name].tolist() for name in names}
        self._sentences = stated.sentences

    def of(self, k: int) -> dict[str, Any]:
        """Return the ids and offsets of a relation, and those of its sentence where it is known."""
        row = {name: column[k] for name, column in self._columns.items()}
        spans = self._sentences.get(row["note"], ())
        at = bisect_right(spans, row["start"], key=lambda span: span.start) - 1
        if at >= 0:
            last = bisect_right(spans, max(row["end"] - 1, 0), key=lambda span: span.start) - 1
            row |= {"sentence_start": spans[at].start, "sentence_end": spans[max(at, last)].end}
        return row


def read_stated(
    path: str | Path, sets: Baskets, settings: MineSettings, reading: TableReading | None = None
) -> Stated:
    """Return what a table of relations, or notes with mentions, state of the items of baskets.

    Parameters
    ----------
    path : path
        A table that `clinnlp.write_relation_table` wrote, or notes with mentions in any format:
        their relations count, and in notes that have none those that rules find.
    sets : Baskets
    settings : MineSettings
        Which relations count, and the language of the rules.
    reading : TableReading, optional
        How tables of notes are written.

    Raises
    ------
    DataError
        The file cannot be read, or its notes have neither relations nor mentions.
    ArgumentError
        Baskets of another unit, or of plain tables.
    """
    path, reading = Path(path), reading or TableReading()
    if _is_table(path, reading):
        relations, n_by_rules = read_relation_table(path), 0
        sentences: dict[str, tuple[Span, ...]] = {}
    else:
        notes = read_notes(path, dialect=reading.dialect, skip_bad=reading.skip_bad)
        drugs = (*DRUG_LABELS, settings.drug_kind)
        problems = (*PROBLEM_LABELS, settings.outcome_kind)
        relations, sentences, n_by_rules = relations_of(
            notes,
            StatedRelations(
                language=settings.language,
                drug_labels=[label for label in drugs if label not in problems],
                problem_labels=problems,
            ),
            path=path,
            language=settings.language,
        )
        reading.skipped.extend(notes.skipped)
    pairs = StatedPairs.of(sets, relations, labels=settings.stated_labels)
    return Stated(pairs=pairs, sentences=sentences, n_by_rules=n_by_rules)


def relations_of(
    notes: Iterable[Note], rules: StatedRelations, *, path: Path, language: str
) -> tuple[RelationTable, dict[str, tuple[Span, ...]], int]:
    """Return the relations of notes, the sentences of those that have some, and by how many rules.

    Raises
    ------
    DataError
        No note has a mention.
    """
    split, sentences = Sentences(language=language), dict[str, tuple[Span, ...]]()
    n_mentions = n_by_rules = 0

    def read() -> Iterable[Note]:
        nonlocal n_mentions, n_by_rules
        for note in notes:
            n_mentions += len(note.entities)
            if not note.relations:
                n_by_rules += bool(note.entities)
                note = rules(note)
            if note.relations:
                sentences[note.id] = note.sentences or split(note).sentences or ()
            yield note

    table = relation_table(read())
    if not n_mentions:
        raise DataError(
            "relations must be a table of relations, or notes with mentions as clinnlp extract "
            "writes them to .jsonl, got notes without a mention",
            path=path,
        )
    return table, sentences, n_by_rules


def _is_table(path: Path, reading: TableReading) -> bool:
    """Return whether a path is a table of relations, by its columns; a folder by its parts."""
    parts = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not parts or parts[0].suffix.lower() not in _TABLES or not parts[0].is_file():
        return False
    return {*column_names(parts[0], dialect=reading.dialect)} >= _OF_RELATIONS
