import numpy as np

from clinnlp.core.notes import Note
from clinnlp.core.tables import EntityTable, EventTable, Outcome
from clinnlp.features.columns import Columns
from clinnlp.features.events import collect_cases
from clinnlp.risk.copies import (
    Signatures,
    n_copied,
    n_doubled,
    n_spelled_alike,
    signatures_of_mentions,
)
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


# --- one patient under two ids -------------------------------------------------------------


def cases_of(facts, index="2024-02-01"):
    """Facts of (patient, day, code, value); one case per patient."""
    who = np.array(sorted({f[0] for f in facts}), dtype=object)
    columns = dict(
        zip(("patient", "known", "code", "value"), zip(*facts, strict=True), strict=True)
    )
    hour = {"late": 11}
    columns["known"] = [
        f"2024-01-{day:02d}T{hour.get(p, 8):02d}:00"
        for p, day in zip(columns["patient"], columns["known"], strict=True)
    ]
    outcome = Outcome(patients=who, index=np.full(len(who), index, "M8[s]"),
                      values=np.zeros(len(who), np.int8))  # fmt: skip
    return collect_cases(outcome, events=EventTable(columns))


RNG = np.random.default_rng(0)
RECORD = [(day, f"c{day}", float(RNG.normal())) for day in range(1, 9)]
OTHERS = [(f"q{k}", int(day), f"c{day}", float(RNG.normal()))
          for k in range(40) for day in RNG.integers(1, 28, 8)]  # fmt: skip


def test_a_record_under_two_ids_is_found_and_others_are_not():
    assert n_doubled(cases_of(OTHERS)) == 0
    one = [("a", *fact) for fact in RECORD]
    assert n_doubled(cases_of([*OTHERS, *one])) == 0
    twice = [*OTHERS, *one, *(("b", *fact) for fact in RECORD)]
    assert n_doubled(cases_of(twice)) == 2
    assert n_doubled(cases_of([*twice, *(("c", *fact) for fact in RECORD)])) == 3
    moved = [*OTHERS, *one, *(("late", *fact) for fact in RECORD)]  # by the clock of another system
    assert n_doubled(cases_of(moved)) == 2
    part = [*OTHERS, *one, *(("b", *fact) for fact in RECORD[:5])]  # seen at another index time
    assert n_doubled(cases_of(part)) == 2


def test_records_that_share_what_all_share_or_one_day_are_those_of_two_patients():
    everyone = [(f"q{k}", day, "rounds", np.nan) for k in range(40) for day in range(1, 20)]
    assert n_doubled(cases_of(everyone)) == 0
    orders = [(p, 3, f"drug {k}", np.nan) for p in "ab" for k in range(9)]  # a set of orders
    assert n_doubled(cases_of([*OTHERS, *orders])) == 0
    assert n_doubled(cases_of([("a", 1, "x", 1.0), ("b", 1, "x", 1.0)])) == 0


def test_rows_of_a_table():
    values = {f"x{k}": RNG.normal(size=50) for k in range(8)}
    table = {"n": np.arange(50) % 3, "word": np.array(["a", None] * 25, object), **values}
    who = np.arange(50).astype(str)
    assert n_doubled(Columns(patients=who, values=table)) == 0
    for column in values.values():
        column[7] = column[31]
    assert n_doubled(Columns(patients=who, values=table)) == 2
    who[7] = who[31]  # two rows of one patient
    assert n_doubled(Columns(patients=who, values=table)) == 0
    words = {"word": np.array(["a"] * 50, object)}
    assert n_doubled(Columns(patients=who, values=words)) == 0


def test_ids_that_programs_spell_otherwise():
    assert n_spelled_alike(np.array(["a1", "A1", " a1", "b", "b"], object)) == 3
    assert n_spelled_alike(np.array(["1", "01", "1.0", "2"])) == 3
    assert n_spelled_alike(np.array([])) == 0
