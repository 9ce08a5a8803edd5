"""A fine-tuned tagger as a pipe: the mentions of a note.

It reads every token of every note, in overlapping windows (see `clinnlp.bert.windows`), and says
so in ``note.coverage``. It is deterministic, keeps no state between notes, and answers in input
order however the windows were batched.
"""

import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy.special import expit

from clinnlp.bert.confidence import Calibration, calibrated
from clinnlp.bert.consistency import USUAL, Candidates, Weights, apart, candidates, note_words
from clinnlp.bert.folder import labels_off, numbers, numbers_by_label
from clinnlp.bert.impossible import possible
from clinnlp.bert.known_names import Names, read_names, write_names
from clinnlp.bert.learned import Learned, blocks
from clinnlp.bert.model import decode_words, heads_of, log_softmax, mention_ranges, n_outputs
from clinnlp.bert.windows import TokenisedText
from clinnlp.core.arrays import Bools, Floats, Floats32, Ints
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Coverage, Entity, Note, fresh_ids
from clinnlp.core.spans import Span

__all__ = ["EntityTagger"]


class _Mentions(NamedTuple):
    """Mentions of several texts as columns, in text order."""

    begins: Ints  # first word
    ends: Ints  # word past the last
    labels: Ints
    p: Floats  # that its words carry these tags and the next word does not go on
    added: Bools  # whether only the rest of its note tells of it


class Places(NamedTuple):
    """What one head makes of one note."""

    found: Candidates
    spans: list[Span | None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class EntityTagger(Learned):
    """Add the mentions a fine-tuned token classifier finds; a pipe.

    A mention covers whole words of the encoder's pre-tokenizer, on exact code points of the
    untouched text. Its `score` is the probability that a gold mention has the same span and
    label (see `clinnlp.bert.confidence`); its `source` is ``"tagger"``. Earlier mentions of the
    same source are dropped first. Only mentions of labels of different heads overlap. What no
    mention can be is taken apart or left out (see `clinnlp.bert.impossible`).

    Fine-tuned from minilm with default settings on the BC5CDR training set, strict micro F1 on
    its development set is 0.857 [0.847, 0.867] by document (Chemical 0.902, Disease 0.800); where
    each place is read for itself 0.845. The expected calibration error of `score` is 0.041.

    Parameters
    ----------
    labels : tuple of str
        In the order of the tag ids.
    network : Network
        Whose outputs are named as `clinnlp.bert.model.tag_names` names them.
    settings : mapping
        How it was trained.
    card : dict
        What came of it: counts, scores, versions.
    calibration : mapping of str to Calibration
        Of the labels whose scores were calibrated.
    thresholds : mapping of str to float
        Mentions of a label that score less are left out; with none all are given, so
        ``dataclasses.replace(tagger, thresholds={})`` gives the doubtful ones too.
    consistency : tuple of float
        How much the rest of a note counts (see `clinnlp.bert.consistency`); with ``()`` each place
        is read for itself.
    names : mapping of str to mapping of str to int
        Of each label the names that training notes mark, and of how many patients.
    familiar : Familiar, optional
        What training made familiar, so that `Coverage` can tell how new a note is.
    off : tuple of str
        Labels of which no mention is given, such as those that are not good enough; `only` chooses
        others.

    Examples
    --------
    >>> import tempfile
    >>> from clinnlp.bert.train import fine_tune_ner
    >>> drug = Entity(id="T1", span=Span(8, 15), label="Drug")
    >>> train = [Note(id=f"n{k}", text="Started aspirin.", entities=(drug,)) for k in range(4)]
    >>> folder = tempfile.TemporaryDirectory()
    >>> tagger = fine_tune_ner(
    ...     train, out=f"{folder.name}/drugs", epochs=2, selection_fraction=0.0, progress=False
    ... )
    >>> note = tagger(train[0].with_(entities=()))
    >>> [(e.label, note[e.span], e.source) for e in note.entities]
    [('Drug', 'aspirin', 'tagger')]
    >>> folder.cleanup()
    """

    calibration: Mapping[str, Calibration] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    consistency: Weights = ()
    names: Names = field(default_factory=dict)
    off: tuple[str, ...] = ()

    task: ClassVar[str] = "ner"
    source: ClassVar[str] = "tagger"

    @property
    def heads(self) -> tuple[tuple[str, ...], ...]:
        """The labels of each head; a word has one tag of each."""
        names = self.network.model.config.id2label
        return heads_of([names[i] for i in range(len(names))])

    def record(self) -> dict[str, Any]:
        """Return what was fitted, and whether one head answers for all labels."""
        fitted = {label: list(pair) for label, pair in self.calibration.items()}
        return Learned.record(self) | {
            "flat": len(self.heads) <= 1,
            "calibration": fitted,
            "thresholds": dict(self.thresholds),
            "consistency": list(self.consistency),
            "off": list(self.off),
        }

    def only(self, labels: Collection[str]) -> "EntityTagger":
        """Return the tagger that gives mentions of some of its labels, on or off until now.

        Raises
        ------
        ArgumentError
            One is none of its labels, or there is none.
        """
        unknown = sorted(set(labels) - set(self.labels))
        if unknown or not labels:
            raise ArgumentError(
                f"labels must be among those of the model ({', '.join(self.labels)}), "
                f"got {', '.join(unknown) or 'none'}"
            )
        return replace(self, off=tuple(label for label in self.labels if label not in labels))

    @classmethod
    def fields_from(cls, record: Mapping[str, Any], path: Path) -> dict[str, Any]:
        """Return calibration, thresholds and weights; models of older versions have no weights."""
        fitted = numbers_by_label(record, "calibration", path, n=2)
        least = numbers_by_label(record, "thresholds", path, n=1)
        return {
            "calibration": {label: Calibration(*pair) for label, pair in fitted.items()},
            "thresholds": {label: number for label, (number,) in least.items()},
            "consistency": numbers(record, "consistency", path, n=len(USUAL)),
            "names": read_names(path.parent),
            "off": labels_off(record, path),
        }

    def write_words(self, folder: Path) -> None:
        """Write the names that training notes mark, beside what all kinds of models keep."""
        Learned.write_words(self, folder)
        write_names(self.names, folder)

    @classmethod
    def answers_for(cls, names: Sequence[Any]) -> tuple[str, ...]:
        """Return the labels of all heads."""
        return sum(heads_of(names), ())

    def batch(self, notes: Sequence[Note], /) -> list[Note]:
        """Return the notes with their mentions, in order."""
        return [done for block in blocks(notes) for done in self._block(block)]

    def p_best(self, notes: Sequence[Note]) -> list[Floats32]:
        """Return for each note the probability of each word's likeliest tag, shape (n_words,).

        With several heads it is that of the head most in doubt.
        """
        texts = self.network.tokenise([note.text for note in notes])
        n_words = np.array([text.n_words for text in texts], np.int64)
        log_p, _ = self._word_log_p(texts, n_words)
        likeliest = np.min([head.max(axis=1) for head in log_p], axis=0)
        return np.split(np.exp(likeliest), np.cumsum(n_words)[:-1])

    def places(self, notes: Sequence[Note]) -> list[list[Places]]:
        """Return for each note and head all places of the names that the network finds there.

        Scores, thresholds and overlaps do not matter.
        """
        texts = self.network.tokenise([note.text for note in notes])
        n_words = np.array([text.n_words for text in texts], np.int64)
        log_p, _ = self._word_log_p(texts, n_words)
        return [
            [Places(each, _spans(note.text, text, each.begins, each.ends)) for each in heads]
            for note, text, heads in zip(
                notes, texts, _candidates(notes, texts, log_p, n_words, self._names()), strict=True
            )
        ]

    def _block(self, notes: list[Note]) -> Iterator[Note]:
        texts = self.network.tokenise([note.text for note in notes])
        n_words = np.array([text.n_words for text in texts], np.int64)
        log_p, n_seen = self._word_log_p(texts, n_words)
        offsets = np.cumsum(n_words) - n_words
        if self.consistency:
            heads = _candidates(notes, texts, log_p, n_words, self._names(), off=self._heads_off())
            mentions = _agreed(heads, offsets, np.array(self.consistency))
        else:
            mentions = _mentions(log_p, n_words)
        begins, ends, labels, p, added = mentions
        scores = self._scores(labels, p)
        # What the network itself does not give must at least be likelier than not
        least, least_added = (
            np.array([self.thresholds.get(label, low) for label in self.labels])
            for low in (0.0, 0.5)
        )
        on = np.array([label not in self.off for label in self.labels])
        sure = on[labels] & (scores >= np.where(added, least_added[labels], least[labels]))
        begins, ends, labels, scores = begins[sure], ends[sure], labels[sure], scores[sure]
        owner = np.searchsorted(offsets, begins, side="right") - 1
        for i, (note, text) in enumerate(zip(notes, texts, strict=True)):
            mine = slice(*np.searchsorted(owner, [i, i + 1]))
            coverage = self.coverage(text.ids, int(n_seen[i]))
            spans = _spans(note.text, text, begins[mine] - offsets[i], ends[mine] - offsets[i])
            begun = [sentence.start for sentence in note.sentences or ()]
            found = [
                (part, self.labels[k], float(score))
                for span, k, score in zip(spans, labels[mine], scores[mine], strict=True)
                if span is not None
                for part in possible(note.text, span, self.labels[k], begun)
            ]
            yield _with_mentions(note, found, coverage)

    def _names(self) -> list[Mapping[str, int]]:
        return [self.names.get(label, {}) for label in self.labels]

    def _heads_off(self) -> set[int]:
        """Return the heads that are not asked, as long as one is."""
        off = {k for k, head in enumerate(self.heads) if set(head) <= set(self.off)}
        return off if len(off) < len(self.heads) else set()

    def _scores(self, labels: Ints, p: Floats) -> Floats:
        out = p.copy()
        for k, label in enumerate(self.labels):
            if label in self.calibration:
                mine = labels == k
                out[mine] = calibrated(p[mine], self.calibration[label])
        return out

    def _word_log_p(self, texts: list[TokenisedText], n_words: Ints) -> tuple[list[Floats32], Ints]:
        """Return tag log probabilities of each head (n_words, n_tags), and tokens seen per text.

        A word's answer is that of its first token, from the window that keeps it.
        """
        offsets = np.cumsum(n_words) - n_words
        rows = [row for row in self.network.rows(texts) if row.window.end > row.window.start]
        sizes = [n_outputs(head) for head in self.heads]
        logits = np.zeros((int(n_words.sum()), sum(sizes)), np.float32)
        n_seen = np.zeros(len(texts), np.int64)
        shift = len(self.network.prefix)
        for batch, out in self.network.logits(texts, rows):
            for answer, (i, window) in zip(out, (rows[j] for j in batch), strict=True):
                first = texts[i].first
                a, b = np.searchsorted(first, [window.keep_start, window.keep_end])
                logits[offsets[i] + a : offsets[i] + b] = answer[first[a:b] - window.start + shift]
                n_seen[i] += window.keep_end - window.keep_start
        of_heads = np.split(logits, np.cumsum(sizes)[:-1], axis=1)
        return [log_softmax(head) for head in of_heads], n_seen


def _candidates(
    notes: Sequence[Note],
    texts: Sequence[TokenisedText],
    log_p: list[Floats32],
    n_words: Ints,
    names: Sequence[Mapping[str, int]],
    *,
    off: Collection[int] = (),
) -> list[list[Candidates]]:
    """Return the candidates of each head that is on in each note, words counted from its start."""
    cuts = np.concatenate([[0], np.cumsum(n_words)])
    found: list[list[Candidates]] = [[] for _ in notes]
    words = [note_words(note.text, text) for note, text in zip(notes, texts, strict=True)]
    firsts = np.cumsum([0, *(head.shape[1] // 2 for head in log_p)]).tolist()  # labels
    for k, head in enumerate(log_p):
        if k in off:
            continue
        first, last = firsts[k : k + 2]
        given = _head_mentions(head, n_words)
        owner = np.searchsorted(given.begins, cuts)
        for i, (a, b) in enumerate(pairwise(cuts.tolist())):
            mine = slice(owner[i], owner[i + 1])
            places = zip(
                (given.begins[mine] - a).tolist(),
                (given.ends[mine] - a).tolist(),
                given.labels[mine].tolist(),
                strict=True,
            )
            each = candidates(words[i], head[a:b], list(places), names[first:last])
            found[i].append(each._replace(labels=each.labels + first))
    return found


def _agreed(heads: list[list[Candidates]], offsets: Ints, weights: Floats) -> _Mentions:
    """Return the likeliest candidates that do not overlap others of their head, in text order."""
    columns: list[list[Any]] = [[], [], [], [], []]
    for offset, of_note in zip(offsets.tolist(), heads, strict=True):
        for each in of_note:
            p = expit(each.evidence @ weights)
            kept = apart(each.begins, each.ends, p)
            rows = (each.begins + offset, each.ends + offset, each.labels, p, each.added)
            for column, row in zip(columns, rows, strict=True):
                column.append(row[kept])
    begins, ends, labels, p, added = (np.concatenate(column) for column in columns)
    order = np.lexsort((labels, ends, begins))
    return _Mentions(begins[order], ends[order], labels[order], p[order], added[order])


def _mentions(log_p: list[Floats32], n_words: Ints) -> _Mentions:
    """Return the mentions of the likeliest valid tags, head by head, then put in text order."""
    each = [_head_mentions(head, n_words) for head in log_p]
    if len(each) == 1:
        return each[0]
    n_labels = np.array([head.shape[1] // 2 for head in log_p])
    firsts = np.repeat(np.cumsum(n_labels) - n_labels, [len(one.begins) for one in each])
    begins, ends, labels, p, added = (np.concatenate(column) for column in zip(*each, strict=True))
    labels = labels + firsts
    order = np.lexsort((labels, ends, begins))
    return _Mentions(begins[order], ends[order], labels[order], p[order], added[order])


def _head_mentions(log_p: Floats32, n_words: Ints) -> _Mentions:
    tags = decode_words(log_p, n_words)
    begins, ends, labels = mention_ranges(tags)
    added = np.zeros(len(begins), bool)
    if not len(begins):
        return _Mentions(begins, ends, labels, np.empty(0), added)
    log_tag = np.append(log_p[np.arange(len(tags)), tags], 0).astype(np.float64)
    inside = np.add.reduceat(log_tag, np.stack([begins, ends], 1).ravel())[::2]
    text_ends = np.cumsum(n_words)
    after = np.minimum(ends, len(tags) - 1)
    goes_on = np.exp(log_p[after, 2 * labels + 2].astype(np.float64))
    last = text_ends[np.searchsorted(text_ends, begins, side="right")] == ends
    stops = np.log1p(-np.where(last, 0.0, np.minimum(goes_on, 1 - 1e-9)))
    return _Mentions(begins, ends, labels, np.exp(inside + stops), added)


def _spans(text: str, words: TokenisedText, begins: Ints, ends: Ints) -> list[Span | None]:
    pairs = zip(begins.tolist(), ends.tolist(), strict=True)
    return [_exact_span(text, words, a, b) for a, b in pairs]


def _exact_span(text: str, words: TokenisedText, a: int, b: int) -> Span | None:
    """Return the code points of words ``[a, b)`` without blanks at the ends.

    Combining marks that the tokenizer strips from the last letter belong to the mention.
    """
    start, end = int(words.starts[a]), int(words.ends[b - 1])
    limit = int(words.starts[b]) if b < words.n_words else len(text)
    while end < limit and unicodedata.combining(text[end]):
        end += 1
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return Span(start, end) if start < end else None


def _with_mentions(note: Note, found: list[tuple[Span, str, float]], coverage: Coverage) -> Note:
    note = note.without_source(EntityTagger.source)
    ids = fresh_ids(note, "B", len(found))
    made = tuple(
        Entity(id=name, span=span, label=label, score=min(score, 1.0), source=EntityTagger.source)
        for name, (span, label, score) in zip(ids, found, strict=True)
    )
    return note.with_(entities=(*note.entities, *made), coverage=coverage)
