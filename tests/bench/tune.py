"""Search settings on some notes of BC5CDR train: scripts/bench tune [--notes 100 --minutes 20].

Killed and called again it goes on. The selection scores are those of the search; dev is not read.
"""

import argparse
import time

import clinnlp
from tests.bench import ROOT, record
from tests.bench.ner import drawn, read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notes", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default=str(ROOT / "out" / "tune"))
    args = parser.parse_args()
    notes = drawn(read("bc5cdr", 0), args.notes, args.seed)
    cpu = time.process_time()
    found = clinnlp.tune_ner(notes, out=args.out, minutes=args.minutes, seed=args.seed)
    print(*found.lines(), sep="\n")
    record(
        "tune", n_notes=args.notes, seed=args.seed, minutes=round(found.minutes, 1),
        cpu_minutes=round((time.process_time() - cpu) / 60, 1), n_trials=len(found.trials),
        n_given_up=sum(trial.given_up for trial in found.trials), best=found.best.number,
        start_score=round(found.trials[0].score, 4), best_score=round(found.best.score, 4),
        gain=str(found.gain), n_selection=found.n_selection, changed=found.best.changed,
    )  # fmt: skip


if __name__ == "__main__":
    main()
