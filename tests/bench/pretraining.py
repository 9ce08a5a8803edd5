"""Teach the encoder the language of abstracts: scripts/bench pretraining --on train.

``train`` are the texts of bc5cdr train alone; ``open`` adds those of the other corpora's train
splits, of medical abstracts and of drug labels, without any text of a dev split that is scored.
The folder it writes is an encoder: scripts/bench ner --encoder out/models/encoder-train.
"""

import argparse
import time

import clinnlp
from clinnlp.bert.corpus import drop_overlap
from clinnlp.bert.pretrain import pretrain
from clinnlp.core.notes import Note
from tests.bench import DATA, ROOT, record
from tests.bench.ner import FILES, read


def open_texts() -> list[Note]:
    """Return abstracts and drug labels."""
    return [
        *clinnlp.read_notes(
            DATA / "medical_abstracts_tc" / "medical_tc_test.csv", text="medical_abstract"
        ),
        *clinnlp.read_notes(
            DATA / "spl_adr_200db" / "demner-fushman-train-labels.json", format="spl-adr"
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--on", choices=["train", "open"], required=True)
    parser.add_argument("--epochs", type=int, default=3)
    args = parser.parse_args()
    notes = read("bc5cdr", 0)
    if args.on == "open":
        notes += read("ncbi_disease", 0) + read("biored", 0) + open_texts()
    notes = drop_overlap(notes, *(read(corpus, 1) for corpus in FILES))
    notes = list({note.text: note for note in notes}.values())
    start = time.process_time()
    out = ROOT / "out" / "models" / f"encoder-{args.on}"
    card = pretrain(notes, out=out, epochs=args.epochs)
    record("pretraining", on=args.on, epochs=args.epochs, n_notes=card["n_notes"],
           n_tokens=card["n_tokens"], log_p_kept_out=round(card["epochs"][-1]["score"], 3),
           cpu_minutes=round((time.process_time() - start) / 60, 1))  # fmt: skip


if __name__ == "__main__":
    main()
