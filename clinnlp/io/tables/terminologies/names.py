"""Names gathered by code while a file streams by."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from clinnlp.core.vocab import Concept, Vocabulary

__all__ = ["NO_PARENT", "Gathered", "others"]

NO_PARENT = "parent not among the concepts"


def others(name: str, synonyms: Iterable[str]) -> tuple[str, ...]:
    """Return synonyms without blanks around them, repetitions and the name itself.

    Examples
    --------
    >>> others("gout", ["Podagra ", "gout", "Podagra", ""])
    ('Podagra',)
    """
    found = dict.fromkeys(synonym.strip() for synonym in synonyms)
    return tuple(synonym for synonym in found if synonym and synonym != name)


class Gathered:
    """What is known of the concepts of one system so far.

    Attributes
    ----------
    names : dict of str to str
        Preferred names by code; a concept without one is none.
    synonyms, parents : dict of str to list of str
    labels, levels : dict of str to str
    n_excluded : counter
        What was left out, by reason.
    """

    def __init__(self, system: str, label: str) -> None:
        self._system, self._label = system, label
        self.names: dict[str, str] = {}
        self.synonyms: dict[str, list[str]] = defaultdict(list)
        self.parents: dict[str, list[str]] = defaultdict(list)
        self.labels: dict[str, str] = {}
        self.levels: dict[str, str] = {}
        self.n_excluded: Counter[str] = Counter()

    def vocabulary(self) -> Vocabulary:
        """Return the concepts, with those of their parents that are concepts too."""
        made = [self._concept(code, name) for code, name in self.names.items()]
        return Vocabulary(made, n_excluded=self.n_excluded)

    def _concept(self, code: str, name: str) -> Concept:
        above = dict.fromkeys(self.parents.get(code, ()))
        known = tuple(parent for parent in above if parent in self.names and parent != code)
        self.n_excluded[NO_PARENT] += len(above) - len(known)
        return Concept(
            code=code,
            name=name,
            system=self._system,
            synonyms=others(name, self.synonyms.get(code, ())),
            label=self.labels.get(code, self._label),
            parents=known,
            level=self.levels.get(code, ""),
        )
