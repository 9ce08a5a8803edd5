"""Interactions that a sentence of a drug label states: two drugs, or a group of drugs and another.

Drugs in a row ("ketoconazole, ritonavir and other strong inhibitors") are one group, and do not
interact with each other. Two groups do, each member of one with each of the other, where the
sentence has a word that speaks of it ("concomitant", "increases", "avoid";
`clinnlp/text/data/interactions_<language>.tsv`) and they are neighbours or next but one. Two drugs
alone in a row do where such a word stands before them ("combination of A and B", not "A or B").
Where the sentence denies it ("no clinically significant ..."), the relation is ``negated``.

Labels often leave out whose they are: with `subject` the first label of a note is the drug that a
sentence with one group alone is about.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import NamedTuple

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Attribute, Entity, Note, Relation, fresh_ids
from clinnlp.core.spans import Span
from clinnlp.text.matcher import fold_keeping_length
from clinnlp.text.normalise import DRUG_LABELS
from clinnlp.text.plain import reads_plain
from clinnlp.text.relations import by_sentence
from clinnlp.text.sentences import Sentences
from clinnlp.text.tables import language_path, read_table

__all__ = ["INTERACTS", "StatedInteractions"]

SOURCE = "stated-interactions"
INTERACTS = "interacts"
_ROLES = ("drug", "other")
_CLASSES = ("sign", "denied", "list", "pair", "either")
_N_NEXT = 2  # groups behind a group with which it may interact
_End = tuple[str, str]  # id and folded words


class _Rules(NamedTuple):
    sign: re.Pattern[str]
    denied: re.Pattern[str]
    row: re.Pattern[str]  # between two drugs in a row
    pair: re.Pattern[str]
    either: re.Pattern[str]  # between two drugs that stand for one another


class StatedInteractions:
    """Pipe that adds the relation ``interacts`` for each pair of drugs of which a sentence says so.

    On gold mentions of 67 of NLM's labels that no word was chosen on: P 0.53 R 0.90 F1 0.67
    (scripts/bench interactions). The Spanish words were not measured.

    Parameters
    ----------
    language : str
        Whose words: ``"en"`` or ``"es"``.
    table : path, optional
        TSV of words in place of the language's own.
    drug_labels : collection of str
        Labels of the mentions that are drugs, or classes of drugs.
    subject : bool
        Take the first label of a note as the drug that its sentences are about.

    Raises
    ------
    DataError
        A table that cannot be read.

    Examples
    --------
    >>> text = "Ketoconazole may increase the exposure to midazolam."
    >>> ends = (Entity(id="A", span=Span(0, 12), label="Drug"),
    ...         Entity(id="B", span=Span(42, 51), label="Drug"))
    >>> (found,) = StatedInteractions()(Note(id="n", text=text, entities=ends)).relations
    >>> found.label, found.roles["drug"], found.roles["other"]
    ('interacts', ('A',), ('B',))
    """

    def __init__(
        self,
        *,
        language: str = "en",
        table: str | Path | None = None,
        drug_labels: Collection[str] = (*DRUG_LABELS, "DrugClass", "Drug_Class", "Substance"),
        subject: bool = False,
    ) -> None:
        self._rules = _rules(Path(table) if table else language_path("interactions", language))
        self._sentences = Sentences(language=language)
        self._drugs, self._subject = frozenset(drug_labels), subject

    @reads_plain
    def __call__(self, note: Note, /) -> Note:
        """Return the note with the finds of an earlier run replaced by those of this one."""
        note = note.without_source(SOURCE)
        mentions = sorted(
            (e for e in note.entities if e.label in self._drugs), key=lambda e: e.span
        )
        if not mentions:
            return note
        found = self._found(note, mentions)
        names = fresh_ids(note, "SI", len(found))
        relations = (
            Relation(
                id=name,
                label=INTERACTS,
                roles={role: (end,) for role, end in zip(_ROLES, ends, strict=True)},
                attributes=attributes,
                source=SOURCE,
            )
            for name, (ends, attributes) in zip(names, found.items(), strict=True)
        )
        return note.with_(relations=(*note.relations, *relations)) if found else note

    def _found(
        self, note: Note, mentions: Sequence[Entity]
    ) -> dict[tuple[str, str], dict[str, Attribute]]:
        """Return the ends of each relation with its attributes."""
        text = fold_keeping_length(note.text)
        split = note if note.sentences is not None else self._sentences(note)
        subject = note.labels[0] if self._subject and note.labels else None
        found: dict[tuple[str, str], dict[str, Attribute]] = {}
        for sentence, inside in by_sentence(mentions, split.sentences or ()):
            attributes = self._said(text[sentence.start : sentence.end], sentence.start)
            pairs = self._pairs(inside, text, sentence, subject) if attributes else ()
            for one, other in pairs:
                if one[1] != other[1]:
                    found.setdefault((one[0], other[0]), attributes)
        return found

    def _said(self, sentence: str, start: int) -> dict[str, Attribute]:
        """Return where a sentence speaks of an interaction, and whether it denies one."""
        sign = self._rules.sign.search(sentence)
        if sign is None:
            return {}
        denied = self._rules.denied.search(sentence)
        first, end = (denied or sign).span()
        told: dict[str, Attribute] = {"cue_start": start + first, "cue_end": start + end}
        return told | {"negated": True} if denied else told

    def _pairs(
        self, mentions: Sequence[Entity], text: str, sentence: Span, subject: str | None
    ) -> Iterator[tuple[_End, _End]]:
        """Yield the ends of each pair that a sentence with a sign relates."""
        groups = self._groups(mentions, text)
        for k, first in enumerate(groups):
            for second in groups[k + 1 : k + 1 + _N_NEXT]:
                yield from product(first, second)
        if len(groups) > 1:
            return
        (group,) = groups
        if (
            subject is not None
            and fold_keeping_length(subject) not in text[sentence.start : sentence.end]
        ):
            yield from (((subject, fold_keeping_length(subject)), end) for end in group)
        elif len(group) == 2 and self._rules.pair.search(text, sentence.start, sentence.end):
            gap = text[mentions[0].span.end : max(mentions[0].span.end, mentions[1].span.start)]
            if not self._rules.either.search(gap):
                yield group[0], group[1]

    def _groups(self, mentions: Sequence[Entity], text: str) -> list[list[_End]]:
        """Return the mentions of a sentence, those in a row together."""
        groups: list[list[_End]] = []
        end = -1
        for mention in mentions:
            span = mention.span
            named = (mention.id, text[span.start : span.end])
            if groups and (
                span.start < end or self._rules.row.fullmatch(text, end, span.start) is not None
            ):
                groups[-1].append(named)
            else:
                groups.append([named])
            end = max(end, span.end)
        return groups


@cache
def _rules(path: Path) -> _Rules:
    words: dict[str, list[str]] = {name: [] for name in _CLASSES}
    for line, (cell, name) in read_table(path, ("words", "class")):
        if name not in words:
            said = f"a row must be of one of the classes {', '.join(_CLASSES)}, got another"
            raise DataError(said, path=path, line=line)
        words[name] += [fold_keeping_length(w.strip()) for w in cell.split("|") if w.strip()]
    of = {name: _any(found) for name, found in words.items()}
    return _Rules(
        sign=re.compile(of["sign"]),
        denied=re.compile(of["denied"]),
        row=re.compile(rf"(?:[\s,;/()\[\]:•+.-]|{of['list']})*"),
        pair=re.compile(of["pair"]),
        either=re.compile(of["either"]),
    )


def _any(words: Sequence[str]) -> str:
    """Return the pattern of any of some words; a star stands for further letters."""
    ordered = sorted(words, key=len, reverse=True)
    made = (r"\s+".join(map(_piece, word.split())) for word in ordered)
    return rf"(?<!\w)(?:{'|'.join(made) or '(?!)'})(?!\w)"


def _piece(word: str) -> str:
    return re.escape(word.removesuffix("*")) + (r"\w*" if word.endswith("*") else "")
