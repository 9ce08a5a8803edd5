"""Scores of tag sequences in the shape of ``evaluate.load("seqeval")``, for a Trainer.

Mentions are read from tags as the CoNLL script reads them (`clinnlp.core.tags.decode_tags`) and
compared strictly: label, first and last token. Everything is a function of counts of mentions.

References
----------
Tjong Kim Sang and De Meulder, CoNLL 2003; Nakayama, seqeval 2018.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from clinnlp.core.counts import PRF
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.tags import decode_tags

__all__ = ["compute_metrics"]

_IGNORED = -100  # a position that a loss leaves out: special tokens, inner pieces of words

Tags = Sequence[Sequence[Any]]


def compute_metrics(
    predictions: Any, references: Tags | None = None, *, labels: Sequence[str] | None = None
) -> dict[str, Any]:
    """Return precision, recall and F1 of tags, in all and by label, as `evaluate`'s seqeval does.

    Parameters
    ----------
    predictions : sequence of sequences of tags, or an `EvalPrediction`
        One sequence per text. Of a Trainer: logits, shape (n_texts, n_tokens, n_tags), or numbers
        of tags, shape (n_texts, n_tokens), with the numbers of the true ones, where −100 is left
        out.
    references : sequence of sequences of tags, optional
        The true ones; absent where `predictions` holds both.
    labels : sequence of str, optional
        Name of each tag, where tags are numbers.

    Returns
    -------
    dict
        ``overall_precision``, ``overall_recall``, ``overall_f1`` and ``overall_accuracy`` (share
        of tokens with the right tag), all in 0 to 1, and for each label ``precision``,
        ``recall``, ``f1`` and ``number`` (mentions in `references`). 0/0 is 0 here, as there.

    Raises
    ------
    ArgumentError
        There are no references, or numbers of tags without `labels`.
    DataError
        The sequences do not fit together, or a tag has another form.

    References
    ----------
    https://huggingface.co/spaces/evaluate-metric/seqeval

    Examples
    --------
    >>> gold = [["O", "B-Drug", "I-Drug"], ["B-Problem", "O"]]
    >>> found = [["O", "B-Drug", "I-Drug"], ["O", "O"]]
    >>> scores = compute_metrics(predictions=found, references=gold)
    >>> scores["Drug"], scores["overall_recall"], scores["overall_accuracy"]
    ({'precision': 1.0, 'recall': 1.0, 'f1': 1.0, 'number': 1}, 0.5, 0.8)

    In a Trainer: ``compute_metrics=partial(clinnlp.compute_metrics, labels=names)``.
    """
    found, gold = _both(predictions, references)
    pairs = [_named(f, g, labels) for f, g in zip(found, gold, strict=True)]
    n_tokens = sum(len(truth) for _, truth in pairs)
    n_right = sum(a == b for each in pairs for a, b in zip(*each, strict=True))
    counts = _counts(pairs)
    total = sum(counts.values(), start=PRF(tp=0, fp=0, fn=0))
    scores: dict[str, Any] = {
        label: {**_ratios(count), "number": count.tp + count.fn}
        for label, count in sorted(counts.items())
    }
    scores |= {f"overall_{name}": value for name, value in _ratios(total).items()}
    return {**scores, "overall_accuracy": n_right / n_tokens if n_tokens else 0.0}


def _both(predictions: Any, references: Tags | None) -> tuple[Any, Any]:
    """Return found and true tags, the numbers of the likeliest where there are logits."""
    if references is None:
        held = getattr(predictions, "predictions", None), getattr(predictions, "label_ids", None)
        if any(each is None for each in held):
            raise ArgumentError("references must be given beside predictions, got none")
        predictions, references = held
    if isinstance(predictions, tuple):  # of a model that answers more than logits
        predictions = predictions[0]
    if getattr(predictions, "ndim", 2) == 3:
        predictions = np.asarray(predictions).argmax(2)
    if references is None or len(predictions) != len(references):
        raise DataError("predictions and references must be equally many sequences, and are not")
    return predictions, references


def _named(
    found: Sequence[Any], gold: Sequence[Any], labels: Sequence[str] | None
) -> tuple[list[str], list[str]]:
    """Return the names of found and true tags where there is a true one."""
    if len(found) != len(gold):
        raise DataError(
            f"a sequence must have a tag for each of its {len(gold)} tokens, got {len(found)}"
        )
    kept = [(a, b) for a, b in zip(found, gold, strict=True) if isinstance(b, str) or b != _IGNORED]
    return [_name(a, labels) for a, _ in kept], [_name(b, labels) for _, b in kept]


def _name(tag: Any, labels: Sequence[str] | None) -> str:
    if isinstance(tag, str):
        return tag
    if labels is None:
        raise ArgumentError("labels must name the tags where these are numbers, got none")
    if not 0 <= tag < len(labels):
        raise DataError(f"the number of a tag must be below {len(labels)}, got {tag}")
    return str(labels[tag])


def _counts(pairs: Sequence[tuple[list[str], list[str]]]) -> dict[str, PRF]:
    """Return the counts of mentions of each label."""
    found, gold = (
        {(k, *each) for k, pair in enumerate(pairs) for each in decode_tags(pair[side])}
        for side in (0, 1)
    )
    n_found, n_gold, n_right = (
        Counter(label for *_, label in mentions) for mentions in (found, gold, found & gold)
    )
    return {
        label: PRF(
            tp=n_right[label],
            fp=n_found[label] - n_right[label],
            fn=n_gold[label] - n_right[label],
        )
        for label in set(chain(n_found, n_gold))
    }


def _ratios(counts: PRF) -> dict[str, float]:
    """Return the ratios of counts, 0 where there is nothing to divide by."""
    values = {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}
    return {name: 0.0 if np.isnan(value) else float(value) for name, value in values.items()}
