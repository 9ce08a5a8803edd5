"""Teach an encoder the language of a hospital's own notes, no annotation needed.

Masked-language modelling goes on where the encoder's makers stopped. Notes are laid end to end,
a separator between them, and cut into windows that are full, so nothing is padding. A share of
the *words* is to be guessed, all pieces of a word together, for the rest of a word would give it
away; of these words 80 % are masked, 10 % replaced by random pieces, 10 % left as they are. The
folder that is written serves as `encoder` of `fine_tune_ner`.

References
----------
Devlin et al., BERT, NAACL 2019 (whole-word masking: the authors' release of May 2019);
Gururangan et al., Don't Stop Pretraining, ACL 2020.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import torch
from transformers import AutoModelForMaskedLM

from clinnlp.bert.corpus import read_train, split_selection
from clinnlp.bert.disk import system_errors
from clinnlp.bert.encoders import load_model, quiet
from clinnlp.bert.fields import PretrainFields
from clinnlp.bert.folder import OWN_FILES, PRETRAINED_FILE
from clinnlp.bert.job import Job
from clinnlp.bert.learned import Trained
from clinnlp.bert.model_card import encoder_card
from clinnlp.bert.network import Network
from clinnlp.bert.selection import Score, mean_of_ratios
from clinnlp.bert.settings import PretrainSettings
from clinnlp.core.arrays import Bools, Ints
from clinnlp.core.config import settings_to
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.files import atomic_folder
from clinnlp.core.model_cards import CARD_FILE
from clinnlp.core.notes import Note

__all__ = ["PretrainSettings", "pretrain"]

_MASKED, _RANDOM = 0.8, 0.1
_HEADS = ("cls", "lm_head", "head")  # what guesses the words, in transformers' models


def pretrain(
    notes: Iterable[Note],
    *,
    encoder: str | Path = "minilm",
    out: str | Path,
    settings: PretrainSettings | None = None,
    progress: bool = True,
    resume: bool = True,
    **overrides: Unpack[PretrainFields],
) -> dict[str, Any]:
    """Go on training an encoder to guess hidden words of the notes, and write it to a folder.

    Parameters
    ----------
    notes : re-iterable of Note
        Their texts are read, nothing else.
    encoder, out, progress, resume, **overrides
        As for `clinnlp.bert.train.fine_tune_ner`.
    settings : PretrainSettings, optional

    Returns
    -------
    dict
        The card that is written beside the weights: loss per epoch, and on the tenth of the notes
        kept out the mean log probability of the hidden words (``score``); settings and versions.

    Raises
    ------
    ArgumentError, DataError
        Unusable settings; notes too short to fill one window.
    StoreError, RunError
        As for `fine_tune_ner`.

    Examples
    --------
    >>> notes = clinnlp.read_notes("notes.csv", text="text")               # doctest: +SKIP
    >>> card = pretrain(notes, out="models/our-words", epochs=2)           # doctest: +SKIP
    >>> tagger = fine_tune_ner(train, encoder="models/our-words")          # doctest: +SKIP
    >>> import tempfile
    >>> notes = [Note(id=f"n{k}", text="Started aspirin. " * 8) for k in range(4)]
    >>> folder = tempfile.TemporaryDirectory()
    >>> card = pretrain(notes, out=f"{folder.name}/words", epochs=1, max_tokens=32, progress=False)
    >>> len(card["epochs"]), card["n_notes"]
    (1, 4)
    >>> folder.cleanup()
    """
    job = Job(PretrainSettings, settings, overrides,
              encoder=encoder, out=out, progress=progress, resume=resume)  # fmt: skip
    return job.run(_PretrainRecipe(notes, job.settings)).record()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class _Pretrained(Trained):
    """An encoder that has learned to guess words."""

    def record(self) -> dict[str, Any]:
        """Return the card with the settings."""
        return {**self.card, "settings": dict(self.settings)}

    def save(self, folder: str | Path) -> None:
        """Write encoder, tokenizer and record."""
        with atomic_folder(folder, own=OWN_FILES) as temporary, quiet(), system_errors():
            self.network.model.save_pretrained(temporary)
            self.network.tokenizer.save_pretrained(temporary)
            text = json.dumps(self.record(), indent=2)
            (temporary / PRETRAINED_FILE).write_text(text, encoding="utf-8")
            (temporary / CARD_FILE).write_text(encoder_card(self.card), encoding="utf-8")


class _PretrainRecipe:
    """A `clinnlp.bert.job.Recipe`; parameters and errors as of `pretrain`."""

    labels: tuple[str, ...] = ()
    reads_annotations = False
    trains = True

    def __init__(self, notes: Iterable[Note], settings: PretrainSettings) -> None:
        self._settings = settings
        self.notes: Sequence[Note] = read_train(notes, None)
        self._fit, self._selection = split_selection(self.notes, settings.selection_fraction)
        self.n_selection = len(self._selection)

    def untrained(self, job: Job[Any]) -> _Pretrained:
        """Return the encoder with the head that guesses words, its own where it has one."""
        network = job.network(partial(load_model, kind=AutoModelForMaskedLM))
        return _Pretrained(network=network, settings=settings_to(self._settings))

    def task(self, pipe: _Pretrained) -> "_Guessing":
        """Return the task of guessing hidden words."""
        return _Guessing(pipe.network, self._fit, self._selection, self._settings)

    def finish(self, pipe: _Pretrained, _task: "_Guessing") -> _Pretrained:
        """Return it as it is: nothing is chosen afterwards."""
        return pipe

    def score(self, pipe: _Pretrained) -> None:
        """Score nothing: what it is good for shows in the models that begin from it."""


class _Guessing:
    """The task: guess the hidden words of full windows."""

    def __init__(
        self,
        network: Network,
        fit: Sequence[Note],
        selection: Sequence[Note],
        settings: PretrainSettings,
    ) -> None:
        self._model, self._network, self._settings = network.model, network, settings
        self._mask_id = network.tokenizer.mask_token_id
        if self._mask_id is None:
            raise ArgumentError("the encoder's tokenizer must have a mask token, got none")
        self._special = np.array(sorted(network.tokenizer.all_special_ids), np.int64)
        self._n_pieces = int(network.model.config.vocab_size)
        self._windows, self._words = self._packed(fit)
        self._held = self._packed(selection)
        if not len(self._windows):
            raise DataError(
                f"notes must hold at least {settings.max_tokens} tokens to fill a window, got "
                "fewer; add notes or lower max_tokens"
            )
        self.counts = {"n_tokens": int(self._windows.size)}

    def plan(self, rng: np.random.Generator) -> list[Ints]:
        """Return the windows of each batch of one epoch."""
        order = rng.permutation(len(self._windows))
        n = max(1, self._settings.tokens_per_batch // self._settings.max_tokens)
        return [order[at : at + n] for at in range(0, len(order), n)]

    def loss(self, model: Any, batch: Ints) -> torch.Tensor:
        """Return the mean cross entropy of the hidden pieces."""
        seed = int(torch.randint(2**31, ()))  # of this step alone
        return self._guess(model, self._windows[batch], self._words[batch], seed)

    def score(self) -> Score | None:
        """Return the mean log probability of hidden pieces of the notes kept out."""
        windows, words = self._held
        if not len(windows):
            return None
        self._model.eval()
        n = max(1, self._settings.tokens_per_batch // self._settings.max_tokens)
        with torch.inference_mode():
            log_p = [
                -float(self._guess(self._model, windows[at : at + n], words[at : at + n], at))
                for at in range(0, len(windows), n)
            ]
        return mean_of_ratios(np.array([log_p]).T, np.ones((len(log_p), 1)))

    def _packed(self, notes: Sequence[Note]) -> tuple[Ints, Ints]:
        """Return full windows (n, max_tokens) and the number of the word at each place."""
        prefix, suffix = self._network.prefix, self._network.suffix
        texts = self._network.tokenise([note.text for note in notes])
        ids = [np.concatenate([text.ids, suffix]) for text in texts]
        begins = []
        for text in texts:
            mark = np.zeros(len(text.ids) + len(suffix), np.int64)
            mark[text.first] = 1
            mark[len(text.ids) :] = 1
            begins.append(mark)
        size = self._network.window_size
        n = sum(map(len, ids)) // size
        if not n:
            empty = np.empty((0, self._settings.max_tokens), np.int64)
            return empty, empty
        stream = np.concatenate(ids)[: n * size].reshape(n, size)
        word = np.cumsum(np.concatenate(begins))[: n * size].reshape(n, size)
        ends = [np.tile(part, (n, 1)) for part in (prefix, suffix)]
        return (
            np.concatenate([ends[0], stream, ends[1]], axis=1).astype(np.int64),
            np.concatenate([0 * ends[0], word, 0 * ends[1]], axis=1).astype(np.int64),
        )

    def _guess(self, model: Any, ids: Ints, words: Ints, seed: int) -> torch.Tensor:
        shown, hidden = hide_words(
            ids, words, self._settings.hidden_share, special=self._special,
            mask_id=self._mask_id, n_pieces=self._n_pieces, rng=np.random.default_rng(seed),
        )  # fmt: skip
        device = next(self._model.parameters()).device
        at = torch.from_numpy(hidden).to(device)
        with _only_at(self._model, at):
            logits = model(input_ids=torch.from_numpy(shown).to(device)).logits
        if logits.shape[0] != int(hidden.sum()):
            logits = logits[at]
        targets = torch.from_numpy(ids[hidden]).to(device)
        total = torch.nn.functional.cross_entropy(logits.float(), targets, reduction="sum")
        return total / max(1, len(targets))


def hide_words(
    ids: Ints,
    words: Ints,
    share: float,
    *,
    special: Ints,
    mask_id: int,
    n_pieces: int,
    rng: np.random.Generator,
) -> tuple[Ints, Bools]:
    """Return the ids with a share of the words hidden, and which places those are.

    Parameters
    ----------
    ids, words : arrays of int64, shape (n, width)
        Pieces, and a number that pieces of one word share.
    share : float
        Of the words; at least one word is hidden.
    special : array of int64
        Ids that are never hidden.
    mask_id, n_pieces : int
        The mask, and how many pieces there are to replace one by.
    """
    free = ~np.isin(ids, special)
    names = np.unique(words[free])
    if not len(names):
        return ids, np.zeros(ids.shape, bool)
    chosen = rng.permutation(names)[: max(1, round(share * len(names)))]
    fate = rng.random(len(chosen))
    order = np.argsort(chosen)
    at = np.minimum(np.searchsorted(chosen[order], words), len(chosen) - 1)
    hidden = free & (chosen[order][at] == words)
    draw = fate[order][at]
    shown = np.where(hidden & (draw < _MASKED), mask_id, ids)
    random = hidden & (draw >= _MASKED) & (draw < _MASKED + _RANDOM)
    return np.where(random, rng.integers(0, n_pieces, ids.shape), shown), hidden


@contextmanager
def _only_at(model: Any, at: torch.Tensor) -> Iterator[None]:
    """Have the head of `model` read the marked places alone, inside the block: half the work."""
    head = next((getattr(model, name) for name in _HEADS if hasattr(model, name)), None)
    if head is None:
        yield
        return
    hook = head.register_forward_pre_hook(lambda _, inputs: (inputs[0][at],))
    try:
        yield
    finally:
        hook.remove()
