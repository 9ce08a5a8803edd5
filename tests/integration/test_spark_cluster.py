"""A real standalone master with two workers: rows are those of one machine, executors may die."""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from clinnlp.cli import main
from clinnlp.core.notes import Note
from clinnlp.io.notes.corpora import write_notes
from clinnlp.io.tables.mentions import read_entity_table
from clinnlp.study.extract import extract
from clinnlp.study.pipeline import pipeline
from tests.spark_program import WORDS

ROOT = Path(__file__).parents[2]
PORT = 17077
MASTER = f"spark://127.0.0.1:{PORT}"
_DEPLOY = "org.apache.spark.deploy"


def wait_for(what, seconds=900):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "took too long"
        time.sleep(0.5)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Start a master and two workers of one core each, and end what was started."""
    folder = tmp_path_factory.mktemp("cluster")
    home = Path(pytest.importorskip("pyspark", reason="pyspark is not installed").__file__).parent
    environ = {
        **os.environ,
        "SPARK_HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_WORKER_DIR": str(folder / "work"),
        "SPARK_DAEMON_MEMORY": "256m",
    }
    words = [["master.Master", "--host", "127.0.0.1", "--port", str(PORT), "--webui-port", "0"]]
    words += [["worker.Worker", "--host", "127.0.0.1", "--cores", "1", "--memory", "700m",
               "--webui-port", "0", MASTER]] * 2  # fmt: skip
    with ExitStack() as stack:
        logs = [stack.enter_context(open(folder / f"daemon-{k}.log", "wb")) for k in range(3)]
        for (kind, *rest), log in zip(words, logs, strict=True):
            command = [str(home / "bin" / "spark-class"), f"{_DEPLOY}.{kind}", *rest]
            daemon = subprocess.Popen(
                command, env=environ, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
            stack.callback(end, daemon)

        def said(k, what):
            return what in (folder / f"daemon-{k}.log").read_text(errors="replace")

        wait_for(lambda: all(said(k, "registered with master") for k in (1, 2)))
        yield environ


def end(daemon):
    """End a daemon, and the executors that it has started."""
    os.killpg(daemon.pid, signal.SIGKILL)
    daemon.wait()


def executors(folder):
    """Return the processes of executors that work in a folder of workers."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
            inside = (path / "cwd").readlink().is_relative_to(folder)
        except OSError:
            continue
        if inside and any(b"CoarseGrainedExecutorBackend" in word for word in words):
            found.append(int(path.name))
    return found


def rows(path):
    return sorted(map(repr, read_entity_table(path).to_arrow().to_pylist()))


@pytest.mark.long
def test_two_workers_one_of_which_is_killed_give_the_rows_of_one_machine(cluster, tmp_path):
    notes = [Note(id=f"n{k}", text=f"Took aspirin {k} mg. No rash.") for k in range(80)]
    write_notes(notes, tmp_path / "notes.jsonl")
    (tmp_path / "marks").mkdir()
    words = [MASTER, *(str(tmp_path / name) for name in ("notes.jsonl", "found", "marks"))]
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.spark_program", *words], env=cluster, cwd=ROOT,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        wait_for(lambda: any((tmp_path / "marks").iterdir()) or program.poll() is not None)
        running = executors(Path(cluster["SPARK_WORKER_DIR"]))
        assert len(running) == 2
        os.kill(running[0], signal.SIGKILL)
        told, _ = program.communicate(timeout=900)
    finally:
        program.kill()
        program.wait()
    assert told.strip() == "notes 80, rows 80"
    extract(notes, pipeline(vocabulary=WORDS), tmp_path / "local.parquet", progress=False)
    assert rows(tmp_path / "found" / "mentions") == rows(tmp_path / "local.parquet")


@pytest.mark.long
def test_the_command_runs_on_the_cluster_that_spark_submit_names(cluster, tmp_path):
    notes = [Note(id=f"n{k}", text=f"Took aspirin {k} mg.", patient=f"p{k}") for k in range(30)]
    write_notes(notes, tmp_path / "notes.jsonl")
    (tmp_path / "words.csv").write_text("code,name\nd1,aspirin\n")
    submit = Path(cluster["SPARK_HOME"]) / "bin" / "spark-submit"
    options = ("executor.memory=512m", "ui.enabled=false", "driver.host=127.0.0.1")
    tell = ["--master", MASTER, *(word for o in options for word in ("--conf", f"spark.{o}"))]
    names = ("notes.jsonl", "found", "words.csv", "local.parquet")
    source, found, words, here = (str(tmp_path / name) for name in names)
    command = ["extract", source, found, "--engine", "spark", "--vocabulary", words]
    (tmp_path / "command.py").write_text("from clinnlp.cli import main\nraise SystemExit(main())\n")
    done = subprocess.run(
        [str(submit), *tell, str(tmp_path / "command.py"), *command], env=cluster,
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert "notes 30, rows 30" in done.stdout
    assert main(["extract", source, here, "--vocabulary", words]) == 0
    assert rows(tmp_path / "found" / "mentions") == rows(tmp_path / "local.parquet")
