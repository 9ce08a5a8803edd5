"""A fine-tuned transformer with what is needed to run it over token windows of any notes.

Rows from all notes are sorted by length and read in batches of a token budget, so that almost
nothing is padding and memory is bounded; each answer says which rows it belongs to. On a CPU a
BERT is read without any padding (see `clinnlp.bert.fast.packed`).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch

from clinnlp.bert.batches import pad_rows, sorted_batches
from clinnlp.bert.encoders import reading_all
from clinnlp.bert.fast.packed import PackedBert, can_pack, has_fast_int8
from clinnlp.bert.fast.threads import side_by_side
from clinnlp.bert.marked import MarkedRow
from clinnlp.bert.onnx_model import OnnxModel
from clinnlp.bert.precision import Bf16, Precision, wants_bf16
from clinnlp.bert.windows import TokenisedText, Window, split_windows, tokenise
from clinnlp.core.arrays import Floats32, Ints, Ints32
from clinnlp.core.checks import check_at_least
from clinnlp.core.errors import ArgumentError, StoreError

__all__ = ["Network", "WindowRow", "best_device"]

R = TypeVar("R")


class WindowRow(NamedTuple):
    """One token window of the text with index `text`."""

    text: int
    window: Window


def best_device() -> torch.device:
    """Return the first GPU, or the CPU where there is none."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Network:
    """A transformer with a head, its tokenizer and its windows.

    Threads may share it. A pickled one holds the weights as they are now, and is built again
    where it is read: on the CPU, or on the GPU there where it was on one.

    Parameters
    ----------
    model, tokenizer
        From transformers; the tokenizer as `load_tokenizer` returns it.
    max_tokens : int
        Tokens of a window, special ones included.
    stride : int
        Fewest tokens that neighbouring windows share.
    tokens_per_batch : int
        Tokens read at once, padding included; bounds the memory.
    device : torch.device, optional
        The first GPU or the CPU by default.
    bf16 : {"auto", "on", "off"}
        Compute in bfloat16; "auto" as `clinnlp.bert.precision` says.
    int8 : bool
        Multiply in 8-bit integers, on a CPU that has them in hardware; for reading only: what
        is trained later is not seen. What is not multiplied in them is in float32.

    Raises
    ------
    ArgumentError
        A setting out of range; `int8` or `bf16` where it cannot be.
    StoreError
        The tokenizer has tokens for which the model has no row.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        max_tokens: int,
        stride: int,
        tokens_per_batch: int = 1024,
        device: torch.device | None = None,
        bf16: Bf16 = "auto",
        int8: bool = False,
    ) -> None:
        check_at_least(tokens_per_batch, 1, name="tokens_per_batch")
        _check_numbers(tokenizer, model.config)
        self.tokenizer, self.max_tokens, self.stride = tokenizer, max_tokens, stride
        self.tokens_per_batch, self._int8 = tokens_per_batch, int8
        self.device = device or best_device()
        exported = isinstance(model, OnnxModel)
        if exported and bf16 == "on":
            raise ArgumentError("bf16 of an exported model must be auto or off, got on")
        self.bf16 = wants_bf16(bf16, self.device) and not (int8 or exported)
        self.model = model.to(self.device)
        self.prefix, self.suffix = special_ids(tokenizer)
        split_windows(0, size=self.window_size, stride=stride)  # refuse a bad pair early
        if int8:
            _check_int8(model, self.device, bf16)
        self._reads: PackedBert | OnnxModel | None = None  # rows as they are, without padding
        if isinstance(model, OnnxModel):
            self._reads = model
        elif self.device.type == "cpu" and can_pack(model):
            self._reads = PackedBert(model, int8=int8)

    def __reduce__(self) -> tuple[Callable[..., "Network"], tuple[Any, ...]]:
        options = {
            "max_tokens": self.max_tokens,
            "stride": self.stride,
            "tokens_per_batch": self.tokens_per_batch,
            "device": torch.device("cpu") if self.device.type == "cpu" else None,
            "bf16": "on" if self.bf16 else "off",
            "int8": self._int8,
        }
        return _rebuilt, (_parts(self.model), self.tokenizer, options)

    @property
    def precision(self) -> Precision:
        """What it computes in; with `int8`, what is not multiplied in integers."""
        return "bfloat16" if self.bf16 else "float32"

    @property
    def window_size(self) -> int:
        """Tokens of a window without its special ones."""
        return self.max_tokens - len(self.prefix) - len(self.suffix)

    def tokenise(self, texts: Sequence[str]) -> list[TokenisedText]:
        """Return tokens and words of each text."""
        return tokenise(self.tokenizer, texts)

    def rows(self, texts: Sequence[TokenisedText]) -> list[WindowRow]:
        """Return every window of every text, at least one for each."""
        size = self.window_size
        return [
            WindowRow(i, window)
            for i, text in enumerate(texts)
            for window in split_windows(len(text.ids), size=size, stride=self.stride)
        ]

    def row_ids(self, ids: Ints32, window: Window) -> Ints32:
        """Return the vocabulary ids of a window between its special ones."""
        return np.concatenate([self.prefix, ids[window.start : window.end], self.suffix])

    def collate(self, rows: Sequence[Ints32]) -> dict[str, torch.Tensor]:
        """Return the model's inputs for some rows, padded to the longest."""
        ids, mask = pad_rows(rows, int(self.tokenizer.pad_token_id or 0))
        return {"input_ids": ids.to(self.device), "attention_mask": mask.to(self.device)}

    def logits(
        self, texts: Sequence[TokenisedText], rows: Sequence[WindowRow]
    ) -> Iterator[tuple[Ints, list[Floats32]]]:
        """Yield indices into `rows`, and the logits of each of those rows, batch by batch.

        The logits of a row have shape (its tokens with special ones, n_outputs). The order is by
        length.
        """
        return self._answers(texts, rows, self._logits)

    def states(
        self, texts: Sequence[TokenisedText], rows: Sequence[WindowRow]
    ) -> Iterator[tuple[Ints, list[Floats32]]]:
        """Yield indices into `rows`, and the last hidden states of each, as `logits` does."""
        return self._answers(texts, rows, self._states)

    def pair_logits(
        self, rows: Sequence[MarkedRow], *, appended: bool
    ) -> Iterator[tuple[Ints, list[Floats32]]]:
        """Yield indices into rows with markers, and the logits at the markers, batch by batch.

        The logits of a row have shape (n_places, 2, n_outputs). The order is by length.

        Parameters
        ----------
        rows : sequence of MarkedRow
        appended : bool
            Whether markers stand behind the text.
        """
        lengths = np.array([len(row.ids) for row in rows], np.int64)
        read = self._marked if appended else self._inserted
        return self._each(lengths, lambda i: rows[i], read)

    def _answers(
        self,
        texts: Sequence[TokenisedText],
        rows: Sequence[WindowRow],
        read: Callable[[Sequence[Ints32]], Sequence[torch.Tensor]],
    ) -> Iterator[tuple[Ints, list[Floats32]]]:
        extra = len(self.prefix) + len(self.suffix)
        lengths = np.array([row.window.end - row.window.start + extra for row in rows], np.int64)
        return self._each(
            lengths, lambda i: self.row_ids(texts[rows[i].text].ids, rows[i].window), read
        )

    def _each(
        self,
        lengths: Ints,
        row: Callable[[int], R],
        read: Callable[[Sequence[R]], Sequence[torch.Tensor]],
    ) -> Iterator[tuple[Ints, list[Floats32]]]:
        """Yield the answers to rows of some lengths, batch by batch."""
        self.model.eval()
        batches = sorted_batches(lengths, self.tokens_per_batch)

        def answers(batch: Ints) -> list[Floats32]:
            ids = [row(int(i)) for i in batch]
            with (
                torch.inference_mode(),
                torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16),
            ):
                return [answer.float().cpu().numpy() for answer in read(ids)]

        on_threads = isinstance(self._reads, PackedBert)
        done = side_by_side(answers, batches) if on_threads else map(answers, batches)
        yield from zip(batches, done, strict=True)

    def _marked(self, rows: Sequence[MarkedRow]) -> Sequence[torch.Tensor]:
        if isinstance(self._reads, PackedBert):
            return self._reads.marked(rows)
        return _at_marks(self.model(**self.collate_marked(rows)).logits, rows)

    def _inserted(self, rows: Sequence[MarkedRow]) -> Sequence[torch.Tensor]:
        if isinstance(self._reads, PackedBert):
            return self._reads.marked(rows)
        return _at_marks(self._logits([row.ids for row in rows]), rows)

    def collate_marked(self, rows: Sequence[MarkedRow]) -> dict[str, torch.Tensor]:
        """Return the model's inputs for rows with markers behind their text."""
        ids, _ = pad_rows([row.ids for row in rows], int(self.tokenizer.pad_token_id or 0))
        places, _ = pad_rows([row.places for row in rows], 0)
        seen = np.zeros((len(rows), 1, ids.shape[1], ids.shape[1]), np.bool_)
        for (cells,), row in zip(seen, rows, strict=True):
            n, n_text = len(row.ids), row.n_text
            cells[:, :n_text] = True  # padding too: a row of a softmax needs something to see
            partner = np.arange(n_text, n).reshape(-1, 2)
            cells[partner[:, :, None], partner[:, None]] = True
        inputs = {
            "input_ids": ids,
            "position_ids": places,
            "attention_mask": torch.from_numpy(seen),
        }
        return {name: tensor.to(self.device) for name, tensor in inputs.items()}

    def _logits(self, rows: Sequence[Ints32]) -> Sequence[torch.Tensor]:
        if self._reads is not None:
            return self._reads(rows)
        return _unpadded(self.model(**self.collate(rows)).logits, rows)

    def _states(self, rows: Sequence[Ints32]) -> Sequence[torch.Tensor]:
        if isinstance(self._reads, PackedBert):
            return self._reads.states(rows)
        return _unpadded(self.model.base_model(**self.collate(rows)).last_hidden_state, rows)


def _parts(model: Any) -> Any:
    """Return what `_built` makes a model of; arrays, since torch would share its memory."""
    if isinstance(model, OnnxModel):
        return model
    weights = {name: tensor.cpu().numpy() for name, tensor in model.state_dict().items()}
    return type(model), model.config, weights


def _rebuilt(parts: Any, tokenizer: Any, options: dict[str, Any]) -> Network:
    model = parts if isinstance(parts, OnnxModel) else _built(*parts)
    return Network(model, reading_all(tokenizer), **options)


def _built(kind: Any, config: Any, weights: dict[str, Any]) -> Any:
    with torch.random.fork_rng(devices=[]):  # a new model draws weights
        model = kind(config)
    model.load_state_dict({name: torch.tensor(array) for name, array in weights.items()})
    return model.eval()


def _unpadded(matrix: torch.Tensor, rows: Sequence[Ints32]) -> list[torch.Tensor]:
    return [answer[: len(row)] for answer, row in zip(matrix, rows, strict=True)]


def _at_marks(
    logits: Sequence[torch.Tensor] | torch.Tensor, rows: Sequence[MarkedRow]
) -> Sequence[torch.Tensor]:
    return [out[torch.from_numpy(row.marks)] for out, row in zip(logits, rows, strict=True)]


def _check_numbers(tokenizer: Any, config: Any) -> None:
    """Refuse a tokenizer that numbers a token beyond the rows of its model.

    Such a token would fail where a note has it, and the writer of tokenizers counts up to it.
    """
    rows = config.get_text_config().vocab_size
    largest = max(tokenizer.get_vocab().values(), default=0)
    if largest >= rows:
        raise StoreError(
            f"the tokens of a tokenizer must be numbered below the {rows} rows of its model, "
            f"got {largest}; its files do not belong together"
        )


def _check_int8(model: Any, device: torch.device, bf16: Bf16) -> None:
    if not can_pack(model) or device.type != "cpu" or bf16 == "on":
        raise ArgumentError(
            f"int8 needs a BERT on the CPU without bf16, got {model.config.model_type} on "
            f"{device.type} with bf16 {bf16}"
        )
    if not has_fast_int8():
        raise ArgumentError("int8 needs a CPU with AVX-512 VNNI, and this one has none")


def special_ids(tokenizer: Any) -> tuple[Ints32, Ints32]:
    """Return the ids that open and that close a window: for BERT ``[CLS]`` and ``[SEP]``."""
    opening = [tokenizer.cls_token_id, tokenizer.bos_token_id]
    closing = [tokenizer.sep_token_id, tokenizer.eos_token_id]
    first = [next((i for i in side if i is not None), None) for side in (opening, closing)]
    prefix, suffix = (np.array([] if i is None else [i], np.int32) for i in first)
    return prefix, suffix
