"""ATC: the codes of the Anatomical Therapeutic Chemical classification with their names.

A code of five levels says what stands above it: C10AA05, C10AA, C10A, C10, C.

References
----------
WHO Collaborating Centre for Drug Statistics Methodology, ATC: structure and principles.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from clinnlp.core.errors import DataError
from clinnlp.core.vocab import INGREDIENT, Vocabulary
from clinnlp.io.tables.rows import column_names, read_rows
from clinnlp.io.tables.terminologies.names import Gathered

__all__ = ["atc_columns", "read_atc"]

_CODES = ("atc code", "atc_code", "atccode", "atc")
_NAMES = ("atc level name", "atc_level_name", "atc name", "atc_name", "name")
_FORM = re.compile(r"[A-Z](?:\d\d(?:[A-Z](?:[A-Z](?:\d\d)?)?)?)?")
_LENGTHS = (5, 4, 3, 1)
_SUBSTANCE = 7  # length of a code of the fifth level


def atc_columns(names: Sequence[str]) -> tuple[str, str] | None:
    """Return the columns of code and name among those of a table; None where it is not of ATC.

    Examples
    --------
    >>> atc_columns(["ATC code", "ATC level name", "DDD"]), atc_columns(["code", "name"])
    (('ATC code', 'ATC level name'), None)
    """
    known = {name.strip().casefold(): name for name in names}
    code = next((known[name] for name in _CODES if name in known), None)
    name = next((known[name] for name in _NAMES if name in known), None)
    return (code, name) if code is not None and name is not None else None


def read_atc(
    path: str | Path, *, code: str | None = None, name: str | None = None, label: str = "Drug"
) -> Vocabulary:
    """Return the substances and groups of ATC, each under its group.

    A code may stand in several rows, one for each daily dose.

    Parameters
    ----------
    path : str or Path
        CSV, TSV or Parquet.
    code, name : str, optional
        Columns; absent: those called ``ATC code`` and ``ATC level name``, or nearly so.
    label : str
        Label of every concept.

    Raises
    ------
    DataError
        No such columns, or a code that is none of ATC.
    """
    path = Path(path)
    known = atc_columns(column_names(path)) or ("code", "name")
    found = Gathered("ATC", label)
    for line, row in read_rows(path, [code or known[0], name or known[1]]):
        number, said = (str(cell or "").strip() for cell in row)
        if not _FORM.fullmatch(number):
            form = "a code of ATC must be like C10AA05, got another form"
            raise DataError(form, path=path, line=line)
        if said:
            found.names.setdefault(number, said)
            found.synonyms[number].append(said)
            if len(number) == _SUBSTANCE:
                found.levels[number] = INGREDIENT
    for number in found.names:
        above = (number[:n] for n in _LENGTHS if n < len(number))
        found.parents[number] = [each for each in above if each in found.names][:1]
    return found.vocabulary()
