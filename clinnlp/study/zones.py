"""Whether all times of the tables of a study say their zone, or none does.

A time without a zone counts as UTC beside one that has it, so that a local hour stands some hours
off: what happened after the index time may then be used. Only who keeps the tables knows which it
is, so it is told. A day without an hour needs no zone. The first rows of each table are looked at.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from clinnlp.core.errors import ClinnlpError
from clinnlp.core.times import is_day
from clinnlp.io.tables.columns import columns_named
from clinnlp.io.tables.dates import TimeReader, time_reader
from clinnlp.io.tables.rows import column_names, read_rows
from clinnlp.study.reading import TableReading

__all__ = ["zone_cautions"]

_ROWS = 500  # of a table that are looked at
_OF_OUTCOMES = ("index_time", "time", "follow_up_end", "death")
_OF_EVENTS = ("known", "start")


def zone_cautions(
    outcome: str | Path, events: str | Path | None, reading: TableReading
) -> tuple[str, ...]:
    """Return the caution about tables of which some times have a zone and others have none, if any.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with_zone, without = folder / "o.csv", folder / "e.csv"
    >>> _ = with_zone.write_text("patient,index_time\\np,2024-03-01T10:00+02:00\\n")
    >>> _ = without.write_text("patient,known,code\\np,2024-03-01T09:00,x\\n")
    >>> zone_cautions(with_zone, without, TableReading())[0][:63]
    'times of index_time have a zone and those of known of events ha'
    """
    tables: list[tuple[str | Path, Sequence[str], Mapping[str, str], str]] = [
        (outcome, _OF_OUTCOMES, reading.outcome_columns, "")
    ]
    if events is not None:
        tables.append((events, _OF_EVENTS, reading.columns, " of events"))
    found: dict[bool, list[str]] = {True: [], False: []}
    for path, wanted, given, where in tables:
        if Path(path).is_file():
            for name, zoned in _zones(path, wanted, given, reading):
                found[zoned].append(name + where)
    said = (
        f"times of {' and '.join(found[True])} have a zone and those of "
        f"{' and '.join(found[False])} have none: these were taken as UTC, so that hours may be "
        "wrong and what came after the index time used; give each time that has an hour its zone"
    )
    return (said,) * bool(found[True] and found[False])


def _zones(
    path: str | Path, wanted: Sequence[str], given: Mapping[str, str], reading: TableReading
) -> Iterator[tuple[str, bool]]:
    """Yield name of each column of times, and whether it has zones: twice where some cells have."""
    read = time_reader(reading.dialect)
    for name, cells in _columns(path, wanted, given, reading).items():
        kinds = {zoned for cell in cells if (zoned := _has_zone(cell, read)) is not None}
        yield from ((name, zoned) for zoned in sorted(kinds))


def _columns(
    path: str | Path, wanted: Sequence[str], given: Mapping[str, str], reading: TableReading
) -> dict[str, list[Any]]:
    """Return the first cells of the columns that a table has; none where it cannot be read."""
    try:
        named = columns_named(wanted, column_names(path, dialect=reading.dialect))
        named |= {name: given[name] for name in wanted if name in given}
        rows = read_rows(path, list(named.values()), dialect=reading.dialect, short=[])
        cells = [row for _, row in islice(rows, _ROWS) if row]
    except ClinnlpError:  # whoever reads it whole says so
        return {}
    return {name: [row[k] for row in cells] for k, name in enumerate(named)}


def _has_zone(cell: Any, read: TimeReader) -> bool | None:
    """Return whether a time has a zone; None of a day, and of what is no time."""
    if isinstance(cell, datetime):
        return cell.tzinfo is not None
    if not isinstance(cell, str) or is_day(cell):
        return None
    try:
        return read(cell).tzinfo is not None
    except ValueError:
        return None
