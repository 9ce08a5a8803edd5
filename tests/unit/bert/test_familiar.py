"""What training notes make familiar, and how unlike them a note is."""

from collections import Counter

import numpy as np
import pytest

from clinnlp.bert.familiar import learn_familiar, read_familiar, write_familiar
from clinnlp.bert.store import load
from clinnlp.bert.train import fine_tune_ner
from clinnlp.core.errors import StoreError
from clinnlp.core.notes import Coverage

from .conftest import FLOAT32, QUICK, note_of

RNG = np.random.default_rng(0)
TEXTS = [RNG.zipf(1.5, 60).clip(max=300).astype(np.int32) for _ in range(80)]
PATIENTS = [str(k % 70) for k in range(80)]
KNOWN = learn_familiar(TEXTS, PATIENTS)


def pairs(ids):
    return list(zip(ids[:-1].tolist(), ids[1:].tolist(), strict=True))


def held_by(of):
    """Return the number of patients that hold each thing."""
    return Counter(
        thing
        for patient in set(PATIENTS)
        for thing in {
            x for t, p in zip(TEXTS, PATIENTS, strict=True) if p == patient for x in of(t)
        }
    )


def test_what_five_patients_hold_is_familiar_and_nothing_else():
    pieces, both = held_by(lambda t: t.tolist()), held_by(pairs)
    assert KNOWN.pieces.tolist() == sorted(k for k, n in pieces.items() if n >= 5)
    made = [(int(k >> 32), int(k & 0xFFFFFFFF)) for k in KNOWN.pairs]
    assert made == sorted(k for k, n in both.items() if n >= 5)
    ids = RNG.zipf(1.5, 200).clip(max=400).astype(np.int32)
    found = KNOWN.new(ids)
    assert found.n_pieces == sum(pieces[k] < 5 for k in ids.tolist())
    assert found.n_pairs == sum(both[k] < 5 for k in pairs(ids))


def test_a_note_is_judged_by_what_other_patients_hold():
    both = held_by(pairs)
    shares = [np.mean([both[pair] - 1 < 5 for pair in pairs(text)]) for text in TEXTS]
    assert KNOWN.usual == np.quantile(shares, 0.95)
    assert KNOWN.new(np.full(60, 10_000, np.int32)).unlike is True
    assert KNOWN.new(np.ones(60, np.int32)).unlike is False
    assert KNOWN.new(np.ones(20, np.int32)).unlike is None
    assert KNOWN.new(np.zeros(0, np.int32)) == (0, 0, None)


def test_few_notes_say_nothing():
    assert learn_familiar(TEXTS[:49], PATIENTS[:49]) is None
    assert learn_familiar([t[:20] for t in TEXTS], PATIENTS) is None
    assert learn_familiar([], []) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:50],
        lambda data: data.replace(b"usual", b"usuel"),
        lambda data: data[:-8] + b"\xff" * 8,
    ],
)
def test_a_damaged_file_is_refused(damage, tmp_path):
    write_familiar(KNOWN, tmp_path)
    again = read_familiar(tmp_path)
    assert again.usual == KNOWN.usual
    assert again.pairs.tolist() == KNOWN.pairs.tolist()
    (path,) = tmp_path.iterdir()
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(StoreError, match=r"familiar.safetensors must be as clinnlp wrote it"):
        read_familiar(tmp_path)


def test_a_tagger_tells_which_notes_are_unlike_those_it_was_taught_on(encoder, tmp_path):
    said = "Started aspirin. " + "No fever, no cough. Denies chest pain. " * 3
    train = [note_of(k, f"{said}{'!' * k}", ("aspirin", "Drug")) for k in range(60)]
    settings = QUICK | {"epochs": 1, "selection_fraction": 0.0}
    made = fine_tune_ner(train, encoder=encoder, out=tmp_path / "m", **settings)
    for tagger in (made, load(tmp_path / "m", device="cpu", **FLOAT32)):
        like, other = tagger.batch([train[9], note_of(99, "aspirin chest " * 30)])
        assert like.coverage == Coverage(
            n_seen=like.coverage.n_total,
            n_total=like.coverage.n_total,
            n_new=0,
            n_new_pairs=0,
            unlike=False,
        )
        assert other.coverage.unlike
        assert other.coverage.n_new_pairs == other.coverage.n_total - 1
