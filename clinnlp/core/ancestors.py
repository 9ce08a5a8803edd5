"""What stands above a concept: `is a`, followed upwards.

A concept may have several parents; each ancestor counts once, the nearest first. Files may hold
circles, which end where they began: no concept is its own ancestor.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from clinnlp.core.checks import check_at_least
from clinnlp.core.errors import ArgumentError
from clinnlp.core.vocab import Vocabulary, fold_term

__all__ = ["Ancestors", "RollUp"]


class Ancestors:
    """Ancestors by code.

    Parameters
    ----------
    parents : mapping of str to sequence of str
        Codes one step above each code.

    Examples
    --------
    >>> above = Ancestors({"atorvastatin": ["statin"], "statin": ["lipid agent"]})
    >>> above("atorvastatin"), above("atorvastatin", levels=1)
    (('statin', 'lipid agent'), ('statin',))
    >>> above.nearest("atorvastatin", {"lipid agent", "statin"})
    ('statin',)
    """

    def __init__(self, parents: Mapping[str, Sequence[str]]) -> None:
        self._parents = parents
        self._folded: dict[str, str | None] | None = None

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> "Ancestors":
        """Return the ancestors in a vocabulary."""
        return cls({concept.code: concept.parents for concept in vocabulary if concept.parents})

    def __contains__(self, code: object) -> bool:
        return code in self._parents

    def __call__(self, code: str, *, levels: int | None = None) -> tuple[str, ...]:
        """Return the ancestors of a code, nearest first, up to so many steps above it."""
        found: list[str] = []
        for level, above in enumerate(self._levels(code), 1):
            if levels is not None and level > levels:
                break
            found += above
        return tuple(found)

    def nearest(self, code: str, to: Collection[str]) -> tuple[str, ...]:
        """Return those of `to` that a code is or stands below, without what stands above them."""
        above = self(code)
        found = [each for each in (code, *above) if each in to]
        if len(found) > 1:
            over = {higher for each in found for higher in self(each)}
            return tuple(each for each in found if each not in over) or tuple(found[:1])
        return tuple(found)

    def spelled(self, code: str) -> str | None:
        """Return the code as it is written here, where one alone is the same but for its spelling.

        Examples
        --------
        >>> above = Ancestors({"C09AA05": ["C09AA"]})
        >>> above.spelled("c09aa05 "), above.spelled("C09AA"), above.spelled("N02")
        ('C09AA05', 'C09AA', None)
        """
        if self._folded is None:
            folded: dict[str, str | None] = {}
            for each in {*self._parents, *(p for above in self._parents.values() for p in above)}:
                key = fold_term(each)
                folded[key] = None if key in folded else each
            self._folded = folded
        if code in self._parents:
            return code
        return self._folded.get(fold_term(code))

    def circles(self) -> tuple[str, ...]:
        """Return the codes that a path upwards leads back to."""
        return tuple(
            code
            for code in self._parents
            if any(code in self._parents.get(each, ()) for each in (code, *self(code)))
        )

    def _levels(self, code: str) -> Iterator[list[str]]:
        seen, below = {code}, [code]
        while below := self._above(below, seen):
            yield below

    def _above(self, codes: Sequence[str], seen: set[str]) -> list[str]:
        """Return the parents of codes that were not seen before, and remember them."""
        found = []
        for code in codes:
            for parent in self._parents.get(code, ()):
                if parent not in seen:
                    seen.add(parent)
                    found.append(parent)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class RollUp:
    """What a code counts as: an ancestor in its place, or itself and its ancestors.

    Parameters
    ----------
    ancestors : Ancestors
    to : collection of str, optional
        A code counts as the nearest of these, as several where none of them stands above the other,
        and as itself where it stands below none. Absent: as itself and all its ancestors.
    levels : int, optional
        Without `to`, how many steps above it ancestors count, >= 1; absent: all.
    names : mapping of str to str
        Preferred names of codes, for those who read what was counted.
    same : mapping of str to str
        What a code of `to` counts as, where that is another code of the same name.
    level : str
        What the codes of `to` are, where `to_level` chose them.

    Raises
    ------
    ArgumentError
        `levels` below 1, or beside `to`; no code in `to`.

    Examples
    --------
    >>> above = Ancestors({"atorvastatin": ["statin"], "statin": ["lipid agent"]})
    >>> RollUp(ancestors=above, to=["lipid agent"])("atorvastatin")
    ('lipid agent',)
    >>> RollUp(ancestors=above, levels=1)("atorvastatin")
    ('atorvastatin', 'statin')
    """

    ancestors: Ancestors
    to: Collection[str] | None = None
    levels: int | None = None
    names: Mapping[str, str] = field(default_factory=dict, repr=False)
    same: Mapping[str, str] = field(default_factory=dict, repr=False)
    level: str = ""

    def __post_init__(self) -> None:
        if self.to is not None and (not self.to or isinstance(self.to, str)):
            raise ArgumentError("a roll-up must name the codes to roll up to, got none or a word")
        if self.levels is not None:
            check_at_least(self.levels, 1, name="levels")
            if self.to is not None:
                raise ArgumentError("a roll-up to named codes must have no levels, got some")

    @classmethod
    def to_level(cls, vocabulary: Vocabulary, level: str = "ingredient") -> "RollUp":
        """Return the roll-up to the concepts of one level of a terminology.

        A product of several ingredients counts as each of them. Concepts of the level that share a
        name, as one substance has several codes of ATC, count as the first of them.

        Parameters
        ----------
        vocabulary : Vocabulary
            Whose concepts say their `level`: those of RxNorm, OMOP and ATC, of a table with a
            column ``level``, and those that `clinnlp.text.ingredients.with_ingredients` tells by
            their names.
        level : str

        Raises
        ------
        ArgumentError
            No concept is of that level.

        Examples
        --------
        >>> from clinnlp.core.vocab import Concept
        >>> metoprolol = Concept(code="6918", name="metoprolol", level="ingredient")
        >>> salt = Concept(code="221124", name="metoprolol succinate", parents=("6918",))
        >>> roll_up = RollUp.to_level(Vocabulary([metoprolol, salt]))
        >>> roll_up("221124"), roll_up("6918"), roll_up.names["6918"]
        (('6918',), ('6918',), 'metoprolol')
        """
        first: dict[str, str] = {}
        same: dict[str, str] = {}
        for concept in vocabulary:
            if concept.level == level:
                same[concept.code] = first.setdefault(fold_term(concept.name), concept.code)
        if not same:
            raise ArgumentError(
                f"level must be one that the terminology tells of its concepts, got {level!r}; "
                "name the codes to roll up to instead"
            )
        return cls(
            ancestors=Ancestors.of(vocabulary),
            to=frozenset(same),
            names={concept.code: concept.name for concept in vocabulary},
            same={code: kept for code, kept in same.items() if code != kept},
            level=level,
        )

    def __call__(self, code: str) -> tuple[str, ...]:
        """Return the codes that a code counts as."""
        if self.to is None:
            return (code, *self.ancestors(code, levels=self.levels))
        found = self.ancestors.nearest(code, self.to) or (code,)
        return tuple(dict.fromkeys(self.same.get(each, each) for each in found))
