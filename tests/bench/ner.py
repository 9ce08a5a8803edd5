"""Fine-tune `minilm` on bc5cdr train and score its dev split once: scripts/bench ner."""

import argparse
import time

import clinnlp
from tests.bench import DATA, ROOT, record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=str(ROOT / "out" / "models" / "bc5cdr"))
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    train = clinnlp.read_notes(DATA / "bc5cdr" / "CDR_TrainingSet.PubTator.txt")
    dev = clinnlp.read_notes(DATA / "bc5cdr" / "CDR_DevelopmentSet.PubTator.txt")
    start = time.perf_counter()
    tagger = clinnlp.fine_tune_ner(train, dev, out=args.out, seed=args.seed)
    minutes = (time.perf_counter() - start) / 60
    bare = [note.with_(entities=(), relations=()) for note in dev]
    predicted = tagger.batch(bare)
    for match in ("strict", "relaxed"):
        scores = clinnlp.score_spans(dev, predicted, match=match)
        per_label = {label: round(prf.f1, 4) for label, prf in scores.per_label.items()}
        record("ner", corpus="bc5cdr dev", match=match, f1=str(scores.f1), per_label=per_label,
               minutes=round(minutes, 1), seed=args.seed)  # fmt: skip


if __name__ == "__main__":
    main()
