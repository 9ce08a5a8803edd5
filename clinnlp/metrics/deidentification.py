"""Scores of de-identification: what is left of the identifiers, and what is removed beside them.

Labels do not matter here: an identifier is gone where its characters are. Only letters and digits
count, so that a comma between two finds is no leak. With gold and found characters G and F of
a note,

    character recall = |G ∩ F| / |G|      over-redaction = |F − G| / all letters and digits

An identifier is *covered* where all its letters and digits are found, *touched* where one is; each
that is not covered is a *leak*, and a note without one is *clean*. Intervals resample documents.
For spans with their labels see `clinnlp.metrics.spans`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clinnlp.core.arrays import Array, Floats
from clinnlp.core.checks import check_level, check_several
from clinnlp.core.counts import Estimate, ratio
from clinnlp.core.notes import Entity, Note
from clinnlp.metrics.intervals import bootstrap_draws, percentile_interval
from clinnlp.metrics.spans import pair_entities

__all__ = ["DeidentificationScores", "score_deidentification"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeidentificationScores:
    """What de-identification left, and what it took too much.

    Parameters
    ----------
    character_recall : Estimate
        Letters and digits of identifiers that were found.
    covered, touched : Estimate
        Identifiers found as a whole, and at least in part.
    leaks_per_note : Estimate
        Identifiers that are not covered, by note.
    clean_notes : Estimate
        Notes without a leak.
    over_redaction : Estimate
        Letters and digits found outside identifiers, of all in the notes that are no identifier's.
    touched_without : Estimate
        Of the notes without an identifier, those in which something was found.
    n_notes, n_identifiers : int
    per_label : mapping of str to tuple of int
        Covered and all identifiers of each gold label.
    """

    character_recall: Estimate
    covered: Estimate
    touched: Estimate
    leaks_per_note: Estimate
    clean_notes: Estimate
    over_redaction: Estimate
    touched_without: Estimate
    n_notes: int
    n_identifiers: int
    per_label: Mapping[str, tuple[int, int]]

    def rows(self) -> list[dict[str, Any]]:
        """Return one plain row per gold label: how many there are and how many are covered."""
        return [
            {"label": label, "n": n, "n_covered": covered, "covered": float(ratio(covered, n))}
            for label, (covered, n) in self.per_label.items()
        ]


def score_deidentification(
    gold: Iterable[Note],
    predicted: Iterable[Note],
    *,
    n_boot: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> DeidentificationScores:
    """Score found identifiers against gold ones of the same notes, whatever their labels.

    Parameters
    ----------
    gold, predicted : iterable of Note
        Paired by id, in any order; read once. All entities count.
    n_boot : int
        Resamples of documents for the intervals; 0 gives none.
    level : float
        Coverage of the intervals.
    seed : int
        Seed of the resampling.

    Returns
    -------
    DeidentificationScores
        Recall by characters and by identifiers, what is left per note and what is taken too much,
        each with its interval, and counts by gold label.

    Raises
    ------
    ArgumentError
        A `level` that is not strictly between 0 and 1.
    DataError
        Ids that repeat or have no partner, or texts that differ under one id.

    Examples
    --------
    >>> from clinnlp.core.spans import Span
    >>> gold = Note(id="n", text="Jane Doe has gout", entities=(
    ...     Entity(id="T1", span=Span(0, 8), label="NAME"),))
    >>> found = gold.with_(entities=(Entity(id="I1", span=Span(0, 4), label="NAME"),))
    >>> scores = score_deidentification([gold], [found])
    >>> round(scores.character_recall.value, 2), scores.covered.value, scores.touched.value
    (0.57, 0.0, 1.0)
    """
    check_level(level)
    check_several(gold, name="gold")
    check_several(predicted, name="predicted")
    rows: list[tuple[int, ...]] = []
    per_label: dict[str, list[int]] = {}
    for note, ours, theirs in pair_entities(gold, predicted):
        counts, hits = _counted(note.text, ours, theirs)
        rows.append(counts)
        for entity, hit in zip(ours, hits, strict=True):
            of = per_label.setdefault(entity.label, [0, 0])
            of[0] += hit
            of[1] += 1
    counted = np.array(rows, np.float64).reshape(-1, 11)

    def resampled(weights: Floats) -> Floats:
        return _scores(weights @ counted)

    n = len(counted)
    draws = bootstrap_draws(resampled, n, n_boot=n_boot if n else 0, seed=seed)
    made = [
        percentile_interval(
            float(value), draws[:, k] if len(draws) else (), level=level, unit="document"
        )
        for k, value in enumerate(_scores(counted.sum(axis=0)))
    ]
    names = ("character_recall", "covered", "touched", "leaks_per_note", "clean_notes",
             "over_redaction", "touched_without")  # fmt: skip
    return DeidentificationScores(
        **dict(zip(names, made, strict=True)),
        n_notes=n,
        n_identifiers=int(counted[:, 2].sum()),
        per_label={label: (k, m) for label, (k, m) in sorted(per_label.items())},
    )


def _counted(
    text: str, gold: Sequence[Entity], found: Sequence[Entity]
) -> tuple[tuple[int, ...], list[bool]]:
    """Return the counts of one note, and which gold identifiers are covered.

    In order: characters of gold, those found, identifiers, covered, touched, notes (1), clean
    notes, characters outside, found outside, notes without identifiers, those of them touched.
    """
    counts = np.array([char.isalnum() for char in text], bool)
    ours, theirs = _mask(gold, len(text)), _mask(found, len(text))
    covered, touched = [], 0
    for entity in gold:
        inside = _mask([entity], len(text)) & counts
        n, hit = int(inside.sum()), int((inside & theirs).sum())
        covered.append(hit == n)
        touched += hit > 0 or n == 0
    outside = counts & ~ours
    n_beside = int((outside & theirs).sum())
    row = (
        int((counts & ours).sum()), int((counts & ours & theirs).sum()), len(gold), sum(covered),
        touched, 1, int(all(covered)), int(outside.sum()), n_beside,
        int(not gold), int(not gold and len(found) > 0),
    )  # fmt: skip
    return row, covered


def _mask(entities: Sequence[Entity], n: int) -> Array:
    mask = np.zeros(n, bool)
    for entity in entities:
        for piece in entity.pieces:
            mask[piece.start : piece.end] = True
    return mask


def _scores(counts: Any) -> Floats:
    chars, hit, n, covered, touched, notes, clean, outside, beside, bare, spoilt = counts
    return np.array([
        ratio(hit, chars), ratio(covered, n), ratio(touched, n), ratio(n - covered, notes),
        ratio(clean, notes), ratio(beside, outside), ratio(spoilt, bare),
    ])  # fmt: skip
