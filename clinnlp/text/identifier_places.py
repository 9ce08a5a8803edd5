"""Places and institutions: cities and countries by list, hospitals by their last words."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from clinnlp.text.identifier_lexicon import Kind, Lexicon, Words, is_eponym
from clinnlp.text.identifier_rules import Find

__all__ = ["before_regions", "find_places", "in_brackets"]

Lead = tuple[int, str, str]  # where something begins, its label, who says so
_LISTS = ((Kind.REGION, "list:countries"), (Kind.CITY, "list:cities"))
N_BEFORE = 6  # words of a name in front of "Hospital"
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
    out: list[Find] = []
    codes = frozenset(lexicon.terms.get("region code", ()))
    last = -1
    for i in words.capitals:
        kinds = words.kinds[i]
        if i <= last or not kinds & (Kind.CITY | Kind.REGION | Kind.TAIL):
            continue
        for bit, finder in _LISTS:
            if kinds & bit and (of := _phrase(text, words, lexicon, i, bit)):
                end, label = of
                if end > last and (bit == Kind.REGION or _is_city(text, words, i, end, codes)):
                    out.append(Find(words.starts[i], words.end(end), label, finder, 0.2))
                    last = end
        if kinds & Kind.TAIL and (of := _phrase(text, words, lexicon, i, Kind.TAIL)):
            end, label = of
            first = _before(text, words, i)
            is_weak = bool(kinds & Kind.WEAK) and end == i
            if is_weak and words.words[i - 1].isupper() and len(words.words[i - 1]) > 2:
                continue
            if first < i:
                out.append(Find(words.starts[first], words.end(end), label, "rule:tail", 0.1))
    out += _small_tails(text, words, lexicon)
    out += _behind_leads(text, words, leads)
    out += _beside_codes(text, words, codes)
    return out + _behind_prepositions(text, words)


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
    """Return numbers in brackets behind a name, files of pictures, and domains."""
    out = [
        Find(*match.span(1), "MRN", "rule:behind_name", 0.2)
        for find in finds
        if find.label.startswith("NAME") and (match := _NUMBER.match(text, find.end))
    ]
    for match in _ENDING.finditer(text):
        start = match.start()
        while (
            start > 0
            and match.start() - start < N_NAME
            and (text[start - 1].isalnum() or text[start - 1] in "_-.")
        ):
            start -= 1
        if start < match.start():
            label = "PHOTO" if match[1] is not None else "URL"
            out.append(Find(start, match.end(), label, "rule:ending"))
    return out


N_NAME = 80  # characters of a file or a domain
_NUMBER = re.compile(r"\s?[\[(]#?([A-Z]{0,4}-?\d[\d-]{3,14})[)\]]")
_ENDING = re.compile(
    r"\.(?:(jpe?g|png|tiff?|heic|bmp|gif)|(?:com|org|net|edu|gov|info|biz|io)(?:/[^\s<>\"']{0,200})?)(?![\w@])(?!\.\w)",
    re.IGNORECASE,
)
_TOWN = re.compile(r"(?:[,\n.;]|\d)\s{1,2}([^\W\d_][^\W\d_' -]{1,20}(?: [^\W\d_]{2,20}){0,2}),?\s$")


def _is_short(words: Words, i: int) -> bool:
    """Return whether a word is an abbreviation of a ward or the like, or "St"."""
    word = words.words[i]
    if words.kinds[i] & Kind.SAINT:
        return True
    return word.isupper() and (len(word) < 4 or bool(words.kinds[i] & (Kind.GENERIC | Kind.WORD)))


def _small_tails(text: str, words: Words, lexicon: Lexicon) -> list[Find]:
    """Return institutions in small letters whose own name is no ordinary word."""
    out = []
    last = -1
    for i, kinds in enumerate(words.kinds):
        if not kinds & Kind.TAIL or i <= last or i == 0 or words.words[i][0].isupper():
            continue
        first = i - 1
        while first > 0 and words.kinds[first] & Kind.TAIL and words.gap(text, first) == " ":
            first -= 1
        if words.kinds[first] & (_ORDINARY | Kind.TAIL) or words.gap(text, first) != " ":
            continue
        of = _phrase(text, words, lexicon, i, Kind.TAIL)
        own = words.words[first]
        if of is None or len(own) < 3 or not own.isalpha() or own.isupper():
            continue
        if kinds & Kind.WEAK and last == i:
            continue
        last, label = of
        while last + 1 < len(words.words) and words.gap(text, last) == " ":
            more = _phrase(text, words, lexicon, last + 1, Kind.TAIL)
            if more is None:
                break
            last = more[0]
        out.append(Find(words.starts[first], words.end(last), label, "rule:tail", 0.3))
    return out


def _behind_leads(text: str, words: Words, leads: Iterable[Lead]) -> list[Find]:
    """Return what has capitals where a rule says that a hospital is named."""
    out = []
    for start, label, finder in leads:
        if label.startswith("NAME"):
            continue
        i = bisect_left(words.starts, start)
        if i >= len(words.words) or words.starts[i] != start:
            continue
        if not words.words[i][0].isupper():
            is_odd = not words.kinds[i] & _ORDINARY and words.words[i].isalpha()
            if label == "PLACE" and is_odd and len(words.words[i]) > 2:
                out.append(Find(start, words.end(i), label, finder, 0.4))
            continue
        if words.kinds[i] & (Kind.TITLE | Kind.STOP):
            continue
        end = _run(text, words, i)
        run = range(i, end + 1)
        if all(not words.words[k].isalpha() or _is_short(words, k) for k in run):
            continue
        n_own = sum(not words.kinds[k] & (_ORDINARY | Kind.GENERIC) for k in run)
        if n_own or (end > i and not all(words.kinds[k] & (Kind.GENERIC | Kind.TAIL) for k in run)):
            out.append(Find(start, words.end(end), label, finder, 0.3))
    return out


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
    if is_eponym(text, words, last):
        return False
    kinds = words.kinds[first]
    if last + 1 < len(words.words) and words.gap(text, last).strip() == ",":
        following = words.words[last + 1]
        if following in codes or words.kinds[last + 1] & Kind.REGION:
            return True
    before = words.kinds[first - 1] if first and words.gap(text, first - 1) == " " else 0
    is_led = bool(before & Kind.PREPOSITION)
    if last > first:
        return is_led or not kinds & (Kind.WORD | Kind.STOP)
    if kinds & (Kind.EPONYM | Kind.STOP):
        return False
    if words.words[first].isupper() and len(words.words[first]) < 5:
        return False
    if kinds & Kind.WORD:
        return False
    is_apart = first > 0 and words.gap(text, first - 1).strip() != ""
    return is_led or is_apart or not kinds & (Kind.GIVEN | Kind.FAMILY)


def _before(text: str, words: Words, tail: int) -> int:
    """Return the first word of a name that ends in a tail; the tail itself where none does."""
    i = tail
    n_own = 0
    first = tail
    while i > 0 and tail - i < N_BEFORE:
        gap = words.gap(text, i - 1)
        if gap not in _INSIDE:
            break
        word, kinds = words.words[i - 1], words.kinds[i - 1]
        if gap == ". " and not kinds & Kind.SAINT:
            break
        if word[0].isupper():
            if kinds & Kind.STOP and not kinds & Kind.GENERIC and len(word) > 2:
                break
            i -= 1
            if not kinds & Kind.GENERIC or (kinds & (Kind.GIVEN | Kind.FAMILY) and n_own):
                n_own += 1
            first = i
        elif kinds & Kind.LINK and i > 1 and words.words[i - 2][0].isupper():
            i -= 1
        else:
            break
    while first < tail and words.kinds[first] & (Kind.ARTICLE | Kind.PREPOSITION | Kind.STOP):
        first += 1
    return first if n_own else tail


def _beside_codes(text: str, words: Words, codes: frozenset[str]) -> list[Find]:
    """Return what stands before a comma and a region ("Elmville, OH", "Elmville, Ohio")."""
    out = []
    for i, kinds in enumerate(words.kinds):
        is_code = words.words[i] in codes
        if i == 0 or not (is_code or kinds & Kind.REGION) or words.gap(text, i - 1) != ", ":
            continue
        own = words.words[i - 1]
        if words.kinds[i - 1] & (Kind.STOP | Kind.DEGREE) or own.isupper() or not own.isalpha():
            continue
        if kinds & (Kind.DEGREE | Kind.STOP) and not words.kinds[i - 1] & Kind.CITY:
            continue  # "Jane Doe, MD"; "Name, ID"
        first = i - 1
        if not own[0].isupper():
            if words.kinds[i - 1] & _ORDINARY or len(own) < 3:
                continue
        else:
            while first > 0 and i - first < 4 and words.gap(text, first - 1) in (" ", "-"):
                if not words.words[first - 1][0].isupper():
                    break
                first -= 1
            while first < i - 1 and words.kinds[first] & (Kind.STOP | Kind.PREPOSITION):
                first += 1
        out.append(Find(words.starts[first], words.end(i - 1), "PLACE", "rule:region"))
        if is_code:
            out.append(Find(words.starts[i], words.end(i), "REGION", "rule:region"))
    return out


def _behind_prepositions(text: str, words: Words) -> list[Find]:
    """Return what has capitals and is no ordinary word behind "at", "in", "from" or "to"."""
    out = []
    last = -1
    for i in words.capitals:
        if i <= last or i == 0 or not _is_led(text, words, i):
            continue
        first, end = i, _run(text, words, i)
        run = range(first, end + 1)
        if words.kinds[first] & (Kind.TITLE | Kind.STOP) or words.kinds[end] & Kind.HEAD:
            continue
        if is_eponym(text, words, end):
            continue
        unknown = [
            k
            for k in run
            if not words.kinds[k] & (_ORDINARY | Kind.REGION)
            and words.words[k].isalpha()
            and len(words.words[k]) > 2
        ]
        is_short = all(words.words[k].isupper() for k in run)
        if not unknown or is_short or len(words.words[first]) < 2:
            continue
        last = end
        stop = words.end(end)
        stop += 2 * (text[stop : stop + 2] in ("'s", "'S"))
        out.append(Find(words.starts[first], stop, "PLACE", "rule:preposition", 0.45))
    return out


def _is_led(text: str, words: Words, i: int) -> bool:
    """Return whether "at", "in", "from", or "at the" stands before a word."""
    before = i - 1
    if words.kinds[before] & Kind.ARTICLE and before and words.kinds[before - 1] & Kind.AT:
        before -= 1
    if words.words[before][0].isupper() or not words.kinds[before] & Kind.PREPOSITION:
        return False
    return all(words.gap(text, k) == " " for k in range(before, i))


_ORDINARY = Kind.WORD | Kind.STOP | Kind.EPONYM | Kind.HEAD | Kind.DEGREE | Kind.TITLE


def _run(text: str, words: Words, i: int) -> int:
    """Return the last word of those with capitals that follow one another."""
    while i + 1 < len(words.words) and words.words[i + 1][0].isupper():
        gap = words.gap(text, i)
        if gap not in _INSIDE or (gap == ". " and not words.kinds[i] & Kind.SAINT):
            break
        i += 1
    return i
