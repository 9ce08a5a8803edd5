"""Vocabularies in the layouts of their publishers: DrugBank, ICD-10-CM, MIMIC, OMOP.

RxNorm, UMLS, SNOMED CT, MeSH, LOINC and ATC are read by `clinnlp.io.terminologies`.

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
step above; both separated by ``|``), ``label`` and ``match`` (``always``: the names of the concept
are found anywhere, also where they are doubtful names of a large list).
"""

from collections.abc import Mapping
from pathlib import Path

from clinnlp.core.errors import ArgumentError, DataError, located
from clinnlp.core.vocab import Concept, Vocabulary, fold
from clinnlp.io.tables.cells import text_of
from clinnlp.io.tables.mimic_names import is_mimic_names, read_mimic_names
from clinnlp.io.tables.omop_concepts import read_omop_concepts
from clinnlp.io.tables.rows import column_names, read_rows
from clinnlp.io.terminologies.layouts import terminology_of
from clinnlp.io.terminologies.names import others

__all__ = [
    "read_any_vocabulary",
    "read_drugbank",
    "read_icd10cm",
    "read_omop_concepts",
    "read_vocabulary",
]

_COLUMNS = ("code", "system", "name", "synonyms", "label", "parents", "match")
ALWAYS = "always"
_DRUGBANK = ("DrugBank ID", "Common name", "Synonyms")
_ICD10CM = ("code", "short", "long")
_POISONING = "Poisoning"


def read_any_vocabulary(path: str | Path, *, language: str = "en") -> Vocabulary:
    """Return the vocabulary in a file or folder, whichever layout it has.

    Parameters
    ----------
    path : str or Path
    language : str
        Of the names, where a terminology has them in several.

    Raises
    ------
    DataError
        No layout fits, or a row is broken.
    """
    path = Path(path)
    with located(path):
        known = terminology_of(path, language=language)
        if known is not None:
            return known
        if path.is_dir():
            return read_omop_concepts(path)
    names = column_names(path)
    with located(path):
        if set(_DRUGBANK) <= set(names):
            return read_drugbank(path)
        if set(_ICD10CM) <= set(names):
            return read_icd10cm(path)
        if is_mimic_names(names):
            return read_mimic_names(path)
        return read_vocabulary(path)


def read_vocabulary(path: str | Path, *, label: str | None = None, **columns: str) -> Vocabulary:
    """Return the concepts in a CSV, TSV or Parquet file.

    Parameters
    ----------
    path : str or Path
    label : str, optional
        Label of every concept; else the column ``label``, else ``"Term"``.
    **columns : str
        Which column is ``name``, ``code``, ``system``, ``synonyms``, ``match``; absent: those
        called so.

    Raises
    ------
    DataError
        No column of names, an empty name, or a code that stands there twice.
    """
    path = Path(path)
    unknown = sorted(set(columns) - set(_COLUMNS))
    if unknown:
        raise ArgumentError(
            f"columns of a vocabulary are {', '.join(_COLUMNS)}, got {', '.join(unknown)}"
        )
    names = column_names(path)
    named = {field: columns.get(field, field) for field in _COLUMNS}
    wanted = [f for f in _COLUMNS if f in columns or f == "name" or named[f] in names]
    concepts: list[Concept] = []
    codes: set[str] = set()
    for line, row in read_rows(path, [named[field] for field in wanted]):
        values = {field: text_of(value) for field, value in zip(wanted, row, strict=True)}
        concepts.append(_concept(values, label, path, line))
        if concepts[-1].code in codes:
            raise DataError("codes of a vocabulary must be unique", path=path, line=line)
        codes.add(concepts[-1].code)
    return Vocabulary(concepts)


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


def _is_of_drug(short: str, long: str) -> bool:
    return long.startswith(_POISONING) and not short.startswith(_POISONING)


def _concept(values: Mapping[str, str | None], label: str | None, path: Path, line: int) -> Concept:
    name = (values["name"] or "").strip()
    if not name:
        raise DataError("each concept must have a name, got an empty one", path=path, line=line)
    synonyms = (s.strip() for s in (values.get("synonyms") or "").split("|"))
    return Concept(
        code=values.get("code") or fold(name),
        name=name,
        system=values.get("system") or "",
        synonyms=tuple(s for s in synonyms if s),
        label=label or values.get("label") or "Term",
        parents=tuple(p for p in map(str.strip, (values.get("parents") or "").split("|")) if p),
        always=_is_always(values.get("match"), path, line),
    )


def _is_always(match: str | None, path: Path, line: int) -> bool:
    if match not in (None, "", ALWAYS):
        raise DataError(
            f"match of a concept must be {ALWAYS} or empty, got another word", path=path, line=line
        )
    return match == ALWAYS
