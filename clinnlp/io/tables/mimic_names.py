"""What the codes of MIMIC mean: its tables D_ICD_DIAGNOSES, D_ICD_PROCEDURES and D_LABITEMS.

=========================================  ===================================================
columns                                    concepts
=========================================  ===================================================
icd_code, icd_version, long_title (IV)     ``ICD9CM`` or ``ICD10CM``, of procedures ``ICD9PROC`` or
                                           ``ICD10PCS``, with the codes of the events
icd9_code, short_title, long_title (III)   ``ICD9CM``, of procedures ``ICD9PROC``
itemid, label                              of laboratories, as their source writes them
=========================================  ===================================================

A code that both versions have, such as E030, is that of ICD-10; that of ICD-9 is ``ICD9CM:E030``.

References
----------
https://mimic.mit.edu/docs/iv/modules/hosp/
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from clinnlp.core.vocab import Concept, Vocabulary
from clinnlp.io.tables.cells import by_name_if_there, plain_name

__all__ = ["is_mimic_names", "read_mimic_names"]

_LAYOUTS = (
    {"icd_code", "icd_version", "long_title"},
    {"icd9_code", "long_title", "short_title"},
    {"itemid", "label", "fluid", "category"},
)
_COLUMNS = ("icd_code", "icd_version", "icd9_code", "long_title", "short_title", "itemid", "label")
_SYSTEMS = {
    ("Problem", "9"): "ICD9CM",
    ("Problem", "10"): "ICD10CM",
    ("Procedure", "9"): "ICD9PROC",
    ("Procedure", "10"): "ICD10PCS",
}


def is_mimic_names(columns: Collection[str]) -> bool:
    """Return whether columns are those of a table of names."""
    there = set(map(plain_name, columns))
    return any(layout <= there for layout in _LAYOUTS)


def read_mimic_names(path: str | Path) -> Vocabulary:
    """Return the names of codes of diagnoses, procedures or laboratory items.

    Raises
    ------
    DataError
        A row that is broken.
    """
    path = Path(path)
    concepts: dict[str, Concept] = {}
    for concept in sorted(_concepts(path), key=_is_of_icd9):  # stable: as in the file
        code = concept.code
        if code in concepts and concepts[code].system != concept.system:
            code = f"{concept.system}:{code}"
        if code not in concepts:
            concepts[code] = Concept(
                code=code,
                name=concept.name,
                system=concept.system,
                synonyms=concept.synonyms,
                label=concept.label,
            )
    return Vocabulary(concepts.values())


def _is_of_icd9(concept: Concept) -> bool:
    return concept.system.startswith("ICD9")


def _concepts(path: Path) -> Iterator[Concept]:
    coded = "Procedure" if "procedure" in path.name.lower() else "Problem"
    for _, row in by_name_if_there(path, _COLUMNS, needed=()):
        code = _first(row, "icd_code", "icd9_code", "itemid")
        name, short = _first(row, "long_title", "label"), _first(row, "short_title")
        if code and name:
            yield Concept(
                code=code,
                name=name,
                system=_system(row, coded),
                synonyms=tuple({short} - {"", name}),
                label="Test" if row["itemid"] else coded,
            )


def _first(row: Mapping[str, str | None], *columns: str) -> str:
    return next((row[column] or "" for column in columns if row[column]), "").strip()


def _system(row: Mapping[str, str | None], coded: str) -> str:
    if row["itemid"]:
        return "MIMIC lab"
    version = "9" if row["icd9_code"] else _first(row, "icd_version")
    return _SYSTEMS.get((coded, version), f"ICD {version}")
