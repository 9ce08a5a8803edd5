"""The address of who sends a note, at its end: all that has a capital or a digit is of it.

Streets without a word for streets, towns of no list and firms stand there as nowhere else. Where
such an address begins the table of a language says (``sender``); words that are ordinary
("Servicio de Urología") and those before a colon stay.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from clinnlp.text.identifier_lexicon import Kind, Lexicon, Words
from clinnlp.text.identifier_rules import Find

__all__ = ["find_senders"]

N_ADDRESS = 500  # characters at the end of a note in which a sender stands
N_HELD = 8  # finds that may overlap one another
FINDER, DOUBT = "rule:sender", 0.6
_BETWEEN = " \n\t.,;/ºª()-"
_CODE = re.compile(r"(\d{4,6})(?:[\s.,-]+(?=[^\W\d_])(.+))?", re.DOTALL)
_STAYS = (
    Kind.WORD | Kind.STOP | Kind.HEAD | Kind.DEGREE | Kind.TITLE | Kind.GENERIC | Kind.EPONYM
)  # fmt: skip


def find_senders(text: str, words: Words, lexicon: Lexicon, finds: Sequence[Find]) -> list[Find]:
    """Return what else stands in the address of a sender at the end of a note.

    Parameters
    ----------
    text : str
    words : Words
        Of that text.
    lexicon : Lexicon
        Of its language.
    finds : sequence of Find
        What is found in that text already.
    """
    senders = lexicon.terms.get("sender", ())
    tail = text[-N_ADDRESS:].casefold() if senders else ""
    if not (begins := [at for term in senders if (at := tail.rfind(term)) >= 0]):
        return []
    begin = max(0, len(text) - N_ADDRESS) + max(begins)
    held = sorted(find for find in finds if find.end > begin)
    out: list[Find] = []
    for first, last in _runs(text, words, begin, held):
        out += _labelled(text, words.starts[first], words.end(last), held)
    return out


def _runs(text: str, words: Words, begin: int, held: list[Find]) -> Iterator[tuple[int, int]]:
    """Yield the words that follow one another and are of the address, but of no find."""
    first = last = -1
    for i in range(bisect_left(words.starts, begin) + 2, len(words.words)):
        if not _is_part(text, words, i) or _is_held(held, words.starts[i]):
            continue
        if last >= 0 and not text[words.end(last) : words.starts[i]].strip(_BETWEEN):
            last = i
            continue
        if last >= 0:
            yield first, last
        first = last = i
    if last >= 0:
        yield first, last


def _is_part(text: str, words: Words, i: int) -> bool:
    word, behind = words.words[i], text[words.end(i) : words.end(i) + 1]
    if not (word[0].isupper() or word[0].isdigit()) or behind == ":":
        return False
    return not words.kinds[i] & _STAYS and not (len(word) == 1 and behind == "-")


def _is_held(held: list[Find], at: int) -> bool:
    k = bisect_left(held, (at + 1,))
    return any(find.start <= at < find.end for find in held[max(0, k - N_HELD) : k])


def _labelled(text: str, start: int, end: int, held: list[Find]) -> Iterator[Find]:
    """Yield a run as what it is by its digits and by what stands beside it."""
    before = max((f for f in held if f.end <= start), key=lambda f: f.end, default=None)
    is_near = before is not None and not text[before.end : start].strip(_BETWEEN)
    if match := _CODE.fullmatch(text, start, end):
        yield Find(*match.span(1), "ZIP", FINDER, DOUBT)
        if match[2]:
            yield Find(*match.span(2), "PLACE", FINDER, DOUBT)
    elif before is not None and is_near and before.label == "STREET":
        yield Find(before.start, end, "STREET", FINDER, before.doubt)
    elif any(map(str.isdigit, text[start:end])):
        yield Find(start, end, "STREET", FINDER, DOUBT)
    elif end - start > 2:
        label = "PLACE" if is_near and before and before.label == "ZIP" else "ORGANISATION"
        yield Find(start, end, label, FINDER, DOUBT)
