"""A fine-tuned model as ONNX: a quarter of the size in 8-bit integers, and for other runtimes.

    model.onnx                         input_ids, attention_mask → logits of every token
    config.json, tokenizer.json, ...   as transformers writes them
    clinnlp.json                       as of any saved model

`clinnlp.load` gives back the same pipe, run by onnxruntime.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from clinnlp.bert.encoders import quiet
from clinnlp.bert.folder import OWN_FILES
from clinnlp.bert.learned import Learned, write_record
from clinnlp.bert.onnx_model import INPUTS, ONNX_FILE, OnnxModel, import_onnxruntime
from clinnlp.core.errors import ArgumentError, MissingExtra
from clinnlp.core.files import atomic_folder

__all__ = ["export_onnx"]

_OPSET = 17


def export_onnx(pipe: Learned, folder: str | Path, *, int8: bool = False) -> None:
    """Write a fine-tuned model as ONNX; a folder already there is replaced at the end.

    Parameters
    ----------
    pipe : Learned
        Such as an `EntityTagger` or a `NoteClassifier`.
    folder : str or Path
    int8 : bool
        Weights and embeddings as 8-bit integers: a quarter of the size.

    Returns
    -------
    None
        `clinnlp.load` reads the folder.

    Raises
    ------
    MissingExtra
        onnx or onnxruntime is not installed.
    ArgumentError
        The model is an exported one, or of relations with appended markers.
    RunError
        The machine failed; nothing half-written is left.

    Examples
    --------
    >>> import tempfile
    >>> from clinnlp.bert.store import load
    >>> from clinnlp.bert.train import fine_tune_classifier
    >>> from clinnlp.core.notes import Note
    >>> texts = ["Started aspirin.", "ECG shows sinus rhythm."] * 4
    >>> train = [Note(id=f"n{k}", text=t, labels=(t[:3],)) for k, t in enumerate(texts)]
    >>> folder = tempfile.TemporaryDirectory()
    >>> model = fine_tune_classifier(train, out=f"{folder.name}/kind", progress=False)
    >>> export_onnx(model, f"{folder.name}/onnx")
    >>> load(f"{folder.name}/onnx")(train[0].with_(labels=())).labels
    ('Sta',)
    >>> folder.cleanup()
    """
    network = pipe.network
    if isinstance(network.model, OnnxModel):
        raise ArgumentError("the model to export must be a fine-tuned one, got an exported one")
    if getattr(pipe, "reading", None) == "appended":
        raise ArgumentError(
            "a model of relations to export must read inserted markers, got appended ones"
        )
    import_onnxruntime()
    if find_spec("onnx") is None:
        raise MissingExtra("onnx", extra="onnx")
    with atomic_folder(folder, own=OWN_FILES) as temporary, quiet():
        network.model.config.save_pretrained(temporary)
        network.tokenizer.save_pretrained(temporary)
        write_record(pipe, temporary)
        _write_graph(network.model, temporary / ONNX_FILE)
        if int8:
            _quantise(temporary / ONNX_FILE)


class _Logits(torch.nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
        return logits


def _write_graph(model: Any, path: Path) -> None:
    ids = torch.ones(2, 8, dtype=torch.int64, device=model.device)
    shapes = {name: {0: "rows", 1: "tokens"} for name in (*INPUTS, "logits")}
    with _silence():
        torch.onnx.export(
            _Logits(model).eval(), (ids, torch.ones_like(ids)), path, opset_version=_OPSET,
            input_names=list(INPUTS), output_names=["logits"], dynamic_axes=shapes, dynamo=False,
        )  # fmt: skip


def _quantise(path: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    whole = path.with_name("whole.onnx")
    path.rename(whole)
    with _silence():
        quantize_dynamic(whole, path, weight_type=QuantType.QInt8, per_channel=True)
    whole.unlink()


@contextmanager
def _silence() -> Iterator[None]:
    """Keep the exporter's advice to its authors, not to our users, inside the block."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
