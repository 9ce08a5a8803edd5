"""What a test of a stream starts and kills: python -m tests.stream_program IN OUT COUNTS FILES.

Extracts what has arrived, FILES files in a batch, and adds each batch to counts that it keeps; ends
when all is read and counted.
"""

import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from clinnlp.io.tables.basket_blocks import basket_blocks
from clinnlp.mine.signals.running import RunningCounts
from clinnlp.study.pipeline import pipeline
from clinnlp.study.spark_stream import stream_spark

DRUGS = ("aspirin", "warfarin", "heparin", "digoxin", "lisinopril", "metformin", "insulin")
EVENTS = ("nausea", "rash", "syncope", "bleeding", "cough", "headache", "tremor")
WORDS = [
    {"code": name, "name": name, "label": label}
    for label, names in (("Drug", DRUGS), ("Problem", EVENTS))
    for name in names
]
KINDS = {"Drug": "drug", "Problem": "outcome"}


def nlp():
    return pipeline(vocabulary=WORDS)


def count(out, path):
    """Add the batches that are done to the counts in a file; of a note the last batch counts."""
    counts = RunningCounts.load(path) if path.exists() else RunningCounts(unit="note")
    final = [f.name for f in (out / "checkpoint" / "commits").glob("[0-9]*")]
    names = [f"batch={number}" for number in sorted(map(int, final))]
    if {*names} <= {*counts.batches}:
        return
    held = {name: rows_of(out / "batches" / name) for name in names}
    for k, name in enumerate(names):
        fresh, is_new = {row["note"] for row in held[name]}, name not in counts.batches
        for before in names[:k]:
            left = [row for row in held[before] if row["note"] not in fresh]
            if is_new and len(left) < len(held[before]):  # what of it was counted goes
                counts = changed(counts, held[before], before, [])
                counts = changed(counts, None, before, left)
            held[before] = left
        if is_new:
            counts = changed(counts, None, name, held[name])
            counts.save(path)  # a kill before costs this batch alone


def changed(counts, before, name, rows):
    """Return the counts without some rows of a batch, or with others."""
    for given, how in ((before, counts.minus), (rows, counts.plus)):
        if given:
            with baskets_of(given) as made:
                return how(made, batch=name)
    return counts


def rows_of(folder):
    """Return a row for each mention of a batch, and one for each note."""
    table = pq.read_table(folder, columns=["note", "text", "label"]).to_pylist()
    return [
        {"note": r["note"], "code": r["text"] and r["text"].lower(), "kind": KINDS.get(r["label"])}
        for r in table
    ]


class baskets_of:
    """Give the baskets of some rows, a note each."""

    def __init__(self, rows):
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name, "rows.parquet")
        kinds = pa.schema([(name, pa.string()) for name in ("note", "code", "kind")])
        pq.write_table(pa.Table.from_pylist(rows, schema=kinds), path)
        self.made = basket_blocks(path, unit="note")

    def __enter__(self):
        return self.made.__enter__()

    def __exit__(self, *error):
        self.made.__exit__(*error)
        self.folder.cleanup()


def main(arriving, out, counts, files):
    from pyspark.sql import SparkSession

    options = {
        "ui.enabled": "false", "driver.bindAddress": "127.0.0.1", "driver.host": "127.0.0.1",
        "sql.shuffle.partitions": "2",
    }  # fmt: skip
    builder = SparkSession.builder.master("local[2]")
    for key, value in options.items():
        builder = builder.config(f"spark.{key}", value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    read = session.readStream.schema("id string, text string").option("maxFilesPerTrigger", files)
    query = stream_spark(read.json(arriving), out, pipeline_of=nlp, once=True)
    while query.isActive:
        count(Path(out), Path(counts))
        time.sleep(0.05)
    query.awaitTermination()
    count(Path(out), Path(counts))
    session.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
