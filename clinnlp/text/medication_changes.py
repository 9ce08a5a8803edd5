"""Which drug of a passage is started, stopped, held, increased, decreased or continued.

A word of change speaks of the drug behind it where nothing but a few words of one phrase stand
between, else of the drug before it; a list shares it. What leaves a drug out of what the patient
takes, stop and hold, must be said of the drug: not of another object ("quit smoking"), not of
another subject ("and the infusion was stopped"), and not under a condition ("hold for SBP < 90",
"stop if rash"), nor the end of a course ("for 5 days then stop"). Of several words behind one drug
a stop or a hold counts, unless it is taken up again ("held on admission, resumed at discharge").

==================  ================================================================
in the text         what is said
==================  ================================================================
switched from A to B, A replaced by B, change A to B    stop A, start B
Stop: A, B          stop A and B
A and B were held   hold A and B
A, B (stopped)      stop B
A -> B, B instead of A, swap A for B                    stop A, start B
==================  ================================================================
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from clinnlp.core.notes import AXES
from clinnlp.core.spans import Span
from clinnlp.core.tables import LEAVING
from clinnlp.text.medication_gaps import MARKER, WORD, Gap, is_name, line_of
from clinnlp.text.medication_terms import CHANGE_FIELDS, Item, Terms

__all__ = ["NO_CHANGE", "Change", "changes"]

_OUT = (*LEAVING, *AXES)  # what leaves a drug out of what the patient takes

_MOST_WORDS = 8  # between a change and the drug behind it
_MOST_CHARS = 120  # the same
_MOST_BEFORE = 96  # characters between a drug and a change behind it
_CLAUSE = 60  # characters in which a condition is sought
_NEAR = 4  # characters between an "and" and the drug it joins, or before a bracket
_N_PASSIVE = 3  # words before a participle among which "was" stands
_BREAK = re.compile(r"[,;:()\[\]]|\.(?=\s|\Z)")
_CLAUSE_END = re.compile(r"[,;.)\n](?=\D|\Z)")
_CLAUSE_BREAK = re.compile(r"[,;]")
_SENTENCE = re.compile(r"[.;](?=\s)")
_ASIDE = re.compile(r"\s*[(\[:–—-]\W*\Z")
_CLOSED = re.compile(r"[^\S\n]*(?:[^\w\s]|\d|\n|\Z)")
_ENCLOSED = re.compile(r"(?:\A|[,;\n])\s*[(\[]\Z")
_CLOSER = re.compile(r"\s*[)\]][\s:–—-]*")
_OPENED = re.compile(r"[(\[]\s{0,2}\Z")
_COURSE = ("duration", "frequency")  # behind which "then stop" ends a course
_TAKEN_UP = ("again", "resume")  # fields of what ends a stop or a hold


class Change(NamedTuple):
    """What is said of a drug: a change, or an axis that its words decide, and these words."""

    value: str
    cue: Span | None = None


_CONDITIONAL = ("start", *LEAVING)  # what does not happen yet under a condition


NO_CHANGE = Change("")


@dataclass(slots=True)
class _Said:
    """What is said of one drug."""

    value: str = ""
    cue: Span | None = None
    is_before: bool = False  # by a word before the drug
    is_alone: bool = False  # not of a list that the drug ends
    is_again: bool = False  # taken up again: what is said behind it was before
    is_single: bool = False  # "instead of A, B"
    is_over: bool = False  # was stopped; not: is to be

    def say(self, value: str, cue: Span | None) -> None:
        self.value, self.cue = value, cue

    def share(self, other: "_Said") -> None:
        """Take what is said of another drug where nothing is said of this one."""
        if not self.value:
            self.say(other.value, other.cue)


def changes(terms: Terms, folded: str, gaps: Sequence[Gap], drugs: Sequence[Span]) -> list[Change]:
    """Return what is said of each drug; the value is empty where nothing is.

    Parameters
    ----------
    terms : Terms
    folded : str
        The whole text, folded.
    gaps : sequence of Gap
        Before, between and behind the drugs.
    drugs : sequence of Span
        In text order.
    """
    passage = _Passage(terms, folded, gaps, drugs)
    if len(drugs) > 1 or any(item.field in CHANGE_FIELDS for gap in gaps for item in gap.items):
        for k in range(len(gaps)):
            passage.read(k)
        passage.share()
    else:
        passage.react(1)
    return [Change(said.value, said.cue) for said in passage.said]


class _Passage:
    """The drugs of a passage, and what is said of each so far."""

    def __init__(
        self, terms: Terms, folded: str, gaps: Sequence[Gap], drugs: Sequence[Span]
    ) -> None:
        self._terms, self._folded, self._gaps, self._drugs = terms, folded, gaps, drugs
        self._starts = {drug.start for drug in drugs}
        self.said = [_Said() for _ in drugs]

    def read(self, k: int) -> None:
        """Give the changes of gap `k` to the drugs they speak of."""
        for item in self._gaps[k].items:
            if item.field in CHANGE_FIELDS and not self._is_other(self._gaps[k], item):
                if k < len(self._drugs) and self._leads(self._gaps[k], item):
                    self._say_before(k, item)
                elif k and self._value(item) == self._terms.value(item):
                    self._say_behind(k, item)
        if k:
            self.react(k)
        if 0 < k < len(self._drugs):
            self._switch(k)

    def _is_other(self, gap: Gap, item: Item) -> bool:
        """Return whether a word is no change: "new" amid a line, "for 5 days then stop"."""
        if item.field == "new":
            return not self._is_marked(gap, item)
        at = gap.items.index(item)
        last = gap.items[at - 1] if at and item.field == "order" else None
        if last is None or last.field != "then" or self._folded[last.end : item.start].strip():
            return False
        return self._value(item) == "stop" and any(one.field in _COURSE for one in gap.items[:at])

    def _is_marked(self, gap: Gap, item: Item) -> bool:
        """Return whether a word stands in brackets, or between a bullet and a drug."""
        folded, since = self._folded, max(0, item.start - _CLAUSE)
        if _OPENED.search(folded, since, item.start) and _CLOSER.match(folded, item.end):
            return True
        if WORD.search(folded, item.end, gap.end) or gap.end not in self._starts:
            return False
        line = folded.rfind("\n", since, item.start) + 1
        return MARKER.fullmatch(folded, line or since, item.start) is not None

    def share(self) -> None:
        """Let the drugs of a list share what is said of the first, or of the last."""
        pairs = list(zip(self.said, self.said[1:], self._gaps[1:], self._drugs[1:], strict=False))
        named = [is_name(gap, self._folded, drug) for _, _, gap, drug in pairs]
        for (first, second, gap, _), is_other_name in zip(pairs, named, strict=True):
            is_list = gap.is_list and not first.is_single and not self._ends_line(gap, first)
            joined = is_other_name or is_list
            if first.is_before and not second.value and joined:
                second.share(first)
                second.is_before = True
        for (first, second, gap, _), is_other_name in reversed([*zip(pairs, named, strict=True)]):
            if is_other_name or (gap.is_bare and not second.is_alone):
                first.share(second)

    def _ends_line(self, gap: Gap, said: _Said) -> bool:
        """Return whether the next drug begins a line of its own: "Hold A", and below it "B"."""
        line = line_of(self._folded, gap.start, gap.end)
        if line < 0 or said.cue is None or ":" in self._folded[said.cue.end : gap.start]:
            return False
        last = self._folded[gap.start : line].split()[-1:]
        return not last or not (last[0].endswith(",") or last[0] in self._terms.ands)

    def _value(self, item: Item) -> str:
        return self._terms.value(item).removeprefix(">")

    def _say_before(self, k: int, item: Item) -> None:
        """Say a change of the drug behind it."""
        value = self._value(item)
        said = self.said[k]
        if value in _CONDITIONAL and self._is_condition(k, item, self._drugs[k].end):
            if value == "start":
                said.say("hypothetical", Span(item.start, item.end))
            return
        said.say(value, Span(item.start, item.end))
        said.is_before, said.is_again = True, item.field in _TAKEN_UP
        said.is_over = value == "stop" and item.field == "change"
        said.is_single = self._terms.is_term("before", item.text)
        replaces = item.field == "change" and self._terms.value(item) == ">start"
        if replaces and k and self._is_subject(k, item):
            self.said[k - 1].say("stop", said.cue)

    def _say_behind(self, k: int, item: Item) -> None:
        """Say a change of the drug before it."""
        said, value = self.said[k - 1], self._value(item)
        if item.start - self._gaps[k].start >= _MOST_BEFORE:
            return
        cue = Span(item.start, item.end)
        if value in _OUT or item.field == "again":
            if self._takes_turn(said, value) and self._is_of_drug(k, item):
                self._say_own(k, item)
        elif (item.field == "resume" and said.is_over) or (
            not said.value and self._is_of_clause(k, item)
        ):
            said.say(value, cue)

    def _say_own(self, k: int, item: Item) -> None:
        """Say what leaves the drug before it out, or takes it up again, unless under an "if"."""
        if self._is_condition(k, item, item.end):
            return
        said, value = self.said[k - 1], self._value(item)
        said.say(value, Span(item.start, item.end))
        said.is_before, said.is_over = False, value == "stop" and item.field == "change"
        said.is_again, said.is_alone = item.field == "again", self._is_alone(k, item)

    @staticmethod
    def _takes_turn(said: _Said, value: str) -> bool:
        """Return whether what leaves a drug out, or takes it up again, replaces what was said."""
        return not said.is_again and (value in _OUT or said.value in ("", *_OUT))

    def _leads(self, gap: Gap, item: Item) -> bool:
        """Return whether a change speaks of the drug behind its gap."""
        terms, start = self._terms, item.end
        closer = _CLOSER.match(self._folded, start, gap.end)
        before = self._folded[max(gap.start, item.start - _NEAR) : item.start]
        if closer and _ENCLOSED.search(before):  # "[STOPPED] Lasix"
            start = closer.end()
        between = self._folded[start : gap.end].rstrip(" (")
        words = WORD.findall(between)
        if len(between) > _MOST_CHARS or not self._is_near(item, between, words):
            return False
        if between.endswith(":"):
            return not _BREAK.search(between[:-1]) and terms.lists.issuperset(words)
        if len(words) > _MOST_WORDS or _BREAK.search(between) or terms.ands.intersection(words):
            return False
        rest = gap.rest(self._folded, item.end, gap.end)
        return self._value(item) not in _OUT or not terms.ends.search(rest)

    def _is_near(self, item: Item, between: str, words: Sequence[str]) -> bool:
        """Return whether a sign and an "instead of" stand by the drug itself."""
        if not item.text[0].isalnum():
            return self._terms.joins.issuperset(words)  # not: "↑ Cr on lisinopril"
        is_instead = self._terms.is_term("before", item.text)
        return not is_instead or not any(map(str.isdigit, between))  # not: "instead of 20 mg"

    def _is_condition(self, k: int, item: Item, start: int) -> bool:
        """Return whether a change would come only if something else did."""
        terms, folded, gap = self._terms, self._folded, self._gaps[k]
        stops = [stop.end() for stop in _SENTENCE.finditer(folded, gap.start, item.start)]
        if terms.ifs.search(folded, stops[-1] if stops else gap.start, item.start):
            return True
        end = self._clause_end(start)
        if terms.ifs.search(folded, start, end):
            return True
        limit = terms.limits.search(folded, start, end) if item.field == "order" else None
        return limit is not None and terms.untils.search(folded, start, limit.start()) is None

    def _clause_end(self, start: int) -> int:
        """Return where a clause ends: at a mark, or at an "and" that joins no drug."""
        end = min(len(self._folded), start + _CLAUSE)
        stop = _CLAUSE_END.search(self._folded, start, end)
        end = stop.start() if stop else end
        for word in WORD.finditer(self._folded, start, end):
            if word[0] in self._terms.ands and not self._starts.intersection(
                range(word.end(), word.end() + _NEAR)
            ):
                return word.start()
        return end

    def _is_of_clause(self, k: int, item: Item) -> bool:
        """Return whether an increase or a decrease is not said of another subject: ", Cr up"."""
        terms, gap = self._terms, self._gaps[k]
        rest = gap.rest(self._folded, gap.start, item.start)
        if not item.text[0].isalnum():
            return not WORD.findall(rest)
        *others, clause = _CLAUSE_BREAK.split(rest)
        if not others or self._value(item) not in ("increase", "decrease"):
            return True
        return terms.known.union(terms.joins).issuperset(WORD.findall(clause))

    def _is_of_drug(self, k: int, item: Item) -> bool:
        """Return whether a change speaks of the drug before it, not of something else."""
        terms, gap = self._terms, self._gaps[k]
        rest = gap.rest(self._folded, gap.start, item.start)
        words = WORD.findall(rest)
        if self._has_subject(rest, words):
            return False
        if not terms.bes.isdisjoint(words[-_N_PASSIVE:]):
            return True
        behind = gap.items[gap.items.index(item) + 1 :][:1]
        if behind and not self._folded[item.end : behind[0].start].strip():
            return True  # "held x 3 days"
        patterns = (_CLOSED, terms.alones)
        return any(pattern.match(self._folded, item.end) for pattern in patterns)

    def _has_subject(self, rest: str, words: Sequence[str]) -> bool:
        """Return whether the words before a change name what it speaks of, other than the drug."""
        terms = self._terms
        joints = [n for n, word in enumerate(words) if word in terms.ands]
        if joints and not terms.fillers.issuperset(words[joints[-1] + 1 :]):
            return True  # "and the infusion was stopped"
        *others, clause = _CLAUSE_BREAK.split(rest)
        return bool(others) and not terms.fillers.issuperset(WORD.findall(clause))  # "; it stopped"

    def _is_subject(self, k: int, item: Item) -> bool:
        """Return whether nothing but "was" and its like stands between a drug and a change."""
        gap = self._gaps[k]
        rest = gap.rest(self._folded, gap.start, item.start)
        words = self._terms.fillers - self._terms.ands
        return words.issuperset(WORD.findall(rest)) and not _SENTENCE.search(rest)

    def _is_alone(self, k: int, item: Item) -> bool:
        """Return whether a change is said of one drug, not of the list it ends."""
        terms, gap = self._terms, self._gaps[k]
        rest = gap.rest(self._folded, gap.start, item.start)
        words = WORD.findall(rest)
        is_one = not terms.ones.isdisjoint(words) and terms.ands.isdisjoint(words)
        return is_one or _ASIDE.match(rest) is not None

    def react(self, k: int) -> None:
        """Say of "penicillin: rash" and "methicillin-resistant" what the words behind decide."""
        gap, said = self._gaps[k], self.said[k - 1]
        for value, pattern in self._terms.reactions.items():
            match = pattern.match(self._folded, gap.start, gap.end)
            if match and said.value not in LEAVING:
                said.say(value, Span(*match.span("term")))

    def _switch(self, k: int) -> None:
        """Say of "switch A to B", "A -> B" and "swap A for B" that B takes the place of A."""
        terms, gap = self._terms, self._gaps[k]
        if any(item.field in CHANGE_FIELDS for item in gap.items):
            return  # "↑ A to 80 mg, ↓ B"
        before, after = self.said[k - 1], self.said[k]
        rest = gap.rest(self._folded, gap.start, gap.end)
        words = WORD.findall(rest)
        if not words and [item.field for item in gap.items[-1:]] == ["for"]:
            swapped = terms.swapped(self._verb(k))
            if swapped:
                self._replace(*((before, after) if swapped == "stop" else (after, before)))
        elif not words and terms.is_term("now", rest.strip()):
            self._replace(before, after)
        elif not terms.intos.isdisjoint(words) and terms.turns.issuperset(words):
            is_left = before.value == "stop" and before.is_before
            if is_left or terms.is_term("switch", self._verb(k)):
                self._replace(before, after)

    def _verb(self, k: int) -> str:
        """Return the verb of "switch A to B" before the drug that stands before gap `k`."""
        first = self._gaps[k - 1]
        match = self._terms.switching.search(self._folded, first.start, first.end)
        return match["verb"] if match else ""

    @staticmethod
    def _replace(old: _Said, new: _Said) -> None:
        old.value, new.value = "stop", new.value or "start"
