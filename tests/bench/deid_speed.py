"""Speed of finding identifiers beside extraction: scripts/bench deid_speed --model FOLDER [--n N].

Words a second of one core's time, on notes of MTSamples with identifiers planted: the rules alone,
the rules with the tagger in a folder (one of `scripts/bench deid_tagger`), and extraction with the
model in the box. Each reads two notes first, so that nothing is made or loaded while it is timed.
"""

import argparse
import time

from clinnlp.bert.store import load
from clinnlp.core.notes import Note
from clinnlp.core.pipeline import Pipeline
from clinnlp.study.deidentify.tagged import TaggedIdentifiers
from clinnlp.study.pipeline import pipeline
from clinnlp.text.identifiers import Identifiers
from tests.bench import record
from tests.bench.deid import planted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="folder of a tagger of identifiers")
    parser.add_argument("--n", type=int, default=100, help="notes")
    args = parser.parse_args()
    notes = [Note(id=note.id, text=note.text) for note in planted()["build"][: args.n]]
    rules = Identifiers()
    pipes = {
        "rules": Pipeline([rules]),
        "rules and tagger": Pipeline([TaggedIdentifiers(rules, load(args.model))]),
        "extraction": pipeline("default"),
    }
    record(
        "deid speed", model=args.model, notes=len(notes),
        words_per_s={name: round(speed(pipe, notes)) for name, pipe in pipes.items()},
    )  # fmt: skip


def speed(pipe: Pipeline, notes: list[Note]) -> float:
    """Return words a second of the process's own time."""
    pipe.batch(notes[:2])
    start = time.process_time()
    pipe.batch(notes)
    return sum(len(note.text.split()) for note in notes) / (time.process_time() - start)


if __name__ == "__main__":
    main()
