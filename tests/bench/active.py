"""What choosing the next notes saves: scripts/bench active [--how next random] [--seed 0].

Simulated on bc5cdr train: a fifth of its documents is the test, the rest is a pool that is
annotated by looking at its gold. Each round adds documents and trains on from the last model. A
row per round; documents needed for 95 % of the last round's F1 are read off at the end.
"""

import argparse
import tempfile

import numpy as np

import clinnlp
from clinnlp.bert.active import choose_next
from clinnlp.bert.corpus import split_selection
from clinnlp.bert.tasks import tagged
from tests.bench import DATA, record


def simulate(how: str, pool: list, test: list, args) -> list[tuple[int, float]]:
    rng = np.random.default_rng(args.seed)
    order = rng.permutation(len(pool)).tolist()
    done, encoder, curve = [pool[i] for i in order[: args.start]], "minilm", []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(args.rounds):
            tagger = clinnlp.fine_tune_ner(
                done, encoder=encoder, out=f"{folder}/{number}", epochs=args.epochs,
                seed=args.seed, labels=["Chemical", "Disease"], selection_fraction=0.0,
            )  # fmt: skip
            encoder = f"{folder}/{number}"
            f1 = clinnlp.score_spans(test, tagged(tagger, test), n_boot=0).micro.f1
            curve.append((len(done), f1))
            record("active", how=how, seed=args.seed, n_documents=len(done), f1=round(f1, 4))
            ids = {note.id for note in done}
            left = [pool[i] for i in order if pool[i].id not in ids]
            if how == "next":
                bare = [note.with_(entities=(), relations=()) for note in left]
                chosen = {c.note.id for c in choose_next(tagger, bare, args.add, annotated=done)}
                done += [note for note in left if note.id in chosen]
            else:
                done += left[: args.add]
    return curve


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--how", nargs="+", default=["next", "random"], choices=["next", "random"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=int, default=50)
    parser.add_argument("--add", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=3)
    args = parser.parse_args()
    notes = list(clinnlp.read_notes(DATA / "bc5cdr" / "CDR_TrainingSet.PubTator.txt"))
    pool, test = split_selection(notes, 0.2)
    curves = {how: simulate(how, pool, test, args) for how in args.how}
    goal = 0.95 * max(curve[-1][1] for curve in curves.values())
    needed = {
        how: next((n for n, f1 in curve if f1 >= goal), None) for how, curve in curves.items()
    }
    record("active", seed=args.seed, goal=round(goal, 4), documents_needed=needed)


if __name__ == "__main__":
    main()
