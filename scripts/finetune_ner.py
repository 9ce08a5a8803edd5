"""Fine-tune an entity recogniser on annotated notes.

Worked example, on the bundled synthetic notes (about two minutes on two cores):

    python scripts/finetune_ner.py corpora/discharge-mini/train.jsonl \
        corpora/discharge-mini/dev.jsonl out/models/discharge

Notes may be JSONL, PubTator, BRAT or CoNLL. The best epoch is chosen on a tenth of the training
notes; the development notes are scored once, at the end.
"""

import argparse

import clinnlp


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("train", help="annotated notes to train on")
    parser.add_argument("dev", help="annotated notes to score")
    parser.add_argument("out", help="folder for the model")
    parser.add_argument("--encoder", default="minilm", help="minilm, a folder, or a hub id")
    parser.add_argument("--epochs", type=int, default=6, help="passes over train (default: 6)")
    args = parser.parse_args()

    train, dev = clinnlp.read_notes(args.train), clinnlp.read_notes(args.dev)
    tagger = clinnlp.fine_tune_ner(
        train, dev, encoder=args.encoder, out=args.out, epochs=args.epochs
    )

    nlp = clinnlp.pipeline(tagger)
    scores = clinnlp.score_spans(dev, nlp.stream(note.with_(entities=()) for note in dev))
    for label, prf in scores.per_label.items():
        print(f"{label}: precision {prf.precision:.3f}, recall {prf.recall:.3f}, F1 {prf.f1:.3f}")
    print(f"strict micro F1 {scores.f1}")


if __name__ == "__main__":
    main()
