"""Relations that a sentence states: a drug and its effect, its reason, why it was stopped.

=================  =================================================================================
``causes``         roles drug and effect: "rash due to amoxicillin", "amoxicillin-induced rash",
                   "Allergies: penicillin (hives)"
``treats``         roles drug and reason: "lisinopril for hypertension"
``stopped_for``    roles drug and reason: "lisinopril was stopped because of cough"
=================  =================================================================================

A rule is a form with the places of a drug and a problem, and words before, between or behind them
(`clinnlp/text/data/relations_<language>.tsv`). Mentions in a row ("nausea and vomiting from
metformin") share what is said of one, but a reason belongs to the last of drugs in a list with
commas. Only neighbours are related, within a sentence, or two with one other between them where a
form names it ("switched from lisinopril to losartan because of cough"). In a list of allergies a
drug's line is read with its reaction's below it (`clinnlp.text.allergy_lists`).

Each relation names its row (``rule``) and where its words stand (``cue_start``, ``cue_end``), and
carries every axis that is true of an end, or that its own words say ("not due to", "possibly
from"): what is denied, uncertain, hypothetical, of the past or of someone else is marked so, never
left out.
"""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from clinnlp.core.notes import AXES, Attribute, Entity, Note, Relation, fresh_ids
from clinnlp.core.spans import Span
from clinnlp.text.allergy_lists import kind_at, lists_joined
from clinnlp.text.normalise import DRUG_LABELS
from clinnlp.text.plain import reads_plain
from clinnlp.text.relation_rules import (
    NOTHING,
    OTHER,
    RELATION_LABELS,
    first_fitting,
    folded,
    relation_rules,
)
from clinnlp.text.sentences import Sentences
from clinnlp.text.tables import language_path

__all__ = ["PROBLEM_LABELS", "RELATION_LABELS", "StatedRelations", "by_sentence"]

SOURCE = "stated-relations"
PROBLEM_LABELS = (
    "Problem", "Disease", "Effect", "AdverseEvent", "AdverseReaction", "ADE", "Reason", "Symptom",
    "Condition", "Disorder", "Finding",
)  # fmt: skip
_NEAR = 90  # characters between two mentions, and on either side, in which words are sought
_FAR = 200  # between a drug and its reaction in a list of allergies
_QUOTES = re.compile(r"[\"\u201c\u201d\u201e\u00ab\u00bb]|(?<![\w'])'|'(?![\w'])")
_CELLS = re.compile(r"\|(?:[^|\n\r]{0,30}\|){0,2}")  # of a table: its marks and short cells between


class _Group(NamedTuple):
    """Mentions of one kind in a row."""

    members: list[Entity]
    is_drug: bool
    gaps: list[str]  # the text between them


class StatedRelations:
    """Pipe that adds a relation for each pair of a drug and a problem that a sentence relates.

    On gold mentions of PHEE's dev part: `causes` P 0.97 R 0.37, `treats` P 0.95 R 0.16
    (scripts/bench relations). Stands behind `Assertions`, whose axes it passes on.
    Sentences are computed where the note has none; rows that count in some sections only need
    `Sections`, or a lead ("allergic to").

    Parameters
    ----------
    language : str
        Whose rules: ``"en"`` or ``"es"``.
    table : path, optional
        TSV of rules in place of the language's own.
    drug_labels, problem_labels : collection of str
        Labels of the mentions that are drugs, and of those that are problems, effects or reasons.

    Raises
    ------
    DataError
        A table that cannot be read.

    Examples
    --------
    >>> text = "Rash due to amoxicillin."
    >>> ends = (Entity(id="P", span=Span(0, 4), label="Problem"),
    ...         Entity(id="D", span=Span(12, 23), label="Drug"))
    >>> (found,) = StatedRelations()(Note(id="n", text=text, entities=ends)).relations
    >>> found.label, found.roles["effect"], found.attributes["rule"].partition(":")[0]
    ('causes', ('P',), 'relations_en.tsv')
    """

    def __init__(
        self,
        *,
        language: str = "en",
        table: str | Path | None = None,
        drug_labels: Collection[str] = DRUG_LABELS,
        problem_labels: Collection[str] = PROBLEM_LABELS,
    ) -> None:
        self._rules = relation_rules(Path(table) if table else language_path("relations", language))
        self._sentences = Sentences(language=language)
        self._drugs, self._problems = frozenset(drug_labels), frozenset(problem_labels)

    @reads_plain
    def __call__(self, note: Note, /) -> Note:
        """Return the note with the finds of an earlier run replaced by those of this one."""
        note = note.without_source(SOURCE)
        mentions = [e for e in note.entities if e.label in self._drugs | self._problems]
        if len({e.label in self._drugs for e in mentions}) < 2:
            return note
        found = list(self._found(note, sorted(mentions, key=lambda e: e.span)))
        if not found:
            return note
        names = fresh_ids(note, "SR", len(found))
        relations = (
            Relation(
                id=name,
                label=label,
                roles=dict(zip(RELATION_LABELS[label], ((drug,), (problem,)), strict=True)),
                attributes=attributes,
                source=SOURCE,
            )
            for name, (label, drug, problem, attributes) in zip(names, found, strict=True)
        )
        return note.with_(relations=(*note.relations, *relations))

    def _found(
        self, note: Note, mentions: Sequence[Entity]
    ) -> Iterator[tuple[str, str, str, dict[str, Attribute]]]:
        """Yield the label, the ids of drug and problem, and the attributes of each relation."""
        text = folded(note.text)
        seen: set[tuple[str, str]] = set()
        for sentence, inside, kind in self._split(note, mentions, text):
            groups = list(self._groups(inside, text, is_list=kind in self._rules.kinds))
            groups = self._parted(groups, text, sentence, kind)
            for first, second, said in self._stated(groups, text, sentence, kind):
                for drug, problem in self._pairs(first, second, said):
                    if (drug.id, problem.id) not in seen:
                        seen.add((drug.id, problem.id))
                        axes = self._axes(said, (drug, problem), text)
                        told = dict.fromkeys(axes, True)
                        yield said.says, drug.id, problem.id, {**said.attributes, **told}

    def _split(
        self, note: Note, mentions: Sequence[Entity], text: str
    ) -> Iterator[tuple[Span, list[Entity], str]]:
        """Yield each sentence with its mentions and the kind of its section; lists are joined."""
        split = note if note.sentences is not None else self._sentences(note)
        sections = [(s.span.start, s.kind) for s in note.sections or ()]
        drugs = [e.span.start for e in mentions if e.label in self._drugs]
        sentences = lists_joined(split.sentences or (), drugs, sections, text, self._rules)
        for sentence, inside in by_sentence(mentions, sentences):
            yield sentence, inside, kind_at(sections, inside[0].span.start)

    def _stated(
        self,
        groups: Sequence[_Group],
        text: str,
        sentence: Span,
        kind: str,
    ) -> Iterator[tuple[_Group, _Group, "_Said"]]:
        """Yield two groups of a sentence and what is said of them: neighbours, or one between."""
        done = led = -1  # groups up to this one have their say; a lead reaches to the next drug
        for k, first in enumerate(groups):
            before = done
            for step in (2, 1) if k >= before else (2,):
                if k + step >= len(groups) or first.is_drug == groups[k + step].is_drug:
                    continue
                said = self._said(groups, k, k + step, text, sentence, kind, led=k == led)
                if said is None or self._goes_behind(groups, k, step, text, sentence, kind, said):
                    continue
                done = k + step if step == 2 else done
                led = k + 2 if said.is_led else led
                yield first, groups[k + step], said

    def _goes_behind(
        self,
        groups: Sequence[_Group],
        k: int,
        step: int,
        text: str,
        sentence: Span,
        kind: str,
        said: "_Said",
    ) -> bool:
        """Return whether what stands behind a drug of a list is said of the next: "rash with"."""
        if step == 2 or not (said.is_listed and groups[k].is_drug and k + 2 < len(groups)):
            return False
        before, behind = _between(groups[k : k + 2], text), _between(groups[k + 1 : k + 3], text)
        return (
            not (before or "").strip("),; \t\n\r")
            and re.search(r"[^\W\d_]|\(", behind or "") is not None
            and self._said(groups, k + 1, k + 2, text, sentence, kind) is not None
        )

    def _parted(self, groups: list[_Group], text: str, sentence: Span, kind: str) -> list[_Group]:
        """Return groups where the last of a row with a comma goes with what stands behind it.

        "rash from keflex, metformin for diabetes": metformin is of diabetes alone.
        """
        is_list = kind in self._rules.kinds
        for k in reversed(range(1, len(groups) - 1)):
            row = groups[k]
            gap = row.gaps[-1].strip() if row.gaps else ""
            if gap != "," and not (is_list and gap.endswith((",", ";"))):
                continue
            parts = [
                _Group(row.members[:-1], row.is_drug, row.gaps[:-1]),
                _Group(row.members[-1:], row.is_drug, []),
            ]
            new = [*groups[:k], *parts, *groups[k + 1 :]]
            if all(
                new[i].is_drug != new[i + 1].is_drug
                and self._said(new, i, i + 1, text, sentence, kind) is not None
                for i in (k - 1, k + 1)
            ):
                groups = new
        return groups

    def _groups(self, mentions: Sequence[Entity], text: str, *, is_list: bool) -> Iterator[_Group]:
        """Yield mentions of one kind that stand in a row."""
        group: _Group | None = None
        for mention in mentions:
            is_drug = mention.label in self._drugs
            if group is not None and group.members[-1].span.end <= mention.span.start:
                gap = text[group.members[-1].span.end : mention.span.start]
                is_listed = is_list and not is_drug
                if is_drug == group.is_drug and self._rules.is_row(gap, is_listed=is_listed):
                    group.members.append(mention)
                    group.gaps.append(gap)
                    continue
            if group is not None:
                yield group
            group = _Group([mention], is_drug, [])
        if group is not None:
            yield group

    def _said(
        self,
        groups: Sequence[_Group],
        one: int,
        two: int,
        text: str,
        sentence: Span,
        kind: str = "",
        *,
        led: bool = False,
    ) -> "_Said | None":
        """Return what the first rule that fits two groups says of them."""
        first, second = groups[one], groups[two]
        room = _room(groups, one, two, sentence)
        start, end = first.members[-1].span.end, second.members[0].span.start
        is_list = kind in self._rules.kinds
        between = _between(groups[one : two + 1], text, _FAR if is_list else _NEAR)
        if between is None:
            return None
        between = _CELLS.sub("-", _QUOTES.sub(" ", between))
        head, tail = first.members[0].span.start, second.members[-1].span.end
        before = text[max(room.start, head - _NEAR) : head]
        behind = text[tail : min(room.end, tail + _NEAR)]
        led = led or self._rules.lead.search(text[room.start : head]) is not None
        likely = self._rules.likely(between, drug_first=first.is_drug, kind=kind, led=led)
        rule, found = first_fitting(likely, before, between, behind)
        if rule is None or rule.says == NOTHING:
            return None
        cue = (start, end) if between.strip() else (head, tail)
        attributes: dict[str, Attribute] = {
            "rule": rule.row, "cue_start": cue[0], "cue_end": cue[1],
        }  # fmt: skip
        is_listed = bool(rule.kinds)
        axes = self._axes_of_words(found)
        is_led = led and is_listed and first.is_drug
        return _Said(rule.says, axes, attributes, is_listed, is_led)

    def _pairs(
        self, first: _Group, second: _Group, said: "_Said"
    ) -> Iterator[tuple[Entity, Entity]]:
        """Yield the drug and the problem of each pair that a form relates."""
        drugs, problems = (first, second) if first.is_drug else (second, first)
        last_only = first.is_drug and self._is_of_last(drugs.gaps, said)
        for drug in drugs.members[-1:] if last_only else drugs.members:
            for problem in problems.members:
                yield drug, problem

    def _is_of_last(self, gaps: Sequence[str], said: "_Said") -> bool:
        """Return whether what is said is of the last of drugs in a row: "aspirin, sulfa (rash)"."""
        if said.says == "treats":
            return any("," in gap for gap in gaps)
        is_apart = said.is_listed and any("," in gap for gap in gaps[-1:])
        return is_apart and self._rules.list_word.search(gaps[-1]) is None

    def _axes_of_words(self, found: Sequence[re.Match[str]]) -> frozenset[str]:
        """Return the axes that the words of a form say: denied, unsure, an instruction."""
        words = " ".join(match[0] for match in found)
        filled = " ".join(part for match in found for part in match.groups("") if part)
        axes = {
            "negated": self._rules.denied.search(filled),
            "uncertain": self._rules.unsure.search(words),
            "hypothetical": self._rules.conditional.search(words),
        }
        return frozenset(axis for axis, match in axes.items() if match)

    def _axes(self, said: "_Said", ends: Iterable[Entity], text: str) -> list[str]:
        """Return the axes that are true of a relation.

        What is denied by the very words that stop a drug ("discontinued", "did not tolerate")
        denies no stop, and what is gone ("resolved with") was there.
        """
        true = set(said.axes)
        for end in ends:
            of_end = {axis for axis in AXES if getattr(end.assertion, axis)}
            cue = end.assertion.cues.get("negated")
            if cue and self._is_own(cue, said.says, text):
                of_end -= {"negated"}
            true |= of_end
        return [axis for axis in AXES if axis in true]

    def _is_own(self, cue: Span, says: str, text: str) -> bool:
        """Return whether what denies an end is the word of the relation itself."""
        if self._rules.gone.search(text, cue.start, cue.end):
            return True
        stop = self._rules.stop.search(text, cue.start, cue.end)
        return says == "stopped_for" and bool(
            stop or self._rules.untolerated.match(text, cue.start)
        )


class _Said(NamedTuple):
    says: str
    axes: frozenset[str]
    attributes: Mapping[str, Attribute]
    is_listed: bool  # by a form that counts in lists alone
    is_led: bool  # and its lead holds for the next drug too


def by_sentence(
    mentions: Sequence[Entity], sentences: Sequence[Span]
) -> Iterator[tuple[Span, list[Entity]]]:
    """Yield each sentence with the mentions that begin in it."""
    starts = [sentence.start for sentence in sentences]
    held: dict[int, list[Entity]] = {}
    for mention in mentions:
        k = bisect_right(starts, mention.span.start) - 1
        if k >= 0 and mention.span.start < sentences[k].end:
            held.setdefault(k, []).append(mention)
    for k, inside in held.items():
        yield sentences[k], inside


def _room(groups: Sequence[_Group], one: int, two: int, sentence: Span) -> Span:
    """Return where words about two groups may stand: up to the mentions around them."""
    start = groups[one - 1].members[-1].span.end if one else sentence.start
    end = groups[two + 1].members[0].span.start if two + 1 < len(groups) else sentence.end
    return Span(min(start, groups[one].members[0].span.start), max(end, start + 1))


def _between(groups: Sequence[_Group], text: str, reach: int = _NEAR) -> str | None:
    """Return the text from the first group to the last, with a mark for one between."""
    start, end = groups[0].members[-1].span.end, groups[-1].members[0].span.start
    if not 0 <= end - start <= reach:
        return None
    if len(groups) == 2:
        return text[start:end]
    a, b = groups[1].members[0].span.start, groups[1].members[-1].span.end
    return f"{text[start:a]}{OTHER}{text[b:end]}" if start <= a < b <= end else None
