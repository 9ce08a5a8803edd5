"""Which record of patients a folder of tables is: MIMIC-IV, MIMIC-III or OMOP.

To add a source, write its file beside this one and its line in `_SOURCES`: every command that
takes a folder of tables then takes it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from clinnlp.core.errors import DataError
from clinnlp.io.record.mimic import is_mimic3, stream_mimic3
from clinnlp.io.record.mimic4 import is_mimic4, stream_mimic4
from clinnlp.io.record.omop import STAYS, is_omop, stream_omop
from clinnlp.io.record.record_folder import RecordFolder

__all__ = ["RecordSource", "record_source", "stream_record"]


class RecordSource(NamedTuple):
    """A kind of folder: its name, how it is known and read, and kinds of its visits that are stays.

    Of a source whose encounters are all stays, `stays` is None. Where `shifted`, the times of each
    patient were moved by days of their own, so that no day is the last of all.
    """

    name: str
    fits: Callable[[Path], bool]
    stream: Callable[[Path], RecordFolder]
    stays: tuple[str, ...] | None = None
    shifted: bool = False


# the first that fits has it: what MIMIC-III needs, MIMIC-IV has too
_SOURCES = (
    RecordSource("MIMIC-IV", is_mimic4, stream_mimic4, shifted=True),
    RecordSource("MIMIC-III", is_mimic3, stream_mimic3, shifted=True),
    RecordSource("OMOP", is_omop, stream_omop, STAYS),
)


def record_source(folder: str | Path) -> RecordSource | None:
    """Return which record a folder holds, or None where it is none that is known."""
    return next((source for source in _SOURCES if source.fits(Path(folder))), None)


def stream_record(folder: str | Path) -> RecordFolder:
    """Return patients and stays of a folder, and its events in parts.

    Parameters
    ----------
    folder : path
        Of MIMIC-IV, MIMIC-III or OMOP tables.

    Returns
    -------
    RecordFolder
        Each ``iter()`` reads the events anew, as parts of an `EventTable`; ``timelines()`` holds
        them all. ``n_excluded`` says what of the last pass does not count, and why.

    Raises
    ------
    DataError
        The folder holds no record that is known, or a table that is broken.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> _ = Path(folder.name, "PERSON.csv").write_text("person_id\\n1\\n")
    >>> drugs = "person_id,drug_concept_id,drug_exposure_start_date\\n1,1125315,2024-01-02\\n"
    >>> _ = Path(folder.name, "DRUG_EXPOSURE.csv").write_text(drugs + "1,0,\\n")
    >>> record = stream_record(folder.name)
    >>> [part["code"].tolist() for part in record], record.n_excluded
    ([['1125315']], {'drug_exposure without a code': 1})
    >>> folder.cleanup()
    """
    source = record_source(folder)
    if source is None:
        names = ", ".join(known.name for known in _SOURCES)
        raise DataError(f"a folder must hold the tables of one of {names}, got none", path=folder)
    return source.stream(Path(folder))
