"""Baskets to mine that are not read into memory: in blocks on the disk, or on Spark.

The source is a long table: a row for each item of each basket. One that is no Parquet is written
as Parquet first, in the folder for temporary files. Items are called as those of baskets in memory;
what needs whole baskets, or mentions, is refused by name.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import MISSING, fields, replace
from itertools import chain
from pathlib import Path
from typing import Any

from clinnlp.core.checks import check_one_of
from clinnlp.core.config import mapping_of
from clinnlp.core.errors import ArgumentError, DataError, instead_of
from clinnlp.core.files import scratch_folder
from clinnlp.core.spark import spark_class, spark_sentence, spark_session
from clinnlp.features.baskets import EVENT_KINDS, UNITS
from clinnlp.io.files.packing import plain_name
from clinnlp.io.record.event_stream import stream_events
from clinnlp.io.tables.basket_blocks import basket_blocks
from clinnlp.io.tables.parquet import write_arrow
from clinnlp.mine.sets.spark_baskets import StoredBaskets, spark_baskets
from clinnlp.study.event_columns import Spelling, event_columns
from clinnlp.study.settings import MineSettings

__all__ = ["STORED_LACK", "stored_baskets"]

STORED_LACK = (
    "The baskets were not read into memory: interactions are not adjusted for other drugs and "
    "conditions, and there is no evidence behind a row."
)
_GOES = frozenset(  # settings that may be said; others are of baskets in memory
    {
        *("engine", "unit", "columns", "min_count", "max_len", "min_margin", "alpha", "level"),
        *("drug_kind", "outcome_kind", "prior", "verdicts", "fold_terms", "generic", "adjust"),
        "language",
    }
)
_COLUMNS = ("patient", "encounter", "note", "code", "kind")


@contextmanager
def stored_baskets(
    source: str, settings: MineSettings, spelling: Spelling | None = None
) -> Iterator[StoredBaskets]:
    """Give the baskets of a table where `settings.engine` says.

    Parameters
    ----------
    source : str
        Parquet (of Spark a URL too), or on this machine CSV or TSV.
    settings : MineSettings
    spelling : Spelling, optional
        Told how many spellings count as another one.

    Raises
    ------
    ArgumentError
        A setting of baskets in memory, or a column that the table has not.
    DataError
        The table is missing or cannot be read.
    MissingExtra
        pyspark is not installed.
    """
    _check(settings)
    named = mapping_of(settings.columns, "columns")
    unknown = sorted(set(named) - set(_COLUMNS))
    if unknown:
        raise ArgumentError(f"columns must be among {', '.join(_COLUMNS)}, got {unknown[0]}")
    if settings.engine == "disk" and not Path(source).exists():
        raise DataError("a table must be there, got none", path=source)
    columns: dict[str, Any] = {
        "unit": named.get(settings.unit, settings.unit),
        "item": named.get("code", "code"),
        "kind": named.get("kind", "kind"),
    }
    with ExitStack() as stack:
        if Path(source).is_file() and plain_name(source).endswith((".csv", ".tsv")):
            source = _in_parquet(source, settings, stack.enter_context(scratch_folder()))
            columns = {"unit": settings.unit, "item": "code", "kind": "kind"}
        kinds = dict.fromkeys((*EVENT_KINDS, settings.drug_kind, settings.outcome_kind))
        columns |= {"kinds": tuple(kinds), "spelled": spelling or Spelling(settings)}
        given = basket_blocks if settings.engine == "disk" else _on_spark
        sets = stack.enter_context(given(source, **columns))
        reasons = (f"no_{settings.unit}", "no_code", "kind")
        lost = dict(zip(reasons, sets.n_excluded.values(), strict=True))
        yield replace(sets, unit=settings.unit, n_excluded=lost)


@contextmanager
def _on_spark(source: str, **columns: Any) -> Iterator[StoredBaskets]:
    with spark_session() as session:
        said = "a table of Parquet must be there, and Spark able to read it, got {}"
        with instead_of(Exception, lambda e: DataError(said.format(spark_class(e)), path=source)):
            frame = session.read.parquet(source)
        with spark_sentence(), spark_baskets(frame, **columns) as held:
            yield held


def _in_parquet(source: str, settings: MineSettings, folder: Path) -> str:
    """Write the events of a table of text as Parquet into a folder, and return the file."""
    check_one_of(settings.unit, UNITS[1:], name="unit of events")
    wanted = dict.fromkeys((settings.unit, "code", "kind"))
    how: dict[str, Any] = event_columns(source, settings)
    events = iter(stream_events(source, **how))
    first = next((part for part in events if len(part)), None)
    if first is None:
        raise DataError("a table to mine must have rows, got none", path=source)
    parts = (part.to_arrow().select([*wanted]) for part in chain([first], events))
    write_arrow(parts, folder / "events.parquet", facts={})
    return str(folder / "events.parquet")


def _check(settings: MineSettings) -> None:
    said = [f.name for f in fields(settings) if f.name not in _GOES and _is_said(settings, f)]
    if settings.adjust:
        said.append("adjust")
    if settings.unit == "exposure":
        said.append("unit exposure")
    if said:
        raise ArgumentError(
            f"engine {settings.engine} mines a table as it is written, got {', '.join(said)}; "
            "leave it out, or mine in memory"
        )


def _is_said(settings: MineSettings, f: Any) -> bool:
    return f.default is not MISSING and getattr(settings, f.name) != f.default
