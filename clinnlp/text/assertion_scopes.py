"""How far cues reach: the sweeps over each sentence that decide the axes of its mentions.

A sentence with mentions is swept once from the left and once from the right: a cue opens its axis,
a terminator closes it, and a mention takes the state that it meets. What is open at the end of a
sentence that ends in a colon reaches into the items of the list below it. A short clause that ends
in a state holds by itself ("no fever, COPD stable").
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from clinnlp.core.notes import AXES
from clinnlp.core.spans import Span
from clinnlp.text.assertion_cues import Cue
from clinnlp.text.cues import Action, CueRow
from clinnlp.text.forms import Answer
from clinnlp.text.phrases import PhraseWords, phrase_of

__all__ = ["Hits", "Open", "State", "Sweeps"]

_N_AXES = len(AXES)
_NEGATED, _UNCERTAIN = AXES.index("negated"), AXES.index("uncertain")
_LONGEST_WORD = 24  # characters; a scope of n words never reaches further than n such words
_IN_PHRASE = 1_000  # what sets the reach of a cue in a phrase apart from those in words
_MARGIN = 16  # characters of indentation looked at before a list item
_CLAUSE = 60  # characters of a clause that ends in a state
_N_CLAUSE = 5  # words of one
_BETWEEN = re.compile(r"[,;:]\s+(?!(?:and|or|nor|y|o|ni)\b)|\s[-–—]\s|\.\s")
_LIST_ITEM = re.compile(r"(?:[-*•·–+>]|\(?\d{1,2}[.)]|\(?[^\W\d_][.)])\s")


class Open(NamedTuple):
    """An open axis: the cue that opened it, its reach in words (0: no limit), and its row.

    With a `phrase` the axis is open for the mentions in it alone. A `prior` is a section's.
    """

    start: int
    end: int
    scope: int
    row: CueRow
    phrase: Span | None = None
    prior: bool = False


State = dict[int, Open]  # axis + _N_AXES * reach → the nearest cue of this reach
Hits = dict[int, Open]  # axis → what decided


class Sweeps:
    """The mentions of a text, and for each what decided its axes so far.

    Parameters
    ----------
    text : str
    mentions : sequence of Span
    cues : sequence of Cue
        Of the text, disjoint and from the left.
    words : PhraseWords
        The words that tell where a noun phrase ends.

    Attributes
    ----------
    hits : list of dict
        For each mention, what made an axis true.
    """

    def __init__(
        self, text: str, mentions: Sequence[Span], cues: Sequence[Cue], words: PhraseWords
    ) -> None:
        self.hits: list[Hits] = [{} for _ in mentions]
        self._text, self._mentions, self._cues, self._words = text, mentions, cues, words
        self._order = sorted(range(len(mentions)), key=mentions.__getitem__)
        self._starts = [mentions[i].start for i in self._order]
        self._cue_starts = [cue.start for cue in cues]
        self._cue_ends = [cue.end for cue in cues]
        self._carried: State = {}  # what a line that ends in a colon holds over the list below it
        self._begun = False  # whether a list has

    def read(
        self, sentences: Iterable[Span], opened: Callable[[int, Sequence[Cue]], State]
    ) -> None:
        """Sweep the sentences; `opened` gives the axes that are open where one begins."""
        for sentence, inside in self._by_sentence(sentences):
            if self._carried and not self._in_list(sentence.start):
                self._carried = {}
            self._begun = True
            introduces = self._text[sentence.end - 1] == ":"
            if inside or introduces:
                self._sweep(sentence, inside, opened, introduces=introduces)

    def answer(self, answers: Iterable[Answer], row_of: Callable[[str], CueRow]) -> None:
        """Let the answers of forms decide for the mentions in their labels."""
        starts = self._starts
        for answer in answers:
            cue = answer.cue
            made = Open(*cue, 0, row_of(self._text[cue.start : cue.end]))
            first = bisect_left(starts, answer.phrase.start)
            for i in self._order[first : bisect_left(starts, answer.phrase.end, first)]:
                for axis in (_NEGATED, _UNCERTAIN):
                    self.hits[i].pop(axis, None)
                if answer.said != "yes":
                    self.hits[i][_NEGATED if answer.said == "no" else _UNCERTAIN] = made

    def _by_sentence(self, sentences: Iterable[Span]) -> Iterator[tuple[Span, list[int]]]:
        """Yield the sentences that matter with the indices of the mentions that begin in them.

        A mention outside all sentences goes to the next one, stretched to hold it.
        """
        order, starts = self._order, self._starts
        first = 0
        for sentence in sorted(sentences):
            k = first
            while k < len(starts) and starts[k] < sentence.end:
                k += 1
            if k > first and starts[first] < sentence.start:
                sentence = Span(starts[first], sentence.end)
            if k > first or self._carried or self._text[sentence.end - 1] == ":":
                yield sentence, order[first:k]
            first = k
        for i in order[first:]:
            yield self._mentions[i], [i]

    def _sweep(
        self,
        sentence: Span,
        inside: Sequence[int],
        opened: Callable[[int, Sequence[Cue]], State],
        *,
        introduces: bool,
    ) -> None:
        # ": denies" may begin in the heading, "return precautions:" is one
        first = bisect_right(self._cue_ends, self._end_of_heading(sentence.start))
        cues = self._cues[first : bisect_left(self._cue_starts, sentence.end, first)]
        state = opened(sentence.start, cues) | self._carried
        if cues or state:
            self._forward(sentence.start, cues, inside, state, to_end=introduces)
        if cues and inside:
            self._backward(cues, inside)
            self._let_clauses_hold(sentence, cues, inside)
        if introduces:
            self._carried, self._begun = state, False

    def _forward(
        self, begins: int, cues: Sequence[Cue], inside: Sequence[int], state: State, *, to_end: bool
    ) -> None:
        """Walk a sentence rightwards; leaves in `state` what is open behind it."""
        k = 0
        for i in inside:
            start = self._mentions[i].start
            while k < len(cues) and cues[k].start < start:
                self._apply(cues[k], cues[k].work.forward, state, begins=begins)
                k += 1
            for key, held in state.items():
                if self._reaches_on(start, held):
                    self.hits[i].setdefault(key % _N_AXES, held)
        for cue in cues[k:] if to_end else ():
            self._apply(cue, cue.work.forward, state, begins=begins)

    def _backward(self, cues: Sequence[Cue], inside: Sequence[int]) -> None:
        """Walk a sentence leftwards."""
        state: State = {}
        k = len(cues) - 1
        for i in sorted(inside, key=lambda i: self._mentions[i].end, reverse=True):
            end = self._mentions[i].end
            while k >= 0 and cues[k].end > end:
                self._apply(cues[k], cues[k].work.backward, state)
                k -= 1
            for key, held in state.items():
                if self._reaches_back(i, held):
                    self.hits[i].setdefault(key % _N_AXES, held)

    def _reaches_on(self, start: int, cue: Open) -> bool:
        """Return whether a cue decides for a mention behind it that begins at `start`."""
        if cue.phrase and start >= cue.phrase.end:
            return False
        return not cue.scope or self._n_words(cue.end, start, cue.scope) < cue.scope

    def _reaches_back(self, i: int, cue: Open) -> bool:
        """Return whether a cue decides for a mention before it; a negative test was done."""
        end = self._mentions[i].end
        if cue.phrase and (end <= cue.phrase.start or self._is_test(i)):
            return False
        return not cue.scope or self._n_words(end, cue.start, cue.scope) < cue.scope

    def _is_test(self, i: int) -> bool:
        words = self._text[self._mentions[i].start : self._mentions[i].end].split()
        return bool(words) and words[-1].lower() in self._words.test

    def _apply(
        self, cue: Cue, actions: Sequence[Action], state: State, *, begins: int = -1
    ) -> None:
        for action in actions:
            if action.opening and cue.start != begins:
                continue
            if action.kind == "terminator":
                _close(state, action)
                continue
            phrase = None
            if action.in_phrase:
                phrase = phrase_of(self._text, cue.start, cue.end, self._words)
            # One state per reach: a near cue of short reach must not hide one that reaches further
            reach = action.scope + _IN_PHRASE * action.in_phrase
            opened = Open(cue.start, cue.end, action.scope, action.row, phrase)
            state[action.axis + _N_AXES * reach] = opened

    def _let_clauses_hold(self, sentence: Span, cues: Sequence[Cue], inside: Sequence[int]) -> None:
        """Free the mentions of short clauses that end in a state from cues outside their clause."""
        inside = [i for i in inside if self.hits[i]]
        before = -1  # where the state before stands
        for cue in cues if inside else ():
            if not cue.work.states:
                continue
            start = self._clause_start(max(sentence.start, cue.start - _CLAUSE), cue.start)
            for i in inside:
                if start <= self._mentions[i].start < cue.start:
                    for state in cue.work.states:
                        hit = self.hits[i].get(state.axis)
                        if not hit or start <= hit.start < cue.end:
                            continue
                        is_spent = hit.start < before < start
                        if is_spent or not (state.backward and self._lists(hit, start, cue.start)):
                            del self.hits[i][state.axis]
            before = cue.start

    def _lists(self, hit: Open, start: int, end: int) -> bool:
        """Return whether a cue may begin a list that a clause ends: "no rash, edema seen"."""
        first = self._text[max(0, hit.start) : max(0, hit.end)].lower().split(maxsplit=1)[:1]
        clause = self._text[start:end].lower().split()
        return not self._words.listing.isdisjoint(first) or not self._words.joining.isdisjoint(
            clause
        )

    def _clause_start(self, first: int, end: int) -> int:
        """Return where the clause of a few words begins that goes to `end`; `end` if none."""
        begun = max((m.end() for m in _BETWEEN.finditer(self._text, first, end)), default=first)
        words = self._text[begun:end].split()
        return begun if 0 < len(words) <= _N_CLAUSE else end

    def _n_words(self, start: int, end: int, limit: int) -> int:
        """Return the number of words in a range, or `limit` where it is too long to hold fewer."""
        if end - start > limit * _LONGEST_WORD:
            return limit
        return len(self._text[start:end].split())

    def _end_of_heading(self, start: int) -> int:
        """Return where the colon stands that a sentence follows on its line, or `start`."""
        at = start - 1
        while at >= max(0, start - _MARGIN) and self._text[at] in " \t":
            at -= 1
        return at if at >= 0 and self._text[at] == ":" else start

    def _in_list(self, start: int) -> bool:
        """Return whether a sentence is a list item, or goes on in one that has begun."""
        if _LIST_ITEM.match(self._text, start):
            return True
        before = self._text[max(0, start - _MARGIN) : start].rstrip(" \t")
        return self._begun and before[-1:] not in ("\n", "\r", ",")


def _close(state: State, action: Action) -> None:
    for key in [key for key in state if key % _N_AXES == action.axis]:
        if not (action.scope and state[key].prior):
            del state[key]
