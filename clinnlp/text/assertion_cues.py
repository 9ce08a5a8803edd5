"""The cues of a text: which phrases of the tables stand where, and what each would do.

All phrases of all axes are found in one scan; of two that overlap the longer stays. A word that
answers a form says nothing else ("Fever: No  Cough: Yes", see `clinnlp.text.forms`), so what lies
in an answer is taken out. No phrase goes over the end of a line that ends its sentence: "Fever: No"
above "Hx of gout" is not "no hx of".
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from clinnlp.text.cues import Action, CueRow, read_cues
from clinnlp.text.forms import Answer, Answers, may_end_label
from clinnlp.text.matcher import TermMatcher, fold_keeping_length, fold_text
from clinnlp.text.phrases import PhraseWords
from clinnlp.text.tables import language_path

__all__ = ["Cue", "CueFinder", "shipped_finder"]

_APART = "\x00"  # in place of a line end that ends a sentence: part of no phrase
_MARGIN = 16  # characters of indentation of a line
_ASKS_ON = re.compile(r"(?<=[^\s?] )\? \w")  # "asthma ? copd" doubts what follows alone


class _Work(NamedTuple):
    """What a phrase of the tables does."""

    forward: tuple[Action, ...]
    backward: tuple[Action, ...]
    opens: frozenset[int]  # axes of its cues, whichever way they work
    states: tuple[Action, ...]  # of the clause that it ends
    is_answer: bool


class Cue(NamedTuple):
    """A phrase of the tables at a place of the text."""

    start: int
    end: int
    work: _Work


class CueFinder:
    """Finds the cues of a text and the answers of its forms.

    Parameters
    ----------
    tables : sequence of paths
        See `clinnlp.text.cues`.

    Attributes
    ----------
    words : PhraseWords
        The words that tell where a noun phrase ends.
    """

    def __init__(self, tables: Sequence[str | Path]) -> None:
        table = read_cues(tables)
        # "doesnt have"; where that is another phrase, that one holds
        bare = [k for k, phrase in enumerate(table.phrases) if "'" in phrase]
        more = (table.phrases[k].replace("'", "") for k in bare)
        self._matcher = TermMatcher([*table.phrases, *more])
        self._works = _works([*table.actions, *(table.actions[k] for k in bare)])
        self._said = table.answers
        self._answers = Answers(
            {word: answer.says for word, answer in table.answers.items()},
            bare={word: answer.run for word, answer in table.answers.items() if answer.run},
            shorthand=table.classes.get("shorthand", ()),
        )
        self.words = PhraseWords.of(table.classes)

    def find(
        self, text: str, mentions: Sequence[int], sentences: Sequence[int] = ()
    ) -> tuple[list[Cue], list[Answer]]:
        """Return the cues of a text, and the answers of the lines in which a mention begins.

        `sentences` tells where the sentences begin, none where it is one.
        """
        cues = list(self._cues(_with_ends(text, sentences)))
        words = [cue.start for cue in cues if cue.work.is_answer and may_end_label(text, cue.end)]
        answers = self._answers(text, mentions, words)
        return _apart(cues, answers), answers

    def row_of(self, answer: str) -> CueRow:
        """Return where it is written what an answer says."""
        word = self._said.get(fold_keeping_length(answer))
        return word.row if word else CueRow("forms", 0, answer, "own")

    def _cues(self, text: str) -> Iterator[Cue]:
        """Yield the phrases that do something; a pseudo one only holds its words."""
        folded = fold_text(text)
        for start, end, term in self._matcher.longest(folded):
            work = self._works[term]
            if work is not None:
                at = folded.original(start, end)
                yield Cue(*at, work if text[at[0]] != "?" else _asking(text, at[0], work))


@cache
def shipped_finder(language: str) -> CueFinder:
    """Return the one of the table that comes with the package."""
    return CueFinder([language_path("assertion", language)])


def _with_ends(text: str, sentences: Sequence[int]) -> str:
    """Return a text of the same length in which no phrase goes over the end of a last line."""
    ends = set()
    for start in sentences:
        before = text[max(0, start - _MARGIN) : start]
        body = before.rstrip(" \t")
        if body[-1:] in ("\n", "\r"):
            ends.add(start - 1 - len(before) + len(body))
    if not ends:
        return text
    edges = [0, *(offset for end in sorted(ends) for offset in (end, end + 1)), len(text)]
    return _APART.join(text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True))


def _works(actions: Sequence[tuple[Action, ...]]) -> list[_Work | None]:
    """Return what each phrase does; many have the actions of the same rows."""
    rows = {id(done): done for done in actions}
    made: dict[tuple[int, ...], _Work | None] = {}
    works: dict[int, _Work | None] = {}
    for name, done in rows.items():
        key = tuple(map(id, done))
        if key not in made:
            made[key] = _work(done)
        works[name] = made[key]
    return [works[id(done)] for done in actions]


def _work(actions: Sequence[Action]) -> _Work | None:
    works = _of_kind(actions, "cue", "terminator")
    states, answers = _of_kind(actions, "state"), _of_kind(actions, "answer")
    if not (works or states or answers):
        return None
    return _Work(
        forward=tuple(action for action in works if action.forward),
        backward=tuple(action for action in works if action.backward),
        opens=frozenset(action.axis for action in _of_kind(works, "cue")),
        states=tuple(states),
        is_answer=bool(answers),
    )


def _asking(text: str, at: int, work: _Work) -> _Work:
    return work._replace(backward=()) if _ASKS_ON.match(text, at) else work


def _of_kind(actions: Sequence[Action], *kinds: str) -> list[Action]:
    return [action for action in actions if action.kind in kinds]


def _apart(cues: list[Cue], answers: Sequence[Answer]) -> list[Cue]:
    """Return the cues that are no part of an answer; its "no" says nothing of what follows."""
    if not answers:
        return cues
    taken = sorted(answer.cue for answer in answers)
    starts = [span.start for span in taken]
    kept = []
    for cue in cues:
        k = bisect_left(starts, cue.end)
        if not (k and taken[k - 1].end > cue.start):
            kept.append(cue)
    return kept
