"""Words per second of entity recognition on a CPU, every way side by side: scripts/bench infer.

The same weights read the same 100 mtsamples notes, spread over the file, in every way:

    pipeline, per sentence      transformers' token-classification pipeline, one sentence a time
    pipeline, batch 32          the same sentences, 32 at a time
    pipeline, whole notes       notes with stride 64, as transformers does it
    onnxruntime int8            standard export, dynamic quantisation, windows sorted by length
    ours, float32 / int8        `load(model)`, `load(model, int8=True)`
    ours, exported              `clinnlp export --onnx --int8`, loaded back

Needs a model folder (scripts/bench ner makes out/models/bc5cdr-default-0) and the extra `onnx`. The
peak is that of a plain float32 matrix product of the widest layer, measured in the same run.
`--rounds` interleaves the ways and keeps the best of each. Seconds are those of the clock, or with
`--busy`, for a machine with other work on it, one thread's seconds on a processor.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import torch

import clinnlp
from clinnlp.bert.batches import pad_rows, sorted_batches
from clinnlp.bert.export import export_onnx
from tests.bench import ROOT, record
from tests.bench.extract import distinct_notes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=str(ROOT / "out" / "models" / "bc5cdr-default-0"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--notes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--busy", action="store_true")
    args = parser.parse_args()
    args.threads = 1 if args.busy else args.threads
    clock = time.process_time if args.busy else time.perf_counter

    torch.set_num_threads(args.threads)
    everything = list(distinct_notes())
    notes = everything[:: len(everything) // args.notes][: args.notes]
    n_words = sum(len(note.text.split()) for note in notes)
    made = ways(Path(args.model), notes, args.threads)
    best = dict.fromkeys(made, np.inf)
    for _ in range(args.rounds):
        for name, run in made.items():
            start = clock()
            run()
            best[name] = min(best[name], clock() - start)
    gflop, peak = work(args.model, notes), gflop_per_second(clock)
    for name, seconds in best.items():
        record("infer", way=name, words_per_second=round(n_words / seconds), threads=args.threads,
               clock=clock.__name__, notes=len(notes), words=n_words,
               gflop_per_second=round(gflop / seconds), float32_peak=round(peak),
               share=round(gflop / seconds / peak, 2))  # fmt: skip


def ways(folder: Path, notes, threads: int):
    """Return each way as a function without arguments; models are loaded here."""
    warnings.simplefilter("ignore")
    from transformers import pipeline

    texts = [note.text for note in notes]
    split = clinnlp.pipeline(vocabulary=ROOT / "corpora" / "discharge-mini" / "vocabulary.csv")
    sentences = [part.text[s.start : s.end] for part in split.stream(notes) for s in part.sentences]
    plain = pipeline("token-classification", str(folder), device="cpu",
                     aggregation_strategy="first")  # fmt: skip
    plain.tokenizer.model_max_length = 384
    strided = pipeline("token-classification", str(folder), device="cpu", stride=64,
                       aggregation_strategy="first")  # fmt: skip
    strided.tokenizer.model_max_length = 384
    exact, rough = clinnlp.load(folder, device="cpu"), clinnlp.load(folder, device="cpu", int8=True)
    out = ROOT / "out" / "onnx"
    export_onnx(exact, out, int8=True)
    exported = clinnlp.load(out)
    return {
        "pipeline, per sentence": lambda: [plain(s) for s in sentences],
        "pipeline, batch 32": lambda: list(plain(sentences, batch_size=32)),
        "pipeline, whole notes with stride": lambda: [strided(t) for t in texts],
        "onnxruntime int8, sorted by length": onnxruntime_way(exact.network, texts, out, threads),
        "ours, float32": lambda: exact.batch(notes),
        "ours, int8": lambda: rough.batch(notes),
        "ours, exported to onnx int8": lambda: exported.batch(notes),
    }


def onnxruntime_way(network, texts, folder: Path, threads: int):
    """Return reading the windows of all texts by onnxruntime, without what comes after."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        folder / "model.onnx", options, providers=["CPUExecutionProvider"]
    )

    def run():
        tokens = network.tokenise(texts)
        rows = [network.row_ids(tokens[r.text].ids, r.window) for r in network.rows(tokens)]
        for batch in sorted_batches(np.array([len(row) for row in rows]), 2048):
            ids, mask = pad_rows([rows[i] for i in batch], 0)
            session.run(None, {"input_ids": ids.numpy(), "attention_mask": mask.numpy()})

    return run


def work(folder: str, notes) -> float:
    """Return the GFLOP of reading every window of the notes once, padding not counted."""
    network = clinnlp.load(folder, device="cpu").network
    config = network.model.config
    h, f = config.hidden_size, config.intermediate_size
    texts = network.tokenise([note.text for note in notes])
    n = np.array([r.window.end - r.window.start + 2 for r in network.rows(texts)], np.float64)
    matrices, attention = n * 2 * (4 * h * h + 2 * h * f), 4 * n * n * h
    return float(config.num_hidden_layers * (matrices + attention).sum() / 1e9)


def gflop_per_second(clock, rows: int = 2048, width: int = 384, wide: int = 1536) -> float:
    x, w = torch.randn(rows, width), torch.randn(wide, width)
    best = np.inf
    for _ in range(30):
        start = clock()
        torch.nn.functional.linear(x, w)
        best = min(best, clock() - start)
    return 2 * rows * width * wide / best / 1e9


if __name__ == "__main__":
    main()
