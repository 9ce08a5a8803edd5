"""Check and measure on a CUDA machine, in at most ten minutes: scripts/gpu-check.

Everything is made here: an encoder of BERT-base's shape with drawn weights (`--tiny`: of two
layers), and notes of drawn words, so that nothing is downloaded and no corpus is needed. Each
stage prints its figures and appends them to out/bench.jsonl:

    peak        the greatest rate of a bfloat16 matrix product on this device: the limit
    tagger      `fine_tune_ner` at windows of 512 tokens in bfloat16: tokens per second, its share
                of the peak, memory; beside transformers' `Trainer` on the same notes
    classifier  `fine_tune_classifier` with the encoder trained
    killed      a training killed with SIGKILL after a checkpoint goes on, and ends in the weights
                of one that was not
    extraction  `tagger.batch`: tokens per second, share of the peak
    equality    probabilities of words on this device in bfloat16 and float32 beside the CPU's

The work of a token is counted as 6 (training) or 2 (reading) FLOPs per weight that multiplies it,
and attention's products beside it (Chowdhery et al., PaLM, 2022, appendix B). Aims on a BERT-base
shape: 0.45 of the peak in training, 0.50 in extraction, twice `Trainer`'s tokens per second.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModel, BertConfig

import clinnlp
from clinnlp.bert.encoders import find_encoder, load_tokenizer
from clinnlp.bert.network import best_device
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from tests.bench import record
from tests.bench.training import train_with_trainer

_SHAPES = {
    "base": {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
             "intermediate_size": 3072},
    "tiny": {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
             "intermediate_size": 128},
}  # fmt: skip
_WORDS = ("patient", "was", "given", "and", "the", "with", "for", "daily", "history", "of", "pain")
_DRUGS = ("aspirin", "warfarin", "heparin", "insulin", "morphine", "digoxin")
_MAX_TOKENS = 512
_BOUNDS = {"float32": 2e-3, "bfloat16": 5e-2}  # on the probability of a word's likeliest tag


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiny", action="store_true", help="two layers and few notes: for a CPU")
    parser.add_argument("--tokens-per-batch", type=int, default=32_768)
    parser.add_argument("--train-into", help=argparse.SUPPRESS)  # the training that is killed
    parser.add_argument("--encoder", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.train_into:
        notes = drawn_notes(24, 120, seed=1)
        train(notes, args.train_into, args.encoder, args.tokens_per_batch, epochs=6, often=True)
        return
    with tempfile.TemporaryDirectory() as folder:
        check(Path(folder), tiny=args.tiny, tokens_per_batch=args.tokens_per_batch)


def check(folder: Path, *, tiny: bool, tokens_per_batch: int) -> None:
    """Run all stages; leave nothing behind."""
    encoder = drawn_encoder(folder / "encoder", "tiny" if tiny else "base")
    n_notes, n_words = (16, 80) if tiny else (2_000, 480)
    notes = drawn_notes(n_notes, n_words, seed=0)
    peak = matrix_peak(256 if tiny else 8192)
    record("gpu_check", stage="peak", device=device_name(), bf16_tflop_per_s=round(peak, 2))
    tagger = measured_tagger(notes, folder, encoder, tokens_per_batch, peak, tiny)
    measured_classifier(notes, folder, encoder, tokens_per_batch)
    killed(folder, encoder, tokens_per_batch)
    extraction(tagger, notes, tokens_per_batch, peak)
    equality(folder / "tagger", notes[:64])


def drawn_encoder(folder: Path, shape: str) -> Path:
    """Write an encoder of a shape with drawn weights and minilm's word pieces."""
    tokenizer = load_tokenizer(find_encoder("minilm"))
    config = BertConfig(vocab_size=len(tokenizer), **_SHAPES[shape])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        AutoModel.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def drawn_notes(n: int, n_words: int, *, seed: int) -> list[Note]:
    """Return notes of drawn words with the drugs among them annotated, and a label each."""
    rng = np.random.default_rng(seed)
    return [_note(f"n{k}", rng, n_words) for k in range(n)]


def _note(name: str, rng: np.random.Generator, n_words: int) -> Note:
    is_drug = rng.random(n_words) < 0.1
    words = np.where(is_drug, rng.choice(_DRUGS, n_words), rng.choice(_WORDS, n_words)).tolist()
    ends = np.cumsum([len(word) + 1 for word in words]) - 1
    entities = tuple(
        Entity(id=f"T{j}", span=Span(int(ends[j]) - len(words[j]), int(ends[j])), label="Drug")
        for j in np.flatnonzero(is_drug).tolist()
    )
    label = "many" if is_drug.mean() > 0.1 else "few"
    return Note(id=name, text=" ".join(words), entities=entities, labels=(label,))


def train(
    notes: list[Note], out: Any, encoder: Any, tokens_per_batch: int, *, epochs: int, often: bool
) -> Any:
    """Return a tagger trained in bfloat16, with a checkpoint after each step or none."""
    return clinnlp.fine_tune_ner(
        notes, out=out, encoder=encoder, epochs=epochs, max_tokens=_MAX_TOKENS, bf16="on",
        tokens_per_batch=tokens_per_batch, selection_fraction=0.0, progress=False,
        checkpoint_minutes=1e-6 if often else 60.0,
    )  # fmt: skip


def measured_tagger(
    notes: list[Note], folder: Path, encoder: Path, tokens_per_batch: int, peak: float, tiny: bool
) -> Any:
    """Train a tagger and `Trainer`'s, and tell tokens per second, share of the peak and memory."""
    few = notes[: max(8, len(notes) // 8)]
    train(few, folder / "warm", encoder, tokens_per_batch, epochs=1, often=False)
    forget_peak()
    tagger = train(notes, folder / "tagger", encoder, tokens_per_batch, epochs=2, often=False)
    n_tokens = 2 * tagger.card["n_tokens"]
    seconds, bytes_ = tagger.card["train_seconds"], peak_memory()
    work = flop_per_token(tagger.network.model.config, _tokens_of_a_window(tagger, notes))
    forget_peak()
    _, theirs, _ = train_with_trainer(few, 1, 3e-4, True, encoder=encoder, use_cpu=_on_cpu())
    their_tokens = tagger.card["n_tokens"] * len(few) / len(notes)
    ours, their = n_tokens / seconds, their_tokens / theirs
    record(
        "gpu_check", stage="tagger", tiny=tiny, tokens_per_s=round(ours),
        share_of_peak=round(3 * work * ours / peak / 1e12, 3), memory_gib=round(bytes_, 2),
        trainer_tokens_per_s=round(their), times_faster=round(ours / their, 2),
        trainer_memory_gib=round(peak_memory(), 2),
    )  # fmt: skip
    return tagger


def measured_classifier(
    notes: list[Note], folder: Path, encoder: Path, tokens_per_batch: int
) -> None:
    """Train a classifier with its encoder, and tell its tokens per second."""
    forget_peak()
    start = time.perf_counter()
    model = clinnlp.fine_tune_classifier(
        notes, out=folder / "classifier", encoder=encoder, tune_encoder=True, epochs=1,
        max_tokens=_MAX_TOKENS, bf16="on", tokens_per_batch=tokens_per_batch,
        selection_fraction=0.0, progress=False,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    n_tokens = sum(len(text.ids) for text in model.network.tokenise([n.text for n in notes]))
    record("gpu_check", stage="classifier", tokens_per_s=round(n_tokens / seconds),
           memory_gib=round(peak_memory(), 2))  # fmt: skip


def killed(folder: Path, encoder: Path, tokens_per_batch: int) -> None:
    """Kill a training after its first checkpoint, let it go on, and compare the weights."""
    small = min(tokens_per_batch, 2048)
    out = folder / "killed"
    command = [sys.executable, "-m", "tests.bench.gpu_check", "--train-into", str(out),
               "--encoder", str(encoder), "--tokens-per-batch", str(small)]  # fmt: skip
    process = subprocess.Popen(command)
    wait_for(lambda: any(folder.glob("killed-checkpoint/*.safetensors")), process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    was_killed = not out.exists()
    subprocess.run(command, check=True)
    notes = drawn_notes(24, 120, seed=1)
    whole = train(notes, folder / "whole", encoder, small, epochs=6, often=False)
    resumed = clinnlp.load(out)
    far = max(
        float((a - b).abs().max().detach())
        for a, b in zip(
            whole.network.model.parameters(), resumed.network.model.parameters(), strict=True
        )
    )
    record("gpu_check", stage="killed", was_killed=was_killed, largest_difference=far)


def wait_for(is_there: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    """Wait until something is there or the process has ended, at most two minutes."""
    end = time.monotonic() + 120
    while not is_there() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.005)


def extraction(tagger: Any, notes: list[Note], tokens_per_batch: int, peak: float) -> None:
    """Tell how fast the tagger reads notes."""
    tagger.network.tokens_per_batch = tokens_per_batch
    tagger.batch(notes[:16])
    forget_peak()
    start = time.perf_counter()
    done = tagger.batch(notes)
    seconds = time.perf_counter() - start
    n_tokens = sum(note.coverage.n_total for note in done)
    work = flop_per_token(tagger.network.model.config, _tokens_of_a_window(tagger, notes))
    record(
        "gpu_check", stage="extraction", tokens_per_s=round(n_tokens / seconds),
        share_of_peak=round(work * n_tokens / seconds / peak / 1e12, 3),
        memory_gib=round(peak_memory(), 2),
    )  # fmt: skip


def equality(folder: Path, notes: list[Note]) -> None:
    """Compare probabilities and mentions on this device with those of the CPU in float32."""
    reference = clinnlp.load(folder, device="cpu", bf16="off")
    expected, gold = reference.p_best(notes), reference.batch(notes)
    for precision, bf16 in (("float32", "off"), ("bfloat16", "on")):
        model = clinnlp.load(folder, bf16=bf16)
        pairs = zip(model.p_best(notes), expected, strict=True)
        far = max(float(np.abs(a - b).max()) for a, b in pairs)
        n_same = sum(_found(a) == _found(b) for a, b in zip(model.batch(notes), gold, strict=True))
        record("gpu_check", stage="equality", precision=precision, bound=_BOUNDS[precision],
               largest_difference=far, holds=far <= _BOUNDS[precision], notes=len(notes),
               notes_alike=n_same)  # fmt: skip


def _found(note: Note) -> list[tuple[str, Span]]:
    return [(e.label, e.span) for e in note.entities if e.source is not None]


def flop_per_token(config: Any, n_window: float) -> float:
    """Return the FLOPs of reading a token of a window of so many, heads and embeddings aside."""
    width, wide = config.hidden_size, config.intermediate_size
    of_layer = 2 * (4 * width * width + 2 * width * wide) + 4 * n_window * width
    return float(config.num_hidden_layers * of_layer)


def _tokens_of_a_window(tagger: Any, notes: list[Note]) -> float:
    """Return the tokens of the window that a token stands in, on average."""
    texts = tagger.network.tokenise([note.text for note in notes])
    sizes = [row.window.end - row.window.start + 2 for row in tagger.network.rows(texts)]
    return float(np.average(sizes, weights=sizes))


def matrix_peak(size: int, rounds: int = 20) -> float:
    """Return the greatest rate of a bfloat16 product of square matrices, in TFLOP/s."""
    device = best_device()
    a, b = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    best = np.inf
    for _ in range(rounds):
        wait_for_device()
        start = time.perf_counter()
        a @ b
        wait_for_device()
        best = min(best, time.perf_counter() - start)
    return float(2 * size**3 / best / 1e12)


def device_name() -> str:
    """Return what the device is called."""
    if _on_cpu():
        return f"CPU, {torch.get_num_threads()} threads"
    return torch.cuda.get_device_name()


def wait_for_device() -> None:
    """Wait until the device has done what it was asked."""
    if not _on_cpu():
        torch.cuda.synchronize()


def forget_peak() -> None:
    """Begin to measure the device's memory anew."""
    if not _on_cpu():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak_memory() -> float:
    """Return the most memory of the device in use since `forget_peak`, in GiB; nan on a CPU."""
    return float("nan") if _on_cpu() else torch.cuda.max_memory_allocated() / 2**30


def _on_cpu() -> bool:
    return best_device().type == "cpu"


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    main()
