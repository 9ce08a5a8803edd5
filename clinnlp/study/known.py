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
from clinnlp.io.tables.columns import column_summary, columns_named
from clinnlp.io.tables.rows import column_names, read_rows
from clinnlp.mine.signals.interactions import Signals
from clinnlp.mine.signals.known import STATUSES, Knowledge, known_or_new
from clinnlp.study.settings import MineSettings
from clinnlp.text.drugs import drug_names

__all__ = ["Known", "KnownRow", "read_known", "read_known_rows"]

KnownRow = tuple[str, str, str]
"""Drug, other drug or nothing, event or nothing."""

_PAIRS = (  # how tables call the two drugs
    ("drug_1", "drug_2"),
    ("DRUG_1_CONCEPT_NAME", "DRUG_2_CONCEPT_NAME"),  # CRESCENDDI
    ("Drug_A", "Drug_B"),  # DDInter
    ("parent_key", "drugbank-id"),  # the interactions of DrugBank, as its parsers write them
)
_EVENTS = ("event", "EVENT_CONCEPT_NAME", "outcome", "effect")
_NAMES = ("drug_1", "drug_2", "drug", "event")


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
    """

    knowledge: Knowledge
    n_rows: int
    n_left_out: int

    def added(self, signals: Signals) -> Signals:
        """Return signals with the column ``known``: ``known``, ``labelled`` or ``new``."""
        column: Array = known_or_new(signals, self.knowledge)
        return replace(signals, columns={**signals.columns, "known": column})

    def lines(self, signals: Mapping[str, Signals]) -> tuple[str, ...]:
        """Return what a reader is told: how many called rows are known, labelled, new."""
        left = f", {self.n_left_out:,} left out that name one drug twice" * bool(self.n_left_out)
        found = [f"known: {self.n_rows:,} rows{left}"]
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
    rows = [row for path in paths for row in read_known_rows(path, named, dialect)]
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
    return Known(knowledge=knowledge, n_rows=len(rows), n_left_out=n_left_out)


def read_known_rows(path: str | Path, named: Mapping[str, str], dialect: Dialect) -> list[KnownRow]:
    """Return the rows of a table of interactions, or of effects of single drugs.

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
    wrong = sorted(set(named) - {*_NAMES})
    if wrong:
        raise ArgumentError(f"known_columns must name {', '.join(_NAMES)}, got {', '.join(wrong)}")
    drugs, event = _columns(Path(path), named, dialect)
    found: list[KnownRow] = []
    for line, cells in read_rows(path, [*drugs, *event], dialect=dialect):
        words = ["" if cell is None else str(cell).strip() for cell in cells]
        other = words[1] if len(drugs) == 2 else ""
        what = words[-1] if event else ""
        if not words[0] or not (other or what):
            said = "a row of what is known must name its drugs, and the event of a single one"
            raise DataError(f"{said}, got an empty cell", path=path, line=line)
        found.append((words[0], other, what))
    return found


def _columns(path: Path, named: Mapping[str, str], dialect: Dialect) -> tuple[list[str], list[str]]:
    """Return the columns of the drugs, and that of the event if there is one."""
    there = column_names(path, dialect=dialect)
    of_event = [named["event"]] if "event" in named else list(_EVENTS)
    event = list(columns_named(of_event, there).values())[:1]
    said = (named.get("drug_1", "drug_1"), named.get("drug_2", "drug_2"))
    choices: list[tuple[str, ...]] = [said, *([] if named else _PAIRS)]
    for pair in choices:
        found = columns_named(pair, there)
        if len(found) == 2:
            return [found[name] for name in pair], event
    drug = columns_named([named.get("drug", "drug")], there)
    if drug and event:
        return list(drug.values()), event
    raise DataError(
        "a table of what is known must have the columns drug_1, drug_2 and perhaps event, or drug "
        f"and event, got others; {column_summary(there)}; name them with known_columns "
        "(--known-columns)",
        path=path,
    )


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
