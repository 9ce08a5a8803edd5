"""The settings of training as keyword arguments, so that an editor shows them and checks them.

``fine_tune_ner(train, out="models/drugs", epochs=4)`` takes each field of `TaggerSettings`. What a
field means, its unit and its range stand in `clinnlp.bert.settings`; names and types are those of
the settings, and where a tuple is kept a list is taken.
"""

from typing import Literal, TypedDict

__all__ = ["ClassifierFields", "LoopFields", "PretrainFields", "RelationFields", "TaggerFields"]


class LoopFields(TypedDict, total=False):
    """Fields of `LoopSettings`, each of which may be left out."""

    epochs: int | None
    learning_rate: float | None
    warmup: float
    weight_decay: float
    layer_decay: float
    clip: float
    max_tokens: int
    tokens_per_batch: int
    accumulate: int
    average: float
    selection_fraction: float
    patience: int | None
    checkpoint_minutes: float
    trackers: tuple[str, ...] | list[str]
    bf16: Literal["auto", "on", "off"]
    seed: int


class TaggerFields(LoopFields, total=False):
    """Fields of `TaggerSettings`, each of which may be left out."""

    stride: int
    strict_labels: bool
    word_dropout: float
    swap: float
    abbreviate: float
    consistency: bool
    known_names: int
    heads: Literal["auto", "joint", "per_label"]
    labels: tuple[str, ...] | list[str] | None


class ClassifierFields(LoopFields, total=False):
    """Fields of `ClassifierSettings`, each of which may be left out."""

    stride: int
    strict_labels: bool
    windows_per_note: int
    pooling: Literal["mean", "max"]
    tune_encoder: bool
    class_weights: bool
    multi_label: bool
    labels: tuple[str, ...] | list[str] | None


class RelationFields(LoopFields, total=False):
    """Fields of `RelationSettings`, each of which may be left out."""

    stride: int
    strict_labels: bool
    reading: Literal["inserted", "appended", "hidden"]
    ends: Literal["auto", "mentions", "concepts"]
    within: Literal["auto", "sentence", "document"]
    reach: int | None
    negatives: float | None
    word_dropout: float
    undirected: tuple[str, ...] | list[str]
    roles: tuple[str, ...] | list[str] | None
    baselines: bool
    labels: tuple[str, ...] | list[str] | None


class PretrainFields(LoopFields, total=False):
    """Fields of `PretrainSettings`, each of which may be left out."""

    hidden_share: float
