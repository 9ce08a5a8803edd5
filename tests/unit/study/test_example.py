import pytest

import clinnlp
from clinnlp.core.errors import ArgumentError
from clinnlp.study.synthetic import COHORT_SEED, write_cohort_mini


def test_the_bundled_corpus_is_found_and_read():
    mini = clinnlp.example()
    assert mini == clinnlp.example("discharge-mini")
    notes = [*clinnlp.read_notes(mini / "train.jsonl")]
    assert len(notes) == 125
    nlp = clinnlp.pipeline(vocabulary=mini / "vocabulary.csv")
    assert len(nlp("Started Toprol XL 50 mg daily.").entities) == 1


def test_the_cohort_is_made_where_it_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(write_cohort_mini, "__kwdefaults__", {
        "seed": COHORT_SEED, "n_patients": 40, "n_noted": 5,
    })  # fmt: skip
    folder = clinnlp.example("cohort-mini", out=tmp_path / "made")
    assert folder == tmp_path / "made"
    assert {"events.csv", "outcome.csv", "patients.csv", "notes.jsonl"} <= {
        path.name for path in folder.iterdir()
    }


def test_what_there_is_not_is_refused(tmp_path):
    with pytest.raises(ArgumentError, match="example must be one of"):
        clinnlp.example("mimic")
    with pytest.raises(ArgumentError, match="out must name a folder"):
        clinnlp.example("cohort-mini")
    with pytest.raises(ArgumentError, match="out must be absent"):
        clinnlp.example("discharge-mini", out=tmp_path)
