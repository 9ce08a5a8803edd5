"""Names of persons: runs of capitalised words, judged by titles, lists and what stands around them.

A word is no name because it has a capital: one that is an ordinary word counts only where a title
or a heading says that a name comes, eponyms ("Foley catheter") never alone, and a name found once
is a name wherever it stands in the note again.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from clinnlp.text.identifier_lexicon import Kind, Lexicon, Words
from clinnlp.text.identifier_name_deeds import NAMED, NameDeeds
from clinnlp.text.identifier_name_words import INSIDE, NAME, NO_NAME, TIGHT
from clinnlp.text.identifier_rules import Find

__all__ = ["find_names"]

N_CUT = 4  # letters of a title that is cut short by a dot, at most
N_TITLES = 3  # before a name, at most
N_INITIALS = 3  # before a family name, at most
N_MARKS = 4  # characters before a name on its own line ("> Rose")
N_BEFORE = 4  # words before a degree
N_DIGITS = 3  # of a score, fewer than this
SURE = 0.25  # doubt up to which a name is sought in the whole note
_ALONE = ("rule:lead_named", "rule:lead_per")  # where a name of no list is one in small letters too
_BEHIND_TITLE = {" ", ". ", ".", "  ", ".  "}
Lead = tuple[int, str, str]  # where a name begins, its label, who says so
Judged = tuple[int, str, float]  # the last word of a name, who says so, how doubtful it is


def find_names(
    text: str, words: Words, leads: Iterable[Lead], lexicon: Lexicon, *, unknown: bool = False
) -> list[Find]:
    """Return the names of persons in a text.

    Parameters
    ----------
    text : str
    words : Words
        Of that text.
    leads : iterable of (int, str, str)
        Where a name begins with its label and the rule that says so.
    lexicon : Lexicon
        Of the language of the text.
    unknown : bool
        Whether a word with a capital that stands in no list is taken for a name.
    """
    names = _Names(text, words, lexicon)
    found = [*names.behind_titles()]
    found += [find for lead in leads if (find := names.behind_lead(*lead)) is not None]
    for part in (names.before_degrees, names.in_runs, names.in_small_letters, names.in_lists,
                 names.heading_lines, names.by_deeds, names.before_kin):  # fmt: skip
        found += part()
    found += names.again(found)
    return [*found, *names.unknown()] if unknown else found


class _Names(NameDeeds):
    """Finders, each of which takes the words of what it finds."""

    def behind_titles(self) -> Iterator[Find]:
        for i, kinds in enumerate(self.words.kinds):
            if not kinds & Kind.TITLE or not self._is_title(i):
                continue
            is_small = self.gap(i)[0] == "." or not kinds & Kind.WORD
            label = "NAME_CLINICIAN" if kinds & Kind.CLINICIAN else "NAME"
            first, last = i + 1, self.awaited(i + 1, is_small=is_small)
            while last is not None:
                yield self.made(first, last, label, "rule:title")
                first = last + 2  # "Drs. Ames and Bell"
                if not kinds & Kind.MANY or first >= self.n or not self.is_and(last + 1):
                    break
                last = self.awaited(first, is_small=True)

    def _is_title(self, i: int) -> bool:
        """Whether a word that may be a title stands before a name."""
        if i + 1 >= self.n or self.gap(i) not in _BEHIND_TITLE:
            return False
        is_cut = len(self.words.words[i]) <= N_CUT
        if self.gap(i)[0] == "." and not is_cut:
            return False  # the end of a sentence
        return not self.words.kinds[i] & Kind.UNIT or self._is_no_unit(i)

    def _is_no_unit(self, i: int) -> bool:
        """Whether a title that is something else too is one: no "250 ms.", no "MS"."""
        if i and self.words.words[i - 1].isdigit() and self.gap(i - 1) == " ":
            return False
        is_loud = self.words.words[i + 1].isupper() or self.gap(i)[0] != "."
        return not (self.words.words[i].isupper() and is_loud) or self.is_name(i + 1)

    def behind_lead(self, start: int, label: str, finder: str) -> Find | None:
        """Return the name that begins where a rule says so."""
        i = self._led(start) if label.startswith("NAME") else None
        if i is None:
            return None
        is_told = self._is_told(start, i, finder)
        if not self._may_begin(i, is_told=is_told):
            return None
        is_free = is_told or (finder in _ALONE and not self.words.kinds[i] & ~NAMED)
        last = self.awaited(i, is_small=is_free or self._is_only_given(i))
        if last is None or (last == i and self.is_eponym(i)):
            return None
        is_strong = last > i or self.is_name(i) or i in self.capital
        return self.made(i, last, label, finder) if is_free or is_strong else None

    def _may_begin(self, i: int, *, is_told: bool) -> bool:
        """Whether a word that a rule leads to is neither an ordinary one nor an abbreviation."""
        kinds = self.words.kinds[i]
        if kinds & Kind.WORD and not self.is_sure(i):
            return False
        is_loud = self.words.words[i].isupper() and not self.is_initial(i)
        return not is_loud or bool(kinds & NAME) or self._is_loud_name(i, is_told=is_told)

    def _is_loud_name(self, i: int, *, is_told: bool) -> bool:
        """Whether words in capitals are a name: it is awaited, or the second is a listed one."""
        return self.is_loud_pair(i) and (is_told or self.is_name(i + 1))

    def _is_only_given(self, i: int) -> bool:
        return self.is_name(i) and bool(self.words.kinds[i] & Kind.GIVEN)

    def _led(self, start: int) -> int | None:
        """Return the word where a name begins, behind its titles, unless it is taken."""
        i = bisect_left(self.words.starts, start)
        if i >= self.n or self.words.starts[i] > start + 2:
            return None
        for _ in range(N_TITLES):
            if i + 1 < self.n and self.words.kinds[i] & Kind.TITLE and i not in self.taken:
                i += 1
        return None if i in self.taken else i

    def _is_told(self, start: int, i: int, finder: str) -> bool:
        """Whether a colon, or who wrote it, leaves no doubt that a name comes."""
        if self.text[max(0, start - 2) : start].rstrip()[-1:] == ":":
            return True
        return finder == "rule:lead_by" and self.is_odd(i) and self.is_part(i + 1)

    def before_degrees(self) -> Iterator[Find]:
        for i in range(1, self.n):
            if not (self.words.kinds[i] & Kind.DEGREE or self._is_spelled_degree(i)):
                continue
            last = i - 1
            if self.gap(last) not in (", ", " ", ",", ".,") or self.words.kinds[last] & NO_NAME:
                continue
            first = self._before(last)
            if self._is_titled(first, last) and first not in self.taken:
                yield self.made(first, last, "NAME_CLINICIAN", "rule:degree")

    def _before(self, last: int) -> int:
        """Return the first word of a name that ends before a degree."""
        first = last
        fits = self._fits_degree if last in self.capital else self.is_odd
        while first > 0 and last - first < N_BEFORE and self.gap(first - 1) in INSIDE:
            if not fits(first - 1) and not self.is_letter(first - 1):
                break
            first -= 1
        return first

    def _is_titled(self, first: int, last: int) -> bool:
        if last in self.capital:
            return first < last or self.is_name(last) or self.is_new(last)
        return first < last and self.is_odd(last)

    def _fits_degree(self, i: int) -> bool:
        """Whether a word may stand in a name before a degree."""
        kinds = self.words.kinds[i]
        if i not in self.capital or kinds & NO_NAME:
            return False
        return not kinds & Kind.WORD or bool(kinds & NAME)

    def _is_spelled_degree(self, i: int) -> bool:
        """Whether "M.D." or the like begins at a word."""
        if len(self.words.words[i]) > 2 or i + 1 >= self.n or self.gap(i) != ".":
            return False
        pair = (self.words.words[i] + self.words.words[i + 1]).lower()
        return bool(self.kinds_of.get(pair, 0) & Kind.SPELLED)

    def in_runs(self) -> Iterator[Find]:
        end = -1  # the last word of a name
        for first in self.words.capitals:
            if first <= end or first in self.taken:
                continue
            last, finder, doubt = self._judged(first)
            if last >= first:
                end = last
                yield self.made(first, last, "NAME", finder, doubt)

    def _judged(self, first: int) -> Judged:
        """Return the last word of the name that begins at a word (before it: none), who says so."""
        none = (first - 1, "", 0.0)
        if self._is_inside(first) or self._is_before(first):
            return none
        if self.is_initial(first):
            return self._initialed(first)
        is_tail = bool(self.words.kinds[first] & Kind.TAIL)
        last = None if is_tail else self.awaited(first, is_small=False)
        if last is None:
            return none
        if self._is_given(first, last):
            return last, "list:given", 0.1
        comma = next((k for k in range(first, last) if self.gap(k) in (", ", *TIGHT)), last)
        if comma < last and self._is_family(first, comma):
            return last, "list:turned", 0.2
        return self._alone(first, comma)

    def _is_inside(self, i: int) -> bool:
        """Whether a hyphen ties a word to one before it ("Charcot-Marie-Tooth")."""
        return i > 0 and self.gap(i - 1) == "-" and i - 1 in self.capital

    def _is_before(self, i: int) -> bool:
        """Whether an ordinary word stands before a name that is found ("Dear Ana", "Dad Ana")."""
        kinds = self.words.kinds[i]
        is_told = bool(kinds & Kind.WORD) and i + 1 in self.taken and self.gap(i) == " "
        return is_told or bool(kinds & Kind.KIN)

    def _is_given(self, first: int, last: int) -> bool:
        """Whether a given name begins a name of several words."""
        kinds = self.words.kinds[first]
        if not kinds & Kind.GIVEN or last == first or self.is_thing(last):
            return False
        second = first + 1
        is_cut = self.is_initial(second) and self.gap(second)[0] in ".,"
        sure = not kinds & Kind.WORD or self.is_name(second) or is_cut
        return sure and not self.is_eponym(last)

    def _is_family(self, first: int, comma: int) -> bool:
        """Whether what stands before a comma is a family name."""
        if self.words.kinds[first] & Kind.REGION:
            return False
        if self.gap(comma) in TIGHT:
            return self.is_tight(comma)
        is_quiet = not self.words.words[first].isupper() or len(self.words.words[comma + 1]) > 3
        return is_quiet and (self.is_name(first) or self.is_new(first))

    def _alone(self, first: int, last: int) -> Judged:
        """Judge a name without a given name in front of it."""
        none = (first - 1, "", 0.0)
        kinds, run = self.words.kinds[first], range(first, last + 1)
        if kinds & (Kind.EPONYM | Kind.REGION) or self.is_eponym(last):
            return none
        listed = [k for k in run if self.is_name(k)]
        if self._is_doubtful(first, last, listed):
            return none
        n_odd = len(listed) + sum(self.is_new(k) for k in run if k not in listed)
        if n_odd > 1 and (listed or not self.is_thing(last)):
            return last, "list:pair", 0.3
        return (listed[-1], "list:name", 0.4) if self._is_only_name(first) else none

    def _is_only_name(self, i: int) -> bool:
        is_other = bool(self.words.kinds[i] & (Kind.CITY | Kind.ABROAD)) or self._is_scored(i)
        return self.is_name(i) and not is_other and not self.words.words[i].isupper()

    def _is_scored(self, i: int) -> bool:
        """Whether a small number stands behind a word: a scale ("Beck 12"), no person."""
        behind = self.words.words[i + 1] if i + 1 < self.n and self.gap(i) == " " else ""
        return behind.isdigit() and len(behind) < N_DIGITS and self.gap(i + 1)[0] not in "/-"

    def _is_doubtful(self, first: int, last: int, listed: list[int]) -> bool:
        """Whether a run holds abbreviations, or none of the given names its language asks for."""
        if last > first and any(self.words.words[k].isupper() for k in (*listed, first)):
            return True
        has_given = any(self.words.kinds[k] & Kind.GIVEN for k in listed)
        return self.has_long and not has_given

    def _initialed(self, first: int) -> Judged:
        """Judge a name that begins with an initial."""
        none = (first - 1, "", 0.0)
        if self.gap(first) == "'" and first + 1 in self.capital:
            found = self._judged(first + 1)  # "O'Brien"
            return found if found[1] else none
        i = first
        while i + 1 < self.n and self.is_initial(i) and i - first < N_INITIALS:
            if self.gap(i) not in (". ", " ", "."):
                return none
            i += 1
        return (i, "list:initials", 0.2) if self._is_behind_initials(first, i) else none

    def _is_behind_initials(self, first: int, i: int) -> bool:
        has_dot = self.gap(first)[0] == "."
        if i not in self.capital or (not has_dot and self.words.words[first] in "AI"):
            return False
        if self.words.kinds[i] & Kind.EPONYM or self.is_eponym(i):
            return False
        return self.is_name(i) or (has_dot and self.is_new(i))

    def in_small_letters(self) -> Iterator[Find]:
        """Return names typed without a capital: a given and a family name, both nothing else."""
        for i in range(self.n - 1):
            if not self._is_small_given(i) or i in self.taken:
                continue
            if self._is_small_family(i + 1):
                yield self.made(i, i + 1, "NAME", "list:small", 0.5)
            elif not self.words.capitals and len(self.words.words[i]) > 3 and not self.is_eponym(i):
                yield self.made(i, i, "NAME", "list:small", 0.6)

    def _is_small_given(self, i: int) -> bool:
        kinds = self.words.kinds[i]
        if not kinds & Kind.GIVEN or kinds & (Kind.WORD | Kind.STOP | Kind.EPONYM):
            return False
        return i not in self.capital and self.gap(i) == " "

    def _is_small_family(self, i: int) -> bool:
        kinds, words = self.words.kinds[i], self.words.words
        if not kinds & Kind.FAMILY or kinds & (Kind.WORD | Kind.STOP):
            return False
        return len(words[i - 1]) > 2 < len(words[i]) and not self.is_eponym(i)

    def again(self, found: Iterable[Find]) -> Iterator[Find]:
        """Return other places where a word of a name that was found for sure stands."""
        known = self._sure(found)
        no_name = Kind.STOP | Kind.EPONYM | Kind.PARTICLE
        for i in self.words.capitals if known else ():
            word = self.words.words[i].lower()
            if word not in known or len(word) < 3 or self.words.kinds[i] & no_name:
                continue
            if self.words.kinds[i] & Kind.WORD and not self._is_line(i):
                continue
            if i not in self.taken and not self.is_eponym(i):
                yield self.made(i, i, known[word], "rule:again", 0.2)

    def _is_line(self, i: int) -> bool:
        """Whether a given name is all that its line holds, as under a letter, or is spoken to."""
        start = self.words.starts[i]
        before = self.text[start - N_MARKS : start] if start > N_MARKS else f"\n{self.text[:start]}"
        behind = self.gap(i)
        is_first = "\n" in before and not before.rpartition("\n")[2].strip("> ")
        is_apart = behind == ", " or behind.lstrip(" ,.\r")[:1] == "\n"
        return is_first and is_apart and bool(self.words.kinds[i] & Kind.GIVEN)

    def _sure(self, found: Iterable[Find]) -> dict[str, str]:
        """Return the words of names without much doubt, and their labels."""
        known: dict[str, str] = {}
        for each in found:
            said = self.text[each.start : each.end] if each.doubt <= SURE else ""
            for word in said.replace("-", " ").split():
                known.setdefault(word.strip(".,'").lower(), each.label)
        return known

    def unknown(self) -> Iterator[Find]:
        """Return words with a capital that stand in no list, and names that are alone."""
        for i in self.words.capitals:
            word = self.words.words[i]
            is_odd = self.is_new(i) and word[1:].islower()
            is_alone = self.is_name(i) and not word.isupper() and not self.is_eponym(i)
            if i not in self.taken and (is_odd or is_alone):
                yield self.made(i, i, "NAME", "list:unknown", 0.7)
