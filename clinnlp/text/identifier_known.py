"""What the structured record says of a patient, searched in a note in other spellings too.

Names are found in any order, misspelled (one letter of a name of five or more, two of one of nine
or more, by the optimal string alignment distance), without accents, run together ("jdoe") and as
initials with dots; dates in every form; numbers with other separators, without leading zeros and,
where they have seven characters or more, with one of them wrong; addresses by house number and
street.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from itertools import permutations

from rapidfuzz.distance import OSA

from clinnlp.text.identifier_dates import read_date
from clinnlp.text.identifier_lexicon import Kind, Words, lexicon
from clinnlp.text.identifier_rules import Find

__all__ = ["KnownFinder", "KnownPatient"]

N_ONE, N_TWO, N_ID = 5, 9, 7  # letters of a name with one and two errors, characters of a number
N_PIECES = 6  # of a number with separators
N_ZEROS = 4  # that may lead it beside its own
N_LOCAL = 7  # digits of a telephone without its area
N_GAP, N_SKIPPED = 4, 2  # characters between words of a phrase, words of it left out
_SMALL = ("particle", "suffix", "title", "title clinician", "degree")
_WORD = re.compile(r"[^\W_]+")
_BETWEEN = frozenset((" ", "-", ".", "/", "_", ":", ",", "(", ")", ") ", ") -", " - ", ". ", "  "))
_DATE = re.compile(
    r"(?<![^\W_])\d{1,4}\s{0,2}[-/. ]\s{0,2}\d{1,2}\s{0,2}[-/. ,]\s{0,2}'?\d{2,4}(?![^\W_])"
)
_SOME_DIGITS = re.compile(r"(?<!\d)\d{6}(?:\d\d)?(?!\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPatient:
    """Identifiers of one patient, from tables.

    Parameters
    ----------
    names : tuple of str
        Of the patient, in any order ("Jane Q. Doe", "Doe, Jane").
    clinicians, relatives : tuple of str
        Names of others.
    birth_date : date, optional
    dates : tuple of date
        Other dates to find, such as those of stays.
    ids : mapping of str to tuple of str
        Numbers by label, such as ``{"MRN": ("0123456",)}``.
    addresses, places, phones, emails : tuple of str

    Examples
    --------
    >>> KnownPatient(names=("Jane Doe",), ids={"MRN": ("0123456",)})
    KnownPatient()
    """

    names: tuple[str, ...] = field(default=(), repr=False)
    clinicians: tuple[str, ...] = field(default=(), repr=False)
    relatives: tuple[str, ...] = field(default=(), repr=False)
    birth_date: date | None = field(default=None, repr=False)
    dates: tuple[date, ...] = field(default=(), repr=False)
    ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False, repr=False)
    addresses: tuple[str, ...] = field(default=(), repr=False)
    places: tuple[str, ...] = field(default=(), repr=False)
    phones: tuple[str, ...] = field(default=(), repr=False)
    emails: tuple[str, ...] = field(default=(), repr=False)


class KnownFinder:
    """Finder of what is known of one patient.

    Parameters
    ----------
    known : KnownPatient
    language : str
        Whose ordinary words are no names in small letters.

    Examples
    --------
    >>> from clinnlp.text.identifier_lexicon import words_of
    >>> text = "Seen: kowalsky, Jane (M.R.N. 01-23-456), born 4 March 1950."
    >>> known = KnownPatient(names=("Jane Kowalski",), birth_date=date(1950, 3, 4),
    ...                      ids={"MRN": ("0123456",)})
    >>> finds = KnownFinder(known, "en")(text, words_of(text, lexicon("en").kinds))
    >>> [text[find.start : find.end] for find in sorted(finds)]
    ['kowalsky', 'Jane', '01-23-456', '4 March 1950']
    """

    def __init__(self, known: KnownPatient, language: str) -> None:
        self._language = language
        self._names_of = _NamesOf(known, language)
        self._dates = dict.fromkeys(known.dates, "known:date")
        if known.birth_date is not None:
            self._dates[known.birth_date] = "known:birth_date"
        numbers = [(number, label) for label, of in known.ids.items() for number in of]
        numbers += [(number, "PHONE") for number in known.phones]
        numbers += [(_bare(n)[-N_LOCAL:], "PHONE") for n in known.phones if len(_bare(n)) > 9]
        self._numbers = {_bare(n).lstrip("0"): label for n, label in numbers if _bare(n)}
        self._longest = max((len(_bare(n)) for n, _ in numbers), default=0)
        self._addresses = [_words(address) for address in known.addresses]
        self._places = [_words(place) for place in known.places]
        self._emails = [email.casefold() for email in known.emails]

    @classmethod
    def of(cls, known: KnownPatient, language: str) -> "KnownFinder":
        """Return the finder of a patient, the same for the notes that follow each other."""
        return _finder(known, language)

    def __call__(self, text: str, words: Words) -> list[Find]:
        """Return what is known of the patient and stands in a text."""
        folded = [_folded(word) for word in words.words]
        finds = [*self._names_of(text, words, folded), *self._in_numbers(text, words, folded)]
        finds += self._in_dates(text)
        for known, label in ((self._addresses, "STREET"), (self._places, "PLACE")):
            for of in known:
                finds += _phrase(text, words, folded, of, label)
        lower = text.casefold() if self._emails else ""
        for email in self._emails if len(lower) == len(text) else ():
            spans = (match.span() for match in re.finditer(re.escape(email), lower))
            finds += [Find(*span, "EMAIL", "known:email") for span in spans]
        return finds

    def _in_numbers(self, text: str, words: Words, folded: list[str]) -> Iterator[Find]:
        """Yield numbers of the record, whatever separates their digits."""
        i = 0 if self._numbers else len(folded)
        while i < len(folded):
            end = self._number(text, words, folded, i)
            if end is None:
                i += 1
                continue
            last, label = end
            yield Find(words.starts[i], words.end(last), label, "known:number")
            i = last + 1

    def _number(self, text: str, words: Words, folded: list[str], i: int) -> tuple[int, str] | None:
        """Return the last word of a number of the record that begins at a word, and its label."""
        joined = ""
        best: tuple[int, str] | None = None
        for k in range(i, min(i + N_PIECES, len(folded))):
            if k > i and words.gap(text, k - 1) not in _BETWEEN:
                break
            joined += folded[k]
            if len(joined) > self._longest + N_ZEROS:
                break
            label = self._label(joined)
            best = best if label is None else (k, label)
        return best

    def _label(self, joined: str) -> str | None:
        """Return the label of a number, one of its characters wrong at most."""
        said = joined.lstrip("0")
        label = self._numbers.get(said)
        if label is not None or len(joined) < N_ID - 1 or not any(map(str.isdigit, joined)):
            return label
        for number, of in self._numbers.items():
            if len(number) >= N_ID and number[0].isdigit() == said[:1].isdigit():
                if OSA.distance(said, number, score_cutoff=1) <= 1:
                    return of
        return None

    def _in_dates(self, text: str) -> Iterator[Find]:
        if not self._dates:
            return
        for pattern in (_DATE, _months(self._language)):
            for match in pattern.finditer(text):
                finder = self._dated(match[0])
                if finder is not None:
                    yield Find(*match.span(), "DATE", finder)
        forms = {day.strftime(form) for day in self._dates for form in _GLUED}
        for match in _SOME_DIGITS.finditer(text):
            if match[0] in forms:
                yield Find(*match.span(), "DATE", "known:date")

    def _dated(self, said: str) -> str | None:
        """Return the finder of a date that is known, day or month first, of this century or not."""
        for day_first in (False, True):
            read = read_date(said, self._language, day_first=day_first)
            if read is None or read.year is None or read.month is None or read.day is None:
                continue
            for year in (read.year, read.year - 100):  # two digits of a year, of who is old
                day = _day(year, read.month, read.day)
                if day in self._dates:
                    return self._dates[day]
        return None


class _NamesOf:
    """The names of a patient and others, and how they are found."""

    def __init__(self, known: KnownPatient, language: str) -> None:
        self._parts: dict[str, str] = {}  # word of a name -> label
        self._joined: dict[str, str] = {}  # words of a name run together -> label
        self._initials: set[str] = set()
        terms = lexicon(language).terms
        small = {term.lower() for kind in _SMALL for term in terms.get(kind, ())}
        for names, label in (
            (known.names, "NAME_PATIENT"),
            (known.clinicians, "NAME_CLINICIAN"),
            (known.relatives, "NAME"),
        ):
            for name in names:
                self._enter([word for word in _words(name) if word not in small], label)

    def _enter(self, name: list[str], label: str) -> None:
        long = [word for word in name if len(word) > 1]
        for word in long:
            self._parts.setdefault(word, label)
        for a, b in permutations(long, 2):
            for joined in (a + b, a[0] + b, a + b[0]):
                if len(joined) >= N_ONE:
                    self._joined.setdefault(joined, label)
        if len(name) > 1:
            self._initials |= {"".join(word[0] for word in name), name[0][0] + name[-1][0]}

    def __call__(self, text: str, words: Words, folded: list[str]) -> Iterator[Find]:
        if not self._parts:
            return
        memo = {word: self._named(word, words.kinds[i]) for i, word in enumerate(folded)}
        hits = {i: hit for i, word in enumerate(folded) if (hit := memo[word]) is not None}
        for i, (label, is_plain) in hits.items():
            # A name that is a word too ("Young") counts with a capital or beside another part
            if is_plain or words.words[i][0].isupper() or {i - 1, i + 1} & hits.keys():
                yield Find(words.starts[i], words.end(i), label, "known:name")
        yield from self._in_initials(text, words, folded)

    def _in_initials(self, text: str, words: Words, folded: list[str]) -> Iterator[Find]:
        for i in words.capitals:
            if i + 1 >= len(words.words) or len(folded[i]) != 1 or len(folded[i + 1]) != 1:
                continue
            is_dotted = words.gap(text, i) in (".", ". ")
            if is_dotted and folded[i] + folded[i + 1] in self._initials:
                yield Find(words.starts[i], words.end(i + 1), "NAME_PATIENT", "known:initials")

    def _named(self, word: str, kinds: int) -> tuple[str, bool] | None:
        """Return the label of a word that is a name or nearly one, and if it is no other."""
        is_plain = not kinds & (Kind.WORD | Kind.STOP)
        label = self._parts.get(word) or self._joined.get(word)
        if label is not None:
            return label, is_plain and len(word) > 2
        if not is_plain or len(word) < N_ONE - 1:
            return None
        near = next((part for part in self._parts if _near(word, part)), None)
        return None if near is None else (self._parts[near], True)


_GLUED = ("%Y%m%d", "%m%d%Y", "%d%m%Y", "%m%d%y", "%d%m%y", "%y%m%d")


@lru_cache(maxsize=64)
def _finder(known: KnownPatient, language: str) -> KnownFinder:
    return KnownFinder(known, language)


@lru_cache(maxsize=8)
def _months(language: str) -> re.Pattern[str]:
    """Return a pattern of dates with the name of a month."""
    names = "|".join(sorted(lexicon(language).terms["month"], key=len, reverse=True))
    of = r"(?:\s?(?:de|del|of|the)\s|[\s.,/-]{0,3})"
    day, year = r"\d{1,2}(?:st|nd|rd|th)?", r"'?\d{2,4}"
    return re.compile(
        rf"(?<![^\W_])(?:{day}{of}(?:{names})\.?{of}{year}|(?:{names})\.?{of}{day}{of}{year})(?![^\W_])",
        re.IGNORECASE,
    )


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _phrase(
    text: str, words: Words, folded: list[str], known: list[str], label: str
) -> Iterator[Find]:
    """Yield where the first two words of a phrase stand, or all of it, some misspelled."""
    i = 0 if known else len(folded)
    while i < len(folded):
        if not _near(folded[i], known[0]):
            i += 1
            continue
        last = _reached(text, words, folded, known, i)
        if last > i or (len(known) == 1 and words.words[i][0].isupper()):
            yield Find(words.starts[i], words.end(last), label, f"known:{label.lower()}")
        i = last + 1


def _reached(text: str, words: Words, folded: list[str], known: list[str], last: int) -> int:
    """Return the last word of a phrase whose first word stands here."""
    k = 1
    while k < len(known) and last + 1 < len(folded) and len(words.gap(text, last)) < N_GAP:
        ahead = _ahead(folded[last + 1], known, k)
        if ahead is None:
            break
        last, k = last + 1, ahead + 1
    return last


def _ahead(word: str, known: list[str], k: int) -> int | None:
    """Return which of the next words of a phrase a word is, near or cut short."""
    for j in range(k, min(k + N_SKIPPED + 1, len(known))):
        if _near(word, known[j]):
            return j
    return k if word.isalpha() and _abbreviates(word, known[k]) else None


def _abbreviates(word: str, known: str) -> bool:
    """Whether one word is cut from the other ("St" and "Street", "Ave" and "Avenue")."""
    short, long = sorted((word, known), key=len)
    letters = iter(long)
    return len(short) > 1 and short[0] == long[0] and all(letter in letters for letter in short)


def _near(word: str, known: str) -> bool:
    if word == known:
        return True
    if len(known) < N_ONE or abs(len(word) - len(known)) > 2 or not known.isalpha():
        return False
    most = 2 if len(known) >= N_TWO else 1
    return OSA.distance(word, known, score_cutoff=most) <= most


def _words(name: str) -> list[str]:
    return [_folded(word) for word in _WORD.findall(name)]


def _bare(number: str) -> str:
    return "".join(_words(number))


def _folded(word: str) -> str:
    """Return a word in small letters and without accents."""
    word = word.lower()
    if word.isascii():
        return word
    apart = unicodedata.normalize("NFD", word)
    return "".join(letter for letter in apart if not unicodedata.combining(letter)) or word
