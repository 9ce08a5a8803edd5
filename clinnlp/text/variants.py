"""Other looks of a name in a text: hyphens, apostrophes, endings and spellings, from a table.

Hyphens count as blanks and curly apostrophes as straight ones on both sides (`loosened`, which
keeps the length). Endings are tried where a find stops inside a word; what changes letters of the
name is made into a name of its own beforehand (`Variants.of`).
"""

from collections.abc import Iterator
from pathlib import Path

from clinnlp.core.errors import DataError
from clinnlp.text.tables import language_path, read_table

__all__ = ["Variants", "loosened"]

N_SHORTEST = 4  # letters; shorter names have no endings
KINDS = ("ending", "swap", "spelling", "plural", "stop")
_LOOSE = str.maketrans({"-": " ", "–": " ", "‐": " ", "‑": " ", "’": "'"})


def loosened(text: str) -> str:
    """Return folded text with hyphens as blanks and straight apostrophes; its length stays.

    Examples
    --------
    >>> loosened("beta-blocker, crohn’s")
    "beta blocker, crohn's"
    """
    return text.replace("-", " ") if text.isascii() else text.translate(_LOOSE)


class Variants:
    """The rules of a table of variants.

    Parameters
    ----------
    table : path, optional
        TSV with columns ``form``, ``other`` and ``kind``, in place of the language's own.
    language : str
        ``"en"`` or ``"es"``.

    Examples
    --------
    >>> sorted(Variants().of("crohn's disease"))
    ['crohn disease', 'crohns disease']
    >>> sorted(Variants().of("x-ray biopsy")), Variants().endings
    (['x-ray biopsies'], ('es', 's'))
    """

    def __init__(self, table: str | Path | None = None, *, language: str = "en") -> None:
        rules: dict[str, list[tuple[str, str]]] = {kind: [] for kind in KINDS}
        path = table or language_path("variants", language)
        for line, (form, other, kind) in read_table(path, ("form", "other", "kind")):
            if kind not in KINDS or not form:
                raise DataError(
                    f"a variant needs a form and a kind of {', '.join(KINDS)}", path=path, line=line
                )
            rules[kind].append((form, other))
        self.endings = tuple(sorted((form for form, _ in rules["ending"]), key=len, reverse=True))
        self._swaps, self._spellings = rules["swap"], rules["spelling"]
        self._plurals = rules["plural"]
        self._stops = frozenset(form for form, _ in rules["stop"])

    def of(self, name: str) -> Iterator[str]:
        """Yield other looks of a folded name of which endings alone do not make one."""
        if len(name) < N_SHORTEST:
            return
        for form, other in self._swaps:
            if name.endswith(form):
                changed = name.removesuffix(form) + other
                if len(changed) >= N_SHORTEST and changed[-1].isalnum():
                    yield changed
        for one, two in self._spellings:
            if one in name:
                yield name.replace(one, two)
            elif two in name:
                yield name.replace(two, one)
        if self._plurals and " " in name:
            yield from self._agreeing(name)
        if "'s " in name:
            yield " ".join(name.replace("'s ", " ").split())
            yield name.replace("'s ", "s ")
        head, hyphen, tail = name.partition("-")
        if hyphen and len(head) >= N_SHORTEST - 1 and len(tail) >= N_SHORTEST:
            yield " ".join((head + tail).split())

    def _agreeing(self, name: str) -> Iterator[str]:
        """Yield a name of several words with the words up to a stop in the plural."""
        words = name.split(" ")
        n_agree = next((i for i, word in enumerate(words) if word in self._stops), len(words))
        plurals = [self._plural(word) for word in words[:n_agree]]
        if plurals and all(plurals):
            yield " ".join([*map(str, plurals), *words[n_agree:]])

    def _plural(self, word: str) -> str | None:
        for form, other in self._plurals:
            if word.endswith(form):
                return word.removesuffix(form) + other
        return None
