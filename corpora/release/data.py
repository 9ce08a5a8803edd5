"""Which notes teach the model in the box, which are held out, and what was dropped.

Abstracts (public domain, CC0): documents of any corpus's test part and of any development part are
left out. Clinical notes: ``typed-train``, the train part of ``mtsamples-notes``, and invented lists
of medicines (`corpora.release.named`), which are in no score. Silver notes are other notes of the
same source, of which neither an annotated note nor a near-duplicate of one is among.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from clinnlp.bert.corpus import Corpora, drop_overlap, split_corpora
from clinnlp.core.notes import Note
from clinnlp.io.notes.corpora import read_notes
from corpora.annotated.stored import read_annotated, withheld_notes
from corpora.annotated.texts import read_texts
from corpora.annotated.typed import TYPED_TRAIN, read_typed
from corpora.release.named import named_notes, read_drug_names

__all__ = ["ABSTRACTS", "LICENCES", "NAMED", "NOTES", "TYPED", "Data", "read_data", "read_tests"]

NOTES, TYPED, NAMED = "notes", "typed", "named"  # clinical notes; the latter teach with the former
ABSTRACTS = {
    "bc5cdr": ("CDR_TrainingSet.PubTator.txt", "CDR_DevelopmentSet.PubTator.txt"),
    "ncbi_disease": ("NCBItrainset_corpus.txt", "NCBIdevelopset_corpus.txt"),
    "biored": ("Train.PubTator", "Dev.PubTator"),
}
LICENCES = {
    "bc5cdr": "public domain",
    "ncbi_disease": "CC0-1.0",
    "biored": "public domain",
    NOTES: "CC0-1.0 (MTSamples as published by clinspacy; annotation CC0-1.0)",
    TYPED: "CC0-1.0 (corpora/typed-train)",
    NAMED: "CC0-1.0 (invented lists of the names in corpora/release/drug_names.txt)",
}
HELD = {"abstracts": 0.1, NOTES: 0.1}  # shares of train that calibrate
_WORDS = (100, 1000)  # of a silver note


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """What a release is made of.

    Parameters
    ----------
    abstracts : dict of str to list of Note
        All that may teach, by corpus; a tenth of them is held out by `held`.
    notes : list of Note
        The annotated train part, and invented notes as people type them.
    named : list of Note
        Invented lists of medicines.
    unlabelled : list of Note
        Notes for silver labels, in an order by hash; none near an annotated one.
    dev : dict of str to list of Note
    counts : dict
        Documents read, and dropped for each reason.
    """

    abstracts: Corpora
    notes: list[Note]
    named: list[Note]
    unlabelled: list[Note]
    dev: Corpora
    counts: dict[str, dict[str, int]]

    def split_abstracts(self) -> tuple[Corpora, Corpora]:
        """Return abstracts to learn from and to calibrate on, as a training of them alone does."""
        return split_corpora(self.abstracts, HELD["abstracts"])

    def split_notes(self) -> tuple[list[Note], list[Note]]:
        """Return annotated notes to learn from and to calibrate on."""
        fit, held = split_corpora({NOTES: self.notes}, HELD[NOTES])
        return fit[NOTES], held[NOTES]


def read_data(data: Path) -> Data:
    """Return the notes of a release.

    Parameters
    ----------
    data : Path
        The folder of the corpora, ``../shared/data``.
    """
    read = {name: [_abstracts(data, name, part) for part in (0, 1)] for name in ABSTRACTS}
    dev = {name: parts[1] for name, parts in read.items()}
    tested = _ids_of_test_parts(data)
    abstracts: Corpora = {}
    counts: dict[str, dict[str, int]] = {}
    for name, (train, _) in read.items():
        apart = drop_overlap(train, *dev.values())
        abstracts[name] = [note for note in apart if note.id not in tested]
        counts[name] = {
            "read": len(train),
            "dropped, in a development part": len(train) - len(apart),
            "dropped, in a test part": len(apart) - len(abstracts[name]),
            "kept": len(abstracts[name]),
        }
    notes = read_annotated(data, part="train")
    unlabelled, n_near = _unlabelled(data)
    typed, named = read_typed(TYPED_TRAIN), named_notes(read_drug_names())
    taught = {NOTES: notes, TYPED: typed, NAMED: named}
    counts |= {name: {"read": len(each), "kept": len(each)} for name, each in taught.items()}
    counts["silver"] = {"free of annotated notes": len(unlabelled), "dropped, near one": n_near}
    dev[NOTES] = read_annotated(data, part="dev")
    return Data(
        abstracts=abstracts,
        notes=[*notes, *typed],
        named=named,
        unlabelled=unlabelled,
        dev=dev,
        counts=counts,
    )


def read_tests(data: Path) -> Corpora:
    """Return the notes on which a release is scored once, when nothing is chosen any more."""
    return {NOTES: read_annotated(data, part="test"), TYPED: read_typed()}


def _abstracts(data: Path, name: str, part: int) -> list[Note]:
    """Return a part of a corpus; NCBI's four kinds of disease are one label, of its own."""
    path = data / name / ABSTRACTS[name][part]
    notes = read_notes(path, format="pubtator", number_repeated=True)
    return list(notes) if name != "ncbi_disease" else [_as_one_label(note) for note in notes]


def _as_one_label(note: Note) -> Note:
    """Return a note of NCBI whose mentions are named apart: its guideline differs from BC5CDR's."""
    return note.with_(entities=tuple(replace(e, label="DiseaseName") for e in note.entities))


def _ids_of_test_parts(data: Path) -> set[str]:
    listed = json.loads((data / "overlap_pmids.json").read_text(encoding="utf-8"))
    return {pmid for part in listed.values() for pmid in part}


def _unlabelled(data: Path) -> tuple[list[Note], int]:
    """Return notes of the source far from all annotated ones, and how many were too near."""
    near = withheld_notes(parts=("train", "dev", "test"))
    low, high = _WORDS
    texts = {k: t for k, t in read_texts(data).items() if low <= t.n_words <= high}
    notes = [Note(id=key, text=each.text) for key, each in texts.items() if key not in near]
    return _by_hash(notes), len(texts) - len(notes)


def _by_hash(notes: Sequence[Note]) -> list[Note]:
    return sorted(notes, key=lambda note: hashlib.sha256(note.id.encode()).hexdigest())
