"""What Spark says becomes one sentence; paths are those of who looks."""

import subprocess
import sys

import pytest

from clinnlp.core.errors import ArgumentError, MissingExtra, RunError, StoreError
from clinnlp.core.spark import (
    spark_functions,
    spark_said,
    spark_sentence,
    spark_session,
    worker_path,
)

STACK = """An exception was thrown from the Python worker.
Traceback (most recent call last):
  File "pyspark/worker.py", line 3, in main
    process("Jane Doe")
clinnlp.core.errors.{}

\tat org.apache.spark.api.python
"""


def test_what_a_worker_said_of_ours_is_said_again():
    for line, kind in (
        ("StoreError: m: a folder must be there, got none", StoreError),
        ("ArgumentError: x must be 1, got 2", ArgumentError),
        ("MissingExtra: the package 'a' is needed", RunError),
    ):
        error = spark_said(Exception(STACK.format(line)))
        assert type(error) is kind
        assert str(error) == line.partition(": ")[2]


def test_what_spark_said_itself_is_named_and_not_quoted():
    error = spark_said(ValueError("[CAST_INVALID_INPUT] The value 'Jane Doe' cannot be cast"))
    assert isinstance(error, RunError)
    assert str(error) == "Spark must end its job, got ValueError (CAST_INVALID_INPUT)"


def test_workers_without_a_package_are_told_apart():
    error = spark_said(Exception("...\nModuleNotFoundError: No module named 'pyarrow'\n..."))
    said = "the workers' Python must have 'pyarrow', got none: name it by PYSPARK_PYTHON"
    assert str(error) == said


@pytest.mark.slow
@pytest.mark.parametrize("said", ["", "--conf spark.pyspark.python=/opt/other/python"])
def test_workers_run_the_python_that_was_said_or_else_this_one(said, monkeypatch):
    pytest.importorskip("pyspark")
    code = (
        "from clinnlp.core.spark import spark_session\n"
        "with spark_session() as session:\n"
        "    print(session.sparkContext.pythonExec)"
    )
    monkeypatch.delenv("PYSPARK_PYTHON", raising=False)
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", f"--master local[1] {said} pyspark-shell")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (said.partition("=")[2] or sys.executable)


def test_errors_of_spark_alone_become_a_sentence():
    errors = pytest.importorskip("pyspark.errors", reason="pyspark is not installed")
    said = "Spark must end its job, got AnalysisException"
    with pytest.raises(RunError, match=said), spark_sentence():
        raise errors.AnalysisException("the value 'Jane Doe'")
    with pytest.raises(KeyError), spark_sentence():
        raise KeyError("x")


def test_without_pyspark_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(MissingExtra, match=r"clinnlp\[spark\]"):
        spark_functions()
    with pytest.raises(MissingExtra, match=r"clinnlp\[spark\]"), spark_session():
        pass


def test_a_path_that_is_there_stays_and_one_that_was_shipped_is_found(tmp_path, monkeypatch):
    (tmp_path / "shipped" / "model").mkdir(parents=True)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path)
    files = pytest.importorskip("pyspark", reason="pyspark is not installed").SparkFiles
    monkeypatch.setattr(files, "_root_directory", str(tmp_path / "shipped"))
    assert worker_path("here") == "here"
    assert worker_path("model") == str(tmp_path / "shipped" / "model")
    assert worker_path("default") == "default"
    assert worker_path("/shared/model") == "/shared/model"


def test_nothing_of_spark_is_imported_unless_asked_for():
    code = (
        "import sys, clinnlp.cli.notes, clinnlp.study.mine_flow, clinnlp.study.spark_stream\n"
        "print(sorted({'pyspark', 'py4j', 'duckdb', 'kafka'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_what_was_said_of_parts_of_files_stands(monkeypatch):
    pytest.importorskip("pyspark")
    code = (
        "from clinnlp.core.spark import spark_session\n"
        "with spark_session() as session:\n"
        "    for name in ('maxPartitionBytes', 'openCostInBytes'):\n"
        "        print(session.conf.get(f'spark.sql.files.{name}'))"
    )
    said = "--master local[1] --conf spark.sql.files.maxPartitionBytes=123456 pyspark-shell"
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", said)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["123456", "65536"]
