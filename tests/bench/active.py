"""What choosing the next notes saves: scripts/bench active [--seed 0].

Simulated on bc5cdr train: a fifth of its documents is the test, the rest is a pool that is
annotated by looking at its gold. The goal is 95 % of the F1 of a model of the whole pool. Each
round adds documents and trains on from the last model, until the goal is reached; a row per
round, and one with the documents needed, read off between two rounds on a straight line.
"""

import argparse
import tempfile
from collections.abc import Iterator

import numpy as np

import clinnlp
from clinnlp.bert.active import choose_next
from clinnlp.bert.corpus import split_selection
from clinnlp.bert.settings import TaggerSettings
from clinnlp.bert.tasks import tagged
from tests.bench import DATA, record

HOW = ("next", "random")


def simulate(how: str, pool: list, test: list, args) -> Iterator[tuple[int, float]]:
    """Yield documents annotated and F1 on the test, round by round."""
    order = np.random.default_rng(args.seed).permutation(len(pool)).tolist()
    done, encoder = [pool[i] for i in order[: args.add]], "minilm"
    with tempfile.TemporaryDirectory() as folder:
        while True:
            out = f"{folder}/{len(done)}"
            tagger, encoder = train(done, out, args.epochs, args, encoder), out
            yield len(done), f1_of(tagger, test)
            ids = {note.id for note in done}
            left = [pool[i] for i in order if pool[i].id not in ids]
            if not left:
                return
            if how == "next":
                bare = [note.with_(entities=(), relations=()) for note in left]
                chosen = {c.note.id for c in choose_next(tagger, bare, args.add, annotated=done)}
                left = [note for note in left if note.id in chosen]
            done += left[: args.add]


def train(notes: list, out: str, epochs: int, args, encoder: str = "minilm"):
    return clinnlp.fine_tune_ner(
        notes, encoder=encoder, out=out, epochs=epochs, seed=args.seed, selection_fraction=0.0,
        labels=["Chemical", "Disease"], layer_decay=args.layer_decay,
    )  # fmt: skip


def f1_of(tagger, test: list) -> float:
    return clinnlp.score_spans(test, tagged(tagger, test), n_boot=0).micro.f1


def documents_needed(curve: Iterator[tuple[int, float]], goal: float, **row) -> float:
    """Run rounds until the goal is reached; return at how many documents that was."""
    before = (0, 0.0)
    for n, f1 in curve:
        record("active", **row, n_documents=n, f1=round(f1, 4))
        if f1 >= goal:
            return round(before[0] + (n - before[0]) * (goal - before[1]) / (f1 - before[1]), 1)
        before = (n, f1)
    raise RuntimeError("the goal was not reached")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--add", type=int, default=30, help="documents of a round")
    parser.add_argument("--epochs", type=int, default=3, help="of a round")
    parser.add_argument("--layer-decay", type=float, default=TaggerSettings().layer_decay)
    args = parser.parse_args()
    notes = list(clinnlp.read_notes(DATA / "bc5cdr" / "CDR_TrainingSet.PubTator.txt"))
    pool, test = split_selection(notes, 0.2)
    with tempfile.TemporaryDirectory() as folder:
        whole = f1_of(train(pool, f"{folder}/whole", 5, args), test)
    record("active", seed=args.seed, how="whole", n_documents=len(pool), f1=round(whole, 4))
    needed = {
        how: documents_needed(
            simulate(how, pool, test, args), 0.95 * whole, how=how, seed=args.seed
        )
        for how in HOW
    }
    record("active", seed=args.seed, goal=round(0.95 * whole, 4), documents_needed=needed,
           ratio=round(needed["next"] / needed["random"], 3))  # fmt: skip


if __name__ == "__main__":
    main()
