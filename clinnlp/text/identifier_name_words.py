"""What a word says of names, and how far a name reaches: what finders of names ask."""

from clinnlp.text.identifier_lexicon import Kind, Lexicon, Words, is_eponym
from clinnlp.text.identifier_rules import Find

__all__ = ["NAME", "NO_NAME", "NameWords"]

NAME = Kind.GIVEN | Kind.FAMILY
NO_NAME = Kind.STOP | Kind.DEGREE | Kind.TITLE
N_LONGEST = 8  # words of a name
_KNOWN = NO_NAME | Kind.WORD | Kind.EPONYM | Kind.TAIL | Kind.REGION | Kind.HEAD
_COLUMNS = ("  ", "\t")
TIGHT = (",", "^")  # between a family name and a given one, as programs write them
INSIDE = {" ", "  ", "-", "'", ". ", ".", "\t"}  # a name, between two words


class NameWords:
    """The words of a text, and which of them are of names found so far.

    Parameters
    ----------
    text : str
    words : Words
        Of that text.
    lexicon : Lexicon
        Of its language.
    """

    def __init__(self, text: str, words: Words, lexicon: Lexicon) -> None:
        self.text, self.words, self.kinds_of = text, words, lexicon.kinds
        self.codes = frozenset(lexicon.terms.get("region code", ()))
        self.has_long = "long names" in lexicon.terms.get("setting", ())
        self.n = len(words.words)
        self.capital = set(words.capitals)
        self.taken: set[int] = set()

    def made(self, first: int, last: int, label: str, finder: str, doubt: float = 0.0) -> Find:
        """Return a name of the words from first to last, which are taken by it."""
        self.taken.update(range(first, last + 1))
        end = self.words.end(last)
        if self.is_initial(last) and self.text[end : end + 1] == "." and last > first:
            end += 1
        return Find(self.words.starts[first], end, label, finder, doubt)

    def gap(self, i: int) -> str:
        """Return what stands between word i and the next; of the last one, a line end."""
        return self.words.gap(self.text, i) if i + 1 < self.n else "\n"

    def is_initial(self, i: int) -> bool:
        """Whether a word is one capital letter."""
        return len(self.words.words[i]) == 1 and self.words.words[i].isupper() and i in self.capital

    def is_letter(self, i: int) -> bool:
        """Whether a word is one letter with a dot, small or not."""
        word = self.words.words[i]
        return len(word) == 1 and word.isalpha() and self.gap(i)[0] == "."

    def is_name(self, i: int) -> bool:
        """Whether a word is a name and nothing else."""
        kinds = self.words.kinds[i]
        return bool(kinds & NAME) and not kinds & (Kind.WORD | Kind.STOP)

    def is_odd(self, i: int) -> bool:
        """Whether a word, in any letters, is in no list but those of names."""
        word = self.words.words[i] if i < self.n else ""
        return len(word) > 2 and word.isalpha() and not self.words.kinds[i] & _KNOWN

    def is_new(self, i: int) -> bool:
        """Whether such a word has a capital: an unknown name, or an unknown thing."""
        return i in self.capital and self.is_odd(i) and not self.words.words[i][:2].isupper()

    def is_part(self, i: int) -> bool:
        """Whether a word may be of a name in small letters."""
        return i < self.n and (self.is_odd(i) or self.is_letter(i))

    def is_and(self, i: int) -> bool:
        """Whether a word joins two names."""
        return bool(self.words.kinds[i] & Kind.AND) and self.gap(i) == " "

    def is_eponym(self, last: int) -> bool:
        """Whether what a name is of stands behind it ("Bell's palsy")."""
        return is_eponym(self.text, self.words, last)

    def is_thing(self, last: int) -> bool:
        """Whether a word behind a run says that it is no person ("Mercy Hospital")."""
        thing = Kind.TAIL | Kind.HEAD
        if self.words.kinds[last] & thing:
            return True
        is_followed = self.gap(last) == " " and last + 1 in self.capital
        return is_followed and bool(self.words.kinds[last + 1] & thing)

    def is_sure(self, i: int) -> bool:
        """Whether an ordinary word is a name by what follows ("Young, Sarah", "Will Smith")."""
        kinds = self.words.kinds
        if not (i in self.capital and kinds[i] & NAME and i + 1 in self.capital):
            return False
        is_followed = bool(kinds[i + 1] & NAME) or self.is_initial(i + 1) or self.is_new(i + 1)
        return is_followed and self.gap(i) in (" ", ", ")

    def is_loud_pair(self, i: int) -> bool:
        """Whether two words in capitals that are no ordinary ones stand here ("JAN NOWAK")."""
        words, kinds = self.words.words, self.words.kinds
        has_middle = i + 2 < self.n and self.is_initial(i + 1) and self.gap(i + 1) == ". "
        if has_middle:
            return words[i + 2].isupper() and not kinds[i + 2] & _KNOWN
        if i + 1 >= self.n or self.gap(i) not in (" ", ", "):
            return False
        is_long = len(words[i]) > 2 < len(words[i + 1])
        return is_long and words[i + 1].isupper() and not (kinds[i] | kinds[i + 1]) & _KNOWN

    def is_particle(self, i: int) -> bool:
        """Whether small words inside a name begin at a word ("de la Cruz")."""
        for ahead in range(i, min(i + 4, self.n)):
            if ahead in self.capital:
                return ahead > i
            if not self.words.kinds[ahead] & Kind.PARTICLE or self.gap(ahead) not in (" ", "'"):
                return False
        return False

    def awaited(self, first: int, *, is_small: bool) -> int | None:
        """Return the last word of a name that begins at a word, where one must stand."""
        if not self._begins(first, is_small=is_small):
            return None
        last = first
        while last + 1 < self.n and last - first < N_LONGEST:
            if not (self._joins(first, last) and self._continues(first, last + 1)):
                break
            last += 1
        while last > first and last not in self.capital:
            if not self.words.kinds[last] & Kind.PARTICLE:
                break
            last -= 1
        return last

    def _begins(self, first: int, *, is_small: bool) -> bool:
        kinds, word = self.words.kinds[first], self.words.words[first]
        if kinds & (Kind.STOP | Kind.TITLE) or not _is_lettered(word):
            return False
        if first in self.capital or (self.is_particle(first) and not self.has_long):
            return True
        if not is_small or kinds & Kind.WORD:
            return False
        is_cut = self.gap(first) in (". ", "'", "’")  # "j. hruby", "o'brien"
        return len(word) > 2 or (is_cut and self.is_odd(first + 1))

    def _joins(self, first: int, last: int) -> bool:
        """Whether what stands behind a word lets its name go on."""
        gap = self.gap(last)
        if gap == ". ":
            is_cut = bool(self.words.kinds[last] & Kind.SUFFIX)
            return is_cut or len(self.words.words[last]) == 1
        if gap == ".":
            return self.is_initial(last)
        if gap == "^" and last > first:
            return self.is_initial(last + 1)
        return gap in INSIDE or self._is_comma(first, last)

    def _is_comma(self, first: int, last: int) -> bool:
        """Whether a comma stands between a family name and the given one that follows."""
        one_name = all(self.gap(k) in ("-", "'") for k in range(first, last))
        if self.gap(last) in TIGHT:
            return one_name and self.is_tight(last)
        return self.gap(last) == ", " and one_name and self._is_turned(last + 1)

    def is_tight(self, i: int) -> bool:
        """Whether a given name is tied to what may be a family name ("ODD,ERIK", "ODD^ERIK")."""
        is_given = self.is_name(i + 1) and bool(self.words.kinds[i + 1] & Kind.GIVEN)
        return is_given and i + 1 in self.capital and (self.is_odd(i) or self.is_name(i))

    def _is_turned(self, i: int) -> bool:
        kinds = self.words.kinds[i]
        if i not in self.capital or self.words.words[i] in self.codes:
            return False  # "Boston, MA"
        is_given = bool(kinds & Kind.GIVEN) and not kinds & Kind.STOP
        return is_given or (self.is_initial(i) and self.gap(i)[0] == ".")

    def _continues(self, first: int, i: int) -> bool:
        """Whether a word goes on with a name that began at the first."""
        kinds = self.words.kinds[i]
        if self._is_head(i):
            return False
        if i not in self.capital:
            is_near = first not in self.capital and i < first + 3
            return self.is_particle(i) or (is_near and self.is_part(i))
        if self.is_initial(i):
            return self.gap(i)[0] not in "/-"
        if self.has_long and kinds & Kind.PARTICLE:
            return self.is_particle(i + 1) or i + 1 in self.capital
        return bool(kinds & Kind.SUFFIX) or self._fits(first, i)

    def _is_head(self, i: int) -> bool:
        """Whether a word is the head of a column ("ERIK T  Acct: 12")."""
        end = self.words.end(i)
        return self.text[end : end + 1] == ":" and self.gap(i - 1) in _COLUMNS

    def _fits(self, first: int, i: int) -> bool:
        """Whether a word with a capital is of a name rather than behind it."""
        kinds = self.words.kinds[i]
        if kinds & NO_NAME:
            return False
        if not kinds & Kind.WORD or (self.has_long and not self.words.words[i].isupper()):
            return True
        return bool(kinds & NAME) and i == first + 1


def _is_lettered(word: str) -> bool:
    """Whether a word is of letters, but for one that a scanner misread."""
    return word.isalpha() or (len(word) > 4 and sum(map(str.isalpha, word)) >= len(word) - 1)
