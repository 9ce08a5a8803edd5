"""Vocabularies: concepts with their names, and the terms a matcher looks for."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from clinnlp.core.errors import DataError

__all__ = ["INGREDIENT", "Concept", "Vocabulary", "fold", "fold_term", "squeeze"]

INGREDIENT = "ingredient"  # level of the concepts of substances, beside salts, brands and products


def fold(text: str) -> str:
    r"""Return text case-folded with runs of white space squeezed to one blank.

    Examples
    --------
    >>> fold("  Chest\n PAIN ")
    'chest pain'
    """
    return " ".join(text.casefold().split())


def fold_term(text: str) -> str:
    r"""Return the form that all spellings of a term share: `fold`, and one form of characters.

    Case, white space and composition (Unicode NFC) do not tell terms apart.

    Examples
    --------
    >>> fold_term("Sjo\u0308gren  syndrome ") == fold_term("SJÖGREN Syndrome")
    True
    """
    return unicodedata.normalize("NFC", fold(unicodedata.normalize("NFD", text)))


def squeeze(text: str) -> str:
    """Return text in NFC with runs of white space squeezed to one blank; case stays."""
    return " ".join(unicodedata.normalize("NFC", text).split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """One vocabulary entry: a code in a system, its preferred name and its other names.

    `parents` are the codes that stand one step above it (``is a``); `level` says on which step it
    stands itself, where its terminology tells: ``"ingredient"`` of a drug.
    With `always`, its names are found anywhere, also where they are doubtful ones of a large list.

    Parameters
    ----------
    code : str
        Unique within a vocabulary.
    name : str
        Preferred name.
    system : str
        Whose code it is, such as ``"RxNorm"``.
    synonyms : tuple of str
        Other names.
    label : str
        Class of its mentions.
    parents : tuple of str
        Codes one step above.
    always : bool
        Find doubtful names too.
    level : str
        On which step it stands, where the source says so, such as ``"ingredient"``.

    Examples
    --------
    >>> Concept(code="1191", name="aspirin", system="RxNorm", synonyms=("ASA",)).names
    ('aspirin', 'ASA')
    """

    code: str
    name: str
    system: str = ""
    synonyms: tuple[str, ...] = ()
    label: str = "Term"
    parents: tuple[str, ...] = ()
    always: bool = False
    level: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Preferred name, then synonyms."""
        return (self.name, *self.synonyms)


class Vocabulary:
    """Concepts by code, in file order.

    Parameters
    ----------
    concepts : iterable of Concept
    n_excluded : mapping of str to int, optional
        What of a file was left out, by reason.

    Raises
    ------
    DataError
        Two concepts share a code.

    Examples
    --------
    >>> drugs = Vocabulary([Concept(code="d1", name="aspirin", synonyms=("ASA",))])
    >>> drugs["d1"].name, len(drugs), list(drugs.terms())
    ('aspirin', 1, [('aspirin', 'd1'), ('ASA', 'd1')])
    """

    def __init__(
        self, concepts: Iterable[Concept], *, n_excluded: Mapping[str, int] | None = None
    ) -> None:
        self.n_excluded = dict(n_excluded or {})
        self._by_code: dict[str, Concept] = {}
        for concept in concepts:
            if concept.code in self._by_code:
                raise DataError(f"codes of a vocabulary must be unique, got {concept.code!r} twice")
            self._by_code[concept.code] = concept

    def __getitem__(self, code: str) -> Concept:
        return self._by_code[code]

    def __contains__(self, code: object) -> bool:
        return code in self._by_code

    def __iter__(self) -> Iterator[Concept]:
        return iter(self._by_code.values())

    def __len__(self) -> int:
        return len(self._by_code)

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} concepts)"

    def terms(self) -> Iterator[tuple[str, str]]:
        """Yield ``(name, code)`` for every non-empty name of every concept."""
        for concept in self:
            for name in concept.names:
                if name.strip():
                    yield name, concept.code
