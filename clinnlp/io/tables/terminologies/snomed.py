"""SNOMED CT as a release in format RF2, its snapshot: the files as they stand at its date.

================  ==============================================================================
file              what is taken
================  ==============================================================================
Concept           active concepts
Description       their active terms in one language, fully specified names apart
Language refset   which of these terms is preferred in a dialect
Relationship      active ``is a``
================  ==============================================================================

References
----------
SNOMED International, Release File Specifications, sections 4.2 (core components) and 5.2
(language reference set); https://confluence.ihtsdotools.org/display/DOCRELFMT
"""

import re
from collections.abc import Iterator
from pathlib import Path

from clinnlp.core.errors import DataError
from clinnlp.core.vocab import Vocabulary
from clinnlp.io.tables.terminologies.names import Gathered
from clinnlp.io.tables.terminologies.tables import Tables

__all__ = ["CONCEPT_FILE", "read_snomed"]

CONCEPT_FILE = r"x?sct2_Concept_\w*Snapshot\w*\.txt"
_DESCRIPTIONS = r"x?sct2_Description_\w*Snapshot[\w-]*\.txt"
_REFSETS = r"x?der2_cRefset_Language\w*Snapshot[\w-]*\.txt"
_RELATIONS = r"x?sct2_Relationship_\w*Snapshot\w*\.txt"
_IS_A, _FULL_NAME, _PREFERRED = "116680003", "900000000000003001", "900000000000548007"
_DIALECTS = ("900000000000509007", "900000000000508004")  # of the United States, of Great Britain
_TAG = re.compile(r"\s*\(([^()]+)\)$")
_LABELS = {
    **dict.fromkeys(("disorder", "finding"), "Problem"),
    **dict.fromkeys(("substance", "product", "medicinal product", "medicinal product form",
                     "clinical drug"), "Drug"),
    **dict.fromkeys(("procedure", "regime/therapy"), "Procedure"),
}  # fmt: skip


def read_snomed(
    path: str | Path, *, language: str = "en", dialect: str | None = None
) -> Vocabulary:
    """Return the active concepts of SNOMED CT with their terms in one language.

    The preferred name is the term that the dialect prefers, else the fully specified name without
    its tag. The label is ``Problem``, ``Drug`` or ``Procedure`` by that tag, else the tag.
    Inactive concepts are left out and counted, as are those without a term in the language.

    Each file is read once, row by row; the terms stay in memory, about 400 bytes each.

    Parameters
    ----------
    path : str or Path
        Folder or zip file of a release; an extension alone has the terms of its own concepts.
    language : str
        Two letters, as the descriptions say.
    dialect : str, optional
        Id of a language reference set; absent: English of the United States, then of Great
        Britain, then any.

    Raises
    ------
    DataError
        Not a release, a missing column, or no term in the language.
    """
    tables = Tables(path)
    found, active = Gathered("SNOMED CT", "Term"), set()
    for name in _some(tables, CONCEPT_FILE, "sct2_Concept_Snapshot"):
        for code, flag in tables.tabbed(name, ("id", "active")):
            if flag == "1":
                active.add(code)
            else:
                found.n_excluded["inactive"] += 1
    best = _preferred(tables, dialect)
    terms, rank, full = _terms(tables, active, language, best)
    for code, tagged in full.items():
        tag = _TAG.search(tagged)
        plain = tagged[: tag.start()] if tag else tagged
        found.names[code] = terms[code].pop(0) if code in rank else plain
        found.synonyms[code] = [*terms.pop(code, ()), plain]
        if tag:
            found.labels[code] = _LABELS.get(tag[1], tag[1].capitalize())
    for code, said in terms.items():
        found.names.setdefault(code, said[0])
        found.synonyms.setdefault(code, said[1:])
    found.n_excluded["no term in the language"] = len(active) - len(found.names)
    _add_parents(tables, found)
    return found.vocabulary()


def _terms(
    tables: Tables, active: set[str], language: str, best: dict[str, int]
) -> tuple[dict[str, list[str]], dict[str, int], dict[str, str]]:
    """Return terms by concept, the preferred first; its rank where there is one; full names."""
    terms: dict[str, list[str]] = {}
    rank: dict[str, int] = {}
    full: dict[str, str] = {}
    for number, code, kind, term in _descriptions(tables, active, language):
        if kind == _FULL_NAME:
            full[code] = term
        elif number in best and best[number] < rank.get(code, len(best) + 1):
            rank[code] = best[number]
            terms.setdefault(code, []).insert(0, term)
        else:
            terms.setdefault(code, []).append(term)
    return terms, rank, full


def _descriptions(tables: Tables, active: set[str], language: str) -> Iterator[list[str]]:
    """Yield id, concept, type and term of the active descriptions in a language.

    Raises
    ------
    DataError
        There are none, but of other languages.
    """
    n, others = 0, set()
    columns = ("id", "conceptId", "typeId", "term", "active", "languageCode")
    for name in _some(tables, _DESCRIPTIONS, "sct2_Description_Snapshot"):
        for *described, flag, tongue in tables.tabbed(name, columns):
            if tongue != language:
                others.add(tongue)
            elif flag == "1" and described[1] in active:
                n += 1
                yield described
    if not n:
        said = f"terms must be in the language asked for ({language})"
        raise DataError(f"{said}, got {', '.join(sorted(others)) or 'none'}", path=tables.path)


def _preferred(tables: Tables, dialect: str | None) -> dict[str, int]:
    """Return the terms that dialects prefer, with the rank of the dialect: 0 goes first."""
    order = {dialect: 0} if dialect else {name: rank for rank, name in enumerate(_DIALECTS)}
    best: dict[str, int] = {}
    columns = ("active", "refsetId", "referencedComponentId", "acceptabilityId")
    for name in tables.find(_REFSETS):
        for flag, refset, term, how in tables.tabbed(name, columns):
            if flag == "1" and how == _PREFERRED and (dialect is None or refset == dialect):
                rank = order.get(refset, len(_DIALECTS))
                best[term] = min(rank, best.get(term, rank))
    return best


def _add_parents(tables: Tables, found: Gathered) -> None:
    columns = ("active", "sourceId", "destinationId", "typeId")
    for name in tables.find(_RELATIONS):
        for flag, child, parent, kind in tables.tabbed(name, columns):
            if flag == "1" and kind == _IS_A and child in found.names:
                found.parents[child].append(parent)


def _some(tables: Tables, pattern: str, what: str) -> list[str]:
    files = tables.find(pattern)
    if not files:
        raise DataError(f"a release of SNOMED CT must hold a file {what}, got none",
                        path=tables.path)  # fmt: skip
    return files
