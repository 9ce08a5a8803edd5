"""What single words say of identifiers: names, titles, eponyms, ordinary words, cities.

Each word in small letters has one number whose bits are `Kind`s, so that a text is looked through
once. All that belongs to a language stands in its tables ``identifier_*_<language>.tsv``; names of
other countries stand in ``identifier_names.tsv``, and count where they are no word of the language.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from clinnlp.text.tables import data_path, language_path, read_table

__all__ = ["Kind", "Lexicon", "Words", "is_eponym", "lexicon", "words_of"]


class Kind:
    """What a word may be: bits, as plain numbers since each word of a text is asked for them."""

    GIVEN = 1
    FAMILY = 2
    WORD = 4
    TITLE = 8
    CLINICIAN = 16
    PARTICLE = 32
    SUFFIX = 64
    STOP = 128
    EPONYM = 256
    HEAD = 512
    GENERIC = 1024
    PREPOSITION = 2048
    DEGREE = 4096
    CITY = 8192  # the first word of one
    TAIL = 16384  # the first word of what ends a name of a hospital, a company
    REGION = 32768  # the first word of a region or a country
    DEED = 65536  # what a person does, not a drug ("reports", "denies")
    KIN = 131072  # a relative
    DONE = 1 << 18  # "was seen", of a person
    COPULA = 1 << 19
    SAINT = 1 << 20  # its dot ends no sentence
    LINK = 1 << 21  # small, inside the name of an institution
    ARTICLE = 1 << 22
    AT = 1 << 23  # before an article and a place
    AND = 1 << 24
    MANY = 1 << 25  # a title of several
    UNIT = 1 << 26  # a title that is a unit too
    SPELLED = 1 << 27  # a degree written with dots
    WEAK = 1 << 28  # what ends names, and what else ends in it
    ABROAD = 1 << 29  # a name of other countries, which alone says little
    INDEFINITE = 1 << 30  # before a thing of a kind: no name
    SEVERAL = 1 << 31  # "were", of more than one


_KINDS = {
    "title": Kind.TITLE,
    "title clinician": Kind.TITLE | Kind.CLINICIAN,
    "particle": Kind.PARTICLE,
    "suffix": Kind.SUFFIX,
    "stop": Kind.STOP,
    "eponym": Kind.EPONYM,
    "head": Kind.HEAD,
    "generic": Kind.GENERIC,
    "preposition": Kind.PREPOSITION,
    "degree": Kind.DEGREE,
    "word": Kind.WORD,
    "deed": Kind.DEED,
    "kin": Kind.KIN,
    "done": Kind.DONE,
    "copula": Kind.COPULA,
    "saint": Kind.SAINT,
    "link": Kind.LINK,
    "article": Kind.ARTICLE,
    "place word": Kind.AT,
    "and": Kind.AND,
    "plural title": Kind.MANY,
    "unit title": Kind.UNIT,
    "spelled degree": Kind.SPELLED,
    "weak tail": Kind.WEAK,
    "indefinite": Kind.INDEFINITE,
    "copula of several": Kind.SEVERAL,
}
_NAMES = {"given": Kind.GIVEN, "family": Kind.FAMILY, "both": Kind.GIVEN | Kind.FAMILY}
N_TIED = 8  # names joined by hyphens, at most
_OTHER = Kind.WORD | Kind.STOP | Kind.EPONYM | Kind.HEAD | Kind.TITLE | Kind.DEGREE | Kind.GENERIC
_WORD = re.compile(r"[^\W_]+")


Index = dict[str, list[tuple[tuple[str, ...], str]]]


class Lexicon(NamedTuple):
    """The words of a language.

    `kinds` gives the bits of a word, `terms` the entries of the table of terms by kind, `phrases`
    by first word the other words of a place or a tail, each with its label, the longest first.
    """

    kinds: dict[str, int]
    terms: dict[str, tuple[str, ...]]
    phrases: dict[int, Index]


class Words(NamedTuple):
    """The words of a text: where each begins, what it is, its bits; which have a capital."""

    starts: list[int]
    words: list[str]
    kinds: list[int]
    capitals: list[int]

    def end(self, i: int) -> int:
        """Return where word `i` ends."""
        return self.starts[i] + len(self.words[i])

    def gap(self, text: str, i: int) -> str:
        """Return what stands between word `i` and the next."""
        return text[self.starts[i] + len(self.words[i]) : self.starts[i + 1]]


def words_of(text: str, kinds: dict[str, int]) -> Words:
    """Return the words of a text: runs of letters and digits."""
    starts, words, bits, capitals = [], [], [], []
    get = kinds.get
    for i, match in enumerate(_WORD.finditer(text)):
        word = match[0]
        starts.append(match.start())
        words.append(word)
        if word.islower():
            bits.append(get(word, 0))
            continue
        bits.append(get(word.lower(), 0))
        if word[0].isupper():
            capitals.append(i)
    return Words(starts, words, bits, capitals)


def is_eponym(text: str, words: Words, last: int) -> bool:
    """Return whether behind word `last` stands what a name is of ("Bell's palsy")."""
    n = len(words.words)
    for _ in range(N_TIED):
        gap = words.gap(text, last) if last + 1 < n else "\n"
        if gap == "'" and last + 2 < n and words.words[last + 1].lower() == "s":
            last += 1
            gap = words.gap(text, last)
        last += 1
        if gap not in (" ", "-", "' ", "/") or last >= n:
            return False
        if _is_of(text, words, gap, last):
            return True
        if gap != "-" or not words.words[last][0].isupper():
            return False  # else "Emery-Dreifuss dystrophy"
    return False


def _is_of(text: str, words: Words, gap: str, ahead: int) -> bool:
    """Return whether the word behind a name is what the name is of."""
    if gap == "-" and words.words[ahead].islower() and words.kinds[ahead] & Kind.WORD:
        return len(words.words[ahead]) > 3  # "Li-treated"
    return bool(words.kinds[ahead] & Kind.HEAD) or _leads_to_head(text, words, ahead)


def _leads_to_head(text: str, words: Words, i: int) -> bool:
    """Return whether an ordinary word stands before what a name is of ("lateral fracture")."""
    kinds = words.kinds[i]
    if i + 1 >= len(words.words) or words.words[i][0].isupper() or words.gap(text, i) not in " -":
        return False
    is_ordinary = bool(kinds & Kind.WORD) and not kinds & Kind.STOP
    return is_ordinary and bool(words.kinds[i + 1] & Kind.HEAD)


@lru_cache(maxsize=8)
def lexicon(language: str) -> Lexicon:
    """Return the words of a language.

    Examples
    --------
    >>> bool(lexicon("en").kinds["mary"] & Kind.GIVEN)
    True
    """
    kinds: dict[str, int] = defaultdict(int)
    terms: dict[str, list[str]] = defaultdict(list)
    for term, kind in _rows("identifier_terms", language, "term", "kind"):
        terms[kind].append(term)
        kinds[term.lower()] |= _KINDS.get(kind, 0)
    for (word,) in _rows("identifier_words", language, "word"):
        kinds[word] |= Kind.WORD
    for name, kind in _rows("identifier_names", language, "name", "kind"):
        kinds[name] |= _NAMES[kind]
    terms["city"] += [city for (city,) in _rows("identifier_cities", language, "city")]
    for names in _rows("drug_names", language, "brand", "generic"):
        for word in _WORD.findall(" ".join(names).lower()):
            kinds[word] |= Kind.WORD
    for _, (name, kind) in read_table(data_path("identifier_names.tsv"), ("name", "kind")):
        bits = kinds.get(name, 0)
        if not bits & _OTHER:
            kinds[name] = bits | _NAMES[kind] | (0 if bits else Kind.ABROAD)
    phrases = {bit: _indexed(terms, of) for bit, of in _PHRASES.items()}
    for bit, index in phrases.items():
        for first in index:
            kinds[first] |= bit
    return Lexicon(dict(kinds), {k: tuple(v) for k, v in terms.items()}, phrases)


def _rows(name: str, language: str, *columns: str) -> Iterator[list[str]]:
    """Yield the rows of a language's table."""
    return (row for _, row in read_table(language_path(name, language), columns))


def _indexed(terms: dict[str, list[str]], of: tuple[tuple[str, str], ...]) -> Index:
    """Return the other words and the label of each term, by its first word, the longest first."""
    index: Index = defaultdict(list)
    for kind, label in of:
        for term in terms.get(kind, ()):
            first, *rest = _WORD.findall(term.lower())
            index[first].append((tuple(rest), label))
    for each in index.values():
        each.sort(key=lambda one: -len(one[0]))
    return dict(index)


_PHRASES = {
    Kind.CITY: (("city", "PLACE"),),
    Kind.TAIL: (("tail hospital", "HOSPITAL"), ("tail organisation", "ORGANISATION")),
    Kind.REGION: (("region", "REGION"), ("country", "COUNTRY")),
}
