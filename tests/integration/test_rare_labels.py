"""A published corpus whose dev set has a label that its training set lacks is trained on as it is.

MEDDOCAN has one mention of ID_EMPLEO_PERSONAL_SANITARIO, in its development set (Marimon et al.,
IberLEF 2019).
"""

import tarfile

import pytest

from clinnlp.bert.train import fine_tune_ner
from clinnlp.core.errors import DataError
from clinnlp.io.notes.corpora import read_notes
from tests.unit.bert.conftest import make_encoder

RARE = "ID_EMPLEO_PERSONAL_SANITARIO"
QUICK = {"epochs": 1, "progress": False, "bf16": "off", "checkpoint_minutes": 0}


@pytest.fixture(scope="module")
def parts(data_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("meddocan")
    for part in ("train", "dev"):
        with tarfile.open(data_dir("meddocan") / f"meddocan_{part}.tar.xz") as packed:
            packed.extractall(folder, filter="data")
    return {part: list(read_notes(folder / "corpus" / part / "brat")) for part in ("train", "dev")}


def _labels(note):
    return {entity.label for entity in note.entities}


@pytest.fixture(scope="module")
def few(parts):
    """Give the first notes of train that have all of its labels, and those of dev with the rare."""
    train, seen = [], set()
    for note in parts["train"]:
        if _labels(note) - seen:
            train.append(note)
            seen |= _labels(note)
    dev = [note for note in parts["dev"] if RARE in _labels(note)]
    return train, [*dev, *parts["dev"][:2]]


@pytest.mark.slow
def test_meddocan_as_published_is_trained_and_scored(few, tmp_path):
    train, dev = few
    encoder = make_encoder(tmp_path / "encoder")
    made = fine_tune_ner(train, dev, encoder=encoder, out=tmp_path / "m", **QUICK)
    assert (len(made.labels), made.card["dev"]["unseen"]) == (21, [RARE])
    row = next(row for row in made.card["dev"]["rows"] if row["label"] == RARE)
    assert (row["n_gold"], row["recall"]) == (1, 0.0)
    assert made.network.max_tokens == 64  # what this encoder reads
    with pytest.raises(DataError, match=f"got {RARE}"):
        fine_tune_ner(train, dev, encoder=encoder, out=tmp_path / "n", strict_labels=True, **QUICK)
