"""Assertion: whether a mention is negated, uncertain, hypothetical, historical, another person's.

One engine for five axes, after ConText. All cues of all axes are found in one scan of the
folded note; of overlapping phrases the longest stays. Then each sentence with mentions is swept
once from the left and once from the right: a cue opens its axis, a terminator closes it, and a
mention takes the state it meets. Sections open an axis at the start of their sentences (family
history: someone else), and the open axes of a sentence that ends in a colon reach into the list
items below it. The answers of a form decide for their own labels (see `clinnlp.text.forms`), and a
short clause that ends in a state holds by itself ("no fever, COPD stable"). Time is linear in the
text, the mentions and the cues.

Everything that belongs to a language stands in the tables.

Scores on the NegEx test kit (1,760 rows; clusters of reports that share a sentence are never
split), F1 with 95 % intervals by cluster, beside medSpaCy's ConText on the same rows:

- the half kept aside, scored once (880 rows): negation 0.965 [0.912, 0.990] against 0.927,
  difference 0.038 [0.010, 0.093]; historical 0.756 [0.433, 0.912] (51 positive) against 0.813,
  difference -0.058 [-0.247, 0.039]; hypothetical 0.759 [0.000, 0.903] (36) against 0.714. The
  tables grew after that, on unlabelled notes; the half was not scored again.
- the half the cues were tuned on, so no estimate for other notes: 0.996, 0.845, 0.929.

On NUBes (Spanish, samples 001-008; 001 and 002 were looked at) the words inside a scope of
negation are found with F1 0.771 [0.760, 0.782]. ``scripts/bench assertion`` measures all of them.

References
----------
Chapman et al., NegEx, J Biomed Inform 34(5), 2001. Harkema, Dowling, Thornblade and Chapman,
ConText, J Biomed Inform 42(5), 2009.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

from clinnlp.core.notes import AXES, Assertion, Entity, Note, Section
from clinnlp.core.spans import Span
from clinnlp.text.cues import Action, AnswerWord, CueRow, read_cues, read_priors
from clinnlp.text.forms import Answer, Answers, may_end_label
from clinnlp.text.matcher import Match, TermMatcher, fold_keeping_length, fold_text
from clinnlp.text.phrases import PhraseWords, phrase_of
from clinnlp.text.plain import PlainText, plain_text, reads_plain
from clinnlp.text.sentences import Sentences
from clinnlp.text.tables import data_path, language_path

__all__ = ["Assertions", "Reason"]

_N_AXES = len(AXES)
_NEGATED, _UNCERTAIN = AXES.index("negated"), AXES.index("uncertain")
_NOTHING = Assertion(**dict.fromkeys(AXES, False))  # type: ignore[arg-type]
_LONGEST_WORD = 24  # characters; a scope of n words never reaches further than n such words
_IN_PHRASE = 1_000  # what sets the reach of a cue in a phrase apart from those in words
_MARGIN = 16  # characters of indentation looked at before a list item
_CLAUSE = 60  # characters of a clause that ends in a state
_N_CLAUSE = 5  # words of one
_BETWEEN = re.compile(r"[,;:]\s+(?!(?:and|or|nor|y|o|ni)\b)|\s[-–—]\s|\.\s")
_LIST_ITEM = re.compile(r"(?:[-*•·–+>]|\(?\d{1,2}[.)]|\(?[^\W\d_][.)])\s")


class _Item(NamedTuple):
    """A phrase of the table at a place of the note, and the noun phrase that it stands in."""

    start: int
    end: int
    actions: tuple[Action, ...]
    phrase: Span | None  # where an action asks for it


class _Open(NamedTuple):
    """An open axis: the cue that opened it, its reach in words (0: no limit), and its row.

    With a `phrase` the axis is open for the mentions in it alone. A `prior` is a section's.
    """

    start: int
    end: int
    scope: int
    row: CueRow
    phrase: Span | None = None
    prior: bool = False


class Reason(NamedTuple):
    """Why an axis of a mention is true: `span` is the cue (None: a section without heading).

    `row` names the table, its line, the cell, and the source of the rule.
    """

    entity: str
    axis: str
    span: Span | None
    row: CueRow


_State = dict[int, _Open]  # axis + _N_AXES * reach → the nearest cue of this reach
_Hits = dict[int, _Open]  # axis → what decided


class _Compiled(NamedTuple):
    """Cue tables, ready to be used."""

    actions: Sequence[tuple[Action, ...]]
    matcher: TermMatcher
    words: PhraseWords
    said: Mapping[str, AnswerWord]
    answers: Answers


class Assertions:
    """Pipe that sets the assertion of every mention of a note, whoever made it.

    All five axes are assessed; `Assertion.cues` holds, for each axis that is true, the span of
    the words that decided, which may be a section's heading. Sentences are computed where the
    note has none; section priors work where the note has sections.

    Parameters
    ----------
    tables : sequence of paths, optional
        TSV cue tables (see `clinnlp.text.cues`) in place of the language's own.
    language : str
        Whose tables: ``"en"`` or ``"es"``.
    priors : path, optional
        TSV of section priors: ``kind``, ``axis``, ``when`` (``always``, or only with a ``cue``).

    Examples
    --------
    >>> fever = Entity(id="T1", span=Span(7, 12), label="Problem")
    >>> note = Assertions()(Note(id="n", text="Denies fever.", entities=(fever,)))
    >>> note.entities[0].assertion.negated, note[note.entities[0].assertion.cues["negated"]]
    (True, 'Denies')
    """

    def __init__(
        self,
        tables: Sequence[str | Path] | None = None,
        *,
        language: str = "en",
        priors: str | Path | None = None,
    ) -> None:
        made = _compiled(tables) if tables else _shipped(language)
        self._actions, self._matcher, self._words, self._said, self._answers = made
        self._priors = read_priors(priors or data_path("section_priors.tsv"))
        self._sentences = Sentences(language=language)

    @reads_plain
    def __call__(self, note: Note, /) -> Note:
        """Return the note with the assertion of each mention set anew."""
        if not note.entities:
            return note
        hits = self._hits(note)
        entities = tuple(
            _asserted(entity, found) for entity, found in zip(note.entities, hits, strict=True)
        )
        return note.with_(entities=entities)

    def explain(self, note: Note, /) -> list[Reason]:
        """Return why each axis of each mention is true: the cue, and the row that it matched.

        Examples
        --------
        >>> fever = Entity(id="T1", span=Span(7, 12), label="Problem")
        >>> (why,) = Assertions().explain(Note(id="n", text="Denies fever.", entities=(fever,)))
        >>> why.axis, why.span, why.row.table, why.row.source
        ('negated', Span(start=0, end=6), 'assertion_en.tsv', 'negex')
        """
        plain = plain_text(note.text)
        hits = self._hits(note if plain is None else plain.copied(note))
        return [
            Reason(entity.id, AXES[axis], _span(cue, plain), cue.row)
            for entity, found in zip(note.entities, hits, strict=True)
            for axis, cue in sorted(found.items())
        ]

    def _hits(self, note: Note) -> list[_Hits]:
        """Return for each mention what decided each axis that is true."""
        hits: list[_Hits] = [{} for _ in note.entities]
        items = self._items(note.text)
        answers = self._answers_in(note, items)
        items = _apart(items, answers)
        starts = [item.start for item in items]
        ends = [item.end for item in items]
        carried: _State = {}  # what a line that ends in a colon holds over the list below it
        begun = False
        for sentence, inside in _by_sentence(note, self._sentences):
            if carried and not _in_list(note.text, sentence.start, begun=begun):
                carried = {}
            begun = True
            introduces = note.text[sentence.end - 1] == ":"
            if not inside and not introduces:
                continue
            # ": denies" may begin in the heading, "return precautions:" is one
            first = bisect_right(ends, _end_of_heading(note.text, sentence.start))
            here = items[first : bisect_left(starts, sentence.end, first)]
            state = {**self._opened(note, sentence, here), **carried}
            _sweep_forward(note, sentence.start, here, inside, state, hits)
            _sweep_backward(note, here, inside, hits, self._words.test)
            _let_clauses_hold(note, sentence, here, inside, hits)
            if introduces:
                carried, begun = state, False
        self._answered(note, answers, hits)
        return hits

    def _answers_in(self, note: Note, items: Sequence[_Item]) -> list[Answer]:
        mentions = [entity.span.start for entity in note.entities]
        return self._answers(note.text, mentions, list(_answer_words(note.text, items)))

    def _answered(self, note: Note, answers: Sequence[Answer], hits: list[_Hits]) -> None:
        """Let the answers of a form decide for the mentions in their labels."""
        order = sorted(range(len(note.entities)), key=lambda i: note.entities[i].span.start)
        starts = [note.entities[i].span.start for i in order]
        for answer in answers:
            word = self._said.get(fold_keeping_length(note[answer.cue]))
            row = word.row if word else CueRow("forms", 0, note[answer.cue], "own")
            made = _Open(*answer.cue, 0, row)
            first = bisect_left(starts, answer.phrase.start)
            for i in order[first : bisect_left(starts, answer.phrase.end, first)]:
                for axis in (_NEGATED, _UNCERTAIN):
                    hits[i].pop(axis, None)
                if answer.said != "yes":
                    hits[i][_NEGATED if answer.said == "no" else _UNCERTAIN] = made

    def _items(self, text: str) -> list[_Item]:
        folded = fold_text(text)
        items = []
        for match in _longest(self._matcher.find(folded)):
            start, end = folded.original(match.start, match.end)
            actions = self._actions[match.term]
            phrase = None
            if any(action.in_phrase for action in actions):
                phrase = phrase_of(text, start, end, self._words)
            items.append(_Item(start, end, actions, phrase))
        return items

    def _opened(self, note: Note, sentence: Span, items: Sequence[_Item]) -> _State:
        """Return the axes that the section of a sentence opens at its start."""
        state: _State = {}
        section = _section_at(note.sections or (), sentence.start)
        for prior in self._priors.get(section.kind, ()) if section else ():
            if prior.needs_cue and not any(
                action.axis == prior.axis and action.kind == "cue"
                for item in items
                for action in item.actions
            ):
                continue
            start, end = (section.heading if section else None) or (-1, -1)
            state[prior.axis] = _Open(start, end, 0, prior.row, prior=True)
        return state


def _compiled(tables: Sequence[str | Path]) -> _Compiled:
    cues = read_cues(tables)
    phrases, actions = list(cues.phrases), list(cues.actions)
    for phrase, done in zip(cues.phrases, cues.actions, strict=True):
        if "'" in phrase:  # "doesnt have"; where that is another phrase, the matcher takes that
            phrases.append(phrase.replace("'", ""))
            actions.append(done)
    answers = Answers(
        {word: answer.says for word, answer in cues.answers.items()},
        bare={word: answer.run for word, answer in cues.answers.items() if answer.run},
    )
    words = PhraseWords.of(cues.classes)
    return _Compiled(actions, TermMatcher(phrases), words, cues.answers, answers)


@cache
def _shipped(language: str) -> _Compiled:
    return _compiled([language_path("assertion", language)])


def _answer_words(text: str, items: Sequence[_Item]) -> Iterator[int]:
    for item in items:
        if any(action.kind == "answer" for action in item.actions) and may_end_label(
            text, item.end
        ):
            yield item.start


def _apart(items: list[_Item], answers: Sequence[Answer]) -> list[_Item]:
    """Return the items that are no part of an answer; its "no" says nothing of what follows."""
    if not answers:
        return items
    taken = sorted(answer.cue for answer in answers)
    starts = [span.start for span in taken]
    kept = []
    for item in items:
        k = bisect_left(starts, item.end)
        if not (k and taken[k - 1].end > item.start):
            kept.append(item)
    return kept


def _end_of_heading(text: str, start: int) -> int:
    """Return where the colon stands that a sentence follows on its line, or `start`."""
    end = len(text[max(0, start - _MARGIN) : start].rstrip(" \t")) + max(0, start - _MARGIN) - 1
    return end if text[end : end + 1] == ":" else start


def _in_list(text: str, start: int, *, begun: bool) -> bool:
    """Return whether a sentence is a list item, or goes on in one that has `begun`."""
    if _LIST_ITEM.match(text, start):
        return True
    before = text[max(0, start - _MARGIN) : start].rstrip(" \t")
    return begun and before[-1:] not in ("\n", "\r", ",")


def _by_sentence(note: Note, splitter: Sentences) -> Iterator[tuple[Span, list[int]]]:
    """Yield each sentence with the indices of the mentions that begin in it, in text order.

    A mention outside all sentences goes to the next one, stretched to hold it.
    """
    sentences = note.sentences
    if sentences is None:
        sentences = splitter(note).sentences or ()
    entities = note.entities
    order = sorted(range(len(entities)), key=lambda i: entities[i].span)
    k = 0
    for sentence in sorted(sentences):
        inside = []
        while k < len(order) and entities[order[k]].span.start < sentence.end:
            inside.append(order[k])
            k += 1
        if inside and entities[inside[0]].span.start < sentence.start:
            sentence = Span(entities[inside[0]].span.start, sentence.end)
        yield sentence, inside
    for i in order[k:]:
        yield entities[i].span, [i]


def _section_at(sections: Sequence[Section], offset: int) -> Section | None:
    """Return the last section that begins at or before `offset` and holds it."""
    k = bisect_right(sections, offset, key=lambda section: section.span.start)
    if k and sections[k - 1].span.end > offset:
        return sections[k - 1]
    return None


def _sweep_forward(
    note: Note,
    begins: int,
    items: Sequence[_Item],
    inside: Sequence[int],
    state: _State,
    hits: list[_Hits],
) -> None:
    """Walk a sentence rightwards; leaves in `state` what is open at its end."""
    k = 0
    for i in inside:
        start = note.entities[i].span.start
        while k < len(items) and items[k].start < start:
            _apply(items[k], state, forward=True, begins=begins)
            k += 1
        for key, cue in state.items():
            if cue.phrase and start >= cue.phrase.end:
                continue
            if not cue.scope or _n_words(note.text, cue.end, start, cue.scope) < cue.scope:
                hits[i].setdefault(key % _N_AXES, cue)
    for item in items[k:]:
        _apply(item, state, forward=True, begins=begins)


def _sweep_backward(
    note: Note,
    items: Sequence[_Item],
    inside: Sequence[int],
    hits: list[_Hits],
    tests: Collection[str],
) -> None:
    """Walk a sentence leftwards; a test that is negative was done."""
    state: _State = {}
    k = len(items) - 1
    for i in sorted(inside, key=lambda i: note.entities[i].span.end, reverse=True):
        end = note.entities[i].span.end
        while k >= 0 and items[k].end > end:
            _apply(items[k], state, forward=False)
            k -= 1
        for key, cue in state.items():
            if _reaches_back(note.text, end, cue) and not (cue.phrase and _is_test(note, i, tests)):
                hits[i].setdefault(key % _N_AXES, cue)


def _reaches_back(text: str, end: int, cue: _Open) -> bool:
    """Return whether a cue decides for a mention before it that ends at `end`."""
    if cue.phrase and end <= cue.phrase.start:
        return False
    return not cue.scope or _n_words(text, end, cue.start, cue.scope) < cue.scope


def _is_test(note: Note, i: int, tests: Collection[str]) -> bool:
    words = note[note.entities[i].span].split()
    return bool(words) and words[-1].lower() in tests


def _let_clauses_hold(
    note: Note, sentence: Span, items: Sequence[_Item], inside: Sequence[int], hits: list[_Hits]
) -> None:
    """Free the mentions of short clauses that end in a state from cues outside their clause."""
    for item in items:
        states = [action.axis for action in item.actions if action.kind == "state"]
        if not states:
            continue
        start = _clause_start(note.text, max(sentence.start, item.start - _CLAUSE), item.start)
        for i in inside:
            if start <= note.entities[i].span.start < item.start:
                for axis in states:
                    if (cue := hits[i].get(axis)) and not start <= cue.start < item.end:
                        del hits[i][axis]


def _clause_start(text: str, first: int, end: int) -> int:
    """Return where the clause of at most a few words begins that goes to `end`; `end` if none."""
    begun = max((m.end() for m in _BETWEEN.finditer(text, first, end)), default=first)
    words = text[begun:end].split()
    return begun if 0 < len(words) <= _N_CLAUSE else end


def _apply(item: _Item, state: _State, *, forward: bool, begins: int = -1) -> None:
    for action in item.actions:
        if not (action.forward if forward else action.backward):
            continue
        if action.opening and item.start != begins:
            continue
        if action.kind == "terminator":
            _close(state, action)
        elif action.kind == "cue":
            # One state per reach: a near cue of short reach must not hide one that reaches further
            reach = action.scope + _IN_PHRASE * action.in_phrase
            phrase = item.phrase if action.in_phrase else None
            opened = _Open(item.start, item.end, action.scope, action.row, phrase)
            state[action.axis + _N_AXES * reach] = opened


def _close(state: _State, action: Action) -> None:
    for key in [key for key in state if key % _N_AXES == action.axis]:
        if not (action.scope and state[key].prior):
            del state[key]


def _n_words(text: str, start: int, end: int, limit: int) -> int:
    """Return the number of words in a range, or `limit` where it is too long to hold fewer."""
    if end - start > limit * _LONGEST_WORD:
        return limit
    return len(text[start:end].split())


def _longest(matches: Iterable[Match]) -> list[Match]:
    """Return disjoint matches; of two that overlap the longer stays, then the first."""
    kept: list[Match] = []
    for match in matches:
        if kept and match.start < kept[-1].end:
            if match.end - match.start > kept[-1].end - kept[-1].start:
                kept[-1] = match
        else:
            kept.append(match)
    return kept


def _asserted(entity: Entity, found: _Hits) -> Entity:
    if not found:
        made = _NOTHING
    else:
        made = Assertion(
            **{name: axis in found for axis, name in enumerate(AXES)},
            cues={
                AXES[axis]: span
                for axis, cue in sorted(found.items())
                if (span := _span(cue)) is not None
            },
        )
    return replace(entity, assertion=made)


def _span(cue: _Open, plain: PlainText | None = None) -> Span | None:
    if cue.end <= 0:
        return None
    span = Span(cue.start, cue.end)
    return span if plain is None else plain.back(span)
