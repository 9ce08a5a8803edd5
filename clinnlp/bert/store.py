"""Saved models: a folder that transformers reads too, plus one JSON of ours.

    config.json, model.safetensors     the network, as `save_pretrained` writes it
    tokenizer.json, ...                the tokenizer
    clinnlp.json                       format, task, labels, calibration, thresholds, windows, ...
    names.json                         names that at least 5 patients' training notes mark
    familiar.safetensors               pieces and pairs that at least 5 patients' notes hold
    README.md                          the model card: labels, data, scores with intervals, limits

``AutoModelForTokenClassification.from_pretrained(folder)`` gives the same network, of a
classifier too: its note is the mean of its tokens. Where a recogniser has several heads, each
begins with an output ``O-x``, after its first label, and the likeliest of all outputs means
nothing there: read each head's alone (``flat`` is false). Weights are safetensors only.
The card holds counts and scores, never text or a hash of it; the weights of any model may still
remember what they were trained on.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForTokenClassification

from clinnlp.bert.classify import NoteClassifier
from clinnlp.bert.encoders import load_model, load_tokenizer, max_positions
from clinnlp.bert.familiar import read_familiar
from clinnlp.bert.folder import RECORD_FILE, read_record
from clinnlp.bert.learned import Learned
from clinnlp.bert.network import Network
from clinnlp.bert.onnx_model import ONNX_FILE, OnnxModel
from clinnlp.bert.precision import Bf16
from clinnlp.bert.predict import EntityTagger
from clinnlp.bert.relate import RelationExtractor
from clinnlp.core.errors import ArgumentError, StoreError, instead_of

__all__ = ["KINDS", "load"]

KINDS: dict[str, type[Learned]] = {
    kind.task: kind
    for kind in (
        EntityTagger,
        NoteClassifier,
        RelationExtractor,
    )
}


def load(
    folder: str | Path,
    *,
    device: str | None = None,
    tokens_per_batch: int = 1024,
    bf16: Bf16 = "auto",
    int8: bool = False,
) -> Learned:
    """Return exactly the pipe that was trained and saved in `folder`.

    Parameters
    ----------
    folder : str or Path
        What `fine_tune_ner`, `fine_tune_classifier`, `fine_tune_relations` or `export_onnx`
        wrote; the last is run by onnxruntime on the CPU.
    device : str, optional
        Such as ``"cpu"`` or ``"cuda:1"``; the first GPU or the CPU by default.
    tokens_per_batch : int
        Tokens read at once, padding included.
    bf16 : {"auto", "on", "off"}
        Compute in bfloat16, faster on hardware made for it and a little less exact; "auto" as
        the environment variable ``CLINNLP_PRECISION`` says (``float32`` or ``bfloat16``), and
        without it where the hardware multiplies bfloat16 faster. How the model was trained does
        not matter. An exported model computes as it was exported.
    int8 : bool
        Multiply in 8-bit integers, on a CPU that has them in hardware: about twice as fast, and
        a little less exact. The first use compiles for some seconds. The rest is in float32.

    Returns
    -------
    Learned
        An `EntityTagger`, a `NoteClassifier` or a `RelationExtractor`.

    Raises
    ------
    StoreError
        The folder is missing, not one of ours, incomplete, damaged, of a newer format, or of a
        kind that is read by code of its own, which is never run.
    ArgumentError
        An unknown device, choice or ``CLINNLP_PRECISION``.

    Examples
    --------
    >>> load("no/such/model")
    Traceback (most recent call last):
    clinnlp.core.errors.StoreError: a model folder must exist, got none at no/such/model
    """
    folder = Path(folder)
    record = read_record(folder, KINDS)
    kind, labels = KINDS[record["task"]], tuple(record["labels"])
    own = kind.fields_from(record, folder / RECORD_FILE)
    where = _device(device)
    exported = (folder / ONNX_FILE).is_file()
    model: Any = (
        OnnxModel(folder)
        if exported
        else load_model(str(folder), kind=AutoModelForTokenClassification)
    )
    names = [model.config.id2label.get(i) for i in range(model.config.num_labels)]
    if kind.answers_for(names) != labels:
        raise StoreError(
            f"the network in {folder} must answer for the {len(labels)} labels of {RECORD_FILE}, "
            "and answers for others; its files do not belong together"
        )
    n_most = max_positions(str(folder))
    if not record["windows"]["stride"] < record["windows"]["max_tokens"] <= n_most:
        raise StoreError(
            f"'windows' in {folder / RECORD_FILE} must be of at most {n_most} tokens, which its "
            "network reads, and share fewer than that"
        )
    network = Network(
        model,
        load_tokenizer(str(folder)),
        **record["windows"],
        tokens_per_batch=tokens_per_batch,
        device=torch.device("cpu") if exported and where is None else where,
        bf16=bf16,
        int8=int8,
    )
    _check_answers(network, len(names), folder)
    common = {key: record[key] for key in ("settings", "card")}
    familiar = read_familiar(folder)
    return kind(labels=labels, network=network, familiar=familiar, **common, **own)


def _check_answers(network: Network, n_outputs: int, folder: Path) -> None:
    """Raise `StoreError` where the network gives no finite numbers for an empty note."""
    row = np.concatenate([network.prefix, network.suffix, np.zeros(1, np.int32)])
    refusal = StoreError(f"the network in {folder} must answer with finite numbers, and does not")
    with instead_of(Exception, refusal), torch.inference_mode():  # torch's and onnxruntime's own
        model = network.model
        exported = isinstance(model, OnnxModel)
        (logits,) = model([row]) if exported else model.eval()(**network.collate([row])).logits
    if tuple(logits.shape) != (len(row), n_outputs) or not torch.isfinite(logits).all():
        raise refusal


def _device(name: str | None) -> torch.device | None:
    if name is None:
        return None
    refusal = ArgumentError(f"device must be one torch can use here, got {name!r}")
    with instead_of((RuntimeError, AssertionError), refusal):
        device = torch.device(name)
        torch.empty(0, device=device)
    return device
