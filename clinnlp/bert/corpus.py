"""Training notes: what is checked before a model sees them, and which tenth picks the epoch.

A mapping of names to notes is several *corpora*, each of which annotates labels of its own.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from clinnlp.core.checks import check_disjoint, check_reiterable
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Note, check_note

__all__ = [
    "Corpora",
    "TrainingSource",
    "annotated_labels",
    "corpora_of",
    "corpus_sha256",
    "drop_overlap",
    "entity_labels",
    "note_labels",
    "only_label",
    "read_corpora",
    "read_train",
    "split_corpora",
    "split_selection",
    "unseen_labels",
]

_log = logging.getLogger(__name__)

TrainingSource = Iterable[Note] | Mapping[str, Iterable[Note]]
Corpora = dict[str, list[Note]]

_ONLY = "train"  # the name of a corpus that comes without one


def corpora_of(notes: TrainingSource) -> dict[str, Iterable[Note]]:
    """Return notes by the name of their corpus; plain notes are one corpus.

    Raises
    ------
    DataError
        There is no corpus.
    """
    if not isinstance(notes, Mapping):
        return {_ONLY: notes}
    if not notes:
        raise DataError("train must hold at least one corpus, got none")
    return dict(notes)


def drop_overlap(notes: Iterable[Note], *others: Iterable[Note]) -> list[Note]:
    """Return the notes whose id and text stand in none of the others.

    Examples
    --------
    >>> a, b, c = (Note(id=i, text=t) for i, t in [("1", "x"), ("2", "y"), ("3", "x")])
    >>> [note.id for note in drop_overlap([a, b], [c])]
    ['2']
    """
    ids, texts = set(), set()
    for other in others:
        for note in other:
            ids.add(note.id)
            texts.add(note.text)
    return [note for note in notes if note.id not in ids and note.text not in texts]


def read_corpora(
    train: TrainingSource, dev: TrainingSource | None
) -> tuple[Corpora, dict[str, Iterable[Note]]]:
    """Return training notes by corpus once they are fit to train on, and those of dev, unread.

    Raises
    ------
    ArgumentError, DataError, LeakageError
        As of `read_train`, whatever the corpora.
    """
    corpora = {name: read_train(notes, None) for name, notes in corpora_of(train).items()}
    theirs = {} if dev is None else corpora_of(dev)
    for notes in theirs.values():
        check_reiterable(notes, name="dev")
        check_disjoint((note for each in corpora.values() for note in each), notes, name="dev")
    return corpora, theirs


def read_train(train: Iterable[Note], dev: Iterable[Note] | None) -> list[Note]:
    """Return the training notes, once they are fit to train on.

    Raises
    ------
    ArgumentError
        `train` or `dev` is a one-shot iterator.
    DataError
        There is no training note, or one has offsets past its text.
    LeakageError
        A note of `dev` stands in `train`, by id or by text.
    """
    check_reiterable(train, name="train")
    notes = [check_note(note) for note in train]
    if not notes:
        raise DataError("train must hold at least one note, got none")
    if dev is not None:
        check_reiterable(dev, name="dev")
        check_disjoint(notes, dev, name="dev")
    return notes


def split_selection(notes: Sequence[Note], fraction: float) -> tuple[list[Note], list[Note]]:
    """Return notes to fit and notes for selection, as `split_corpora` does for one corpus.

    Examples
    --------
    >>> fit, selection = split_selection([Note(id=str(i), text=str(i)) for i in range(20)], 0.1)
    >>> len(fit), len(selection)
    (18, 2)
    """
    fit, selection = split_corpora({_ONLY: notes}, fraction)
    return fit[_ONLY], selection[_ONLY]


def split_corpora(
    corpora: Mapping[str, Sequence[Note]], fraction: float
) -> tuple[Corpora, Corpora]:
    """Return corpora to fit and for selection, the same split at every call.

    Whole groups go to one side, in all corpora: a patient's notes, or notes of one text where no
    patient is known. The sample is systematic: groups stand in order of corpus, labels and share
    of mentions that no other group has (the hard ones), and one of each run of neighbours is set
    aside, by hash, so that neither the order of the notes nor a seed matters. With a single
    group, or `fraction` 0, nothing is set aside.
    """
    groups = {name: [_group(note) for note in notes] for name, notes in corpora.items()}
    order = _by_kind(corpora, groups)
    n_aside = max(1, round(fraction * len(order))) if fraction > 0 and len(order) > 1 else 0
    cuts = [i * len(order) // max(1, n_aside) for i in range(n_aside + 1)]
    aside = {min(order[a:b]) for a, b in pairwise(cuts)}

    def side(wanted: bool) -> Corpora:  # noqa: FBT001
        return {
            name: [n for n, group in zip(notes, groups[name], strict=True)
                   if (group in aside) == wanted]
            for name, notes in corpora.items()
        }  # fmt: skip

    return side(False), side(True)


def _by_kind(
    corpora: Mapping[str, Sequence[Note]], groups: Mapping[str, Sequence[str]]
) -> list[str]:
    """Return the groups in order of corpus, labels and share of mentions of their own."""
    mentions: dict[str, list[tuple[str, str]]] = {}
    kinds: dict[str, tuple[str, tuple[str, ...]]] = {}
    for name in sorted(corpora):
        for note, group in zip(corpora[name], groups[name], strict=True):
            found = [(e.label, note[e.span].casefold()) for e in note.entities]
            mentions.setdefault(group, []).extend(found)
            kinds[group] = min(kinds.get(group, (name, note.labels)), (name, note.labels))
    n_groups = Counter(mention for found in mentions.values() for mention in set(found))

    def own(group: str) -> float:
        found = mentions[group]
        return sum(n_groups[mention] == 1 for mention in found) / max(1, len(found))

    return sorted(mentions, key=lambda group: (kinds[group], own(group), group))


def annotated_labels(
    corpora: Mapping[str, Sequence[Note]], labels: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Return which of the labels each corpus annotates: those it has a mention of.

    Raises
    ------
    DataError
        A corpus has no mention of any of them.
    """
    out = {}
    for name, notes in corpora.items():
        found = {entity.label for note in notes for entity in note.entities}
        out[name] = tuple(label for label in labels if label in found)
        if not out[name]:
            raise DataError(f"corpus {name} must have a mention of the labels to learn, got none")
    return out


def unseen_labels(found: Iterable[str], labels: Sequence[str], *, strict: bool) -> tuple[str, ...]:
    """Return the labels of dev that train has not, which a model can only miss; tell of them.

    Raises
    ------
    DataError
        There is one, and `strict` is true.

    Examples
    --------
    >>> unseen_labels(["Drug"], ("Drug", "Gene"), strict=False)
    ()
    """
    unseen = tuple(sorted(set(found) - set(labels)))
    if unseen and strict:
        raise DataError(
            f"labels of dev must be among those of train ({', '.join(labels)}), "
            f"got {', '.join(unseen)}"
        )
    if unseen:
        _log.warning(
            "clinnlp: train has no label %s, so that those of dev are scored as missed",
            ", ".join(unseen),
        )
    return unseen


def entity_labels(notes: Iterable[Note], wanted: Sequence[str] | None) -> tuple[str, ...]:
    """Return the sorted entity labels of the notes, or `wanted` where all of them occur.

    Raises
    ------
    DataError
        No note has an entity.
    ArgumentError
        A wanted label occurs nowhere.
    """
    found = {entity.label for note in notes for entity in note.entities}
    return _chosen(found, wanted, what="an entity")


def note_labels(
    notes: Iterable[Note], wanted: Sequence[str] | None, *, several: bool = False
) -> tuple[str, ...]:
    """Return the sorted labels of the training notes, or `wanted` where all of them occur.

    With `several` a note may have any number of labels, and one label is enough to learn.

    Raises
    ------
    DataError
        A note has no label or several, or there are fewer than two different ones.
    ArgumentError
        A wanted label occurs nowhere.
    """
    found = {label for n in notes for label in (n.labels if several else (only_label(n),))}
    labels = _chosen(found, wanted, what="a label")
    if len(labels) < 2 and not several:
        raise DataError(f"train must hold notes of at least two labels, got {len(labels)}")
    return labels


def only_label(note: Note) -> str:
    """Return the one label of a note.

    Raises
    ------
    DataError
        It has none or several.
    """
    if len(note.labels) != 1:
        raise DataError(
            f"each note must have exactly one label to be classified, got {len(note.labels)}",
            note=note.id,
        )
    return note.labels[0]


def corpus_sha256(notes: Iterable[Note], *, annotations: bool = False) -> str:
    """Return a hash of ids and texts, and of annotations where wanted, whatever their order.

    For comparing in memory; what is written holds a keyed digest of it at most.
    """
    each = sorted(
        hashlib.sha256(_bytes(f"{n.id}\0{n.text}{_gold(n) if annotations else ''}")).digest()
        for n in notes
    )
    return hashlib.sha256(b"".join(each)).hexdigest()


def _chosen(found: set[str], wanted: Sequence[str] | None, *, what: str) -> tuple[str, ...]:
    if not found:
        raise DataError(f"train must hold at least one note with {what}, got none")
    if wanted is None:
        return tuple(sorted(found))
    unknown = sorted(set(wanted) - found)
    if unknown or not wanted:
        raise ArgumentError(
            f"labels must be among those of train ({', '.join(sorted(found))}), "
            f"got {', '.join(unknown) or 'none'}"
        )
    return tuple(dict.fromkeys(wanted))


def _group(note: Note) -> str:
    key = f"t\0{note.text}" if note.patient is None else f"p\0{note.patient}"
    return hashlib.sha256(_bytes(key)).hexdigest()


def _gold(note: Note) -> str:
    said = f"\0{note.labels}\0{[(e.label, e.pieces) for e in note.entities]}"
    links = [(r.label, sorted(r.roles.items())) for r in note.relations]
    return f"{said}\0{links}" if links else said


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
