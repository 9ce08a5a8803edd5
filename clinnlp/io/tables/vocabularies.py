"""Vocabularies in the layouts of their publishers: DrugBank, ICD-10-CM, the OMOP vocabularies.

RxNorm, UMLS, SNOMED CT, MeSH, LOINC and ATC are read by `clinnlp.io.terminologies`.

============  ==================================================================================
layout        recognised by
============  ==================================================================================
DrugBank      a CSV with the columns ``DrugBank ID``, ``Common name`` and ``Synonyms``
ICD-10-CM     a CSV with the columns ``code``, ``short`` and ``long``
OMOP          a folder with ``CONCEPT.csv`` and, where there are synonyms, ``CONCEPT_SYNONYM.csv``,
              separated by tabs and without quotes, as Athena gives them
============  ==================================================================================

Any other table is read by its column names (`read_vocabulary`): ``name``, and where they are
there ``code`` (the folded name where absent), ``system``, ``synonyms`` and ``parents`` (codes one
step above; both separated by ``|``) and ``label``.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from clinnlp.core.checks import check_file
from clinnlp.core.errors import ArgumentError, DataError, located
from clinnlp.core.vocab import Concept, Vocabulary, fold
from clinnlp.io.files.lines import read_lines
from clinnlp.io.tables.cells import text_of
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

_COLUMNS = ("code", "system", "name", "synonyms", "label", "parents")
_DRUGBANK = ("DrugBank ID", "Common name", "Synonyms")
_ICD10CM = ("code", "short", "long")
_CONCEPT = ("concept_id", "concept_name", "domain_id", "vocabulary_id", "standard_concept",
            "invalid_reason")  # fmt: skip
_SYNONYM = ("concept_id", "concept_synonym_name")
_LABELS = {"Drug": "Drug", "Condition": "Problem"}


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
        return read_vocabulary(path)


def read_vocabulary(path: str | Path, *, label: str | None = None, **columns: str) -> Vocabulary:
    """Return the concepts in a CSV, TSV or Parquet file.

    Parameters
    ----------
    path : str or Path
    label : str, optional
        Label of every concept; else the column ``label``, else ``"Term"``.
    **columns : str
        Which column is ``name``, ``code``, ``system``, ``synonyms``; absent: those called so.

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

    A code stands under the longest other one that it begins with.
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
            synonyms=others(long, [short]),
            label=label,
            parents=tuple(code[:n] for n in range(len(code) - 1, 0, -1) if code[:n] in titles)[:1],
        )
        for code, (short, long) in titles.items()
    )


def read_omop_concepts(
    folder: str | Path,
    *,
    vocabularies: Collection[str] | None = None,
    domains: Collection[str] | None = None,
    standard: bool = False,
) -> Vocabulary:
    """Return concepts of the OMOP vocabularies; the code is the concept id.

    The label is the domain, but ``Problem`` for conditions. Concepts that are no longer valid
    are left out.

    Parameters
    ----------
    folder : str or Path
        Holds ``CONCEPT.csv`` and perhaps ``CONCEPT_SYNONYM.csv``.
    vocabularies, domains : collection of str, optional
        Such as ``["RxNorm"]`` and ``["Drug"]``; absent: all.
    standard : bool
        Whether to keep standard concepts only.

    References
    ----------
    https://ohdsi.github.io/CommonDataModel/cdm54.html#CONCEPT
    """
    folder = Path(folder)
    kept: dict[str, tuple[str, str, str]] = {}
    for _, row in _tabbed(_table(folder, "CONCEPT"), _CONCEPT):
        code, name, domain, vocabulary, is_standard, invalid = row
        wanted = _is_among(vocabulary, vocabularies) and _is_among(domain, domains)
        if wanted and name and not invalid and (is_standard == "S" or not standard):
            kept[code] = (name, vocabulary, domain)
    synonyms = _synonyms(folder, kept)
    return Vocabulary(
        Concept(
            code=code,
            name=name,
            system=system,
            synonyms=others(name, synonyms.get(code, ())),
            label=_LABELS.get(domain, domain or "Term"),
        )
        for code, (name, system, domain) in kept.items()
    )


def _is_among(word: str, words: Collection[str] | None) -> bool:
    return words is None or word in words


def _synonyms(folder: Path, kept: Collection[str]) -> dict[str, list[str]]:
    """Return the synonyms of the concepts kept, by code; none where that table is not there."""
    found: dict[str, list[str]] = defaultdict(list)
    if _has(folder, "CONCEPT_SYNONYM"):
        for _, (code, name) in _tabbed(_table(folder, "CONCEPT_SYNONYM"), _SYNONYM):
            if code in kept:
                found[code].append(name)
    return found


def _has(folder: Path, name: str) -> bool:
    return any((folder / form).is_file() for form in (f"{name}.csv", f"{name.lower()}.csv"))


def _table(folder: Path, name: str) -> Path:
    lower = folder / f"{name.lower()}.csv"
    return check_file(lower if lower.is_file() else folder / f"{name}.csv")


def _tabbed(path: Path, wanted: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the wanted columns of a table separated by tabs, where quotes are characters."""
    where: list[int] = []
    n = 0
    for line, text in read_lines(path):
        cells = text.rstrip("\r\n").split("\t")
        if not where:
            where, n = _positions(cells, wanted, path, line), len(cells)
        elif len(cells) == n:
            yield line, [cells[i] for i in where]
        elif text.strip():
            raise DataError(f"a row must have {n} cells, got {len(cells)}", path=path, line=line)


def _positions(cells: list[str], wanted: Sequence[str], path: Path, line: int) -> list[int]:
    """Return where in a header the wanted columns stand."""
    names = [cell.lower() for cell in cells]
    missing = [name for name in wanted if name not in names]
    if missing:
        raise DataError(
            f"a table separated by tabs must have the columns {', '.join(wanted)}, "
            f"{', '.join(missing)} is missing",
            path=path,
            line=line,
        )
    return [names.index(name) for name in wanted]


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
    )
