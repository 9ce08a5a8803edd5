"""Rules mined from the notes of a review project, with their sentences, as people judge them.

What is mined are the mentions as they are known: where a note was judged, what was decided; else
what is suggested. Mentions that a person called none are taken away first, so that counts, p and q
are those without them. Rules that were judged artefacts are left out and counted; m and q of the
others stay, for a verdict is no filter that was known before.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from clinnlp.core.name_lists import joined_names
from clinnlp.core.notes import Note
from clinnlp.core.spans import Span
from clinnlp.features.baskets import baskets
from clinnlp.features.entities import entity_table
from clinnlp.mine.rule_mining import mine_rules
from clinnlp.mine.rules import Rules
from clinnlp.review.corpus import judged_notes
from clinnlp.review.database import Database
from clinnlp.review.projects import Project, suggested_notes
from clinnlp.review.verdicts import (
    Corrections,
    Sides,
    Verdict,
    corrections_of,
    rule_id,
    verdicts_of,
)
from clinnlp.study.verdicts import COLUMNS, Verdicts

__all__ = ["COLUMNS_SHOWN", "RuleStudy", "Sentence", "counts_of", "mined_rules", "write_verdicts"]

COLUMNS_SHOWN = ("n_both", "n_antecedent", "n_consequent", "n", "lift", "p_fisher", "q_bh")
_MOST_SENTENCES = 20
_AROUND = 200  # characters on each side of a mention, where sentences are not known


class Sentence(NamedTuple):
    """A sentence behind a rule: `start` and `end` of the mention count from its beginning."""

    note: str
    text: str
    offset: int
    start: int
    end: int
    label: str
    item: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RuleStudy:
    """Rules of a project, and the notes that they were mined from.

    Parameters
    ----------
    rules : Rules
    notes : mapping of str to Note
        By id.
    verdicts : mapping of str to Verdict
        By rule.
    """

    rules: Rules
    notes: Mapping[str, Note]
    verdicts: Mapping[str, Verdict]

    def sides(self, i: int) -> Sides:
        """Return the two sides of rule `i`."""
        return tuple(sorted(self.rules.antecedents[i])), tuple(sorted(self.rules.consequents[i]))

    def place(self, rule: str) -> int | None:
        """Return the row of a rule, or None where it is not mined (any more)."""
        found = (i for i in range(len(self.rules)) if rule_id(self.sides(i)) == rule)
        return next(found, None)

    def kept(self) -> list[int]:
        """Return the rows that are not artefacts, the most surprising first."""
        judged = Verdicts.of(self.verdicts.values())
        return [i for i in range(len(self.rules)) if not judged.suppresses(*self.sides(i))]

    def sentences(self, i: int) -> Iterator[Sentence]:
        """Yield sentences behind rule `i`, of its first mentions."""
        table = self.rules.evidence(i)
        columns = ("note", "start", "end", "label", "concept", "text")
        rows = zip(*(table[name][:_MOST_SENTENCES].tolist() for name in columns), strict=True)
        for note, start, end, label, concept, words in rows:
            found = self.notes[note]
            around = _sentence(found, start, end)
            yield Sentence(
                note, found[around], around.start, start - around.start, end - around.start,
                label, concept or " ".join(words.casefold().split()),
            )  # fmt: skip


def mined_rules(
    database: Database, project: Project, *, min_count: int = 5, extra: Corrections | None = None
) -> RuleStudy:
    """Return the rules of a project as its mentions are known now.

    Parameters
    ----------
    database : Database
    project : Project
    min_count : int
        Least number of baskets with both sides.
    extra : Corrections, optional
        In place of those of the store.
    """
    decided = {note.id: note for note in judged_notes(database, project).notes}
    with database.reading() as connection:
        wrong = corrections_of(connection, project) if extra is None else extra
        verdicts = verdicts_of(connection, project)
    suggested = suggested_notes(database, project)
    notes = [wrong.applied(decided.get(note.id, note)) for note in suggested]
    unit = "patient" if all(note.patient is not None for note in notes) else "note"
    rules = mine_rules(baskets(entity_table(notes), unit=unit), min_count=min_count)
    return RuleStudy(rules=rules, notes={note.id: note for note in notes}, verdicts=verdicts)


def counts_of(study: RuleStudy, rule: str) -> dict[str, Any] | None:
    """Return counts, lift, p and q of a rule; None where it is not mined (any more)."""
    i = study.place(rule)
    if i is None:
        return None
    return {name: study.rules[name][i].item() for name in COLUMNS_SHOWN}


def write_verdicts(found: Sequence[Verdict], path: str | Path) -> None:
    """Write verdicts as a CSV that ``clinnlp mine --verdicts`` reads."""
    import pandas as pd

    from clinnlp.report.csvs import write_frame

    rows = [
        (joined_names(one.sides[0]), joined_names(one.sides[1]), one.verdict, one.item or "",
         one.comment, one.who, one.at)
        for one in found
    ]  # fmt: skip
    write_frame(pd.DataFrame(rows, columns=list(COLUMNS)), path)


def _sentence(note: Note, start: int, end: int) -> Span:
    for sentence in note.sentences or ():
        if sentence.start <= start and end <= sentence.end:
            return sentence
    return Span(max(0, start - _AROUND), min(len(note.text), end + _AROUND))
