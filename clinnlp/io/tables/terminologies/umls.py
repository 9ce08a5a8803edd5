"""The UMLS Metathesaurus in Rich Release Format: MRCONSO (names), MRSTY (types), MRREL (relations).

In MRREL the second concept of a row is what its relation says of the first: ``PAR`` its parent, and
the first with ``isa`` of a row read the other way (``CHD``) its child.

References
----------
National Library of Medicine, UMLS Reference Manual, chapter 3, Metathesaurus - Rich Release Format.
"""

from collections.abc import Collection
from pathlib import Path

from clinnlp.core.vocab import Vocabulary
from clinnlp.io.tables.terminologies.names import Gathered
from clinnlp.io.tables.terminologies.rxnorm import CONSO_CELLS
from clinnlp.io.tables.terminologies.tables import Tables

__all__ = ["UMLS_LANGUAGES", "read_umls"]

UMLS_LANGUAGES = {"de": "GER", "en": "ENG", "es": "SPA", "fr": "FRE", "it": "ITA", "nl": "DUT",
                  "pt": "POR"}  # fmt: skip
_REL_CELLS, _STY_CELLS = 16, 6
_CODE, _LANGUAGE, _STATUS, _FORM, _IS_FIRST, _SOURCE, _NAME, _SUPPRESSED = 0, 1, 2, 4, 6, 11, 14, 16
_SHOWN = ("N", "")
_LABELS = {
    **dict.fromkeys(("T019", "T020", "T033", "T037", "T046", "T047", "T048", "T049", "T050",
                     "T184", "T190", "T191"), "Problem"),
    **dict.fromkeys(("T109", "T116", "T121", "T125", "T127", "T129", "T195", "T200"), "Drug"),
}  # by semantic type  # fmt: skip


def read_umls(
    path: str | Path,
    *,
    sources: Collection[str] | None = None,
    types: Collection[str] | None = None,
    language: str = "en",
) -> Vocabulary:
    """Return concepts of the UMLS with their names in one language; the code is the CUI.

    The preferred name is the Metathesaurus' own where it is of the sources asked for, else the
    first. The label is ``Problem`` or ``Drug`` by semantic type, else the name of the type.
    Suppressed names are left out and counted.

    Each file is read once, row by row; the names that are kept stay in memory, about 400 bytes
    each: ask for sources and types where all are too many.

    Parameters
    ----------
    path : str or Path
        A folder or zip file with MRCONSO.RRF and, where wanted, MRSTY.RRF (labels, `types`) and
        MRREL.RRF (parents); or MRCONSO.RRF alone.
    sources : collection of str, optional
        Such as ``["SNOMEDCT_US", "RXNORM"]``; absent: all.
    types : collection of str, optional
        Semantic types, such as ``["T047"]``; absent: all.
    language : str
        Two letters, or the three of the UMLS.

    Raises
    ------
    DataError
        No MRCONSO.RRF, or a row of another layout.
    """
    tables = Tables(path)
    names = tables.main(r"MRCONSO\.RRF", "MRCONSO.RRF")
    found = Gathered("UMLS", "Term")
    wanted = _typed(tables, found, types)
    tongue = UMLS_LANGUAGES.get(language, language)
    preferred: set[str] = set()
    for row in tables.piped(names, CONSO_CELLS):
        asked = wanted is None or row[_CODE] in wanted
        if row[_LANGUAGE] != tongue or not (asked and row[_SOURCE] in (sources or (row[_SOURCE],))):
            continue
        if row[_SUPPRESSED] in _SHOWN:
            _add_name(found, row, preferred)
        else:
            found.n_excluded["suppressed"] += 1
    _add_parents(tables, found)
    return found.vocabulary()


def _add_name(found: Gathered, row: list[str], preferred: set[str]) -> None:
    """Take a name as the preferred one where it is, or where it is the first."""
    code, name = row[_CODE], row[_NAME]
    found.synonyms[code].append(name)
    is_preferred = (row[_STATUS], row[_FORM], row[_IS_FIRST]) == ("P", "PF", "Y")
    if is_preferred and code not in preferred:
        preferred.add(code)
        found.names[code] = name
    found.names.setdefault(code, name)


def _typed(tables: Tables, found: Gathered, types: Collection[str] | None) -> set[str] | None:
    """Give labels by semantic type; return the concepts of the types asked for, None for all."""
    wanted: set[str] = set()
    if types is not None:
        tables.only(r"MRSTY\.RRF", "MRSTY.RRF for types")
    for name in tables.find(r"MRSTY\.RRF")[:1]:
        for row in tables.piped(name, _STY_CELLS):
            code, kind, said = row[0], row[1], row[3]
            if types is None or kind in types:
                wanted.add(code)
                label = _LABELS.get(kind, said)
                if found.labels.setdefault(code, label) not in _LABELS.values():
                    found.labels[code] = label
    return None if types is None else wanted


def _add_parents(tables: Tables, found: Gathered) -> None:
    for name in tables.find(r"MRREL\.RRF")[:1]:
        for row in tables.piped(name, _REL_CELLS):
            child, relation, parent, said = row[0], row[3], row[4], row[7]
            if relation == "CHD" and said == "isa":
                child, parent = parent, child
            elif relation != "PAR":
                continue
            if child in found.names and row[14] in _SHOWN:
                found.parents[child].append(parent)
