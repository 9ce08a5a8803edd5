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

    Of a source whose encounters are all stays, `stays` is None.
    """

    name: str
    fits: Callable[[Path], bool]
    stream: Callable[[Path], RecordFolder]
    stays: tuple[str, ...] | None = None


# the first that fits has it: what MIMIC-III needs, MIMIC-IV has too
_SOURCES = (
    RecordSource("MIMIC-IV", is_mimic4, stream_mimic4),
    RecordSource("MIMIC-III", is_mimic3, stream_mimic3),
    RecordSource("OMOP", is_omop, stream_omop, STAYS),
)


def record_source(folder: str | Path) -> RecordSource | None:
    """Return which record a folder holds, or None where it is none that is known."""
    return next((source for source in _SOURCES if source.fits(Path(folder))), None)


def stream_record(folder: str | Path) -> RecordFolder:
    """Return patients and stays of a folder, and its events in parts.

    Raises
    ------
    DataError
        The folder holds no record that is known, or a table that is broken.
    """
    source = record_source(folder)
    if source is None:
        names = ", ".join(known.name for known in _SOURCES)
        raise DataError(f"a folder must hold the tables of one of {names}, got none", path=folder)
    return source.stream(Path(folder))
