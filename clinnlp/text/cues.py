"""Cue tables: the words that decide an assertion, and how far they reach.

A row says: this *cue*, on this *axis*, is of this *kind* and works in this *direction*.

``cue``         decides the axis for mentions that follow (``forward``), precede (``backward``)
                or both; at most `scope` words away where that is given. In the direction
                ``phrase`` only for the noun phrase that it stands in (see below), in ``opening``
                for what follows where it begins its sentence ("Two years ago he had").
``terminator``  ends the reach of cues of its axis (``*``: of every axis) and, without a `scope`, of
                a section prior.
``pseudo``      does nothing, but holds its words against shorter cues ("no increase").
``answer``      is what a form says of its label (see `clinnlp.text.forms`): a row of ``negated``
                says no, of ``uncertain`` unknown, of ``*`` yes; with a `scope` also without a
                mark between label and answer, in a run of at least so many.
``state``       ends a short clause of its own and says that it holds: the "stable" of "no fever,
                COPD stable". What negates from outside the clause, or makes historical, ends;
                in the direction ``backward`` not where a list may end here ("no rash, edema
                seen": a word of the class ``listing`` begins the cue).
``word``        gives words to the class that stands in the column `axis`.

A cell of cues may hold several, with `` | `` between them, and classes in braces:
``{be} not {seen}`` stands for "is not seen", "were not found" and so on, ``{other?}`` for each
word of its class or none. A phrase is one unit: the longest wins, so that "no history of" is not
also "history of"; but one that ends an axis lets its words do what they do on the others. A
phrase may have several rows, one per axis; where classes make a phrase that
another row writes out for the same axis, the row that writes it out holds.

A cue such as "negative" belongs to one noun phrase: in "Pneumonia with negative cultures" and
"Pneumonia, KRAS negative" it says nothing of the pneumonia. In the direction ``phrase`` it decides
for the phrase right behind it where it leads that in (what stands before it is no part of a
phrase), else for the one right before it; a list whose last item follows an "and" or "or" counts
as one phrase. Four classes of single words tell where phrases end: ``outside`` (no part of a
phrase), ``within`` ("of"), ``joining`` ("and") and ``test`` (what ends in "cultures" is no list).

Each phrase remembers its row, so that an answer can name it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from typing import NamedTuple

from clinnlp.core.errors import DataError, located
from clinnlp.core.notes import AXES
from clinnlp.text.matcher import fold_keeping_length
from clinnlp.text.tables import read_table

__all__ = ["Action", "AnswerWord", "CueRow", "CueTable", "Prior", "read_cues", "read_priors"]

KINDS = ("cue", "pseudo", "terminator", "answer", "state", "word")
SAYS = {"negated": "no", "uncertain": "unknown", "*": "yes"}
DIRECTIONS = ("forward", "backward", "both", "phrase", "opening")
WORKS = {  # forward, backward; an answer decides for its label alone
    "forward": (True, False),
    "backward": (False, True),
    "both": (True, True),
    "phrase": (True, True),
    "opening": (True, False),
    "answer": (False, False),
}
WHEN = ("always", "cue")
N_PHRASES = 100_000  # phrases that one row may stand for
N_WORDS = 50  # of a cue
_MOST_DIGITS = 6  # of a scope
_CLASS = re.compile(r"\{(?P<name>\w+)(?P<optional>\??)\}")
_COLUMNS = ("cue", "axis", "direction", "kind", "scope", "source")


class CueRow(NamedTuple):
    """Where a rule is written: the table's file name, its line, the cell, and where it is from."""

    table: str
    line: int
    cue: str
    source: str


class Action(NamedTuple):
    """What one row of a cue does on one axis; `scope` 0 reaches to the end of the sentence.

    With `in_phrase` it reaches no further than the noun phrase that the cue stands in; with
    `opening` it does it only where the cue begins its sentence.
    """

    axis: int
    kind: str
    forward: bool
    backward: bool
    scope: int
    row: CueRow
    in_phrase: bool = False
    opening: bool = False


class AnswerWord(NamedTuple):
    """What a word says as the answer of a form; `run`: without a mark in so many (0: never)."""

    says: str
    run: int
    row: CueRow


@dataclass(frozen=True, slots=True, kw_only=True)
class CueTable:
    """Phrases, for each the actions of its rows, the words of each class, and the answers."""

    phrases: tuple[str, ...]
    actions: tuple[tuple[Action, ...], ...]
    classes: Mapping[str, frozenset[str]]
    answers: Mapping[str, AnswerWord]


class Prior(NamedTuple):
    """A section that decides an axis, always or only in sentences that hold a cue for it."""

    axis: int
    needs_cue: bool
    row: CueRow


_Made = dict[str, tuple[Action, ...]]


def read_cues(paths: Sequence[str | Path]) -> CueTable:
    """Return the cue tables in `paths` as one.

    Raises
    ------
    DataError
        An unknown axis, direction, kind or class, or a scope that is not a number.
    """
    plain: _Made = {}
    made: _Made = {}
    words: dict[str, frozenset[str]] = {}
    answers: dict[str, AnswerWord] = {}
    for path in paths:
        rows = list(read_table(path, _COLUMNS[:-1], optional=_COLUMNS[-1:]))
        classes = _classes(rows)
        words |= {name: words.get(name, frozenset()).union(classes[name]) for name in classes}
        for line, (cell, axis, direction, kind, scope, source) in rows:
            if kind == "word":
                continue
            row = CueRow(Path(path).name, line, cell, source)
            with located(path, line):
                actions = _actions(axis, direction, kind or "cue", scope, row)
                if kind == "answer":
                    answers |= _answers(cell, axis, scope, row)
                shortest = 1 + (kind == "answer")  # `Answers` looks for single letters
                for phrases, written in _phrases(cell, classes):
                    named = (phrase for phrase in phrases if len(phrase) >= shortest)
                    _add(plain if written else made, dict.fromkeys(named, actions))
    table = _together(plain, made)
    _add_begun(table)
    return CueTable(
        phrases=tuple(table), actions=tuple(table.values()), classes=words, answers=answers
    )


def read_priors(path: str | Path) -> dict[str, tuple[Prior, ...]]:
    """Return for each kind of section the axes it decides.

    Raises
    ------
    DataError
        An unknown axis, or a `when` other than ``always`` and ``cue``.
    """
    priors: dict[str, tuple[Prior, ...]] = {}
    for line, (kind, axis, when, source) in read_table(
        path, ("kind", "axis", "when"), optional=("source",)
    ):
        if axis not in AXES or when not in WHEN:
            raise DataError(
                f"a prior needs one of {', '.join(AXES)} and one of {', '.join(WHEN)}, "
                f"got {axis!r} and {when!r}",
                path=path,
                line=line,
            )
        row = CueRow(Path(path).name, line, kind, source)
        priors[kind] = (*priors.get(kind, ()), Prior(AXES.index(axis), when == "cue", row))
    return priors


def _classes(rows: Sequence[tuple[int, list[str]]]) -> dict[str, list[str]]:
    classes: dict[str, list[str]] = {}
    for _, (cell, name, _, kind, _, _) in rows:
        if kind == "word":
            classes.setdefault(fold_keeping_length(name), []).extend(_alternatives(cell))
    return classes


def _add(held: _Made, new: _Made) -> None:
    """Add phrases of a row; those held already do both."""
    held |= new | {phrase: held[phrase] + new[phrase] for phrase in held.keys() & new.keys()}


def _together(plain: _Made, made: _Made) -> _Made:
    """Return all phrases; one made of classes and written out too, only for axes it leaves free."""
    both = {}
    for phrase in plain.keys() & made.keys():
        written = plain[phrase]
        free = (a for a in made[phrase] if not any(_meet(a, other) for other in written))
        both[phrase] = (*written, *free)
    return plain | made | both


def _add_begun(table: _Made) -> None:
    """Let the words of a phrase that ends an axis do what they do on the others."""
    rows = {id(actions): actions for actions in table.values()}.values()
    ending = {id(actions) for actions in rows if any(a.kind == "terminator" for a in actions)}
    for phrase, actions in table.items():
        if id(actions) in ending:
            inside = _inside(phrase, {action.axis for action in actions}, table)
            # ends, then begins
            ordered = sorted((*actions, *inside), key=lambda action: action.kind != "terminator")
            table[phrase] = tuple(ordered)


def _meet(a: Action, b: Action) -> bool:
    """Return whether two actions work on one axis in one direction."""
    return a.axis == b.axis and ((a.forward and b.forward) or (a.backward and b.backward))


def _inside(phrase: str, taken: Set[int], made: _Made) -> list[Action]:
    """Return what the phrases inside a phrase do on axes other than those taken."""
    words = phrase.split()
    return [
        action
        for i in range(len(words))
        for j in range(i + 1, len(words) + 1)
        if j - i < len(words)
        for action in made.get(" ".join(words[i:j]), ())
        if action.axis not in taken
    ]


def _alternatives(cell: str) -> list[str]:
    folded = fold_keeping_length(cell)  # as the note will be
    return [" ".join(words) for part in folded.split(" | ") if (words := part.split())]


def _phrases(
    cell: str, classes: Mapping[str, Sequence[str]]
) -> Iterator[tuple[Iterable[str], bool]]:
    """Yield the phrases that each alternative of a cell stands for, and whether it is written out.

    A phrase may be empty.
    """
    for part in _alternatives(cell):
        choices = [_choices(word, classes) for word in part.split()]
        if len(choices) > N_WORDS:
            raise DataError(f"a cue may have {N_WORDS} words at most, got {len(choices)}")
        n_phrases = prod(map(len, choices))
        if n_phrases > N_PHRASES:
            raise DataError(f"a cue may stand for {N_PHRASES} phrases at most, got {n_phrases}")
        yield (
            (" ".join(filter(None, words)) for words in product(*choices)),
            not _CLASS.search(part),
        )


def _answers(cell: str, axis: str, scope: str, row: CueRow) -> dict[str, AnswerWord]:
    if axis not in SAYS:
        raise DataError(f"an answer needs one of {', '.join(SAYS)} as its axis, got {axis!r}")
    return dict.fromkeys(_alternatives(cell), AnswerWord(SAYS[axis], int(scope or 0), row))


def _choices(word: str, classes: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """Return what a word of a cue stands for: each of its classes written out."""
    found = _CLASS.search(word)
    if not found:
        return (word,)
    name = found["name"]
    if name not in classes:
        raise DataError(f"a class in a cue must have words in the same table, got {name!r}")
    before, behind = word[: found.start()], _choices(word[found.end() :], classes)
    made = [f"{before}{member}{after}" for member in classes[name] for after in behind]
    return [*made, ""] if found["optional"] else made


def _actions(axis: str, direction: str, kind: str, scope: str, row: CueRow) -> tuple[Action, ...]:
    direction = direction or ("both" if kind == "terminator" else "forward")
    for value, allowed in ((axis, (*AXES, "*")), (direction, DIRECTIONS), (kind, KINDS)):
        if value not in allowed:
            raise DataError(f"a cue needs one of {', '.join(allowed)} here, got {value!r}")
    forward, backward = WORKS[direction if kind != "answer" else kind]
    axes = range(len(AXES)) if axis == "*" else [AXES.index(axis)]
    n_words = _scope(scope)
    only = (direction == "phrase", direction == "opening")
    return tuple(Action(i, kind, forward, backward, n_words, row, *only) for i in axes)


def _scope(cell: str) -> int:
    if cell and not (cell.isdecimal() and len(cell) <= _MOST_DIGITS):
        raise DataError("scope of a cue must be a number of words or empty, got another value")
    return int(cell or 0)
