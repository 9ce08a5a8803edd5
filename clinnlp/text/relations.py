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
commas. Only neighbours are related, within a sentence.

Each relation names its row (``rule``) and where its words stand (``cue_start``, ``cue_end``), and
carries every axis that is true of an end, or that its own words say ("not due to", "possibly
from"): what is denied, uncertain, hypothetical, of the past or of someone else is marked so, never
left out.
"""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from clinnlp.core.errors import DataError, located
from clinnlp.core.notes import AXES, Attribute, Entity, Note, Relation, fresh_ids
from clinnlp.core.spans import Span
from clinnlp.text.matcher import fold_keeping_length
from clinnlp.text.normalise import DRUG_LABELS
from clinnlp.text.plain import reads_plain
from clinnlp.text.sentences import Sentences
from clinnlp.text.tables import language_path, read_table

__all__ = ["PROBLEM_LABELS", "RELATION_LABELS", "StatedRelations", "by_sentence"]

SOURCE = "stated-relations"
RELATION_LABELS = {  # the roles of each; the first of two that fit one pair counts
    "stopped_for": ("drug", "reason"),
    "causes": ("drug", "effect"),
    "treats": ("drug", "reason"),
}
PROBLEM_LABELS = (
    "Problem", "Disease", "Effect", "AdverseEvent", "AdverseReaction", "ADE", "Reason", "Symptom",
    "Condition", "Disorder", "Finding",
)  # fmt: skip
_WORD = "word"
_CLASSES = (
    "due", "taken", "allergic", "whom", "developed", "be", "stop", "because", "given", "fill",
    "unsure", "denied", "joint", "list", "dose",
)  # fmt: skip
_PLACES = ("drug", "problem")
_NEAR = 90  # characters between two mentions, and on either side, in which words are sought
_TOKEN = re.compile(r"\{(\w+)\}|[^\s{}]+")
_BLANK = r"[ \t]*\s?[ \t]*"  # at most one line end
_ADJECTIVE = r"[^\W_][\w'-]{0,24}"


class _Rule(NamedTuple):
    """A form: which place stands first, and what stands before, between and behind."""

    says: str
    drug_first: bool
    before: re.Pattern[str] | None
    between: re.Pattern[str]
    behind: re.Pattern[str] | None
    kinds: frozenset[str]
    row: str


class _Group(NamedTuple):
    """Mentions of one kind in a row."""

    members: list[Entity]
    is_drug: bool
    has_comma: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rules:
    rules: tuple[_Rule, ...]
    unsure: re.Pattern[str]
    denied: re.Pattern[str]
    lead: re.Pattern[str]
    stop: re.Pattern[str]
    row: re.Pattern[str]  # between two mentions in a row


class StatedRelations:
    """Pipe that adds a relation for each pair of a drug and a problem that a sentence relates.

    On gold mentions of PHEE's dev part, on which no rule was made: `causes` P 0.97 R 0.34, `treats`
    P 0.96 R 0.15 (scripts/bench relations). Stands behind `Assertions`, whose axes it passes on.
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
        self._rules = _rules(Path(table) if table else language_path("relations", language))
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
        text = fold_keeping_length(note.text)
        split = note if note.sentences is not None else self._sentences(note)
        sections = [(s.span.start, s.kind) for s in note.sections or ()]
        seen: set[tuple[str, str]] = set()
        for sentence, inside in by_sentence(mentions, split.sentences or ()):
            groups = list(self._groups(inside, text))
            for k, (first, second) in enumerate(zip(groups, groups[1:], strict=False)):
                if first.is_drug == second.is_drug:
                    continue
                room = _room(groups, k, sentence)
                kind = _kind(sections, first.members[0].span.start)
                said = self._said(first, second, text, room, kind)
                if said is None:
                    continue
                for drug, problem in _pairs(first, second, said.says):
                    if (drug.id, problem.id) not in seen:
                        seen.add((drug.id, problem.id))
                        told = dict.fromkeys(
                            _axes(said, (drug, problem), text, self._rules.stop), True
                        )
                        yield said.says, drug.id, problem.id, {**said.attributes, **told}

    def _groups(self, mentions: Sequence[Entity], text: str) -> Iterator[_Group]:
        """Yield mentions of one kind that stand in a row."""
        group: _Group | None = None
        for mention in mentions:
            is_drug = mention.label in self._drugs
            if group is not None and group.members[-1].span.end <= mention.span.start:
                gap = text[group.members[-1].span.end : mention.span.start]
                if is_drug == group.is_drug and self._rules.row.fullmatch(gap):
                    group.members.append(mention)
                    group = group._replace(has_comma=group.has_comma or "," in gap)
                    continue
            if group is not None:
                yield group
            group = _Group([mention], is_drug, has_comma=False)
        if group is not None:
            yield group

    def _said(
        self, first: _Group, second: _Group, text: str, room: Span, kind: str
    ) -> "_Said | None":
        """Return what the first rule that fits two groups says of them."""
        start, end = first.members[-1].span.end, second.members[0].span.start
        if not 0 <= end - start <= _NEAR:
            return None
        between = text[start:end]
        head, tail = first.members[0].span.start, second.members[-1].span.end
        before = text[max(room.start, head - _NEAR) : head]
        behind = text[tail : min(room.end, tail + _NEAR)]
        led = self._rules.lead.search(text[room.start : head]) is not None
        for rule in self._rules.rules:
            if rule.drug_first != first.is_drug or (
                rule.kinds and kind not in rule.kinds and not led
            ):
                continue
            found = _fitting(rule, before, between, behind)
            if found is not None:
                filled = " ".join(part for match in found for part in match.groups("") if part)
                axes = {"negated"} if self._rules.denied.search(filled) else set()
                axes |= {"uncertain"} if self._rules.unsure.search(filled) else set()
                cue = (start, end) if between.strip() else (head, tail)
                attributes: dict[str, Attribute] = {
                    "rule": rule.row, "cue_start": cue[0], "cue_end": cue[1],
                }  # fmt: skip
                return _Said(rule.says, frozenset(axes), attributes)
        return None


class _Said(NamedTuple):
    says: str
    axes: frozenset[str]
    attributes: Mapping[str, Attribute]


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


def _room(groups: Sequence[_Group], k: int, sentence: Span) -> Span:
    """Return where words about two neighbours may stand: up to the mentions around them."""
    start = groups[k - 1].members[-1].span.end if k else sentence.start
    end = groups[k + 2].members[0].span.start if k + 2 < len(groups) else sentence.end
    return Span(min(start, groups[k].members[0].span.start), max(end, start + 1))


def _kind(sections: Sequence[tuple[int, str]], at: int) -> str:
    k = bisect_right(sections, (at, "\uffff")) - 1
    return sections[k][1] if k >= 0 else ""


def _pairs(first: _Group, second: _Group, says: str) -> Iterator[tuple[Entity, Entity]]:
    """Yield the drug and the problem of each pair that a form relates."""
    drugs, problems = (first, second) if first.is_drug else (second, first)
    last_only = says == "treats" and first.is_drug and drugs.has_comma
    for drug in drugs.members[-1:] if last_only else drugs.members:
        for problem in problems.members:
            yield drug, problem


def _axes(said: "_Said", ends: Iterable[Entity], text: str, stop: re.Pattern[str]) -> list[str]:
    """Return the axes that are true of a relation.

    What is denied by the very word that stops a drug ("discontinued") denies no stop.
    """
    true = set(said.axes)
    for end in ends:
        of_end = {axis for axis in AXES if getattr(end.assertion, axis)}
        cue = end.assertion.cues.get("negated")
        if said.says == "stopped_for" and cue and stop.search(text, cue.start, cue.end):
            of_end -= {"negated"}
        true |= of_end
    return [axis for axis in AXES if axis in true]


def _fitting(rule: _Rule, before: str, between: str, behind: str) -> list[re.Match[str]] | None:
    found = [rule.between.fullmatch(between)]
    if found[0] is None:
        return None
    found += [rule.before.search(before)] if rule.before else []
    found += [rule.behind.match(behind)] if rule.behind else []
    return [match for match in found if match] if all(found) else None


# --- the table -----------------------------------------------------------------------------


@cache
def _rules(path: Path) -> _Rules:
    forms: list[tuple[str, str, str, int]] = []
    classes: dict[str, list[str]] = {name: [] for name in _CLASSES}
    for line, (cell, says, section) in read_table(path, ("form", "says"), optional=("section",)):
        words = [fold_keeping_length(form.strip()) for form in cell.split("|") if form.strip()]
        if says == _WORD and section in classes:
            classes[section] += words
        elif says in RELATION_LABELS and words:
            forms += [(form, says, section, line) for form in words]
        else:
            raise DataError(
                f"a row needs forms and one of {', '.join(RELATION_LABELS)}, or word and a class "
                f"of {', '.join(_CLASSES)}",
                path=path,
                line=line,
            )
    shapes = _Shapes({name: _any(words) for name, words in classes.items()})
    made = []
    for form, says, section, line in forms:
        with located(path, line):
            made.append(_rule(form, says, section, f"{path.name}:{line}", shapes))
    order = list(RELATION_LABELS)
    return _Rules(
        rules=tuple(sorted(made, key=lambda rule: order.index(rule.says))),
        unsure=re.compile(rf"(?<!\w)(?:{shapes['unsure']})(?!\w)"),
        denied=re.compile(rf"(?<!\w)(?:{shapes['denied']})(?!\w)"),
        lead=re.compile(rf"(?<!\w)(?:{shapes['allergic']})(?!\w)"),
        stop=re.compile(rf"(?<!\w)(?:{shapes['stop']})(?!\w)"),
        row=re.compile(
            rf"{shapes.dose}(?:{_BLANK}(?:,|/|&|\+){_BLANK}(?:(?:{shapes['list']})\s+)?"
            rf"|\s+(?:{shapes['list']})\s+){shapes.adjectives}\s*"
        ),
    )


class _Shapes(dict[str, str]):
    """Patterns of the classes, and of what may stand around a place."""

    @property
    def fill(self) -> str:
        """Up to three words that may stand beside those of a form; the group is all of them."""
        every = f"{self['denied']}|{self['unsure']}|{self['fill']}"
        return rf"((?:\s*(?<!\w)(?:{every})(?!\w)){{0,3}})"

    @property
    def adjectives(self) -> str:
        """Up to two words before a mention."""
        return rf"(?:\s*(?<!\w)(?!(?:{self['joint']})(?!\w)){_ADJECTIVE}(?!\w)){{0,2}}"

    @property
    def dose(self) -> str:
        """Numbers, units and times behind a drug."""
        return rf"(?:\s*,?\s*(?<!\w)(?:\d[\d.,/-]{{0,9}}%?|{self['dose']})(?![\w])){{0,10}}"


def _rule(form: str, says: str, section: str, row: str, shapes: _Shapes) -> _Rule:
    """Return the rule of a form."""
    places = sorted((form.find(place), place) for place in _PLACES)
    if places[0][0] < 0 or any(form.count(place) != 1 for place in _PLACES):
        raise DataError("a form needs DRUG and PROBLEM, each once")
    (a, one), (b, other) = places
    before, between = form[:a], form[a + len(one) : b]
    behind = form[b + len(other) :]
    lead = shapes.dose if one == "drug" else ""
    tail = shapes.dose if other == "drug" else ""
    head = "" if not between.strip() else shapes.fill + _literal(between, shapes)
    return _Rule(
        says=says,
        drug_first=one == "drug",
        before=re.compile(rf"{_literal(before, shapes)}{shapes.fill}{shapes.adjectives}\s*\Z")
        if before.strip()
        else None,
        between=re.compile(rf"{lead}{head}{shapes.fill}{shapes.adjectives}\s*"),
        behind=re.compile(rf"{tail}{shapes.fill}{_literal(behind, shapes)}")
        if behind.strip()
        else None,
        kinds=frozenset(filter(None, map(str.strip, section.split("|")))),
        row=row,
    )


def _literal(words: str, shapes: _Shapes) -> str:
    """Return the pattern of the words of a form, with fill between them."""
    parts = []
    for token in _TOKEN.finditer(words):
        if token[1]:
            if token[1] not in shapes:
                raise DataError(f"a class of a form must be one of {', '.join(_CLASSES)}")
            parts.append(rf"(?<!\w)(?:{shapes[token[1]]})(?!\w)")
        else:
            parts.append(_piece(token[0]))
    return r"\s*" + rf"{shapes.fill}\s*".join(parts)


def _piece(token: str) -> str:
    """Return the pattern of one word or mark; a word ends where letters end."""
    start = r"(?<!\w)" if token[0].isalnum() else ""
    return start + re.escape(token) + (r"(?!\w)" if token[-1].isalnum() else "")


def _any(phrases: Iterable[str]) -> str:
    """Return the alternatives of phrases, longest first, with any blanks between their words."""
    ordered = sorted(phrases, key=len, reverse=True)
    return "|".join(r"\s+".join(map(re.escape, phrase.split())) for phrase in ordered) or "(?!)"
