"""Baskets to mine that are not read into memory: in blocks on the disk, or on Spark.

The source is a long table in Parquet: a row for each item of each basket. Items are taken as they
are written; what needs whole baskets, or mentions, is refused by name.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import MISSING, fields
from typing import Any

from clinnlp.core.config import mapping_of
from clinnlp.core.errors import ArgumentError, DataError, instead_of
from clinnlp.core.spark import spark_class, spark_sentence, spark_session
from clinnlp.features.baskets import EVENT_KINDS
from clinnlp.io.tables.basket_blocks import basket_blocks
from clinnlp.mine.sets.spark_baskets import StoredBaskets, spark_baskets
from clinnlp.study.settings import MineSettings

__all__ = ["STORED_LACK", "stored_baskets"]

STORED_LACK = (
    "The baskets were not read into memory: items are those of the table as they are written "
    "(spellings are not joined, drugs not turned into generic names), interactions are not "
    "adjusted for other drugs and conditions, and there is no evidence behind a row."
)
_GOES = frozenset(  # settings that may be said; others are of baskets in memory
    {
        *("engine", "unit", "columns", "min_count", "max_len", "min_margin", "alpha", "level"),
        *("drug_kind", "outcome_kind", "prior", "verdicts", "fold_terms", "generic", "adjust"),
    }
)
_COLUMNS = ("patient", "encounter", "note", "code", "kind")


@contextmanager
def stored_baskets(source: str, settings: MineSettings) -> Iterator[StoredBaskets]:
    """Give the baskets of a table where `settings.engine` says.

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
    columns: dict[str, Any] = {
        "unit": named.get(settings.unit, settings.unit),
        "item": named.get("code", "code"),
        "kind": named.get("kind", "kind"),
        "kinds": tuple(dict.fromkeys((*EVENT_KINDS, settings.drug_kind, settings.outcome_kind))),
    }
    if settings.engine == "disk":
        with basket_blocks(source, **columns) as blocks:
            yield blocks
        return
    with spark_session() as session:
        said = "a table of Parquet must be there, and Spark able to read it, got {}"
        with instead_of(Exception, lambda e: DataError(said.format(spark_class(e)), path=source)):
            frame = session.read.parquet(source)
        with spark_sentence(), spark_baskets(frame, **columns) as held:
            yield held


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
