"""Settings of training, with the defaults we recommend.

For the embedded encoder they come from single runs inside the BC5CDR training set; no grid was
searched. With a fifth of its documents kept out, strict F1 after 3 and 4 of 5 epochs was 0.785 and
0.790 with the running average of weights, 0.764 and 0.785 without; hiding 15 % of the tokens and
teaching the tags of all pieces of a word gave 0.778 and 0.773, telling the encoder which words are
capitalised 0.777 and 0.788; both were left out. On another fifth, after 4 and 5 epochs, it was
0.824 and 0.820 with three mentions in ten exchanged for others of their label, 0.813 and 0.815
without; trained on 50 notes alone (8 epochs, two draws) 0.713 and 0.687, 0.662 and 0.671 without.
Exchanging for names of DrugBank and ICD-10-CM too gave nothing (development set: with 50 notes
0.572 and 0.640 against 0.592 and 0.646, with all 0.840 against 0.842) and was left out. Slower
lower layers were taken for the selection tenth of the whole training set: 0.824, 0.831 and 0.840
(three seeds) against 0.823, 0.828 and 0.838. Few notes need more epochs: trained on 50 and scored
on 150 others, F1 was 0.648 after 5, 0.694 after 15 and 0.685 after 30 (another draw: 0.642 after 5,
0.707 after 15).
"""

from dataclasses import dataclass
from typing import Literal

from clinnlp.core.checks import check_at_least, check_fraction, check_one_of
from clinnlp.core.config import option
from clinnlp.core.errors import ArgumentError

__all__ = [
    "ClassifierSettings",
    "FineTuneSettings",
    "LoopSettings",
    "PretrainSettings",
    "RelationSettings",
    "TaggerSettings",
    "default_epochs",
    "default_learning_rate",
]

_EPOCHS, _MOST_EPOCHS, _FEWEST_STEPS = 5, 30, 300

# Width of the encoder → peak learning rate; the narrow ones bear a much higher one.
_RATES = ((400, 3e-4), (600, 1e-4), (800, 5e-5))


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopSettings:
    """What every training has; each field's help names unit and range."""

    epochs: int | None = option(
        None,
        "passes over the training notes, >= 1; by default 5, with few notes more (at most 30), "
        "so that there are 300 steps",
    )
    learning_rate: float | None = option(
        None, "peak step size, > 0; by default 3e-4 for narrow encoders, 5e-5 for BERT-base"
    )
    warmup: float = option(0.1, "fraction of the steps over which the step size rises, 0 to 1")
    weight_decay: float = option(0.01, "decoupled decay of weight matrices, >= 0")
    layer_decay: float = option(
        1.0, "factor on the step size for each layer below the last, above 0 to 1"
    )
    clip: float = option(1.0, "largest norm of a gradient, > 0")
    max_tokens: int = option(
        384,
        "tokens of a window, special ones included, >= 8; falls to what the encoder reads at once, "
        "and stride with it",
    )
    tokens_per_batch: int = option(1024, "tokens of a training batch per process, >= 1")
    accumulate: int = option(1, "batches per step, >= 1: large steps in little memory")
    average: float = option(0.99, "decay of the running average of weights, 0 to < 1; 0 = none")
    selection_fraction: float = option(
        0.1, "share of train, by patient or text, that picks the epoch, 0 to 0.5; 0 = no choice"
    )
    patience: int | None = option(
        None, "stop after this many epochs without a better selection score, >= 1; never by default"
    )
    checkpoint_minutes: float = option(
        5.0, "time between two checkpoints of an unfinished training, >= 0; 0 = none"
    )
    trackers: tuple[str, ...] = option(
        (), "who is told losses and scores: tensorboard, mlflow, wandb; nobody by default"
    )
    bf16: Literal["auto", "on", "off"] = option(
        "auto",
        "compute in bfloat16: auto = as the environment variable CLINNLP_PRECISION says (float32 "
        "or bfloat16), without it where the hardware has it",
    )
    seed: int = option(0, "seed of head, dropout and order, >= 0")

    def __post_init__(self) -> None:
        for name, low in (
            ("weight_decay", 0),
            ("max_tokens", 8),
            ("tokens_per_batch", 1),
            ("accumulate", 1),
            ("checkpoint_minutes", 0),
            ("seed", 0),
        ):
            check_at_least(getattr(self, name), low, name=name)
        for name in ("epochs", "patience"):
            if getattr(self, name) is not None:
                check_at_least(getattr(self, name), 1, name=name)
        for name in ("learning_rate", "clip", "layer_decay"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ArgumentError(f"{name} must be above 0, got {value}")
        for name in ("warmup", "layer_decay"):
            check_fraction(getattr(self, name), name=name)
        _check_below_one(self.average, "average")
        if not 0 <= self.selection_fraction <= 0.5:
            raise ArgumentError(
                f"selection_fraction must lie between 0 and 0.5, got {self.selection_fraction}"
            )
        check_one_of(self.bf16, ("auto", "on", "off"), name="bf16")
        for name in self.trackers:
            check_one_of(name, ("tensorboard", "mlflow", "wandb"), name="trackers")


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuneSettings(LoopSettings):
    """What every fine-tuning has."""

    layer_decay: float = option(
        0.85, "factor on the step size for each layer below the last, above 0 to 1"
    )
    stride: int = option(64, "fewest tokens that neighbouring windows share, >= 0")
    strict_labels: bool = option(
        False, "refuse a dev label that train has not; else it is told and scored as missed"
    )

    def __post_init__(self) -> None:
        LoopSettings.__post_init__(self)
        check_at_least(self.stride, 0, name="stride")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggerSettings(FineTuneSettings):
    """How a tagger is fine-tuned.

    Examples
    --------
    >>> TaggerSettings(epochs=4).stride
    64
    >>> TaggerSettings(epochs=0)
    Traceback (most recent call last):
    clinnlp.core.errors.ArgumentError: epochs must be at least 1, got 0
    """

    word_dropout: float = option(0.0, "share of tokens hidden in training, 0 to < 1")
    swap: float = option(
        0.3, "share of mentions replaced by others of their label in training, 0 to < 1"
    )
    abbreviate: float = option(
        0.3,
        "share of the names exchanged that are given with their initials and then by them, "
        "0 to < 1; above 0 a short form goes with its long form",
    )
    consistency: bool = option(
        True, "what a note says of a name elsewhere, and of its short form, counts at each place"
    )
    known_names: int = option(
        5,
        "names that training notes of so many patients mark are kept with the model, and known "
        "again; 1 only where the corpus is open to all, 0 keeps none",
    )
    heads: Literal["auto", "joint", "per_label"] = option(
        "auto",
        "one head for all labels, or one for each; auto = one for those that the same corpora "
        "annotate. Of mentions that overlap under one head the longest is learned",
    )
    labels: tuple[str, ...] | None = option(None, "labels to learn; all that train has by default")

    def __post_init__(self) -> None:
        FineTuneSettings.__post_init__(self)
        check_one_of(self.heads, ("auto", "joint", "per_label"), name="heads")
        _check_below_one(self.word_dropout, "word_dropout")
        _check_below_one(self.swap, "swap")
        _check_below_one(self.abbreviate, "abbreviate")
        check_at_least(self.known_names, 0, name="known_names")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierSettings(FineTuneSettings):
    """How a classifier of notes is fine-tuned.

    Examples
    --------
    >>> ClassifierSettings(pooling="max").windows_per_note
    2
    """

    windows_per_note: int = option(
        2, "random windows of a note read per epoch, >= 1; prediction reads all"
    )
    pooling: Literal["mean", "max"] = option(
        "mean", "a note is the mean of its windows, or the most that one of them says"
    )
    tune_encoder: bool = option(
        False, "after the head, train all weights for some epochs; else the head alone"
    )
    class_weights: bool = option(False, "rare labels weigh more in the loss, in inverse proportion")
    multi_label: bool = option(
        False, "a note has any number of labels, each with a threshold of its own"
    )
    labels: tuple[str, ...] | None = option(None, "labels to learn; all that train has by default")

    def __post_init__(self) -> None:
        FineTuneSettings.__post_init__(self)
        check_at_least(self.windows_per_note, 1, name="windows_per_note")
        check_one_of(self.pooling, ("mean", "max"), name="pooling")


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationSettings(FineTuneSettings):
    """How a model of relations is fine-tuned.

    Examples
    --------
    >>> RelationSettings(reading="appended").negatives is None
    True
    >>> RelationSettings(reach=0)
    Traceback (most recent call last):
    clinnlp.core.errors.ArgumentError: reach must be at least 1, got 0
    """

    reading: Literal["inserted", "appended", "hidden"] = option(
        "inserted",
        "markers stand around the two mentions, one pass per pair; or behind the text, one pass "
        "for all pairs of a text, the faster; or in place of all mentions, so that no name is "
        "learned",
    )
    ends: Literal["auto", "mentions", "concepts"] = option(
        "auto", "what relations join; auto = what those of train join"
    )
    within: Literal["auto", "sentence", "document"] = option(
        "auto", "where both ends stand; auto = a sentence for mentions, a document for concepts"
    )
    reach: int | None = option(
        None,
        "most characters between two mentions, >= 1; pairs farther apart are cut and counted; by "
        "default 500 in sentences, 4000 in documents",
    )
    negatives: float | None = option(
        None,
        "unrelated pairs drawn anew in each epoch for each related one, > 0; by default 3 with "
        "inserted markers, all with appended ones. Scores stay those of all pairs",
    )
    word_dropout: float = option(
        0.0, "share of tokens hidden in training, but for the markers of a pair, 0 to < 1"
    )
    undirected: tuple[str, ...] = option((), "labels whose roles say nothing: both orders are one")
    roles: tuple[str, ...] | None = option(
        None, "learn only the pairs of these roles; of a relation with many ends all by default"
    )
    baselines: bool = option(
        True, "score naive Bayes and a linear SVM on the words around a pair beside, on dev"
    )
    labels: tuple[str, ...] | None = option(None, "labels to learn; all that train has by default")

    def __post_init__(self) -> None:
        FineTuneSettings.__post_init__(self)
        check_one_of(self.reading, ("inserted", "appended", "hidden"), name="reading")
        check_one_of(self.ends, ("auto", "mentions", "concepts"), name="ends")
        check_one_of(self.within, ("auto", "sentence", "document"), name="within")
        if self.reach is not None:
            check_at_least(self.reach, 1, name="reach")
        _check_below_one(self.word_dropout, "word_dropout")
        if self.negatives is not None and not self.negatives > 0:
            raise ArgumentError(f"negatives must be above 0, got {self.negatives}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainSettings(LoopSettings):
    """How an encoder is taught the language of some notes.

    Examples
    --------
    >>> PretrainSettings(hidden_share=0.2).epochs
    3
    """

    epochs: int | None = option(3, "passes over the notes, >= 1")
    hidden_share: float = option(0.15, "share of words to be guessed, above 0 to < 1")

    def __post_init__(self) -> None:
        LoopSettings.__post_init__(self)
        _check_below_one(self.hidden_share, "hidden_share")
        if not self.hidden_share:
            raise ArgumentError("hidden_share must be above 0, got 0")


def default_epochs(n_steps: int) -> int:
    """Return the epochs of a training with `n_steps` steps in each.

    Examples
    --------
    >>> [default_epochs(n) for n in (200, 20, 1)]
    [5, 15, 30]
    """
    return min(_MOST_EPOCHS, max(_EPOCHS, -(-_FEWEST_STEPS // n_steps)))


def default_learning_rate(width: int) -> float:
    """Return the peak learning rate for an encoder of a hidden width."""
    return next((rate for below, rate in _RATES if width < below), 2e-5)


def _check_below_one(value: float, name: str) -> None:
    if not 0 <= value < 1:
        raise ArgumentError(f"{name} must be at least 0 and below 1, got {value}")
