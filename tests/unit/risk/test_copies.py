import numpy as np

from clinnlp.core.notes import Note
from clinnlp.core.tables import EntityTable
from clinnlp.risk.copies import Signatures, n_copied, signatures_of_mentions
from clinnlp.risk.splits import splits_of_folds

WHO = np.array(["a", "b", "c", "d"])
SPLITS = splits_of_folds(WHO, [0, 0, 1, 1])


def test_notes_copied_across_folds_are_counted_and_those_within_are_not():
    texts = {"a": "Fever.", "b": "Cough.", "c": "Fever.", "d": "Rash."}
    notes = Signatures(Note(id=p, text=t, patient=p) for p, t in texts.items())
    assert [note.id for note in notes] == list(WHO)
    assert n_copied(notes.signed, WHO, SPLITS) == 2  # a in fold 0, c in fold 1
    assert n_copied(notes.signed, WHO, splits_of_folds(WHO, [0, 1, 0, 1])) == 0


def test_empty_notes_are_no_copies():
    notes = Signatures([Note(id=p, text=" \n", patient=p) for p in WHO])
    list(notes)
    assert notes.signed == []


def mentions(patient, text, n=5):
    return {
        "note": [f"n-{patient}"] * n,
        "patient": [patient] * n,
        "text": [text] * n,
        "start": list(range(n)),
        "end": list(range(1, n + 1)),
        "n_concepts": [0] * n,
    }


def test_notes_are_compared_by_mentions_and_offsets_where_there_are_enough():
    tables = [EntityTable(mentions(p, t)) for p, t in zip(WHO, "xyxz", strict=True)]
    assert n_copied(signatures_of_mentions(EntityTable.concat(tables)), WHO, SPLITS) == 2
    assert signatures_of_mentions(EntityTable(mentions("a", "x", n=4))) == []
