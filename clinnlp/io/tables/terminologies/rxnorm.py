"""RxNorm in Rich Release Format: RXNCONSO (names), RXNREL (relations), RXNSAT (attributes).

A concept stands under another where it is a brand or a salt of it, holds it, or consists of it: in
RXNREL the second concept of a row is what its relation says of the first.

References
----------
National Library of Medicine, RxNorm Technical Documentation, sections 12.4 (RXNCONSO), 12.5
(RXNSAT) and 12.7 (RXNREL).
"""

from collections.abc import Collection
from pathlib import Path

from clinnlp.core.ancestors import Ancestors
from clinnlp.core.checks import check_one_of
from clinnlp.core.vocab import INGREDIENT, Vocabulary
from clinnlp.io.tables.terminologies.names import Gathered
from clinnlp.io.tables.terminologies.tables import Tables

__all__ = ["CONSO_CELLS", "DRUG_KINDS", "read_ndc", "read_rxnorm"]

CONSO_CELLS = 18
_REL_CELLS, _SAT_CELLS = 16, 13
_CODE, _LANGUAGE, _SOURCE, _KIND, _NAME, _SUPPRESSED = 0, 1, 11, 12, 14, 16
DRUG_KINDS = (
    "IN", "PIN", "MIN", "BN", "SCD", "SBD", "SCDC", "SBDC", "SCDF", "SBDF", "SCDG", "SBDG", "GPCK",
    "BPCK",
)  # fmt: skip
_UPWARDS = frozenset(
    ("consists_of", "form_of", "has_ingredient", "has_ingredients", "has_part",
     "has_precise_ingredient", "isa", "tradename_of")
)  # fmt: skip
_NAMED = ("BN", "PIN")
_SHOWN = ("N", "")


def read_rxnorm(
    path: str | Path,
    *,
    kinds: Collection[str] = ("IN", "PIN", "MIN", "BN"),
    to_ingredients: bool = True,
    label: str = "Drug",
) -> Vocabulary:
    """Return the drugs of RxNorm.

    The preferred name is RxNorm's own; those of all its sources in English are synonyms, and
    brands, salts and products stand under their ingredients. Suppressed names are left out.

    RXNCONSO is read twice and RXNREL once, row by row; the names that are kept stay in memory,
    about 400 bytes each, and while it reads the relations upwards, about 250 bytes each.

    Parameters
    ----------
    path : str or Path
        A folder or zip file with RXNCONSO.RRF and, for parents, RXNREL.RRF; or RXNCONSO.RRF alone.
    kinds : collection of str
        Term types that are concepts: by default ingredients (IN), precise ingredients such as
        salts (PIN), several ingredients (MIN) and brands (BN).
    to_ingredients : bool
        Whether names of brands and precise ingredients become names of their ingredient, where it
        is one. They are counted; a brand of several ingredients stays a concept under them.
    label : str
        Label of every concept.

    Raises
    ------
    ArgumentError
        An unknown term type.
    DataError
        No RXNCONSO.RRF, or a row of another layout.
    """
    for kind in kinds:
        check_one_of(kind, DRUG_KINDS, name="kind")
    tables = Tables(path)
    conso = tables.main(r"RXNCONSO\.RRF", "RXNCONSO.RRF")
    found, kind_of = _concepts(tables, conso, kinds, label)
    for row in tables.piped(conso, CONSO_CELLS):
        if row[_CODE] in found.names and row[_LANGUAGE] == "ENG" and row[_SUPPRESSED] in _SHOWN:
            found.synonyms[row[_CODE]].append(row[_NAME])
    above = _above(tables)
    for code in found.names:
        found.parents[code] += _kept(code, above, found.names)
    if to_ingredients:
        _merge(found, kind_of)
    return found.vocabulary()


def _concepts(
    tables: Tables, conso: str, kinds: Collection[str], label: str
) -> tuple[Gathered, dict[str, str]]:
    """Return the concepts of some term types with RxNorm's own names, and the type of each."""
    found, kind_of = Gathered("RxNorm", label), {}
    for row in tables.piped(conso, CONSO_CELLS):
        if row[_SOURCE] != "RXNORM" or row[_KIND] not in kinds:
            continue
        if row[_SUPPRESSED] in _SHOWN:
            found.names[row[_CODE]] = row[_NAME]
            if row[_KIND] == "IN":
                found.levels[row[_CODE]] = INGREDIENT
            kind_of[row[_CODE]] = row[_KIND]
        else:
            found.n_excluded["suppressed"] += 1
    return found, kind_of


def read_ndc(path: str | Path) -> dict[str, str]:
    """Return the RxNorm code of each national drug code (NDC) that RXNSAT gives.

    Hospital tables name products by NDC; with these codes they become RxNorm's.

    Raises
    ------
    DataError
        No RXNSAT.RRF, or a row of another layout.
    """
    tables = Tables(path)
    rows = tables.piped(tables.only(r"RXNSAT\.RRF", "RXNSAT.RRF"), _SAT_CELLS)
    return {
        row[10]: row[0]
        for row in rows
        if row[8] == "NDC" and row[9] == "RXNORM" and row[11] in _SHOWN
    }


def _above(tables: Tables) -> Ancestors:
    parents: dict[str, list[str]] = {}
    for name in tables.find(r"RXNREL\.RRF")[:1]:
        for row in tables.piped(name, _REL_CELLS):
            one, other, relation = row[0], row[4], row[7]
            if relation in _UPWARDS and one and other and row[14] in _SHOWN:
                parents.setdefault(other, []).append(one)
    return Ancestors(parents)


def _kept(code: str, above: Ancestors, kept: Collection[str]) -> tuple[str, ...]:
    """Return the nearest ancestors that are concepts, through those that are none."""
    found = {each for each in above(code) if each in kept}
    over = {each for parent in found for each in above(parent)}
    return tuple(each for each in above(code) if each in found - over)


def _merge(found: Gathered, kind_of: dict[str, str]) -> None:
    """Make brands and salts of one ingredient names of it."""
    for code, kind in kind_of.items():
        ingredient = _ingredient(code, found, kind_of)
        if kind in _NAMED and kind_of[ingredient] == "IN":
            found.synonyms[ingredient] += [found.names.pop(code), *found.synonyms.pop(code, ())]
            found.n_excluded["brands and salts named under their ingredient"] += 1


def _ingredient(code: str, found: Gathered, kind_of: dict[str, str]) -> str:
    """Return where the only way up from a brand or a salt leads."""
    seen: set[str] = set()
    while kind_of[code] in _NAMED and len(found.parents[code]) == 1 and code not in seen:
        seen.add(code)
        code = found.parents[code][0]
    return code
