"""What a test of a cluster gives to Spark: python -m tests.spark_program MASTER NOTES OUT MARKS."""

import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from clinnlp.core.pipeline import Pipeline
from clinnlp.study.pipeline import pipeline
from clinnlp.study.spark_extract import extract_spark, spark_notes

WORDS = [{"code": "d1", "name": "aspirin", "label": "Drug"}]


@dataclass
class Slow:
    """Take a while, and say that work is going on."""

    marks: str

    def __call__(self, note):
        time.sleep(0.2)
        (Path(self.marks) / note.id).touch()
        return note


def slow(marks):
    return Pipeline([Slow(marks), *pipeline(vocabulary=WORDS).pipes])


def main(master, notes, out, marks):
    from pyspark.sql import SparkSession

    options = {
        "ui.enabled": "false", "driver.bindAddress": "127.0.0.1", "driver.host": "127.0.0.1",
        "executor.memory": "512m", "executorEnv.PYTHONPATH": str(Path(__file__).parents[1]),
        "pyspark.python": sys.executable,
    }  # fmt: skip
    builder = SparkSession.builder.master(master)
    for key, value in options.items():
        builder = builder.config(f"spark.{key}", value)
    session = builder.getOrCreate()
    frame = spark_notes(session, notes, "jsonl").repartition(8)
    sys.stdout.write(f"{extract_spark(frame, pipeline_of=partial(slow, marks)).write(out)}\n")
    session.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
