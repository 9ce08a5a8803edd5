r"""A fine-tuned model of relations as a pipe: which mentions, or concepts, are related, and how.

Each pair of mentions is read with markers (`clinnlp.bert.marked`). Every token has two sets of
outputs, one for either end of a pair, and a pair's answer for kind k, against "none", is

    z_k = first_k(a) + second_k(b) - first_0(a) - second_0(b)

at the markers a and b of its ends: a linear head on both states side by side. A pair that is read
at several places, as two concepts are, has the odds of all of them together, log Σ exp z_k. Kinds
that no pair of such labels has in train are left out.

The score of a relation is calibrated on notes kept out of training, and it is given from the
threshold of its label on.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, get_args

import numpy as np

from clinnlp.bert.confidence import Calibration, calibrated
from clinnlp.bert.folder import numbers_by_label
from clinnlp.bert.learned import Learned, blocks
from clinnlp.bert.marked import MarkedRow, Reading, RowMaker
from clinnlp.bert.markers import markers_of
from clinnlp.bert.network import Network
from clinnlp.bert.relation_kinds import Kinds
from clinnlp.bert.relation_pairs import Pair, Search
from clinnlp.bert.relation_record import kinds_from, kinds_to, labels_of, search_from, search_to
from clinnlp.core.arrays import Bools, Floats, Floats32, Ints
from clinnlp.core.errors import StoreError
from clinnlp.core.notes import AXES, Attribute, Entity, Note, Relation, fresh_ids

__all__ = ["Answers", "RelationExtractor", "likeliest", "odds_at", "read_pairs", "row_maker"]

_MOST_MARKERS = 4  # around two mentions


class Answers(NamedTuple):
    """What the network makes of the pairs of some notes.

    Parameters
    ----------
    pairs : list of Pair
        One note after another.
    owners : array of int64, shape (n_pairs,)
        Index of the note of each.
    p : array, shape (n_pairs, n_kinds)
        Probability of each kind; what is left is that of none.
    n_cut : array of int64, shape (n_notes,)
        Pairs that were too far apart.
    """

    pairs: list[Pair]
    owners: Ints
    p: Floats
    n_cut: Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class RelationExtractor(Learned):
    """Add the relations between the mentions of a note that a fine-tuned network finds; a pipe.

    It stands behind what finds the mentions. A relation has the `source`
    ``"relation-extractor"``, a `score`, the roles that its label has in train, and each axis of
    the assertion that is true of an end; relations of an earlier run are dropped first. Pairs
    within sentences need `Sentences`.

    Parameters
    ----------
    labels : tuple of str
        The relation labels, sorted.
    network : Network
        With two outputs on every token for each kind and for none.
    kinds : Kinds
        What relations there are, and between which labels.
    search : Search
        Which pairs are asked about.
    reading : {"inserted", "appended", "hidden"}
    settings, card
        As for `EntityTagger`.
    calibration : mapping of str to Calibration
    thresholds : mapping of str to float
        Least score of a label; where it has none, a relation is given that is likelier than none.
    familiar
        Not used.

    Examples
    --------
    >>> import tempfile
    >>> from clinnlp.bert.train import fine_tune_relations
    >>> from clinnlp.core.spans import Span
    >>> ends = (Entity(id="T1", span=Span(0, 4), label="Effect"),
    ...         Entity(id="T2", span=Span(11, 18), label="Drug"))
    >>> said = Relation(id="R1", label="causes", roles={"drug": ("T2",), "effect": ("T1",)})
    >>> text = "Rash after aspirin."
    >>> train = [
    ...     Note(id=f"n{k}", text=text, sentences=(Span(0, 19),), entities=ends, relations=(said,))
    ...     for k in range(4)
    ... ]
    >>> folder = tempfile.TemporaryDirectory()
    >>> model = fine_tune_relations(
    ...     train, out=f"{folder.name}/causes", epochs=8, selection_fraction=0.0, progress=False
    ... )
    >>> (found,) = model(train[0].with_(relations=())).relations
    >>> found.label, found.roles["drug"], found.source
    ('causes', ('T2',), 'relation-extractor')
    >>> folder.cleanup()
    """

    kinds: Kinds
    search: Search
    reading: Reading
    calibration: Mapping[str, Calibration] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)

    task: ClassVar[str] = "relations"
    source: ClassVar[str] = "relation-extractor"

    def record(self) -> dict[str, Any]:
        """Return the kinds, what pairs are asked about, and what was fitted."""
        fitted = {label: list(pair) for label, pair in self.calibration.items()}
        return Learned.record(self) | {
            "calibration": fitted,
            "thresholds": dict(self.thresholds),
            "reading": self.reading,
            "kinds": kinds_to(self.kinds),
            "search": search_to(self.search),
        }

    @classmethod
    def fields_from(cls, record: Mapping[str, Any], path: Path) -> dict[str, Any]:
        """Return what `record` gave."""
        fitted = numbers_by_label(record, "calibration", path, n=2)
        least = numbers_by_label(record, "thresholds", path, n=1)
        kinds = kinds_from(record, path)
        if record.get("reading") not in get_args(Reading):
            raise StoreError(
                f"'reading' in {path} must be inserted, appended or hidden, and is not"
            )
        return {
            "kinds": kinds,
            "search": search_from(record, kinds, path),
            "reading": record["reading"],
            "calibration": {label: Calibration(*pair) for label, pair in fitted.items()},
            "thresholds": {label: number for label, (number,) in least.items()},
        }

    @classmethod
    def answers_for(cls, names: Sequence[Any]) -> tuple[str, ...]:
        """Return the labels of the kinds for which both ends have an output."""
        return labels_of(names)

    def batch(self, notes: Sequence[Note], /) -> list[Note]:
        """Return the notes with their relations, in order."""
        return [done for block in blocks(notes) for done in self._block(block)]

    def n_cut(self, note: Note) -> int:
        """Return how many pairs of a note are not read, too far apart for `reach` or a window."""
        pairs, n_cut = self.search(note)
        if not any(self._may_be_too_wide(note.text, pair) for pair in pairs):
            return n_cut
        return n_cut + len(pairs) - len(read_pairs(self._rows([note], [pairs])))

    def answers(self, notes: Sequence[Note]) -> Answers:
        """Return the pairs of some notes, and how likely each is of which kind.

        Raises
        ------
        DataError
            Pairs are sought in sentences, and a note has none.
        """
        found = [self.search(note) for note in notes]
        n_cut = np.array([each.n_cut for each in found], np.int64)
        pairs = [pair for each in found for pair in each.pairs]
        n_pairs = np.array([len(each.pairs) for each in found], np.int64)
        owners = np.repeat(np.arange(len(notes)), n_pairs)
        rows = self._rows(notes, [each.pairs for each in found])
        odds = self._odds(rows, len(pairs))
        read = np.isfinite(odds).any(axis=1)
        np.add.at(n_cut, owners[~read], 1)
        odds = np.where(self.kinds.possible([pair.labels for pair in pairs]), odds, -np.inf)
        p = np.exp(odds - np.logaddexp.reduce(np.pad(odds, ((0, 0), (1, 0))), axis=1)[:, None])
        kept = np.flatnonzero(read)
        return Answers([pairs[k] for k in kept], owners[kept], p[kept], n_cut)

    def _may_be_too_wide(self, text: str, pair: Pair) -> bool:
        """Return whether a pair might not fit into a window, by its bytes: tokens are no more."""
        first, second, region = pair.places[0]
        size = self.network.window_size - _MOST_MARKERS
        if _n_bytes(text, region.start, region.end) <= size:
            return False
        held = self.network.stride if self.reading == "appended" else size
        start, end = min(first.start, second.start), max(first.end, second.end)
        return _n_bytes(text, start, end) > held // 2  # room for the rest of their words

    def _rows(
        self, notes: Sequence[Note], found_pairs: Sequence[Sequence[Pair]]
    ) -> list[MarkedRow]:
        make = row_maker(self.network, self.kinds, self.reading)
        asked = [k for k, pairs in enumerate(found_pairs) if pairs]
        texts = self.network.tokenise([notes[k].text for k in asked])
        rows, first = list[MarkedRow](), 0
        for k, text in zip(asked, texts, strict=True):
            rows += make(text, found_pairs[k], first=first)
            first += len(found_pairs[k])
        return rows

    def _odds(self, rows: Sequence[MarkedRow], n_pairs: int) -> Floats:
        """Return the log odds of each kind against none, -inf where no row holds the pair."""
        places, owners = list[Floats](), list[Ints]()
        read = self.network.pair_logits(rows, appended=self.reading == "appended")
        for batch, out in read:
            for k, logits in zip(batch.tolist(), out, strict=True):
                places.append(odds_at(logits))
                owners.append(rows[k].owners)
        total = np.full((n_pairs, len(self.kinds.kinds)), -np.inf)
        if places:
            np.logaddexp.at(total, np.concatenate(owners), np.concatenate(places))
        return total

    def _block(self, notes: Sequence[Note]) -> Iterator[Note]:
        notes = [note.without_source(self.source) for note in notes]
        answers = self.answers(notes)
        kinds, scores, given = self.given(answers)
        for k, note in enumerate(notes):
            mine = slice(*np.searchsorted(answers.owners, [k, k + 1]))
            found = [
                (answers.pairs[i], int(kinds[i]), float(scores[i]))
                for i in range(mine.start, mine.stop)
                if given[i]
            ]
            yield note.with_(relations=(*note.relations, *self._relations(note, found)))

    def given(self, answers: Answers) -> tuple[Ints, Floats, Bools]:
        """Return the likeliest kind of each pair, its score, and whether it is given."""
        kinds, p, given = likeliest(answers.p)
        scores = p.copy()
        labels = np.array([kind.label for kind in self.kinds.kinds])[kinds]
        for label in self.labels:
            of = labels == label
            if label in self.calibration:
                scores[of] = calibrated(p[of], self.calibration[label])
            if label in self.thresholds:
                given[of] = scores[of] >= self.thresholds[label]
        return kinds, scores, given

    def _relations(
        self, note: Note, found: Sequence[tuple[Pair, int, float]]
    ) -> Iterator[Relation]:
        entities = {entity.id: entity for entity in note.entities}
        names = fresh_ids(note, "R", len(found))
        for name, (pair, k, score) in zip(names, found, strict=True):
            attributes = _axes([entities[end] for end in pair.ends if end in entities])
            yield self.kinds.relation(
                name, k, pair.ends, score=score, source=self.source, attributes=attributes
            )


def row_maker(network: Network, kinds: Kinds, reading: Reading) -> RowMaker:
    """Return what makes the rows of a network."""
    return RowMaker(
        markers_of(network.tokenizer, kinds.end_labels),
        reading,
        prefix=network.prefix,
        suffix=network.suffix,
        size=network.window_size,
        stride=network.stride,
    )


def read_pairs(rows: Sequence[MarkedRow]) -> Ints:
    """Return the numbers of the pairs that some rows hold, sorted."""
    return np.unique(np.concatenate([np.empty(0, np.int64), *(row.owners for row in rows)]))


def odds_at(logits: Floats32) -> Floats:
    """Return the log odds of each kind at pairs of markers, shape (n_places, n_kinds)."""
    half = logits.shape[2] // 2
    both: Floats = logits[:, 0, :half].astype(np.float64) + logits[:, 1, half:]
    return both[:, 1:] - both[:, :1]


def likeliest(p: Floats) -> tuple[Ints, Floats, Bools]:
    """Return the likeliest kind of each pair, its probability, and whether none is less likely."""
    if not len(p):
        return np.empty(0, np.int64), np.empty(0), np.empty(0, np.bool_)
    kinds = p.argmax(axis=1)
    best = p[np.arange(len(p)), kinds]
    return kinds, best, best > 1 - p.sum(axis=1)


def _n_bytes(text: str, start: int, end: int) -> int:
    return len(text[start:end].encode(errors="surrogatepass"))


def _axes(ends: Sequence[Entity]) -> dict[str, Attribute]:
    """Return the axes that are true of an end."""
    return {a: True for a in AXES if any(getattr(end.assertion, a) for end in ends)}
