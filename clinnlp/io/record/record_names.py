"""What the codes of a record are called, by the tables of names in its own folder.

=========  ==========================================================================
record     tables
=========  ==========================================================================
OMOP       CONCEPT
MIMIC      D_ICD_DIAGNOSES, D_ICD_PROCEDURES and D_LABITEMS, in the folder or in hosp
=========  ==========================================================================

A table that is not there names nothing. Of CONCEPT, which may have millions of rows, those alone
are kept that are asked for.
"""

from collections.abc import Collection
from pathlib import Path

from clinnlp.io.record.mimic_rows import mimic_path
from clinnlp.io.tables.mimic_names import read_mimic_names
from clinnlp.io.tables.omop_concepts import read_omop_names

__all__ = ["record_names"]

_MIMIC = ("d_icd_procedures", "d_labitems", "d_icd_diagnoses")  # where two share a code, the last


def record_names(folder: str | Path, codes: Collection[str]) -> dict[str, str]:
    """Return the names of some codes of a record.

    Parameters
    ----------
    folder : path
        Of MIMIC or OMOP tables.
    codes : collection of str

    Raises
    ------
    DataError
        A table of names that is broken.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> rows = "concept_id,concept_name\\n1112807,aspirin\\n1125315,acetaminophen\\n"
    >>> _ = Path(folder.name, "CONCEPT.csv").write_text(rows)
    >>> record_names(folder.name, {"1112807"})
    {'1112807': 'aspirin'}
    >>> folder.cleanup()
    """
    folder, wanted = Path(folder), frozenset(codes)
    found = read_omop_names(folder, among=wanted)
    for name in _MIMIC:
        path = mimic_path(folder, name)
        if path is not None:
            named = read_mimic_names(path)
            found |= {one.code: one.name for one in named if one.code in wanted}
    return found
