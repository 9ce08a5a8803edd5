"""The OMOP vocabularies: concepts and their names, what stands above them, what maps to what.

=====================  ========================================================================
table                  read as
=====================  ========================================================================
CONCEPT                concepts; the code is the concept id
CONCEPT_SYNONYM        their synonyms, where it is there
CONCEPT_ANCESTOR       `read_omop_parents`: the concepts one step above each
CONCEPT_RELATIONSHIP   `read_omop_mappings`: such as the standard concepts of each
=====================  ========================================================================

A table is a file of its name, in any case: separated by tabs and without quotes, as Athena gives
it, or by commas with quotes, as databases export it, packed or not; or Parquet. Columns may be in
any case. Concept 0, "No matching concept", is none, and concepts that are no longer valid are left
out.

References
----------
https://ohdsi.github.io/CommonDataModel/cdm54.html#vocabulary_tables
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from clinnlp.core.checks import check_file
from clinnlp.core.vocab import INGREDIENT, Concept, Vocabulary
from clinnlp.io.files.lines import read_lines
from clinnlp.io.tables.cells import table_path
from clinnlp.io.tables.omop_rows import NO_CONCEPT, whole
from clinnlp.io.tables.rows import table_form
from clinnlp.io.tables.terminologies.names import others
from clinnlp.io.tables.text_batches import TextBatch, tabbed_batches, text_batches

__all__ = ["read_omop_concepts", "read_omop_mappings", "read_omop_names", "read_omop_parents"]

_CONCEPT = ("concept_id", "concept_name", "domain_id", "vocabulary_id", "standard_concept",
            "invalid_reason", "concept_class_id")  # fmt: skip
_SYNONYM = ("concept_id", "concept_synonym_name")
_ANCESTOR = ("descendant_concept_id", "ancestor_concept_id", "min_levels_of_separation")
_RELATION = ("concept_id_1", "concept_id_2", "relationship_id", "invalid_reason")
_LABELS = {"Drug": "Drug", "Condition": "Problem"}
_LEVELS = {"Ingredient": INGREDIENT}  # by class

Cells = tuple[str | None, ...]


def read_omop_concepts(
    folder: str | Path,
    *,
    vocabularies: Collection[str] | None = None,
    domains: Collection[str] | None = None,
    standard: bool = False,
) -> Vocabulary:
    """Return concepts of the OMOP vocabularies; the code is the concept id, the system ``OMOP``.

    The label is the domain, but ``Problem`` for conditions. Concepts that are no longer valid
    are left out and counted, and so is 0, which stands for no concept.

    Parameters
    ----------
    folder : str or Path
        Holds ``CONCEPT`` and perhaps ``CONCEPT_SYNONYM`` and ``CONCEPT_ANCESTOR``, which gives the
        parents of each concept.
    vocabularies, domains : collection of str, optional
        Such as ``["RxNorm"]`` and ``["Drug"]``; absent: all.
    standard : bool
        Whether to keep standard concepts only.

    Raises
    ------
    DataError
        No table CONCEPT, a column that is missing, or a broken row.
    """
    folder = Path(folder)
    kept: dict[str, tuple[str, str, str]] = {}
    n_excluded: Counter[str] = Counter()
    for code, name, domain, vocabulary, is_standard, invalid, sort in _rows(
        folder, "CONCEPT", _CONCEPT
    ):
        wanted = _is_among(vocabulary, vocabularies) and _is_among(domain, domains)
        if code is None or code in NO_CONCEPT:
            n_excluded["no matching concept (0)"] += 1
        elif name is None or invalid:
            n_excluded["no longer valid" if invalid else "without a name"] += 1
        elif wanted and (is_standard == "S" or not standard):
            kept[code] = (name, domain or "", _LEVELS.get(sort or "", ""))
    synonyms, parents = _synonyms(folder, kept), _parents(folder, kept)
    concepts = (
        Concept(
            code=code,
            name=name,
            system="OMOP",  # a concept id is no code of RxNorm or SNOMED CT
            synonyms=others(name, synonyms.get(code, ())),
            label=_LABELS.get(domain, domain or "Term"),
            parents=parents.get(code, ()),
            level=level,
        )
        for code, (name, domain, level) in kept.items()
    )
    return Vocabulary(concepts, n_excluded=n_excluded)


def read_omop_names(folder: str | Path, *, among: Collection[str]) -> dict[str, str]:
    """Return the names of some concepts, those that are no longer valid too; none without CONCEPT.

    Parameters
    ----------
    folder : str or Path
    among : collection of str
        The concepts to ask about.

    Raises
    ------
    DataError
        A column that is missing, or a broken row.
    """
    if table_path(Path(folder), "CONCEPT") is None:
        return {}
    rows = _rows(Path(folder), "CONCEPT", _CONCEPT[:2])
    return {code: name for code, name in rows if code in among and code and name}


def read_omop_parents(
    folder: str | Path, *, among: Collection[str] | None = None
) -> dict[str, tuple[str, ...]]:
    """Return the concepts that stand one step above each, of CONCEPT_ANCESTOR.

    Parameters
    ----------
    folder : str or Path
    among : collection of str, optional
        The concepts to ask about; absent: all.

    Raises
    ------
    DataError
        No such table, a column that is missing, or a broken row.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for code, above, steps in _rows(Path(folder), "CONCEPT_ANCESTOR", _ANCESTOR):
        if code and above and whole(steps) == "1" and (among is None or code in among):
            found[code].append(above)
    return {code: tuple(above) for code, above in found.items()}


def read_omop_mappings(
    folder: str | Path, *, relationship: str = "Maps to", among: Collection[str] | None = None
) -> dict[str, tuple[str, ...]]:
    """Return the concepts to which each has a relationship that is valid, of CONCEPT_RELATIONSHIP.

    Parameters
    ----------
    folder : str or Path
    relationship : str
        ``"Maps to"`` leads from the concept of a source, such as a code of ICD-10-CM, to the
        standard ones.
    among : collection of str, optional
        The concepts to ask about; absent: all.

    Raises
    ------
    DataError
        No such table, a column that is missing, or a broken row.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for code, other, kind, invalid in _rows(Path(folder), "CONCEPT_RELATIONSHIP", _RELATION):
        wanted = kind == relationship and not invalid and other not in NO_CONCEPT
        if code and other and wanted and (among is None or code in among):
            found[code].append(other)
    return {code: tuple(others) for code, others in found.items()}


def _is_among(word: str | None, words: Collection[str] | None) -> bool:
    return words is None or word in words


def _synonyms(folder: Path, kept: Collection[str]) -> dict[str, list[str]]:
    """Return the synonyms of the concepts kept, by code; none where that table is not there."""
    found: dict[str, list[str]] = defaultdict(list)
    there = table_path(folder, "CONCEPT_SYNONYM") is not None
    for code, name in _rows(folder, "CONCEPT_SYNONYM", _SYNONYM) if there else ():
        if code and name and code in kept:
            found[code].append(name)
    return found


def _parents(folder: Path, kept: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return the concepts one step above those kept, none where that table is not there."""
    if table_path(folder, "CONCEPT_ANCESTOR") is None:
        return {}
    above = read_omop_parents(folder, among=kept)
    return {code: tuple(p for p in parents if p in kept) for code, parents in above.items()}


def _rows(folder: Path, name: str, wanted: Sequence[str]) -> Iterator[Cells]:
    """Yield some columns of each row of a table, ids without a point."""
    for batch in _batches(check_file(table_path(folder, name) or folder / f"{name}.csv"), wanted):
        columns = [batch.text(column).to_pylist() for column in wanted]
        for k, column in enumerate(wanted):
            if column.startswith(("concept_id", "ancestor", "descendant")):
                columns[k] = [whole(cell) for cell in columns[k]]
        yield from zip(*columns, strict=True)


def _batches(path: Path, wanted: Sequence[str]) -> Iterator[TextBatch]:
    needed = wanted[:2]
    if table_form(path) != "parquet" and "\t" in next((line for _, line in read_lines(path)), ""):
        return tabbed_batches(path, wanted, needed=needed)
    return text_batches(path, wanted, needed=needed)
