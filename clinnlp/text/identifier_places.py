"""Places and institutions: cities and countries by list, hospitals by their last words."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from clinnlp.text.identifier_lexicon import Kind, Lexicon, Words, is_eponym
from clinnlp.text.identifier_rules import Find

__all__ = ["before_regions", "find_places", "in_brackets"]

Lead = tuple[int, str, str]  # where something begins, its label, who says so
_LISTS = ((Kind.REGION, "list:countries"), (Kind.CITY, "list:cities"))
N_BEFORE = 6  # words of a name in front of "Hospital"
N_KIND = 3  # words in front of what is no name but a kind of thing, its article the first
_INSIDE = {" ", "-", "'", ". ", " & ", "  "}


def find_places(
    text: str, words: Words, lexicon: Lexicon, leads: Iterable[Lead] = ()
) -> list[Find]:
    """Return cities, regions, countries, hospitals and organisations in a text.

    Parameters
    ----------
    text : str
    words : Words
        Of that text.
    lexicon : Lexicon
        Of its language.
    leads : list of (int, str, str)
        Where a rule says that something begins, with its label and the rule.
    """
    codes = frozenset(lexicon.terms.get("region code", ()))
    out = [*_listed(text, words, lexicon, codes), *_tails(text, words, lexicon)]
    out += [find for lead in leads if (find := _behind_lead(text, words, *lead)) is not None]
    out += _beside_codes(text, words, codes)
    return out + _behind_prepositions(text, words)


def _listed(text: str, words: Words, lexicon: Lexicon, codes: frozenset[str]) -> Iterator[Find]:
    """Yield cities, regions and countries of lists."""
    last = -1
    for i in words.capitals:
        if i <= last or not words.kinds[i] & (Kind.CITY | Kind.REGION):
            continue
        for bit, finder in _LISTS:
            of = _phrase(text, words, lexicon, i, bit) if words.kinds[i] & bit else None
            if of is None or of[0] <= last:
                continue
            if bit == Kind.REGION or _is_city(text, words, i, of[0], codes):
                last = of[0]
                yield Find(words.starts[i], words.end(last), of[1], finder, 0.2)


def _tails(text: str, words: Words, lexicon: Lexicon) -> Iterator[Find]:
    """Yield institutions by their last words, in any letters."""
    last = -1
    for i, kinds in enumerate(words.kinds):
        of = _phrase(text, words, lexicon, i, Kind.TAIL) if kinds & Kind.TAIL else None
        if of is None or i == 0:
            continue
        is_weak = bool(kinds & Kind.WEAK) and of[0] == i
        if words.words[i][0].isupper():
            first = i if is_weak and _is_loud(words, i - 1) else _before(text, words, i)
            if first < i:
                yield Find(words.starts[first], words.end(of[0]), of[1], "rule:tail", 0.1)
        elif i > last and not is_weak and (first := _small_before(text, words, i)) < i:
            if of[1] == "ORGANISATION" and _is_of_a_kind(text, words, first):
                continue
            last = _whole(text, words, lexicon, of[0])
            yield Find(words.starts[first], words.end(last), of[1], "rule:tail", 0.3)


def _is_loud(words: Words, i: int) -> bool:
    return words.words[i].isupper() and len(words.words[i]) > 2


def before_regions(text: str, finds: Sequence[Find]) -> list[Find]:
    """Return the towns before a region and its postal code, in any letters."""
    out = []
    for find in finds:
        if find.label == "REGION" and find.finder.startswith("rule:zip"):
            match = _TOWN.search(text, max(0, find.start - 40), find.start)
            if match:
                out.append(Find(*match.span(1), "PLACE", find.finder, 0.1))
    return out


def in_brackets(text: str, finds: Sequence[Find]) -> list[Find]:
    """Return numbers in brackets behind a name, files with their paths, domains, and handles."""
    out = [
        Find(*match.span(1), "MRN", "rule:behind_name", 0.2)
        for find in finds
        if find.label.startswith("NAME") and (match := _NUMBER.match(text, find.end))
    ]
    out += [find for match in _ENDING.finditer(text) if (find := _ended(text, match)) is not None]
    if "@" in text:
        out += [Find(*m.span(1), "USERNAME", "rule:handle") for m in _HANDLE.finditer(text)]
    return out


def _ended(text: str, match: re.Match[str]) -> Find | None:
    """Return the file or domain that has an ending; None of a plain word ("consent.pdf")."""
    picture, file = match.groups()
    start = _file_start(text, match.start(), "_-." if picture is file is None else "_-./\\")
    if start == match.start():
        return None
    if file is None:
        return Find(start, match.end(), "URL" if picture is None else "PHOTO", "rule:ending")
    is_telling = _TELLING.search(text, start, match.start())
    return Find(start, match.start(), "ID", "rule:ending") if is_telling else None


def _file_start(text: str, end: int, signs: str) -> int:
    """Return where the name of a file or a domain begins that ends here."""
    start = end
    while start > 0 and end - start < N_NAME:
        if not (text[start - 1].isalnum() or text[start - 1] in signs):
            break
        start -= 1
    return start


N_NAME = 80  # characters of a file or a domain
_NUMBER = re.compile(r"\s?[\[(]#?([A-Z]{0,4}-?\d[\d-]{3,14})[)\]]")
_ENDING = re.compile(
    r"\.(?:(jpe?g|png|tiff?|heic|bmp|gif)"
    r"|(pdf|docx?|xlsx?|pptx?|rtf|txt|odt|msg|eml|dcm|zip|csv|html?|xml|wav|mp[34]|m4a|mov|avi)"
    r"|(?:com|org|net|edu|gov|info|biz|io)(?:/[^\s<>\"']{0,200})?)(?![\w@])(?!\.\w)",
    re.IGNORECASE,
)
_TELLING = re.compile(r"[\d_/\\-]")  # of the name of a file: more than one ordinary word
_HANDLE = re.compile(r"(?<![\w.])@(?=\w*[\d_])([a-z]\w{3,30})(?![\w.]*@)", re.IGNORECASE)
_TOWN = re.compile(r"(?:[,\n.;]|\d)\s{1,2}([^\W\d_][^\W\d_' -]{1,20}(?: [^\W\d_]{2,20}){0,2}),?\s$")


def _is_short(words: Words, i: int) -> bool:
    """Return whether a word is an abbreviation of a ward or the like, or "St"."""
    word = words.words[i]
    if words.kinds[i] & Kind.SAINT:
        return True
    return word.isupper() and (len(word) < 4 or bool(words.kinds[i] & (Kind.GENERIC | Kind.WORD)))


def _small_before(text: str, words: Words, tail: int) -> int:
    """Return the word before a tail in small letters that is its own name, or the tail itself."""
    first = tail - 1
    while first > 0 and words.kinds[first] & Kind.TAIL and words.gap(text, first) == " ":
        first -= 1
    own = words.words[first]
    if words.kinds[first] & (_ORDINARY | Kind.TAIL) or words.gap(text, first) != " ":
        return tail
    return tail if len(own) < 3 or not own.isalpha() or own.isupper() else first


def _is_of_a_kind(text: str, words: Words, first: int) -> bool:
    """Return whether "a" stands before, or a word of no list ("a large investment bank")."""
    for i in range(first - 1, max(-1, first - 1 - N_KIND), -1):
        kinds = words.kinds[i]
        if words.gap(text, i) != " " or kinds & (Kind.PREPOSITION | Kind.LINK):
            return False
        if kinds & Kind.INDEFINITE or (i == first - 1 and not kinds):
            return True
    return False


def _whole(text: str, words: Words, lexicon: Lexicon, last: int) -> int:
    """Return the last word of the tails that follow one another ("medical center")."""
    while last + 1 < len(words.words) and words.gap(text, last) == " ":
        more = _phrase(text, words, lexicon, last + 1, Kind.TAIL)
        if more is None:
            break
        last = more[0]
    return last


def _behind_lead(text: str, words: Words, start: int, label: str, finder: str) -> Find | None:
    """Return what has capitals where a rule says that a hospital or a place is named."""
    i = bisect_left(words.starts, start)
    if label.startswith("NAME") or i >= len(words.words) or words.starts[i] != start:
        return None
    if not words.words[i][0].isupper():
        is_own = label == "PLACE" and _is_unknown(words, i)
        return Find(start, words.end(i), label, finder, 0.4) if is_own else None
    end = _run(text, words, i)
    is_named = not words.kinds[i] & (Kind.TITLE | Kind.STOP) and _is_named(words, i, end)
    return Find(start, words.end(end), label, finder, 0.3) if is_named else None


def _is_named(words: Words, first: int, last: int) -> bool:
    """Return whether a run of words is more than a ward or a kind of hospital."""
    run = range(first, last + 1)
    if all(not words.words[k].isalpha() or _is_short(words, k) for k in run):
        return False
    if any(not words.kinds[k] & (_ORDINARY | Kind.GENERIC) for k in run):
        return True
    return last > first and not all(words.kinds[k] & (Kind.GENERIC | Kind.TAIL) for k in run)


def _is_unknown(words: Words, i: int, more: int = 0) -> bool:
    """Return whether a word is none of the ordinary ones, nor of the kinds in `more`."""
    word = words.words[i]
    return not words.kinds[i] & (_ORDINARY | more) and word.isalpha() and len(word) > 2


def _phrase(text: str, words: Words, lexicon: Lexicon, i: int, bit: int) -> tuple[int, str] | None:
    """Return the last word of the longest entry that begins at word i, and its label."""
    for rest, label in lexicon.phrases[bit].get(words.words[i].lower(), ()):
        end = i + len(rest)
        if end >= len(words.words):
            continue
        if all(words.words[i + 1 + k].lower() == word for k, word in enumerate(rest)) and all(
            words.gap(text, k) in (" ", "-", ". ", "'", "\n") for k in range(i, end)
        ):
            return end, label
    return None


def _is_city(text: str, words: Words, first: int, last: int, codes: frozenset[str]) -> bool:
    """Whether what is also a word or a name is a city by what stands around it."""
    kinds = words.kinds[first]
    if is_eponym(text, words, last):
        return False
    if _is_of_region(text, words, last, codes):
        return True
    before = words.kinds[first - 1] if first and words.gap(text, first - 1) == " " else 0
    is_led = bool(before & Kind.PREPOSITION)
    if last > first:
        return is_led or not kinds & (Kind.WORD | Kind.STOP)
    is_short = words.words[first].isupper() and len(words.words[first]) < 5
    if is_short or kinds & (Kind.EPONYM | Kind.STOP | Kind.WORD):
        return False
    is_apart = first > 0 and words.gap(text, first - 1).strip() != ""
    return is_led or is_apart or not kinds & (Kind.GIVEN | Kind.FAMILY)


def _is_of_region(text: str, words: Words, last: int, codes: frozenset[str]) -> bool:
    """Return whether a comma and a region follow."""
    if last + 1 >= len(words.words) or words.gap(text, last).strip() != ",":
        return False
    return words.words[last + 1] in codes or bool(words.kinds[last + 1] & Kind.REGION)


def _before(text: str, words: Words, tail: int) -> int:
    """Return the first word of a name that ends in a tail; the tail itself where none does."""
    first = i = tail
    n_own = 0
    while i > 0 and tail - i < N_BEFORE and _joins(text, words, i - 1):
        i -= 1
        kinds = words.kinds[i]
        if words.words[i][0].isupper():
            first = i
            n_own += not kinds & Kind.GENERIC or bool(kinds & _NAME and n_own)
    while first < tail and words.kinds[first] & (Kind.ARTICLE | Kind.PREPOSITION | Kind.STOP):
        first += 1
    return first if n_own else tail


def _joins(text: str, words: Words, i: int) -> bool:
    """Return whether a word may stand inside the name of an institution, before its next one."""
    gap, kinds = words.gap(text, i), words.kinds[i]
    if gap not in _INSIDE or (gap == ". " and not kinds & Kind.SAINT):
        return False
    if words.words[i][0].isupper():
        return not kinds & Kind.STOP or bool(kinds & Kind.GENERIC) or len(words.words[i]) < 3
    return bool(kinds & Kind.LINK) and i > 0 and words.words[i - 1][0].isupper()


def _beside_codes(text: str, words: Words, codes: frozenset[str]) -> Iterator[Find]:
    """Yield what stands before a comma and a region ("Elmville, OH", "Elmville, Ohio")."""
    for i, kinds in enumerate(words.kinds):
        is_code = words.words[i] in codes
        if i == 0 or not (is_code or kinds & Kind.REGION) or words.gap(text, i - 1) != ", ":
            continue
        first = _town_before(text, words, i - 1)
        if kinds & (Kind.DEGREE | Kind.STOP) and not words.kinds[i - 1] & Kind.CITY:
            continue  # "Jane Doe, MD"; "Name, ID"
        if first is not None:
            yield Find(words.starts[first], words.end(i - 1), "PLACE", "rule:region")
            if is_code:
                yield Find(words.starts[i], words.end(i), "REGION", "rule:region")


def _town_before(text: str, words: Words, last: int) -> int | None:
    """Return the first word of a town that ends here, None where none does."""
    own = words.words[last]
    if words.kinds[last] & (Kind.STOP | Kind.DEGREE) or own.isupper() or not own.isalpha():
        return None
    if not own[0].isupper():
        return last if _is_unknown(words, last) else None
    first = last
    while first > 0 and last - first < 3 and words.gap(text, first - 1) in (" ", "-"):
        if not words.words[first - 1][0].isupper():
            break
        first -= 1
    while first < last and words.kinds[first] & (Kind.STOP | Kind.PREPOSITION):
        first += 1
    return first


def _behind_prepositions(text: str, words: Words) -> list[Find]:
    """Return what has capitals and is no ordinary word behind "at", "in", "from" or "to"."""
    out = []
    last = -1
    for i in words.capitals:
        if i <= last or i == 0 or not _is_led(text, words, i):
            continue
        end = _run(text, words, i)
        if words.kinds[end] & Kind.HEAD or is_eponym(text, words, end):
            continue
        if _is_place(words, i, end):
            last, stop = end, words.end(end)
            stop += 2 * (text[stop : stop + 2] in ("'s", "'S"))
            out.append(Find(words.starts[i], stop, "PLACE", "rule:preposition", 0.45))
    return out


def _is_place(words: Words, first: int, last: int) -> bool:
    """Return whether a run with capitals holds a word of no list, and is no abbreviation."""
    run = range(first, last + 1)
    if words.kinds[first] & (Kind.TITLE | Kind.STOP) or len(words.words[first]) < 2:
        return False
    has_own = any(_is_unknown(words, k, Kind.REGION) for k in run)
    return has_own and not all(words.words[k].isupper() for k in run)


def _is_led(text: str, words: Words, i: int) -> bool:
    """Return whether "at", "in", "from", or "at the" stands before a word."""
    before = i - 1
    if words.kinds[before] & Kind.ARTICLE and before and words.kinds[before - 1] & Kind.AT:
        before -= 1
    if words.words[before][0].isupper() or not words.kinds[before] & Kind.PREPOSITION:
        return False
    return all(words.gap(text, k) == " " for k in range(before, i))


_NAME = Kind.GIVEN | Kind.FAMILY
_ORDINARY = Kind.WORD | Kind.STOP | Kind.EPONYM | Kind.HEAD | Kind.DEGREE | Kind.TITLE


def _run(text: str, words: Words, i: int) -> int:
    """Return the last word of those with capitals that follow one another."""
    while i + 1 < len(words.words) and words.words[i + 1][0].isupper():
        gap = words.gap(text, i)
        if gap not in _INSIDE or (gap == ". " and not words.kinds[i] & Kind.SAINT):
            break
        i += 1
    return i
