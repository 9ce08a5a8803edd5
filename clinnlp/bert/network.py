"""A fine-tuned transformer with what is needed to run it over token windows of any notes.

Rows from all notes are sorted by length and read in batches of a token budget, so that almost
nothing is padding and memory is bounded; each answer says which rows it belongs to.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from clinnlp.bert.batches import pad_rows, sorted_batches
from clinnlp.bert.windows import Ints, TokenisedText, Window, split_windows, tokenise
from clinnlp.core.checks import check_at_least, check_one_of

__all__ = ["Bf16", "Network", "Row", "best_device", "has_fast_bf16", "wants_bf16"]

Bf16 = Literal["auto", "on", "off"]


class Row(NamedTuple):
    """One token window of the text with index `text`."""

    text: int
    window: Window


def best_device() -> torch.device:
    """Return the first GPU, or the CPU where there is none."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def has_fast_bf16(device: torch.device) -> bool:
    """Return whether the device multiplies bfloat16 matrices faster than float32 ones.

    On CPUs that takes tiles (AMX). The AVX-512 instructions alone are no gain: measured here,
    Linear layers of 384 to 2,048 ran at 97 GFLOP/s in bfloat16 and 187 in float32 on one core.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)())


def wants_bf16(choice: Bf16, device: torch.device) -> bool:
    """Return whether to compute in bfloat16: as told, or with "auto" where hardware has it.

    Raises
    ------
    ArgumentError
        Another choice than "auto", "on" and "off".
    """
    check_one_of(choice, ("auto", "on", "off"), name="bf16")
    return choice == "on" or (choice == "auto" and has_fast_bf16(device))


class Network:
    """A transformer with a head, its tokenizer and its windows.

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
        Compute in bfloat16; "auto" where the device has it in hardware.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        max_tokens: int,
        stride: int,
        tokens_per_batch: int = 2048,
        device: torch.device | None = None,
        bf16: Bf16 = "auto",
    ) -> None:
        check_at_least(tokens_per_batch, 1, name="tokens_per_batch")
        self.tokenizer, self.max_tokens, self.stride = tokenizer, max_tokens, stride
        self.tokens_per_batch = tokens_per_batch
        self.device = device or best_device()
        self.bf16 = wants_bf16(bf16, self.device)
        self.model = model.to(self.device)
        self.prefix, self.suffix = special_ids(tokenizer)
        split_windows(0, size=self.window_size, stride=stride)  # refuse a bad pair early

    @property
    def window_size(self) -> int:
        """Tokens of a window without its special ones."""
        return self.max_tokens - len(self.prefix) - len(self.suffix)

    def tokenise(self, texts: Sequence[str]) -> list[TokenisedText]:
        """Return tokens and words of each text."""
        return tokenise(self.tokenizer, texts)

    def rows(self, texts: Sequence[TokenisedText]) -> list[Row]:
        """Return every window of every text, at least one for each."""
        size = self.window_size
        return [
            Row(i, window)
            for i, text in enumerate(texts)
            for window in split_windows(len(text.ids), size=size, stride=self.stride)
        ]

    def row_ids(self, ids: Ints, window: Window) -> Ints:
        """Return the vocabulary ids of a window between its special ones."""
        return np.concatenate([self.prefix, ids[window.start : window.end], self.suffix])

    def collate(self, rows: Sequence[Ints]) -> dict[str, torch.Tensor]:
        """Return the model's inputs for some rows, padded to the longest."""
        ids, mask = pad_rows(rows, int(self.tokenizer.pad_token_id or 0))
        return {"input_ids": ids.to(self.device), "attention_mask": mask.to(self.device)}

    def logits(
        self, texts: Sequence[TokenisedText], rows: Sequence[Row]
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Yield indices into `rows`, and the logits of those rows, batch by batch.

        For a token head the logits have shape (n, longest row, n_tags), for a note head
        (n, n_labels). The order is by length.
        """
        extra = len(self.prefix) + len(self.suffix)
        lengths = np.array([row.window.end - row.window.start + extra for row in rows], np.int64)
        self.model.eval()
        for batch in sorted_batches(lengths, self.tokens_per_batch):
            ids = [self.row_ids(texts[rows[i].text].ids, rows[i].window) for i in batch]
            with (
                torch.inference_mode(),
                torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16),
            ):
                out = self.model(**self.collate(ids)).logits
            yield batch, out.float().cpu().numpy()


def special_ids(tokenizer: Any) -> tuple[Ints, Ints]:
    """Return the ids that open and that close a window: for BERT ``[CLS]`` and ``[SEP]``."""
    opening = [tokenizer.cls_token_id, tokenizer.bos_token_id]
    closing = [tokenizer.sep_token_id, tokenizer.eos_token_id]
    first = [next((i for i in side if i is not None), None) for side in (opening, closing)]
    prefix, suffix = (np.array([] if i is None else [i], np.int32) for i in first)
    return prefix, suffix
