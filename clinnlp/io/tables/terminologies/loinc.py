"""LOINC: observations (Loinc.csv) and, where it is there, the hierarchy of their components.

References
----------
Regenstrief Institute, LOINC Users' Guide, appendix A (structure of the LOINC table).
"""

from pathlib import Path

from clinnlp.core.vocab import Vocabulary
from clinnlp.io.tables.terminologies.names import Gathered
from clinnlp.io.tables.terminologies.tables import Tables

__all__ = ["LOINC_COLUMNS", "LOINC_FILE", "read_loinc"]

LOINC_FILE = r"Loinc(?:TableCore)?\.csv"
LOINC_COLUMNS = ("LOINC_NUM", "LONG_COMMON_NAME", "STATUS")
_OTHER_NAMES = ("SHORTNAME", "CONSUMER_NAME", "DisplayName")
_HIERARCHY = r"(?:ComponentHierarchyBySystem|MultiAxialHierarchy)\.csv"
_LEFT_OUT = ("DEPRECATED",)


def read_loinc(path: str | Path, *, label: str = "Test") -> Vocabulary:
    """Return the observations of LOINC by their number; deprecated ones are left out and counted.

    The preferred name is the long common name; short, consumer and display names are synonyms.
    Parts of the hierarchy (LP numbers) are concepts too, and stand above the observations. Words
    that are only related (RELATEDNAMES2) are no names.

    Each file is read once, row by row; the names stay in memory, about 400 bytes each.

    Parameters
    ----------
    path : str or Path
        The folder or zip file of a release, or Loinc.csv alone.
    label : str
        Label of every concept.

    Raises
    ------
    DataError
        No Loinc.csv, a missing column, or a broken row.
    """
    tables = Tables(path)
    found = Gathered("LOINC", label)
    # Releases hold the whole table and its core, and the core in several folders
    name = next(iter(tables.find(r"Loinc\.csv")), None) or tables.main(LOINC_FILE, "Loinc.csv")
    for row in tables.commas(name, LOINC_COLUMNS, optional=_OTHER_NAMES):
        code, said, status, *others = row
        if status in _LEFT_OUT:
            found.n_excluded[status.lower()] += 1
        elif code and said:
            found.names[code] = said
            found.synonyms[code] = others
    _add_parts(tables, found)
    return found.vocabulary()


def _add_parts(tables: Tables, found: Gathered) -> None:
    for file in tables.find(_HIERARCHY)[:1]:
        for parent, code, name in tables.commas(file, ("IMMEDIATE_PARENT", "CODE", "CODE_TEXT")):
            if code.startswith("LP") and name:
                found.names.setdefault(code, name)
            if parent:
                found.parents[code].append(parent)
