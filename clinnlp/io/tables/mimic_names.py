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

from collections.abc import Collection, Iterator
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
        version = "9" if row["icd9_code"] else (row["icd_version"] or "").strip()
        code = (row["icd_code"] or row["icd9_code"] or row["itemid"] or "").strip()
        name = (row["long_title"] or row["label"] or "").strip()
        short = (row["short_title"] or "").strip()
        item = row["itemid"] is not None
        if code and name:
            yield Concept(
                code=code,
                name=name,
                system="MIMIC lab" if item else _SYSTEMS.get((coded, version), f"ICD {version}"),
                synonyms=(short,) if short and short != name else (),
                label="Test" if item else coded,
            )
