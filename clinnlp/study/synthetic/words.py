"""The words of the synthetic notes: drugs, problems, and which drug causes which reaction.

The lexicons are tables beside this file (``data/*.tsv``; ``|`` separates values inside a cell).
A drug's code is ``drug:<generic name>`` and a problem's is ``problem:<name>``, blanks written as
``_``; brand names, synonyms and abbreviations share the code of their generic or main name.
Roles of a problem: ``A`` acute (a reason for admission), ``C`` chronic, ``S`` symptom,
``R`` adverse reaction, ``H`` past illness, ``F`` runs in families, ``L`` way of life or frailty.

Examples
--------
>>> lexicon()["drug:lisinopril"].others
('Zestril', 'Prinivil')
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from clinnlp.study.synthetic.dice import Dice

__all__ = [
    "Term",
    "code_of",
    "drugs",
    "lexicon",
    "misspelled",
    "problems",
    "reactions",
    "table",
    "terms_of",
]

SHORTEST_MISSPELLED = 6  # letters; shorter words would turn into other words


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Term:
    """A concept of the lexicon with the ways notes write it; the lexicon holds each once."""

    code: str
    label: str  # "Drug" or "Problem"
    name: str
    others: tuple[str, ...] = ()  # brand names, synonyms, abbreviations
    forms: tuple[str, ...] = ()  # adjectives and verbs that only templates write
    doses: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ()
    roles: str = ""
    specialty: str = ""
    symptoms: tuple[str, ...] = ()  # codes
    treatments: tuple[str, ...] = ()  # codes

    @property
    def surfaces(self) -> tuple[str, ...]:
        """Every correct spelling, the main name first."""
        return (self.name, *self.others, *self.forms)


def code_of(label: str, name: str) -> str:
    """Return the concept id of a name, as in ``problem:chest_pain``."""
    return f"{label.lower()}:{name.lower().replace(' ', '_')}"


@cache
def drugs() -> tuple[Term, ...]:
    """Return the drugs in file order."""
    return tuple(
        Term(
            code=code_of("Drug", row["name"]),
            label="Drug",
            name=row["name"],
            others=_cells(row["other_names"]),
            doses=_cells(row["doses"]),
            schedules=_cells(row["schedules"]),
        )
        for row in table("drugs.tsv")
    )


@cache
def problems() -> tuple[Term, ...]:
    """Return the problems in file order."""
    return tuple(
        Term(
            code=code_of("Problem", row["name"]),
            label="Problem",
            name=row["name"],
            others=_cells(row["other_names"]),
            forms=_cells(row["forms"]),
            roles=row["roles"],
            specialty=row["specialty"],
            symptoms=tuple(code_of("Problem", name) for name in _cells(row["symptoms"])),
            treatments=tuple(code_of("Drug", name) for name in _cells(row["drugs"])),
        )
        for row in table("problems.tsv")
    )


@cache
def lexicon() -> dict[str, Term]:
    """Return every term by its code."""
    return {term.code: term for term in (*drugs(), *problems())}


def terms_of(codes: Iterable[str]) -> list[Term]:
    """Return the terms of these codes, in their order."""
    return [lexicon()[code] for code in codes]


@cache
def reactions() -> dict[str, tuple[str, ...]]:
    """Return, for the code of a drug, the codes of the reactions it is known for."""
    return {
        code_of("Drug", row["drug"]): tuple(
            code_of("Problem", name) for name in _cells(row["reactions"])
        )
        for row in table("reactions.tsv")
    }


def misspelled(surface: str, dice: Dice) -> str:
    """Return `surface` with one slip of the pen in its longest word.

    The first letter is kept; a surface whose longest word is short comes back unchanged.

    Examples
    --------
    >>> misspelled("RA", Dice(1))
    'RA'
    """
    words = surface.split(" ")
    place = max(range(len(words)), key=lambda i: len(words[i]))
    word = words[place]
    if len(word) < SHORTEST_MISSPELLED or not word.isalpha():
        return surface
    at = dice.between(1, len(word) - 3)
    slips = (
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],  # two letters swapped
        word[:at] + word[at + 1 :],  # one letter left out
        word[: at + 1] + word[at] + word[at + 1 :],  # one letter doubled
    )
    words[place] = dice.pick(slips)
    return " ".join(words)


def table(name: str) -> list[dict[str, str]]:
    """Return the rows of a table beside this file, by column."""
    text = files(__package__).joinpath("data", name).read_text(encoding="utf-8")
    head, *lines = text.splitlines()
    columns = head.split("\t")
    return [dict(zip(columns, line.split("\t"), strict=True)) for line in lines]


def _cells(cell: str) -> tuple[str, ...]:
    return tuple(cell.split("|")) if cell else ()
