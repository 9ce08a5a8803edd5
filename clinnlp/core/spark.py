"""Spark, where it is installed: its functions, a session, and what its workers said.

Nothing here imports pyspark before it is called. A session is the one that is active, or one as
``spark-submit``, ``spark-defaults.conf`` and the environment say: all cores of this machine where
they say nothing.
"""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clinnlp.core import errors
from clinnlp.core.errors import ClinnlpError, MissingExtra, RunError, instead_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = [
    "spark_class",
    "spark_functions",
    "spark_said",
    "spark_sentence",
    "spark_session",
    "worker_path",
]

_PARTS = {  # of files on one machine: more than cores and alike, as notes take longer than files
    "spark.sql.files.openCostInBytes": str(64 << 10),
    "spark.sql.files.maxPartitionBytes": str(8 << 20),
}
_OURS = re.compile(r"clinnlp\.core\.errors\.(\w+): (.+)")
_CLASS = re.compile(r"\[([A-Z][A-Z0-9_.]+)\]")
_MISSING = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")


def spark_functions() -> Any:
    """Return ``pyspark.sql.functions``.

    Raises
    ------
    MissingExtra
        pyspark is not installed.
    """
    with instead_of(ImportError, MissingExtra("pyspark", extra="spark")):
        from pyspark.sql import functions
    return functions


@contextmanager
def spark_session() -> "Iterator[SparkSession]":
    """Give the active session, or one that ends with the ``with`` statement.

    Raises
    ------
    MissingExtra
        pyspark is not installed.
    """
    with instead_of(ImportError, MissingExtra("pyspark", extra="spark")):
        from pyspark.sql import SparkSession
    active = SparkSession.getActiveSession()
    if active is not None:
        yield active
        return
    made = SparkSession.builder.appName("clinnlp").getOrCreate()
    context = made.sparkContext
    if context.master.startswith("local"):
        if "PYSPARK_PYTHON" not in os.environ:  # this library's Python, not whatever is python3
            said = context.getConf().get("spark.pyspark.python")
            context.pythonExec = said or sys.executable  # pyspark itself reads the first alone
        for name, value in _PARTS.items():
            if not context.getConf().contains(name):  # what was said stands
                made.conf.set(name, value)
    try:
        yield made
    finally:
        made.stop()


def spark_said(error: Exception) -> ClinnlpError:
    """Return what a worker or Spark said as one sentence, without its stack and without rows.

    Examples
    --------
    >>> said = "Traceback ...\\nclinnlp.core.errors.StoreError: m: a model folder must be there"
    >>> spark_said(Exception(said))
    StoreError('m: a model folder must be there')
    >>> spark_said(ValueError("[DIVIDE_BY_ZERO] of 17"))
    RunError('Spark must end its job, got ValueError (DIVIDE_BY_ZERO)')
    >>> spark_said(Exception("ModuleNotFoundError: No module named 'pyarrow'"))
    RunError("the workers' Python must have 'pyarrow', got none: name it by PYSPARK_PYTHON")
    """
    text = str(error)
    ours = _OURS.search(text)
    if ours is not None:
        kind = getattr(errors, ours[1], RunError)
        return kind(ours[2].strip()) if kind is not MissingExtra else RunError(ours[2].strip())
    missing = _MISSING.search(text)
    if missing is not None:
        return RunError(
            f"the workers' Python must have {missing[1]!r}, got none: name it by PYSPARK_PYTHON"
        )
    return RunError(f"Spark must end its job, got {spark_class(error)}")


@contextmanager
def spark_sentence() -> Iterator[None]:
    """Say what Spark raises in the ``with`` statement as one sentence; all else passes.

    Examples
    --------
    >>> with spark_sentence():
    ...     raise ValueError("not of Spark")
    Traceback (most recent call last):
    ValueError: not of Spark
    """
    with instead_of(Exception, _said_if_of_spark):
        yield


def _said_if_of_spark(error: Exception) -> Exception:
    return spark_said(error) if type(error).__module__.startswith(("pyspark", "py4j")) else error


def spark_class(error: Exception) -> str:
    """Return the kind of an error of Spark, and what Spark calls its cause.

    Examples
    --------
    >>> spark_class(ValueError("[PATH_NOT_FOUND] Path does not exist"))
    'ValueError (PATH_NOT_FOUND)'
    """
    named = _CLASS.search(str(error))
    return f"{type(error).__name__} ({named[1]})" if named else type(error).__name__


def worker_path(path: str) -> str:
    """Return a path as a worker sees it: as it is, or in what was shipped with ``--archives``.

    Examples
    --------
    >>> worker_path("/models/ner")
    '/models/ner'
    """
    if Path(path).is_absolute() or Path(path).exists():
        return path
    with instead_of(ImportError, MissingExtra("pyspark", extra="spark")):
        from pyspark import SparkFiles
    root = SparkFiles._root_directory  # set in workers; asking for it elsewhere needs a context
    shipped = Path(root) / path if root else Path(path)
    return str(shipped) if shipped.exists() else path
