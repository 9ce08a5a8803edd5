"""Vocabularies in the layouts of their publishers: DrugBank, ICD-10-CM, MIMIC, OMOP.

RxNorm, UMLS, SNOMED CT, MeSH, LOINC and ATC are read by `clinnlp.io.tables.terminologies`.

============  ==================================================================================
layout        recognised by
============  ==================================================================================
DrugBank      a CSV with the columns ``DrugBank ID``, ``Common name`` and ``Synonyms``
ICD-10-CM     a CSV with the columns ``code``, ``short`` and ``long``
MIMIC         D_ICD_DIAGNOSES, D_ICD_PROCEDURES, D_LABITEMS (`io.tables.mimic_names`)
OMOP          a folder with ``CONCEPT`` and perhaps ``CONCEPT_SYNONYM`` (`io.tables.omop_concepts`)
============  ==================================================================================

Any other table is read by its column names (`read_vocabulary`): ``name``, and where they are
there ``code`` (the folded name where absent), ``system``, ``synonyms`` and ``parents`` (codes one
step above; both separated by ``|``), ``level`` (``ingredient``: salts, forms and products below
may count as it), ``label`` and ``match`` (``always``: the names of the concept are found anywhere,
also where they are doubtful names of a large list). A ``.txt`` has one name a line.
"""

from pathlib import Path

from clinnlp.core.errors import DataError, located
from clinnlp.core.vocab import Concept, Vocabulary
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.files.packing import plain_name
from clinnlp.io.tables.columns import column_summary
from clinnlp.io.tables.mimic_names import is_mimic_names, read_mimic_names
from clinnlp.io.tables.names_by_line import read_names
from clinnlp.io.tables.omop_concepts import read_omop_concepts
from clinnlp.io.tables.rows import column_names, read_rows
from clinnlp.io.tables.terminologies.layouts import terminology_of
from clinnlp.io.tables.terminologies.names import others
from clinnlp.io.tables.word_lists import check_fields, concepts_of, not_empty, wanted_columns

__all__ = [
    "read_any_vocabulary",
    "read_drugbank",
    "read_icd10cm",
    "read_omop_concepts",
    "read_vocabulary",
]

_DRUGBANK = ("DrugBank ID", "Common name", "Synonyms")
_ICD10CM = ("code", "short", "long")
_POISONING = "Poisoning"


def read_any_vocabulary(
    path: str | Path, *, language: str = "en", products: bool = False
) -> Vocabulary:
    """Return the vocabulary in a file or folder, whichever layout it has.

    Parameters
    ----------
    path : str or Path
    language : str
        Of the names, where a terminology has them in several.
    products : bool
        Whether brands, salts and products of RxNorm are concepts under their ingredients, as
        ancestors need it, and not names of them.

    Raises
    ------
    DataError
        No layout fits, or a row is broken.
    """
    path = Path(path)
    with located(path):
        known = terminology_of(path, language=language, products=products)
        if known is not None:
            return known
        if path.is_dir():
            return read_omop_concepts(path)
    if plain_name(path).endswith(".txt"):
        return read_names(path)
    names = column_names(path, dialect=Dialect(encoding=None))
    with located(path):
        if set(_DRUGBANK) <= set(names):
            return read_drugbank(path)
        if set(_ICD10CM) <= set(names):
            return read_icd10cm(path)
        if is_mimic_names(names):
            return read_mimic_names(path)
        return read_vocabulary(path)


def read_vocabulary(
    path: str | Path,
    *,
    label: str | None = None,
    label_column: str | None = None,
    dialect: Dialect | None = None,
    **columns: str,
) -> Vocabulary:
    r"""Return the concepts in a CSV, TSV or Parquet file.

    Rows of one code are one concept: a row may hold one synonym.

    Parameters
    ----------
    path : str or Path
    label : str, optional
        Label of every concept; else that of its row, else ``"Term"``.
    label_column : str, optional
        Which column holds the labels; absent: that called ``label``.
    dialect : Dialect, optional
        How text is written; absent: as found by looking.
    **columns : str
        Which column is ``name``, ``code``, ``system``, ``synonyms``, ``match``; absent: those
        called so.

    Returns
    -------
    Vocabulary
        In the order of the file.

    Raises
    ------
    DataError
        No column of names, no row, an empty name, or another system or label for the same code.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name, "words.csv")
    >>> _ = path.write_text("name,code,synonyms\naspirin,1191,ASA|acetylsalicylic acid\n")
    >>> read_vocabulary(path, label="Drug")["1191"].names
    ('aspirin', 'ASA', 'acetylsalicylic acid')
    >>> folder.cleanup()
    """
    path, dialect = Path(path), dialect or Dialect(encoding=None)
    check_fields(columns)
    columns |= {} if label_column is None else {"label": label_column}
    names = column_names(path, dialect=dialect)
    wanted = wanted_columns(names, columns)
    if "name" not in columns:
        _check_name(names, path)
    rows = read_rows(path, list(wanted.values()), dialect=dialect)
    named = (((path, line), dict(zip(wanted, row, strict=True))) for line, row in rows)
    return not_empty(Vocabulary(concepts_of(named, label)), path)


def read_drugbank(path: str | Path, *, label: str = "Drug") -> Vocabulary:
    """Return the drugs of the DrugBank open vocabulary with their synonyms.

    References
    ----------
    Wishart et al., Nucleic Acids Res 46(D1), 2018.
    """
    return Vocabulary(
        Concept(
            code=code,
            name=name,
            system="DrugBank",
            synonyms=others(name, synonyms.split(" | ")),
            label=label,
        )
        for _, (code, name, synonyms) in read_rows(path, _DRUGBANK)
    )


def read_icd10cm(path: str | Path, *, label: str = "Problem") -> Vocabulary:
    """Return the codes of ICD-10-CM: long titles, with the short ones as synonyms.

    A code stands under the longest other one that it begins with. The short title of a poisoning is
    none: it names but the drug ("Penicillins").
    """
    titles: dict[str, tuple[str, str]] = {}
    for line, (code, short, long) in read_rows(path, _ICD10CM):
        if code in titles:
            raise DataError("codes of a vocabulary must be unique", path=path, line=line)
        titles[code] = (short, long)
    return Vocabulary(
        Concept(
            code=code,
            name=long,
            system="ICD10CM",
            synonyms=() if _is_of_drug(short, long) else others(long, [short]),
            label=label,
            parents=tuple(code[:n] for n in range(len(code) - 1, 0, -1) if code[:n] in titles)[:1],
        )
        for code, (short, long) in titles.items()
    )


def _check_name(names: list[str], path: Path) -> None:
    if names and all(name.strip().casefold() != "name" for name in names):
        raise DataError(
            f"one column must be named 'name', got none; {column_summary(names)}; where the list "
            "has no header write one, else say which column it is "
            "(--vocabulary-columns name=COLUMN)",
            path=path,
        )


def _is_of_drug(short: str, long: str) -> bool:
    return long.startswith(_POISONING) and not short.startswith(_POISONING)
