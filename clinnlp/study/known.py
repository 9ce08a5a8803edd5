"""Tables of what is known → what of the signals stands there, and what of it was not called.

A table has two drugs in a row and perhaps an event, or one drug and an event, and may mix both
(the second drug is then an empty cell). Its columns are called ``drug_1, drug_2, event`` or ``drug,
event``, as CRESCENDDI, DDInter or DrugBank call theirs, or as it is said. Names and codes meet
through the names of the items, through a terminology where one is given, and through generic names
of drugs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clinnlp.core.arrays import Array
from clinnlp.core.baskets import NamedItems
from clinnlp.core.config import mapping_of
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.vocab import Vocabulary, fold_term
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.tables.rows import column_names, read_rows
from clinnlp.mine.signals.interactions import Signals
from clinnlp.mine.signals.known import STATUSES, Knowledge, known_or_new
from clinnlp.study.known_columns import NAMES, has_named, known_columns
from clinnlp.study.settings import MineSettings
from clinnlp.text.drugs import drug_names

__all__ = ["Known", "KnownRow", "read_known", "read_known_rows"]

KnownRow = tuple[str, str, str]
"""Drug, other drug or nothing, event or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What tables say of drugs, in the words of the items.

    Parameters
    ----------
    knowledge : Knowledge
    n_rows : int
        Rows of the tables.
    n_left_out : int
        Rows that name one drug twice.
    n_empty : int
        Rows without a drug and without an event.
    n_met : int
        Rows whose drugs, and event where they have one, are all items.
    """

    knowledge: Knowledge
    n_rows: int
    n_left_out: int
    n_empty: int
    n_met: int

    def added(self, signals: Signals) -> Signals:
        """Return signals with the column ``known``: ``known``, ``labelled`` or ``new``."""
        column: Array = known_or_new(signals, self.knowledge)
        return replace(signals, columns={**signals.columns, "known": column})

    def lines(self, signals: Mapping[str, Signals]) -> tuple[str, ...]:
        """Return what a reader is told: how many called rows are known, labelled, new."""
        left = f", {self.n_left_out:,} left out that name one drug twice" * bool(self.n_left_out)
        left += f", {self.n_empty:,} left out that are empty" * bool(self.n_empty)
        found = [f"known: {self.n_rows:,} rows{left}; of {self.n_met:,} all names are items"]
        if self.n_rows and not self.n_met:
            found.append(
                "known: nothing can be found of tables whose names are no items; codes and other "
                "names meet items through a terminology (--known-names)"
            )
        for name, one in signals.items():
            called = one["known"][one["signal"]].tolist()
            counts = ", ".join(f"{status} {called.count(status):,}" for status in STATUSES)
            found.append(f"called {name.replace('_', ' ')}: {counts}")
        return tuple(found)


def read_known(
    paths: Sequence[str | Path], items: NamedItems, settings: MineSettings, dialect: Dialect
) -> Known:
    """Return what some tables say, names and codes turned into items where they mean one.

    Parameters
    ----------
    paths : sequence of path
    items : Baskets or BasketCounts
        What the signals are of.
    settings : MineSettings
        How columns are called, a terminology of names and codes, the language of drug names.
    dialect : Dialect
        How text is written.

    Raises
    ------
    DataError
        A table that cannot be read, has other columns, or a row without a drug, with its line.
    ArgumentError
        A column is named that no such table has.
    """
    named = mapping_of(settings.known_columns, "known_columns")
    here = _named_here(paths, named, dialect)
    every = [row for path in paths for row in read_known_rows(path, here[path], dialect)]
    rows = [row for row in every if any(row)]
    told = {word for row in rows for word in row if word}
    names = _names(told, items, settings)
    interactions, effects, n_left_out = [], [], 0
    for one, other, event in rows:
        if not other:
            effects.append((one, event))
        elif _standard(one, names) == _standard(other, names):
            n_left_out += 1
        else:
            interactions.append((one, other, event))
    knowledge = Knowledge.of(interactions=interactions, effects=effects, names=names)
    return Known(
        knowledge=knowledge,
        n_rows=len(rows),
        n_left_out=n_left_out,
        n_empty=len(every) - len(rows),
        n_met=_n_met(rows, items, names),
    )


def _n_met(rows: Sequence[KnownRow], items: NamedItems, names: Mapping[str, str]) -> int:
    """Return how many rows name items alone."""
    folded = {_standard(item, names) for item in getattr(items, "items", ())}
    return sum(all(_standard(word, names) in folded for word in row if word) for row in rows)


def _named_here(
    paths: Sequence[str | Path], named: Mapping[str, str], dialect: Dialect
) -> dict[str | Path, Mapping[str, str]]:
    """Return what is said of the columns of each table; of several it may be said of some."""
    there = {path: has_named(named, column_names(path, dialect=dialect)) for path in paths}
    return {path: named if there[path] or not any(there.values()) else {} for path in paths}


def read_known_rows(path: str | Path, named: Mapping[str, str], dialect: Dialect) -> list[KnownRow]:
    """Return the rows of a table of interactions, or of effects of single drugs; empty ones too.

    Parameters
    ----------
    path : path
    named : mapping of str to str
        Which column is ``drug_1, drug_2, event`` or ``drug, event``, where it is called otherwise.
    dialect : Dialect

    Raises
    ------
    DataError
        Another table, or a row without a drug.
    ArgumentError
        A name that is none of these.
    """
    wrong = sorted(set(named) - {*NAMES})
    if wrong:
        raise ArgumentError(f"known_columns must name {', '.join(NAMES)}, got {', '.join(wrong)}")
    drugs, event = known_columns(Path(path), named, column_names(path, dialect=dialect))
    found: list[KnownRow] = []
    for line, cells in read_rows(path, [*drugs, *event], dialect=dialect):
        words = ["" if cell is None else str(cell).strip() for cell in cells]
        one, other = words[0], words[1] if len(drugs) == 2 else ""
        what = words[-1] if event else ""
        one, other = (one, other) if one else (other, "")
        if bool(one) != bool(other or what):
            said = "a row of what is known must name its drugs, and the event of a single one"
            raise DataError(f"{said}, got an empty cell", path=path, line=line)
        found.append((one, other, what))
    return found


def _names(told: Iterable[str], items: NamedItems, settings: MineSettings) -> dict[str, str]:
    """Return which item each word of the tables means, where it is written otherwise."""
    called: Sequence[str] = getattr(items, "items", ())
    by_word = {fold_term(item): item for item in called}
    for item, name in items.names.items():
        by_word.setdefault(fold_term(name), item)
    names = {word: item for word, item in by_word.items() if word != fold_term(item)}
    if settings.known_names is not None:
        from clinnlp.io.tables.vocabularies import read_any_vocabulary

        vocabulary = read_any_vocabulary(settings.known_names, language=settings.language)
        names |= _through(vocabulary, by_word, names)
    if settings.generic:
        generic = drug_names(settings.language).generic
        known = {*by_word, *names}
        for word in (word for word in told if fold_term(word) not in known):
            meant = by_word.get(fold_term(generic(word)))
            names |= {word: meant} if meant is not None else {}
    return names


def _through(
    vocabulary: Vocabulary, by_word: Mapping[str, str], names: Mapping[str, str]
) -> dict[str, str]:
    """Return which item each code and name of a terminology means.

    Of a concept that is no item all words mean its preferred name, so that tables of codes meet
    tables of names.
    """
    found: dict[str, str] = {}
    for concept in vocabulary:
        words = (concept.code, *concept.names)
        item = next((by_word[w] for w in map(fold_term, words) if w in by_word), concept.name)
        for word in map(fold_term, words):
            if word not in by_word and word not in names and word != fold_term(item):
                found.setdefault(word, item)
    return found


def _standard(word: str, names: Mapping[str, Any]) -> str:
    folded = fold_term(word)
    return fold_term(str(names.get(folded, names.get(word, folded))))
