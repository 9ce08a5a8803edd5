"""Fine-tune a note classifier on a table of notes and their classes.

Worked example: tell apart discharge notes with and without an adverse drug reaction. The first
command writes a CSV with the columns text and label from the bundled synthetic notes:

    python - <<'PY'
    import clinnlp, pandas
    notes = list(clinnlp.read_notes("corpora/discharge-mini/train.jsonl"))
    reaction = ["reaction" if note.relations else "none" for note in notes]
    table = pandas.DataFrame({"text": [note.text for note in notes], "label": reaction})
    table.to_csv("out/reactions.csv", index=False)
    PY
    python scripts/finetune_classifier.py out/reactions.csv out/models/reactions --epochs 2

A fifth of the notes is set aside and scored once; notes with equal text stay together.
"""

import argparse
import zlib

import clinnlp


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("notes", help="CSV, TSV or Parquet, one note a row")
    parser.add_argument("out", help="folder for the model")
    parser.add_argument("--text-column", default="text", help="column with the text")
    parser.add_argument("--label-column", default="label", help="column with the class")
    parser.add_argument("--epochs", type=int, default=3, help="passes over train (default: 3)")
    args = parser.parse_args()

    notes = list(clinnlp.read_notes(args.notes, text=args.text_column, label=args.label_column))
    held_out = [zlib.crc32(note.text.encode()) % 5 == 0 for note in notes]
    train = [note for note, held in zip(notes, held_out, strict=True) if not held]
    dev = [note for note, held in zip(notes, held_out, strict=True) if held]

    classifier = clinnlp.fine_tune_classifier(train, dev, out=args.out, epochs=args.epochs)
    for name in ("accuracy", "macro_f1"):
        print(name, classifier.card["dev"][name])


if __name__ == "__main__":
    main()
