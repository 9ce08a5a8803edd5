"""Which terminology a file or folder is, told by its layout."""

import re
from collections.abc import Callable
from pathlib import Path

from clinnlp.core.vocab import Vocabulary
from clinnlp.io.files.packing import plain_name
from clinnlp.io.tables.rows import column_names
from clinnlp.io.tables.terminologies.atc import atc_columns, read_atc
from clinnlp.io.tables.terminologies.loinc import LOINC_COLUMNS, LOINC_FILE, read_loinc
from clinnlp.io.tables.terminologies.mesh import MESH_FILE, read_mesh
from clinnlp.io.tables.terminologies.rxnorm import CONSO_CELLS, DRUG_KINDS, read_rxnorm
from clinnlp.io.tables.terminologies.snomed import CONCEPT_FILE, read_snomed
from clinnlp.io.tables.terminologies.tables import Tables
from clinnlp.io.tables.terminologies.umls import read_umls

__all__ = ["terminology_of"]

_CUI = re.compile(r"C\d{7}")
_RXNORM = r"RXNCONSO\.RRF"
_FILES: tuple[tuple[str, Callable[[Path, str], Vocabulary]], ...] = (
    (r"MRCONSO\.RRF", lambda path, language: read_umls(path, language=language)),
    (CONCEPT_FILE, lambda path, language: read_snomed(path, language=language)),
    (LOINC_FILE, lambda path, _: read_loinc(path)),
    (MESH_FILE, lambda path, _: read_mesh(path)),
)
_TABLES = (".csv", ".tsv", ".parquet")


def terminology_of(
    path: str | Path, *, language: str = "en", products: bool = False
) -> Vocabulary | None:
    """Return the terminology in a file, folder or zip file; None where no layout fits.

    Parameters
    ----------
    path : str or Path
        RxNorm, UMLS, SNOMED CT, LOINC or MeSH by the names of the files, MeSH also by what the
        file begins with; LOINC and ATC by the columns of a table.
    language : str
        Of the terms, where there are several: SNOMED CT and UMLS.
    products : bool
        Whether brands, salts and products of RxNorm are concepts under their ingredients, as
        ancestors need it, and not names of them.

    Raises
    ------
    DataError
        The layout is known, and a row is broken.
    """
    path = Path(path)
    tables = Tables(path)
    if tables.find(_RXNORM):
        return _rxnorm(path, products=products)
    for pattern, read in _FILES:
        if tables.find(pattern):
            return read(path, language)
    if path.is_dir() or path.suffix.lower() == ".zip":
        return None
    return _by_content(path, tables, language, products=products)


def _rxnorm(path: Path, *, products: bool) -> Vocabulary:
    if products:
        return read_rxnorm(path, kinds=DRUG_KINDS, to_ingredients=False)
    return read_rxnorm(path)


def _by_content(path: Path, tables: Tables, language: str, *, products: bool) -> Vocabulary | None:
    """Return what a single file of another name holds."""
    if plain_name(path).endswith(_TABLES):
        names = column_names(path)
        if set(LOINC_COLUMNS) <= set(names):
            return read_loinc(path)
        return read_atc(path) if atc_columns(names) else None
    first = next((line for _, line in tables.lines(path.name)), "")
    if first.startswith(("<", "*NEWRECORD")):
        return read_mesh(path)
    if first.count("|") == CONSO_CELLS:
        is_umls = _CUI.fullmatch(first.partition("|")[0])
        return read_umls(path, language=language) if is_umls else _rxnorm(path, products=products)
    return None
