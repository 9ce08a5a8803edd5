"""What reading in integers and other strides costs in F1: scripts/bench exact.

One model folder (scripts/bench ner makes out/models/bc5cdr-default-0) tags the bc5cdr development
set in float32, in 8-bit integers, exported to ONNX in 8-bit integers, and with other strides.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import clinnlp
from clinnlp.bert.export import export_onnx
from clinnlp.bert.network import Network
from tests.bench import DATA, ROOT, record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=str(ROOT / "out" / "models" / "bc5cdr-default-0"))
    parser.add_argument("--notes", type=int, default=500)
    args = parser.parse_args()

    dev = list(clinnlp.read_notes(DATA / "bc5cdr" / "CDR_DevelopmentSet.PubTator.txt"))
    dev = dev[: args.notes]
    out = ROOT / "out" / "onnx-int8"
    exact = clinnlp.load(args.model, device="cpu")
    export_onnx(exact, out, int8=True)
    size = sum(f.stat().st_size for f in out.iterdir()) / 1e6
    print(f"exported folder: {size:.1f} MB, graph {(out / 'model.onnx').stat().st_size / 1e6:.1f}")
    taggers = {
        "float32": exact,
        "int8": clinnlp.load(args.model, device="cpu", int8=True),
        "onnx int8": clinnlp.load(out),
        **{f"float32, stride {n}": strided(exact, n) for n in (16, 128, 192)},
    }
    found = {
        name: tagger.batch([note.with_(entities=(), relations=()) for note in dev])
        for name, tagger in taggers.items()
    }
    whole = spans(found["float32"])
    base = clinnlp.score_spans(dev, found["float32"], n_boot=0).micro.f1
    for name, notes in found.items():
        f1 = clinnlp.score_spans(dev, notes, n_boot=0).micro.f1
        shared = len(spans(notes) & whole) / len(spans(notes) | whole)
        record("exact", way=name, model=Path(args.model).name, notes=len(dev), f1=round(f1, 4),
               lost=round(base - f1, 4), equal_spans=round(shared, 4), folder_mb=round(size, 1),
               coverage=all(n.coverage.n_seen == n.coverage.n_total for n in notes))  # fmt: skip


def strided(tagger, stride: int):
    network = tagger.network
    return replace(tagger, network=Network(
        network.model, network.tokenizer, max_tokens=network.max_tokens, stride=stride,
        device=network.device,
    ))  # fmt: skip


def spans(notes) -> set:
    return {(n.id, e.label, e.span) for n in notes for e in n.entities}


if __name__ == "__main__":
    main()
