"""The network of an exported model, run by onnxruntime in place of torch.

With 8-bit integers onnxruntime gives all activations of a call one scale. Windows are therefore
read one at a time, so that no note changes the answer for another.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from clinnlp.bert.encoders import load_config
from clinnlp.core.arrays import Ints32
from clinnlp.core.errors import ArgumentError, MissingExtra, StoreError, instead_of

__all__ = ["INPUTS", "ONNX_FILE", "OnnxModel", "import_onnxruntime"]

INPUTS = ("input_ids", "attention_mask")
ONNX_FILE = "model.onnx"


def import_onnxruntime() -> Any:
    """Return the module onnxruntime, which else would tell its maker of each use over the network.

    Raises
    ------
    MissingExtra
        It is not installed.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # is heeded at the first import only
    with instead_of(ImportError, MissingExtra("onnxruntime", extra="onnx")):
        import onnxruntime
    return onnxruntime


class OnnxModel:
    """The network of an exported folder, run by onnxruntime on the CPU.

    Pickled it is the name of the folder, which must be there where it is read.

    Raises
    ------
    MissingExtra
        onnxruntime is not installed.
    StoreError
        The file or the configuration cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        runtime = import_onnxruntime()
        self._folder = folder.absolute()
        self.config = load_config(str(folder))
        options = runtime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        path = folder / ONNX_FILE

        def refusal(error: Exception) -> StoreError:
            return StoreError(f"{path} must be a readable ONNX file, got {type(error).__name__}")

        with instead_of(Exception, refusal):  # onnxruntime's own kinds
            self._session = runtime.InferenceSession(
                path, options, providers=["CPUExecutionProvider"]
            )

    def __reduce__(self) -> tuple[type["OnnxModel"], tuple[Path]]:
        return OnnxModel, (self._folder,)

    def __call__(self, rows: Sequence[Ints32]) -> list[torch.Tensor]:
        """Return the logits of each row, shapes (length of the row, n_outputs)."""
        return [torch.from_numpy(self._read(row)) for row in rows]

    def eval(self) -> "OnnxModel":
        """Do nothing: there is no other mode."""
        return self

    def to(self, device: torch.device) -> "OnnxModel":
        """Return itself on the CPU.

        Raises
        ------
        ArgumentError
            Another device.
        """
        if device.type != "cpu":
            raise ArgumentError(f"device of an exported model must be cpu, got {device.type}")
        return self

    def _read(self, row: Ints32) -> Any:
        ids = row.astype(np.int64)[None]
        return self._session.run(None, dict(zip(INPUTS, (ids, np.ones_like(ids)), strict=True)))[0][
            0
        ]
