"""What a model of relations learns: which pairs are related, and how, with its batches and loss.

The loss of a pair is -log of the probability of what it is: of its kinds, or of none. In a corpus
that does not annotate a label, a pair without a relation may be of that label: its probability is
then that of none and of those kinds together.

Unrelated pairs are many. A share r of them is drawn anew in each epoch, and the odds of none are
multiplied by r while learning, so that what is learned are the odds among all pairs.

References
----------
King and Zeng, Logistic Regression in Rare Events Data, Polit Anal 2001, section 4.1 (prior
correction).
"""

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from clinnlp.bert.batches import hide_tokens, shuffled_batches
from clinnlp.bert.confidence import Calibration, calibrated, fit_calibration, fit_threshold
from clinnlp.bert.corpus import Corpora
from clinnlp.bert.marked import MarkedRow
from clinnlp.bert.relate import RelationExtractor, likeliest, read_pairs, row_maker
from clinnlp.bert.relation_kinds import Kinds
from clinnlp.bert.relation_pairs import Pair
from clinnlp.bert.selection import Score, is_as_good, mean_of_ratios, patients_of
from clinnlp.bert.settings import RelationSettings
from clinnlp.core.arrays import Bools, Floats, Ints
from clinnlp.core.errors import DataError
from clinnlp.core.notes import Note

__all__ = ["RelateTask", "targets_of"]

_log = logging.getLogger(__name__)

_USUAL_NEGATIVES = 3.0  # for each related pair, where each costs a pass


class _Batch(NamedTuple):
    """Rows of one step, and which pairs teach in its epoch."""

    rows: Ints
    drawn: Bools


class RelateTask:
    """Teach a `RelationExtractor` from notes with relations.

    Parameters
    ----------
    model : RelationExtractor
        Trained in place.
    fit, selection : mappings of corpus name to notes
    annotated : mapping of corpus name to labels
        A label that a corpus does not annotate is neither taught nor scored there.
    settings : RelationSettings

    Raises
    ------
    DataError
        No pair of the notes to learn from fits into a window.
    """

    def __init__(
        self,
        model: RelationExtractor,
        fit: Corpora,
        selection: Corpora,
        annotated: Mapping[str, Sequence[str]],
        settings: RelationSettings,
    ) -> None:
        self._model, self._settings, self._annotated = model, settings, annotated
        self._selection = {name: notes for name, notes in selection.items() if notes}
        self._appended = model.reading == "appended"
        make = row_maker(model.network, model.kinds, model.reading)
        self._rows = list[MarkedRow]()
        pairs, targets, n_cut, n_tokens, n_gold = list[Pair](), list[Bools](), 0, 0, 0
        for name, notes in fit.items():
            texts = model.network.tokenise([note.text for note in notes])
            for note, text in zip(notes, texts, strict=True):
                found = model.search(note)
                self._rows += make(text, found.pairs, first=len(pairs))
                pairs += found.pairs
                targets.append(targets_of(note, found.pairs, model.kinds, annotated[name]))
                n_cut, n_tokens = n_cut + found.n_cut, n_tokens + len(text.ids)
                n_gold += len(model.kinds.gold(note))
        if not self._rows:
            raise DataError("train must hold at least one pair of labelled mentions to relate")
        self._possible = model.kinds.possible([pair.labels for pair in pairs])
        self._targets = np.concatenate(targets)  # (n_pairs, 1 + n_kinds)
        self._lengths = np.array([row.n_text for row in self._rows], np.int64)
        self._related = ~self._targets[:, 0]
        self._share = self._kept_share()
        read = read_pairs(self._rows)
        n_related = int(self._related[read].sum())
        n_cut += len(pairs) - len(read)
        self.counts = {"n_tokens": n_tokens, "n_pairs": len(read), "n_related": n_related,
                       "n_cut": n_cut, "n_related_unread": n_gold - n_related}  # fmt: skip
        if n_related < n_gold:
            _log.warning(
                "clinnlp: %d of %d related pairs are not learned: their ends stand in two "
                "sentences, or are too far apart for reach or a window (within, reach, max_tokens)",
                n_gold - n_related,
                n_gold,
            )

    def plan(self, rng: np.random.Generator) -> list[_Batch]:
        """Return the rows of each batch of one epoch that hold a drawn pair."""
        drawn = self._related | (rng.random(len(self._related)) < self._share)
        n_drawn = np.array([drawn[row.owners].sum() for row in self._rows], np.int64)
        rows = np.flatnonzero(n_drawn)
        lengths = (self._lengths + 2 * n_drawn * self._appended)[rows]
        batches = shuffled_batches(lengths, self._settings.tokens_per_batch, rng)
        return [_Batch(rows[batch], drawn) for batch in batches]

    def loss(self, model: Any, batch: _Batch) -> torch.Tensor:
        """Return the mean loss of the pairs that are drawn."""
        rows = [self._rows[k].of(batch.drawn) for k in batch.rows]
        network = self._model.network
        if self._appended:
            inputs = network.collate_marked(rows)
        else:
            inputs = network.collate([row.ids for row in rows])
        which = np.repeat(np.arange(len(rows)), [len(row.marks) for row in rows])
        marks = np.concatenate([row.marks for row in rows])
        inputs["input_ids"] = self._with_hidden(inputs["input_ids"], which, marks)
        logits = model(**inputs).logits.float()  # (n_rows, width, 2 + 2 n_kinds)
        owners = np.concatenate([row.owners for row in rows])
        pairs, of_pair = np.unique(owners, return_inverse=True)
        odds = pooled_odds(_odds(logits, which, marks), of_pair, len(pairs))
        cells = (self._possible[pairs], self._targets[pairs])
        possible, targets = (torch.from_numpy(each).to(odds.device) for each in cells)
        odds = odds.masked_fill(~possible, -math.inf)
        none = torch.full_like(odds[:, :1], math.log(self._share))
        among = torch.cat([none, odds], dim=1)
        right = among.masked_fill(~targets, -math.inf)
        return (among.logsumexp(1) - right.logsumexp(1)).mean()

    def _with_hidden(self, ids: torch.Tensor, which: Ints, marks: Ints) -> torch.Tensor:
        """Return the ids with a random share of them masked, the markers of pairs as they are."""
        mask_id = self._model.network.tokenizer.mask_token_id
        out = hide_tokens(ids, self._settings.word_dropout, mask_id)
        rows, columns = np.repeat(which, 2), marks.ravel()
        out[rows, columns] = ids[rows, columns]
        return out

    def score(self) -> Score | None:
        """Return micro F1 of the relations of the selection notes that are likelier than none."""
        if not self._selection:
            return None
        shares, all_notes = list[Floats](), list[Note]()
        for name, notes in self._selection.items():
            judged = self._judged(name, notes)
            shares.append(judged.shares())
            all_notes += notes
        columns = np.hstack(shares)[:, :, None]
        return mean_of_ratios(columns[0], columns[1], patients_of(all_notes))

    def confidence(self) -> tuple[dict[str, Calibration], dict[str, float]]:
        """Return calibration and thresholds, as the selection notes say.

        A threshold stands where it gives a better F1 there, beyond chance, than to give each
        relation that is likelier than none: one for all labels first, and then each label's own
        where it is better than that. On few notes most thresholds are luck.
        """
        judged = [self._judged(name, notes) for name, notes in self._selection.items()]
        return _fitted(judged, self._model.labels)

    def _judged(self, name: str, notes: Sequence[Note]) -> "_Judged":
        model = self._model
        answers = model.answers([note.with_(relations=()) for note in notes])
        kinds, p, given = likeliest(answers.p)
        names = np.array([kind.label for kind in model.kinds.kinds])
        ours = np.isin(names, self._annotated[name])
        golds = [model.kinds.gold(note) for note in notes]
        of = [golds[k].get(pair.ends, set()) for k, pair in zip(answers.owners, answers.pairs,
                                                               strict=True)]  # fmt: skip
        named = [[k for each in gold.values() for k in each if k >= 0] for gold in golds]
        asked = ours[kinds] & ~np.array([-1 in each for each in of], np.bool_)
        return _Judged(
            owners=answers.owners[asked],
            labels=names[kinds][asked],
            p=p[asked],
            right=np.array([k in each for k, each in zip(kinds, of, strict=True)], np.bool_)[asked],
            given=given[asked],
            n_gold=np.array([len(each) for each in named], np.int64),
            gold=[[str(names[k]) for k in each] for each in named],
        )

    def _kept_share(self) -> float:
        """Return which share of the unrelated pairs is drawn in an epoch."""
        wanted = self._settings.negatives
        if wanted is None:
            wanted = math.inf if self._appended else _USUAL_NEGATIVES
        n_related, n_none = int(self._related.sum()), int((~self._related).sum())
        if not n_none or wanted == math.inf:
            return 1.0
        return min(1.0, max(wanted * n_related, 1.0) / n_none)


class _Judged(NamedTuple):
    """The likeliest kind of each pair of some notes, and whether it is right."""

    owners: Ints
    labels: Any  # array of str
    p: Floats
    right: Bools
    given: Bools
    n_gold: Ints  # of each note
    gold: list[list[str]]  # the labels of each note

    def of(self, label: str) -> "_Judged":
        """Return the pairs and relations of a label alone."""
        mine = self.labels == label
        named = [[one for one in each if one == label] for each in self.gold]
        return _Judged(
            owners=self.owners[mine],
            labels=self.labels[mine],
            p=self.p[mine],
            right=self.right[mine],
            given=self.given[mine],
            n_gold=np.array([len(each) for each in named], np.int64),
            gold=named,
        )

    def scored(self, by: Mapping[str, Calibration]) -> "_Judged":
        """Return the pairs with calibrated probabilities."""
        p = self.p.copy()
        for label, calibration in by.items():
            of = self.labels == label
            p[of] = calibrated(p[of], calibration)
        return self._replace(p=p)

    def given_from(self, limit: float) -> "_Judged":
        """Return the pairs, those given whose probability reaches a limit."""
        return self._replace(given=self.p >= limit)

    def shares(self) -> Floats:
        """Return of each note what F1 of the given pairs is made of, shape (2, n_notes)."""
        n = len(self.n_gold)
        right = np.bincount(self.owners, self.right & self.given, n)
        return np.array([2 * right, np.bincount(self.owners, self.given, n) + self.n_gold])


def _fitted(
    judged: Sequence[_Judged], labels: Sequence[str]
) -> tuple[dict[str, Calibration], dict[str, float]]:
    """Return calibration and thresholds."""
    by, least = dict[str, Calibration](), dict[str, float]()
    for label in labels:
        mine = [each.of(label) for each in judged]
        if any(len(each.p) for each in mine):
            by[label] = _calibration(mine)
    if not by:
        return by, least
    judged = [each.scored(by) for each in judged]
    if _is_better(judged, limit := _limit(judged)):
        least = dict.fromkeys(by, limit)
        judged = [each.given_from(limit) for each in judged]
    for label in by:
        mine = [each.of(label) for each in judged]
        if _is_better(mine, limit := _limit(mine)):
            least[label] = limit
    return by, least


def _calibration(found: Sequence[_Judged]) -> Calibration:
    return fit_calibration(
        np.concatenate([each.p for each in found]),
        np.concatenate([each.right for each in found]).tolist(),
    )


def _limit(found: Sequence[_Judged]) -> float:
    """Return the threshold of calibrated pairs."""
    p = np.concatenate([each.p for each in found])
    right = np.concatenate([each.right for each in found]).tolist()
    return fit_threshold(p, right, sum(int(each.n_gold.sum()) for each in found))


def _is_better(found: Sequence[_Judged], limit: float) -> bool:
    """Return whether a limit of calibrated pairs gives a better F1, beyond chance, than now."""
    usual = np.hstack([each.shares() for each in found])
    limited = np.hstack([each.given_from(limit).shares() for each in found])
    seen = (usual[1] > 0) | (limited[1] > 0)
    one, other = (mean_of_ratios(*each[:, seen, None]) for each in (usual, limited))
    return not is_as_good(one, other)


def targets_of(note: Note, pairs: Sequence[Pair], kinds: Kinds, annotated: Sequence[str]) -> Bools:
    """Return what each pair may be, shape (n_pairs, 1 + n_kinds): none, or which kind."""
    gold = kinds.gold(note)
    silent = np.array([kind.label not in annotated for kind in kinds.kinds], np.bool_)
    out = np.zeros((len(pairs), 1 + len(kinds.kinds)), np.bool_)
    for row, pair in zip(out, pairs, strict=True):
        found = [k for k in gold.get(pair.ends, ()) if k in kinds.allowed[pair.labels]]
        if found:
            row[[1 + k for k in found]] = True
        elif pair.ends in gold:  # related, but it is not said how
            row[1:] = True
        else:
            row[0] = True
            row[1:] = silent
    return out


def pooled_odds(odds: torch.Tensor, of_pair: Ints, n_pairs: int) -> torch.Tensor:
    """Return the log of the summed odds of each pair's places.

    Examples
    --------
    >>> odds = torch.log(torch.tensor([[1.0], [3.0], [2.0]]))
    >>> pooled_odds(odds, np.array([0, 0, 1]), 2).exp().round().tolist()
    [[4.0], [2.0]]
    """
    at = torch.from_numpy(of_pair).to(odds.device)[:, None].expand_as(odds)
    low = odds.new_full((n_pairs, odds.shape[1]), -math.inf)
    most = low.scatter_reduce(0, at, odds.detach(), "amax")
    total = torch.zeros_like(most).scatter_add(0, at, (odds - most.gather(0, at)).exp())
    return most + total.log()


def _odds(logits: torch.Tensor, which: Ints, marks: Ints) -> torch.Tensor:
    """Return the log odds of each kind at some pairs of markers, as `odds_at` does."""
    half = logits.shape[2] // 2
    row, first, second = (torch.from_numpy(x).to(logits.device) for x in (which, *marks.T.copy()))
    both = logits[row, first, :half] + logits[row, second, half:]
    return both[:, 1:] - both[:, :1]
