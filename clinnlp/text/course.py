"""Course: whether what a note names has ended, lasts, or nobody can say.

"Past" is where a note says a condition stands, not what became of it: a hypertension among the past
history is there today. Each mention that is no drug gets the attribute ``course``:

=============  ==================================================================================
``ended``      the text says that it is over: "resolved", "in remission", "childhood asthma", "s/p"
``chronic``    the text says that it lasts ("chronic back pain"), or its concept or name is one of
               the table of conditions that do (`clinnlp.text.chronic`)
``unknown``    all else, past or not
=============  ==================================================================================

The words stand before the mention, behind it, inside it, or above it as the heading of a list
("Resolved problems:"). The first that holds is the answer, except that words such as "gestational"
or "acute" keep a name from being the one in the table. The axes stay as they are: whether a mention
is the patient's, or negated, they say. Which words, and how a phrase is built, stands in the tables
of the language.
"""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import TypeVar

from clinnlp.core.checks import check_one_of
from clinnlp.core.errors import located
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.core.tables import COURSES
from clinnlp.text.chronic import ChronicConditions, unaccented
from clinnlp.text.matcher import fold_keeping_length
from clinnlp.text.normalise import DRUG_LABELS
from clinnlp.text.plain import reads_plain
from clinnlp.text.sentences import Sentences
from clinnlp.text.tables import language_path, read_table

__all__ = ["Courses"]

_WHERE = ("before", "behind", "label")
_CLASSES = ("joint", "between", "after", "detail", "head")
_NEAR = 80  # characters on either side in which a cue is sought
_N_BETWEEN = 5  # words between a mention and a cue behind it
_N_ADJECTIVES = 2  # words between a cue and a mention behind it
_WORD = "word"
_NEVER = "(?!)"
_T = TypeVar("_T")
_LABEL = re.compile(r"\W{0,4}(?P<label>[^:\n]{1,60}):")


class Courses:
    """Pipe that sets the attribute ``course`` of every mention that is no drug.

    Stands behind `Normalise`, whose concepts and preferred names it reads. Sentences are computed
    where the note has none.

    Parameters
    ----------
    chronic : path, optional
        TSV of the conditions that last (see `clinnlp.text.chronic`) in place of the language's own.
    language : str
        Whose tables: ``"en"`` or ``"es"``.
    drug_labels : tuple of str
        Labels whose mentions have no course.

    Raises
    ------
    DataError
        A table that cannot be read.

    Examples
    --------
    >>> text = "PMH: COPD, childhood asthma, pneumonia."
    >>> found = [Entity(id=w, span=Span(text.index(w), text.index(w) + len(w)), label="Problem")
    ...          for w in ("COPD", "asthma", "pneumonia")]
    >>> note = Courses()(Note(id="n", text=text, entities=tuple(found)))
    >>> [entity.attributes["course"] for entity in note.entities]
    ['chronic', 'ended', 'unknown']
    """

    def __init__(
        self,
        chronic: str | Path | None = None,
        *,
        language: str = "en",
        drug_labels: Collection[str] = DRUG_LABELS,
    ) -> None:
        cues = _cues(language)
        self._before, self._behind, self._inside = cues.before, cues.behind, cues.inside
        self._labels = cues.labels
        self._chronic = _conditions(chronic or language_path("chronic", language), cues)
        self._sentences = Sentences(language=language)
        self._drug_labels = frozenset(drug_labels)

    @reads_plain
    def __call__(self, note: Note, /) -> Note:
        """Return the note with the course of each mention set anew."""
        if all(entity.label in self._drug_labels for entity in note.entities):
            return note
        sentences = note.sentences
        if sentences is None:
            sentences = self._sentences(note).sentences or ()
        text = fold_keeping_length(note.text)
        starts = [sentence.start for sentence in sentences]
        lists = [
            (section.span, says)
            for section in note.sections or ()
            if section.heading and (says := self._label(text, section.heading))
        ]
        begins = [span.start for span, _ in lists]

        def said(span: Span) -> set[str]:
            near = self._said(span, text, _around(span, sentences, starts))
            under = _last(lists, begins, span)
            return near | {under[1]} if under and span.start < under[0].end else near

        entities = tuple(
            entity
            if entity.label in self._drug_labels
            else self._with_course(entity, text, said(entity.span))
            for entity in note.entities
        )
        return note.with_(entities=entities)

    def _with_course(self, entity: Entity, text: str, said: Collection[str]) -> Entity:
        course = next((word for word in COURSES if word in said), None)
        if course is None:
            preferred = entity.attributes.get("name")
            names = [text[entity.span.start : entity.span.end]]
            names += [preferred] if isinstance(preferred, str) else []
            course = self._chronic.course(names, next(iter(entity.concepts), None))
        return replace(entity, attributes={**entity.attributes, "course": course})

    def _said(self, span: Span, text: str, sentence: Span) -> set[str]:
        """Return what the words before, behind and inside a mention say."""
        before = text[max(sentence.start, span.start - _NEAR) : span.start]
        behind = text[span.end : min(sentence.end, span.end + _NEAR)]
        inside = text[span.start : span.end]
        said = {says for says, cue in self._before.items() if cue.search(before)}
        said |= {says for says, cue in self._behind.items() if cue.match(behind)}
        said |= {says for says, cue in self._inside.items() if cue.search(inside)}
        label = _LABEL.match(text, sentence.start, span.start)
        return said | ({self._label(text, Span(*label.span("label")))} if label else set())

    def _label(self, text: str, label: Span) -> str:
        """Return what a heading says of all that stands under it, or nothing."""
        words = text[label.start : label.end].strip(" :").split()
        return self._labels.get(" ".join(words), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cues:
    """What is said → a pattern of it before, behind and inside a mention; label → what it says."""

    before: Mapping[str, re.Pattern[str]]
    behind: Mapping[str, re.Pattern[str]]
    inside: Mapping[str, re.Pattern[str]]
    labels: Mapping[str, str]
    classes: Mapping[str, tuple[str, ...]]


@cache
def _cues(language: str) -> _Cues:
    rows = _read(language_path("course", language))
    cues = {pair: rows.get(pair, ()) for pair in product(COURSES, _WHERE)}
    classes = {name: rows.get((_WORD, name), ()) for name in _CLASSES}
    return _Cues(
        before={says: _before(cues[says, "before"], classes) for says in COURSES},
        behind={says: _behind(cues[says, "behind"], classes) for says in COURSES},
        inside={says: _inside(cues[says, "before"] + cues[says, "behind"]) for says in COURSES},
        labels={label: says for says in COURSES for label in cues[says, "label"]},
        classes=classes,
    )


def _read(path: Path) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the phrases of a table by what they say and where."""
    rows: dict[tuple[str, str], tuple[str, ...]] = {}
    for line, (cell, says, where) in read_table(path, ("cue", "says", "where")):
        with located(path, line):
            check_one_of(says, (*COURSES, _WORD), name="says")
            check_one_of(where, _CLASSES if says == _WORD else _WHERE, name="where")
        phrases = tuple(fold_keeping_length(cue.strip()) for cue in cell.split("|"))
        phrases += tuple(unaccented(phrase) for phrase in phrases if not phrase.isascii())
        rows[says, where] = rows.get((says, where), ()) + phrases
    return rows


def _before(cues: Iterable[str], classes: Mapping[str, Sequence[str]]) -> re.Pattern[str]:
    """Return the pattern of text that ends in a cue and a few adjectives."""
    adjective = rf"(?!(?:{_any(classes['joint'])})\b)[^\W_][\w'-]*\s+"
    return re.compile(rf"\b(?:{_any(cues)})\s+(?:{adjective}){{0,{_N_ADJECTIVES}}}\Z")


def _behind(cues: Iterable[str], classes: Mapping[str, Sequence[str]]) -> re.Pattern[str]:
    """Return the pattern of text that begins with a cue, perhaps behind "which has since".

    Behind a comma what follows tells ", resolved." from ", resolved pneumonia".
    """
    cue, word = rf"(?:{_any(cues)})\b", rf"(?:{_any(classes['between'])})"
    words = rf"(?:(?:{word}|\d{{4}}),?\s+){{0,{_N_BETWEEN}}}"
    follows = rf"(?=\s*(?:[.,;:)\]\d]|\Z|(?:{_any(classes['after'])})\b))"
    return re.compile(rf"\s+{words}{cue}|\s*[,;:(–-]\s*{words}{cue}{follows}")


def _inside(cues: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{_any(cues)})\b")


def _any(phrases: Iterable[str]) -> str:
    """Return the alternatives of phrases, longest first, with any blanks between their words."""
    ordered = sorted(phrases, key=len, reverse=True)
    return "|".join(r"\s+".join(map(re.escape, phrase.split())) for phrase in ordered) or _NEVER


def _conditions(path: str | Path, cues: _Cues) -> ChronicConditions:
    words = cues.classes
    head = "first" if "first" in words["head"] else "last"
    return ChronicConditions(path, joint=words["joint"], detail=words["detail"], head=head)


def _around(span: Span, sentences: Sequence[Span], starts: Sequence[int]) -> Span:
    """Return the sentence in which a mention begins, or what reaches from it to the next one."""
    sentence = _last(sentences, starts, span)
    if sentence is not None and span.start < sentence.end:
        return Span(sentence.start, max(sentence.end, span.end))
    return span


def _last(those: Sequence[_T], starts: Sequence[int], span: Span) -> _T | None:
    """Return the last of those that begin at `starts` before a mention does, or with it."""
    k = bisect_right(starts, span.start)
    return those[k - 1] if k else None
