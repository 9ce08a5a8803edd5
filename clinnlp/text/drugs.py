"""Names of drugs: brands, abbreviations, salts, releases and combinations, from two tables."""

import re
from collections.abc import Iterator
from functools import cache

from clinnlp.core.vocab import fold
from clinnlp.text.tables import language_path, read_table

__all__ = ["DrugNames", "drug_names", "fold_drug"]

_EDGES = " .,;:()[]"


def fold_drug(name: str, *, language: str = "en") -> str:
    """Return the generic name a drug's name stands for, case, brand, salt and release folded.

    Parameters
    ----------
    name : str
        As written in a text.
    language : str
        Whose names: ``"en"`` or ``"es"``.

    Returns
    -------
    str
        The folded generic name, the ingredients of a combination joined by a slash; the folded
        name itself where the table does not know it.

    Examples
    --------
    >>> fold_drug("Lopressor"), fold_drug("METOPROLOL  Succinate ER"), fold_drug("Percocet")
    ('metoprolol', 'metoprolol', 'oxycodone/acetaminophen')
    >>> fold_drug("Clorhidrato de metformina", language="es"), fold_drug("Nolotil", language="es")
    ('metformina', 'metamizol')
    """
    return drug_names(language).generic(name)


class DrugNames:
    """The drug names of a language.

    Attributes
    ----------
    generics : frozenset of str
        Folded generic names and combinations, whose ingredients a slash joins.
    ingredients : frozenset of str
        The parts of these.
    behind : mapping of str to frozenset of str
        The words that may follow a name, by kind: salt, release, ...
    joint : re.Pattern
        What stands between the drugs of a combination: a slash, a plus, or a word.
    """

    def __init__(self, language: str) -> None:
        rows = read_table(language_path("drug_names", language), ("brand", "generic"))
        self._brands = {fold(brand): generic for _, (brand, generic) in rows}
        self.generics = frozenset(self._brands.values())
        self.ingredients = frozenset(part for name in self.generics for part in name.split("/"))
        words: dict[str, list[str]] = {}
        for _, (word, kind) in read_table(language_path("drug_salts", language), ("word", "kind")):
            words.setdefault(kind, []).append(word)
        self._before = tuple(f"{word} " for word in words.pop("before", ()))
        joining = "|".join(map(re.escape, words.pop("joint")))
        self.joint = re.compile(rf"\s*[/+]\s*|\s+(?:{joining})\s+")
        self.behind = {kind: frozenset(those) for kind, those in words.items()}
        self._behind = frozenset().union(*self.behind.values())

    def is_brand(self, name: str) -> bool:
        """Return whether a folded name is a brand or an abbreviation of the table."""
        return name in self._brands

    def generic(self, name: str) -> str:
        """Return the generic name of a drug's name, else the folded name."""
        folded = fold(name).strip(_EDGES)
        words = folded.split()
        while True:
            known = " ".join(words)
            if known in self._brands or known in self.generics:
                return self._brands.get(known, known)
            if len(words) < 2 or words[-1].strip(_EDGES) not in self._behind:
                return self._unsalted(known) or folded
            words.pop()

    def is_salt(self, word: str) -> bool:
        """Return whether a folded word behind a name is of its salt or release."""
        return word in self._behind

    def without_salt(self, name: str) -> Iterator[str]:
        """Yield what is left of a folded name without its words of salt and release, longest first.

        A rest of such words alone, as of potassium chloride, is none.

        Examples
        --------
        >>> list(drug_names().without_salt("ampicillin sodium trihydrate"))
        ['ampicillin sodium', 'ampicillin']
        >>> list(drug_names("es").without_salt("clorhidrato de metformina"))
        ['metformina']
        """
        words = name.split()
        while len(words) > 1 and words[-1] in self._behind:
            words.pop()
            if not self._behind.issuperset(words):
                yield " ".join(words)
        for before in self._before:
            rest = " ".join(words).removeprefix(before)
            if rest != " ".join(words):
                yield rest

    def _unsalted(self, name: str) -> str:
        """Return a name without the words in front of it that name its salt."""
        if not name.startswith(self._before):
            return name
        return self.generic(next(name[len(w) :] for w in self._before if name.startswith(w)))


@cache
def drug_names(language: str = "en") -> DrugNames:
    """Return the drug names of a language, read once."""
    return DrugNames(language)
