"""From the rows of a table of prescriptions to regular expressions; see `medication_terms`.

A term is folded, ``#`` in it stands for a number. What a find means is looked up under its *key*:
its letters, without blanks, full stops and hyphens.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import product

from clinnlp.text.matcher import fold_keeping_length

__all__ = ["Rows", "any_of", "heads", "key", "variants"]

_LETTERS = re.compile(r"[^\W\d_]+")
_SQUEEZED = re.compile(r"[\s.-]+")
_BRACKETS = re.compile(r"\(([^()]*)\)")


class Rows:
    """The rows of a table: terms by field, and values by field and key.

    Parameters
    ----------
    rows : iterable of (term, field, value)

    Examples
    --------
    >>> rows = Rows([("Mg", "unit", "1"), ("q.<n>h.", "frequency", "24/<n>")])
    >>> rows.terms["frequency"], rows.value("unit", "mg"), rows.value("unit", "ml")
    (['q.#h.'], '1', None)
    """

    def __init__(self, rows: Iterable[tuple[str, str, str]]) -> None:
        self.terms: dict[str, list[str]] = defaultdict(list)
        self._values: dict[tuple[str, str], str] = {}
        for term, field, value in rows:
            folded = fold_keeping_length(term).replace("<n>", "#")
            self.terms[field].append(folded)
            for variant in variants(folded):
                self._values.setdefault((field, key(variant)), value.replace("<n>", "#"))

    def value(self, field: str, text: str) -> str | None:
        """Return the value cell of a term, None where the field has no such term."""
        return self._values.get((field, key(text)))

    def any(self, *fields: str, numbers: str = "") -> str:
        """Return the pattern of any term of some fields; `numbers` matches ``#``."""
        return any_of((term for field in fields for term in self.terms[field]), numbers)


def key(text: str) -> str:
    """Return what a term or a find is looked up under.

    Examples
    --------
    >>> key("q. 8 h."), key("one-time")
    ('q8h', 'onetime')
    """
    return _SQUEEZED.sub("", text)


def variants(term: str) -> Iterator[str]:
    """Yield what a term stands for, its alternatives spelled out.

    Examples
    --------
    >>> list(variants("(for|x) # (|more) days"))
    ['for #  days', 'for # more days', 'x #  days', 'x # more days']
    """
    pieces = [
        piece.split("|") if i % 2 else [piece] for i, piece in enumerate(_BRACKETS.split(term))
    ]
    yield from map("".join, product(*pieces))


def heads(term: str) -> set[str]:
    """Return the letters that a term can begin with, ``#`` for a number.

    Examples
    --------
    >>> sorted(heads("p.o.")), heads("# times a day")
    (['p', 'po'], {'#'})
    """
    found = set()
    for variant in map(str.strip, variants(term)):
        for text in (variant, variant.replace(".", ""), variant.replace("-", "")):
            letters = _LETTERS.match(text)
            found.add(letters[0] if letters else "#" if text[:1].isdigit() else text[:1])
    return found


def any_of(terms: Iterable[str], numbers: str = "") -> str:
    """Return the pattern of any of some terms, the longest first; `numbers` matches ``#``.

    Examples
    --------
    >>> re.findall(any_of(["p.o.", "by mouth"]), "po p.o. p o by  mouth")
    ['po', 'p.o.', 'by  mouth']
    """
    longest = {term: max(map(len, variants(term))) for term in terms}
    ordered = sorted(longest, key=lambda term: (-longest[term], term))
    patterns = _counted_once(list(map(_pattern, ordered)))
    return "|".join(patterns).replace("#", numbers) or "(?!)"


def _counted_once(patterns: list[str]) -> list[str]:
    """Return patterns with those that begin with a number as one: that of a number is long."""
    counted = [pattern[1:] for pattern in patterns if pattern[0] == "#"]
    if len(counted) < 2:
        return patterns
    first = next(k for k, pattern in enumerate(patterns) if pattern[0] == "#")
    others = [pattern for pattern in patterns if pattern[0] != "#"]
    return [*others[:first], f"#(?:{'|'.join(counted)})", *others[first:]]


def _pattern(term: str) -> str:
    """Return the pattern of a term, ``#`` still in it; blanks beside brackets may be absent."""
    pieces = [
        f"(?:{_alternatives(piece)})" if i % 2 else _words(piece)
        for i, piece in enumerate(_BRACKETS.split(term))
    ]
    return "".join(pieces).replace(r")\s+", r")\s*").replace(r"\s+(?:", r"\s*(?:")


def _alternatives(piece: str) -> str:
    return "|".join(map(_words, sorted(piece.split("|"), key=len, reverse=True)))


def _words(text: str) -> str:
    return "".join(
        r"\s+" if word.isspace() else _word(word) for word in re.split(r"(\s+)", text) if word
    )


def _word(word: str) -> str:
    """Return the pattern of a word; its full stops come all or none, blanks beside a slash too."""
    parts = [re.escape(part).replace(r"\#", r"#\s?") for part in word.split(".") if part]
    parts = [part.replace(r"\-", r"[\s-]?").replace("/", r"\s?/\s?") for part in parts]
    if "." not in word:
        return parts[0]
    if len(parts) == 1:
        return rf"{parts[0]}\.?"
    plain = r"\s?".join(parts) if "#" in word else "".join(parts)
    return "(?:" + r"\.\s?".join(parts) + rf"\.?|{plain})"
