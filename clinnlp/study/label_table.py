"""From the text of drug labels to a table of what they state: interactions, and effects of a drug.

A row is a pair of drugs, or a drug and an effect, with the labels and sentences that state it and
the first place. It is a table that ``clinnlp mine --known`` takes.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import AXES, Assertion, Note
from clinnlp.core.pipeline import chunks
from clinnlp.core.tables import RelationTable
from clinnlp.core.vocab import fold_term
from clinnlp.features.relations import relation_table
from clinnlp.mine.stated import EXCLUDING, STATED_LABELS
from clinnlp.report.csvs import check_csv, write_frame
from clinnlp.text.drugs import drug_names
from clinnlp.text.interactions import INTERACTS, StatedInteractions
from clinnlp.text.relations import StatedRelations

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["INTERACTION_LABELS", "LabelTable", "label_table", "write_label_table"]

INTERACTION_LABELS = (INTERACTS, "effect", "mechanism", "advise", "int")
"""Of our rules, and of models that were taught on DDI-2013."""
_COLUMNS = ("drug_1", "drug_2", "event", "code_1", "code_2", "event_code", "n_labels",
            "n_sentences", "note", "start", "end")  # fmt: skip
_PART = 500  # labels in memory at a time


@dataclass(slots=True, kw_only=True)
class LabelTable:
    """What labels state, row by row.

    Parameters
    ----------
    rows : list of dict
        ``drug_1, drug_2, event`` and their codes, ``n_labels``, ``n_sentences``, and the place of
        the first one; `drug_2` is empty in effects of one drug, `event` in interactions.
    n_labels : int
        Labels that were read.
    n_excluded : dict of str to int
        Relations that are denied, uncertain, hypothetical or of another person, by axis.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    n_labels: int = 0
    n_excluded: dict[str, int] = field(default_factory=dict)

    def frame(self) -> "pd.DataFrame":
        """Return the rows, those that most labels state first."""
        import pandas as pd

        ordered = sorted(self.rows, key=lambda r: (-r["n_labels"], -r["n_sentences"]))
        return pd.DataFrame(ordered, columns=list(_COLUMNS))

    def lines(self) -> tuple[str, ...]:
        """Return what a reader is told."""
        n_pairs = sum(1 for row in self.rows if row["drug_2"])
        lost = ", ".join(f"{axis} {n:,}" for axis, n in self.n_excluded.items() if n) or "none"
        n_effects = len(self.rows) - n_pairs
        told = f"{n_pairs:,} interactions and {n_effects:,} effects"
        return (f"{self.n_labels:,} labels: {told}; relations left out: {lost}",)


def label_table(
    notes: Iterable[Note],
    *,
    language: str = "en",
    subject: bool = False,
    interaction_labels: Collection[str] = INTERACTION_LABELS,
    effect_labels: Collection[str] = STATED_LABELS,
) -> LabelTable:
    """Return what the text of drug labels states.

    Parameters
    ----------
    notes : iterable of Note
        Labels with mentions of drugs, and of effects if these are wanted. Where a note has
        relations, such as those of a model, they count; else those that rules find.
    language : str
        Of the rules.
    subject : bool
        Take the first label (class) of a note as the drug that it is about.
    interaction_labels, effect_labels : collection of str
        Labels of the relations that count.

    Returns
    -------
    LabelTable
        `LabelTable.frame` is its rows as a DataFrame.

    Raises
    ------
    ArgumentError
        No note has a mention.

    Examples
    --------
    >>> from clinnlp.core.notes import Entity
    >>> from clinnlp.core.spans import Span
    >>> ends = (Entity(id="A", span=Span(0, 8), label="Drug"),
    ...         Entity(id="B", span=Span(34, 42), label="Drug"))
    >>> note = Note(id="n", text="Warfarin should not be given with naproxen.", entities=ends)
    >>> label_table([note]).frame()[["drug_1", "drug_2", "n_labels"]].to_numpy().tolist()
    [['naproxen', 'warfarin', 1]]
    """
    generic = cache(drug_names(language).generic)
    wanted = {**dict.fromkeys(interaction_labels, True), **dict.fromkeys(effect_labels, False)}
    pipes = (StatedInteractions(language=language, subject=subject),
             StatedRelations(language=language))  # fmt: skip
    made, found, n_mentions = LabelTable(), dict[tuple[str, str, str], dict[str, Any]](), 0
    held: dict[tuple[str, str, str], set[str]] = {}
    for part in chunks(notes, _PART):
        made.n_labels += len(part)
        n_mentions += sum(len(note.entities) for note in part)
        table = relation_table(_read(note, pipes) for note in part)
        for row in _rows(table, wanted, made, generic):
            key = (row["drug_1"], row["drug_2"], row["event"])
            kept = found.setdefault(key, {**row, "n_sentences": 0})
            kept["n_sentences"] += 1
            held.setdefault(key, set()).add(row["note"])
    if not n_mentions:
        raise ArgumentError(
            "labels must be notes with mentions of drugs, got none with a mention; name a model or "
            "a vocabulary"
        )
    made.rows = [row | {"n_labels": len(held[key])} for key, row in found.items()]
    return made


def write_label_table(table: LabelTable, path: str | Path, inputs: Iterable[str | Path]) -> None:
    """Write the table as CSV, whole or not at all.

    Raises
    ------
    ArgumentError
        Another suffix, or the file is an input.
    RunError
        It may not be written.
    """
    check_csv(path, inputs, what="labels")
    write_frame(table.frame(), path)


def _read(note: Note, pipes: Sequence[Any]) -> Note:
    """Return the note with relations, its own or those of the rules.

    The rules mark themselves what is denied; a drug that is not to be taken ("do not use A with
    B", "A is contraindicated") denies no interaction.
    """
    if note.relations:
        return note
    for pipe in pipes:
        note = pipe(note)
    bare = (replace(mention, assertion=Assertion()) for mention in note.entities)
    return note.with_(entities=tuple(bare))


def _rows(
    table: RelationTable,
    wanted: dict[str, bool],
    made: LabelTable,
    generic: Callable[[str], str],
) -> Iterator[dict[str, Any]]:
    """Yield the row of each relation that counts; a drug and its brand are no pair."""
    columns = {name: table[name].tolist() for name in table.SCHEMA}
    for k in range(len(table)):
        row = {name: values[k] for name, values in columns.items()}
        if row["label"] not in wanted:
            continue
        axis = next((axis for axis in AXES if axis in EXCLUDING and row[axis] == 1), None)
        if axis is not None:
            made.n_excluded[axis] = made.n_excluded.get(axis, 0) + 1
            continue
        ends = [_end(row, place) for place in ("first", "second")]
        is_pair = wanted[row["label"]]
        names = [name for name, _ in ends]
        if all(names) and (not is_pair or generic(names[0]) != generic(names[1])):
            yield _row(sorted(ends) if is_pair else ends, row, is_pair=is_pair)


def _row(ends: Sequence[tuple[str, str]], row: dict[str, Any], *, is_pair: bool) -> dict[str, Any]:
    (drug, code), (other, other_code) = ends
    names = ("drug_2", "code_2") if is_pair else ("event", "event_code")
    empty = dict.fromkeys(("drug_2", "code_2", "event", "event_code"), "")
    place = {name: row[name] for name in ("note", "start", "end")}
    return empty | {"drug_1": drug, "code_1": code, names[0]: other, names[1]: other_code} | place


def _end(row: dict[str, Any], place: str) -> tuple[str, str]:
    """Return the folded words of an end, or a concept without words, and its code."""
    text, concept = row[f"{place}_text"], row[f"{place}_concept"]
    return fold_term(text or concept or ""), (concept or "") if text else ""
