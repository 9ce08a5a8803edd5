"""Names of persons: runs of capitalised words, judged by titles, lists and what stands around them.

A word is no name because it has a capital: one that is an ordinary word counts only where a title
or a heading says that a name comes, eponyms ("Foley catheter") never alone, and a name found once
is a name wherever it stands in the note again.
"""

from clinnlp.text.identifier_lexicon import Kind, Lexicon, Words, is_eponym
from clinnlp.text.identifier_rules import Find

__all__ = ["find_names"]

NAME = Kind.GIVEN | Kind.FAMILY
N_CUT = 4  # letters of a title that is cut short by a dot, at most
N_TITLES = 3  # before a name, at most
N_LONGEST = 8  # words of a name
_KNOWN = (
    Kind.WORD
    | Kind.STOP
    | Kind.TITLE
    | Kind.EPONYM
    | Kind.TAIL
    | Kind.REGION
    | Kind.HEAD
    | Kind.DEGREE
)
_ALONE = ("rule:lead_named", "rule:lead_per")  # where a name of no list is one in small letters too
_NO_END = Kind.STOP | Kind.DEGREE | Kind.TITLE
_INSIDE = {" ", "  ", "-", "'", ". ", ".", "\t"}
_BEHIND_TITLE = {" ", ". ", ".", "  ", ".  "}
Lead = tuple[int, str, str]  # where a name begins, its label, who says so


def find_names(
    text: str, words: Words, leads: list[Lead], lexicon: Lexicon, *, unknown: bool = False
) -> list[Find]:
    """Return the names of persons in a text.

    Parameters
    ----------
    text : str
    words : Words
        Of that text.
    leads : list of (int, str, str)
        Where a name begins with its label and the rule that says so.
    lexicon : Lexicon
        Of the language of the text.
    unknown : bool
        Whether a word with a capital that stands in no list is taken for a name.
    """
    names = _Names(text, words, lexicon)
    found = names.behind_titles() + names.behind_leads(leads) + names.before_degrees()
    found += names.in_runs()
    found += names.heading_lines() + names.by_deeds()
    found += names.again(found)
    return found + names.unknown() if unknown else found


class _Names:
    def __init__(self, text: str, words: Words, lexicon: Lexicon) -> None:
        self.text, self.words, self.kinds_of = text, words, lexicon.kinds
        self.has_long = "long names" in lexicon.terms.get("setting", ())
        self.n = len(words.words)
        self.capital = set(words.capitals)
        self.taken: set[int] = set()  # words of names found so far

    # -- one word ---------------------------------------------------------------------------------

    def gap(self, i: int) -> str:
        """Return what stands between word i and the next; of the last one, a line end."""
        return self.words.gap(self.text, i) if i + 1 < self.n else "\n"

    def is_initial(self, i: int) -> bool:
        return len(self.words.words[i]) == 1 and self.words.words[i].isupper() and i in self.capital

    def is_name(self, i: int) -> bool:
        """Whether a word is a name and nothing else."""
        kinds = self.words.kinds[i]
        return bool(kinds & NAME) and not kinds & (Kind.WORD | Kind.STOP)

    def is_new(self, i: int) -> bool:
        """Whether a word with a capital stands in no list: an unknown name, or an unknown thing."""
        word = self.words.words[i]
        return (
            not self.words.kinds[i] & _KNOWN
            and i in self.capital
            and len(word) > 2
            and word.isalpha()
            and not word.isupper()
        )

    def is_eponym(self, last: int) -> bool:
        """Whether what a name is of stands behind it ("Bell's palsy")."""
        return is_eponym(self.text, self.words, last)

    # -- where a name is awaited ------------------------------------------------------------------

    def behind_titles(self) -> list[Find]:
        out = []
        for i, kinds in enumerate(self.words.kinds):
            if not kinds & Kind.TITLE or i + 1 >= self.n or self.gap(i) not in _BEHIND_TITLE:
                continue
            word = self.words.words[i]
            has_dot = self.gap(i)[0] == "."
            is_loud = self.words.words[i + 1].isupper() or not has_dot
            is_unit = bool(kinds & Kind.UNIT)
            if is_unit and word.isupper() and is_loud and not self.is_name(i + 1):
                continue  # multiple sclerosis
            if is_unit and i and self.words.words[i - 1].isdigit() and self.gap(i - 1) == " ":
                continue  # 250 ms.
            if has_dot and len(word) > N_CUT:
                continue  # the end of a sentence
            last = self.awaited(i + 1, is_small=has_dot or not kinds & Kind.WORD)
            if last is not None:
                label = "NAME_CLINICIAN" if kinds & Kind.CLINICIAN else "NAME"
                out.append(self.made(i + 1, last, label, "rule:title"))
                second = last + 2  # "Drs. Ames and Bell"
                if kinds & Kind.MANY and second < self.n and self.is_and(last + 1):
                    end = self.awaited(second, is_small=True)
                    if end is not None:
                        out.append(self.made(second, end, label, "rule:title"))
        return out

    def is_and(self, i: int) -> bool:
        return bool(self.words.kinds[i] & Kind.AND) and self.gap(i) == " "

    def behind_leads(self, leads: list[Lead]) -> list[Find]:
        from bisect import bisect_left

        out = []
        for start, label, finder in leads:
            if not label.startswith("NAME"):
                continue
            i = bisect_left(self.words.starts, start)
            if i >= self.n or self.words.starts[i] > start + 2:
                continue
            for _ in range(N_TITLES):
                if i + 1 < self.n and self.words.kinds[i] & Kind.TITLE and i not in self.taken:
                    i += 1
            if i in self.taken or (self.words.kinds[i] & Kind.WORD and not self.is_sure(i)):
                continue
            is_told = self.text[max(0, start - 2) : start].rstrip()[-1:] == ":" or (
                finder == "rule:lead_by" and self.is_odd(i) and self.is_part(i + 1)
            )
            is_loud = self.words.words[i].isupper() and not self.is_initial(i)
            if (
                is_loud
                and not self.words.kinds[i] & NAME
                and not (is_told and self.is_loud_pair(i))
            ):
                continue  # an abbreviation
            is_given = self.is_name(i) and bool(self.words.kinds[i] & Kind.GIVEN)
            is_unknown = finder in _ALONE and not self.words.kinds[i]
            last = self.awaited(i, is_small=is_given or is_told or is_unknown)
            if last is not None and not (last == i and self.is_eponym(i)):
                if not (is_told or is_unknown or self.is_strong(i, last) or self.is_new(i)):
                    continue
                out.append(self.made(i, last, label, finder))
        return out

    def is_sure(self, i: int) -> bool:
        """Whether an ordinary word is a name by what follows ("Young, Sarah", "Will Smith")."""
        kinds = self.words.kinds
        return (
            i in self.capital
            and bool(kinds[i] & NAME)
            and i + 1 < self.n
            and self.gap(i) in (" ", ", ")
            and i + 1 in self.capital
            and (bool(kinds[i + 1] & NAME) or self.is_initial(i + 1) or self.is_new(i + 1))
        )

    def is_loud_pair(self, i: int) -> bool:
        """Whether two words in capitals that are no ordinary ones stand here ("JAN NOWAK")."""
        if i + 2 < self.n and self.is_initial(i + 1) and self.gap(i + 1) == ". ":
            return self.words.words[i + 2].isupper() and not self.words.kinds[i + 2] & _KNOWN
        return (
            i + 1 < self.n
            and self.gap(i) in (" ", ", ")
            and len(self.words.words[i]) > 2 < len(self.words.words[i + 1])
            and self.words.words[i + 1].isupper()
            and not (self.words.kinds[i] | self.words.kinds[i + 1]) & _KNOWN
        )

    def is_strong(self, first: int, last: int) -> bool:
        return last > first or self.is_name(first) or first in self.capital

    def awaited(self, first: int, *, is_small: bool) -> int | None:
        """Return the last word of a name that begins at a word, where one must stand."""
        kinds, words = self.words.kinds, self.words.words
        if kinds[first] & (Kind.STOP | Kind.TITLE) or not _is_lettered(words[first]):
            return None
        if first not in self.capital:
            if not is_small or kinds[first] & Kind.WORD:
                return None
            if len(words[first]) < 3 and not (self.gap(first) == ". " and self.is_odd(first + 1)):
                return None
        last = first
        while last + 1 < self.n and last - first < N_LONGEST:
            ahead, gap = last + 1, self.gap(last)
            if gap not in _INSIDE and not self.is_comma(first, last):
                break
            is_short = len(words[last]) == 1 or bool(kinds[last] & Kind.SUFFIX)
            if gap == ". " and not is_short:
                break
            if gap == "." and not self.is_initial(last):
                break
            if not self.continues(first, ahead):
                break
            last = ahead
        while last > first and last not in self.capital and kinds[last] & Kind.PARTICLE:
            last -= 1
        return last

    def is_comma(self, first: int, last: int) -> bool:
        """Whether a comma stands between a family name and the given one that follows."""
        one_name = all(self.gap(k) in ("-", "'") for k in range(first, last))
        return self.gap(last) == ", " and one_name and self.turned(last + 1)

    def turned(self, i: int) -> bool:
        """Whether a given name follows the comma behind a family name."""
        return i in self.capital and (
            (bool(self.words.kinds[i] & Kind.GIVEN) and not self.words.kinds[i] & Kind.STOP)
            or (self.is_initial(i) and self.gap(i)[0] == ".")
        )

    def continues(self, first: int, i: int) -> bool:
        kinds = self.words.kinds[i]
        if i not in self.capital:
            is_small = first not in self.capital and i < first + 3
            is_letter = len(self.words.words[i]) == 1 and self.gap(i)[0] == "."
            return self.is_particle(i) or (is_small and (self.is_odd(i) or is_letter))
        if self.is_initial(i):
            return self.gap(i)[0] not in "/-"
        if kinds & Kind.SUFFIX:
            return True
        if self.has_long and kinds & Kind.PARTICLE:
            return self.is_particle(i + 1) or i + 1 in self.capital
        if kinds & (Kind.STOP | Kind.DEGREE | Kind.TITLE):
            return False
        if not kinds & Kind.WORD or (self.has_long and not self.words.words[i].isupper()):
            return True
        return bool(kinds & NAME) and i == first + 1

    def is_odd(self, i: int) -> bool:
        """Whether a word, in any letters, is in no list but those of names."""
        word = self.words.words[i] if i < self.n else ""
        return len(word) > 2 and word.isalpha() and not self.words.kinds[i] & _KNOWN

    def is_particle(self, i: int) -> bool:
        """Whether small words inside a name begin at a word ("de la Cruz")."""
        for ahead in range(i, min(i + 4, self.n)):
            if ahead in self.capital:
                return ahead > i
            if not self.words.kinds[ahead] & Kind.PARTICLE or self.gap(ahead) not in (" ", "'"):
                return False
        return False

    def before_degrees(self) -> list[Find]:
        out = []
        for i in range(1, self.n):
            if not (self.words.kinds[i] & Kind.DEGREE or self.is_spelled_degree(i)):
                continue
            if self.gap(i - 1) not in (", ", " ", ",", ".,"):
                continue
            last = first = i - 1
            fits = self.fits_title if last in self.capital else self.is_odd
            while first > 0 and i - first <= 4 and self.gap(first - 1) in _INSIDE:
                if not fits(first - 1) and not self.is_letter(first - 1):
                    break
                first -= 1
            is_named = self.is_name(last) or self.is_new(last) or first < last
            if last not in self.capital and (first == last or not self.is_odd(last)):
                continue
            if is_named and first not in self.taken and not self.words.kinds[last] & _NO_END:
                out.append(self.made(first, last, "NAME_CLINICIAN", "rule:degree"))
        return out

    def fits_title(self, i: int) -> bool:
        """Whether a word may stand in a name before a degree."""
        kinds = self.words.kinds[i]
        if i not in self.capital or kinds & (Kind.STOP | Kind.TITLE | Kind.DEGREE):
            return False
        return not kinds & Kind.WORD or bool(kinds & NAME)

    def is_part(self, i: int) -> bool:
        return i < self.n and (self.is_odd(i) or self.is_letter(i))

    def is_letter(self, i: int) -> bool:
        return (
            len(self.words.words[i]) == 1
            and self.words.words[i].isalpha()
            and self.gap(i)[0] == "."
        )

    def is_spelled_degree(self, i: int) -> bool:
        """Whether "M.D." or the like begins at a word."""
        if len(self.words.words[i]) > 2 or i + 1 >= self.n or self.gap(i) != ".":
            return False
        pair = (self.words.words[i] + self.words.words[i + 1]).lower()
        return bool(self.kinds_of.get(pair, 0) & Kind.SPELLED)

    # -- elsewhere --------------------------------------------------------------------------------

    def in_runs(self) -> list[Find]:
        out = []
        i, end = 0, len(self.words.capitals)
        capitals = self.words.capitals
        while i < end:
            first = capitals[i]
            i += 1
            if first in self.taken:
                continue
            last, finder, doubt = self.judged(first)
            if last < first:
                continue
            out.append(self.made(first, last, "NAME", finder, doubt))
            while i < end and capitals[i] <= last:
                i += 1
        return out + self.in_small_letters()

    def judged(self, first: int) -> tuple[int, str, float]:
        """Return the last word of the name that begins at a word (before it: none), who says so."""
        kinds = self.words.kinds[first]
        none = (first - 1, "", 0.0)
        if first and self.gap(first - 1) == "-" and first - 1 in self.capital:
            return none  # of "Charcot-Marie-Tooth"
        if self.is_initial(first):
            if self.gap(first) == "'" and first + 1 in self.capital:
                found = self.judged(first + 1)  # "O'Brien"
                return found if found[1] else none
            last = self.behind_initials(first)
            return (last, "list:initials", 0.2) if last >= first else none
        if kinds & (Kind.STOP | Kind.TITLE | Kind.TAIL):
            return none
        last = self.awaited(first, is_small=False)
        if last is None:
            return none
        if kinds & Kind.GIVEN and last > first and not self.is_thing(last):
            sure = (
                not kinds & Kind.WORD
                or self.is_name(first + 1)
                or (self.is_initial(first + 1) and self.gap(first + 1)[0] in ".,")
            )
            if sure and not self.is_eponym(last):
                return last, "list:given", 0.1
        comma = next((k for k in range(first, last) if self.gap(k) == ", "), None)
        if comma is None:
            return self.alone(first, last)
        if not kinds & Kind.REGION and (self.is_name(first) or self.is_new(first)):
            if not self.words.words[first].isupper() or len(self.words.words[comma + 1]) > 3:
                return last, "list:turned", 0.2
        return self.alone(first, comma)

    def alone(self, first: int, last: int) -> tuple[int, str, float]:
        """Judge a name without a given name in front of it."""
        kinds = self.words.kinds[first]
        none = (first - 1, "", 0.0)
        if kinds & (Kind.EPONYM | Kind.REGION) or self.is_eponym(last):
            return none
        listed = [k for k in range(first, last + 1) if self.is_name(k)]
        fresh = [k for k in range(first, last + 1) if self.is_new(k) and k not in listed]
        if last > first and any(self.words.words[k].isupper() for k in (*listed, first)):
            return none
        if self.has_long and not any(self.words.kinds[k] & Kind.GIVEN for k in listed):
            return none
        if len(listed) + len(fresh) > 1 and (listed or not self.is_thing(last)):
            return last, "list:pair", 0.3
        if self.is_name(first) and not kinds & Kind.CITY:
            is_loud = self.words.words[first].isupper()
            return none if is_loud else (max(first, listed[-1]), "list:name", 0.4)
        return none

    def is_thing(self, last: int) -> bool:
        """Whether a word behind a run says that it is no person ("Mercy Hospital")."""
        if self.words.kinds[last] & (Kind.TAIL | Kind.HEAD):
            return True
        return self.gap(last) == " " and bool(
            last + 1 < self.n
            and self.words.kinds[last + 1] & (Kind.TAIL | Kind.HEAD)
            and last + 1 in self.capital
        )

    def behind_initials(self, first: int) -> int:
        """Return the family name behind initials, or what lies before them."""
        i = first
        while i + 1 < self.n and self.is_initial(i) and i - first < 3:
            if self.gap(i) not in (". ", " ", "."):
                return first - 1
            i += 1
        has_dot = self.gap(first)[0] == "."
        if not has_dot and self.words.words[first] in "AI":
            return first - 1
        is_family = i in self.capital and (
            self.is_name(i) or (has_dot and self.is_new(i) and not self.words.words[i].isupper())
        )
        if not is_family or self.is_eponym(i) or self.words.kinds[i] & Kind.EPONYM:
            return first - 1
        return i

    def in_small_letters(self) -> list[Find]:
        """Return names typed without a capital: a given and a family name, both nothing else."""
        out = []
        kinds, words = self.words.kinds, self.words.words
        for i in range(self.n - 1):
            if not kinds[i] & Kind.GIVEN or kinds[i] & (Kind.WORD | Kind.STOP | Kind.EPONYM):
                continue
            if i in self.capital or i in self.taken or self.gap(i) != " ":
                continue
            if kinds[i + 1] & Kind.FAMILY and not kinds[i + 1] & (Kind.WORD | Kind.STOP):
                if len(words[i]) > 2 and len(words[i + 1]) > 2 and not self.is_eponym(i + 1):
                    out.append(self.made(i, i + 1, "NAME", "list:small", 0.5))
                    continue
            if not self.words.capitals and len(words[i]) > 3 and not self.is_eponym(i):
                out.append(self.made(i, i, "NAME", "list:small", 0.6))
        return out

    def heading_lines(self) -> list[Find]:
        """Return "name, name, 1/2/1950" where a line begins, in small letters too."""
        out = []
        for i, start in enumerate(self.words.starts[:-2]):
            if (start and self.text[start - 1] != "\n") or i in self.taken or self.gap(i) != ", ":
                continue
            behind = self.text[self.words.end(i + 1) : self.words.end(i + 1) + 3].lstrip(", ")[:1]
            if behind.isdigit() and self.is_odd(i) and self.is_odd(i + 1):
                out.append(self.made(i, i + 1, "NAME_PATIENT", "rule:heading"))
        return out

    def by_deeds(self) -> list[Find]:
        """Return a word of no list of which a deed is told, or a relative ("Ito's wife")."""
        out = []
        kinds, words = self.words.kinds, self.words.words
        for i in range(self.n - 2):
            if not self.is_odd(i) or i in self.taken or (i not in self.capital and kinds[i]):
                continue
            gap, ahead = self.gap(i), i + 1
            if gap == " " and (
                kinds[ahead] & Kind.DEED
                or (kinds[ahead] & Kind.COPULA and kinds[i + 2] & Kind.DONE)
            ):
                is_led = i in self.capital and not words[i].isupper()
            elif gap == "'" and words[ahead].lower() == "s":
                is_led = bool(kinds[i + 2] & Kind.KIN) and self.gap(ahead) == " "
            else:
                is_led = False
            if is_led:
                out.append(self.made(i, i, "NAME", "rule:deed", 0.3))
        return out

    def again(self, found: list[Find]) -> list[Find]:
        """Return other places where a word of a name that was found for sure stands."""
        known: dict[str, str] = {}
        for each in found:
            if each.doubt > 0.25:
                continue
            for word in self.text[each.start : each.end].replace("-", " ").split():
                word = word.strip(".,'").lower()
                if len(word) > 2:
                    known.setdefault(word, each.label)
        out = []
        for i in self.words.capitals if known else ():
            label = known.get(self.words.words[i].lower())
            if label is None or i in self.taken or self.is_eponym(i):
                continue
            if not self.words.kinds[i] & (Kind.WORD | Kind.STOP | Kind.EPONYM | Kind.PARTICLE):
                out.append(self.made(i, i, label, "rule:again", 0.2))
        return out

    def unknown(self) -> list[Find]:
        """Return words with a capital that stand in no list, and names that are alone."""
        out = []
        for i in self.words.capitals:
            word = self.words.words[i]
            is_odd = self.is_new(i) and word[1:].islower()
            is_alone = self.is_name(i) and not word.isupper() and not self.is_eponym(i)
            if i not in self.taken and (is_odd or is_alone):
                out.append(self.made(i, i, "NAME", "list:unknown", 0.7))
        return out

    def made(self, first: int, last: int, label: str, finder: str, doubt: float = 0.0) -> Find:
        self.taken.update(range(first, last + 1))
        end = self.words.end(last)
        if self.is_initial(last) and self.text[end : end + 1] == "." and last > first:
            end += 1
        return Find(self.words.starts[first], end, label, finder, doubt)


def _is_lettered(word: str) -> bool:
    """Whether a word is of letters, but for one that a scanner misread."""
    return word.isalpha() or (len(word) > 4 and sum(map(str.isalpha, word)) >= len(word) - 1)
