"""The classifier as a pipe: every token seen, batch equals one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinnlp.bert.classify import pooled
from clinnlp.bert.classify_task import best_threshold
from clinnlp.bert.store import load
from clinnlp.bert.train import fine_tune_classifier
from clinnlp.core.errors import DataError
from clinnlp.core.notes import Note

from .conftest import FLOAT32, LABELLED, OVERFIT, QUICK, TRAIN
from .test_predict import LONG, ODD


def test_its_repr_shows_no_text(classifier):
    assert repr(classifier).startswith("NoteClassifier(labels=['drug', 'none']")


def test_classifier_reads_all_windows_of_a_long_note(classifier):
    (done,) = classifier.batch([LONG])
    assert done.coverage.n_seen == done.coverage.n_total > 2000
    assert done.labels[0] in classifier.labels


def test_classifier_batch_equals_one_by_one(classifier):
    notes = [*LABELLED, LONG, *ODD]
    together = classifier.predict_proba(notes)
    alone = np.concatenate([classifier.predict_proba([note]) for note in notes])
    assert together.shape == (len(notes), 2)
    np.testing.assert_allclose(together.sum(1), 1)
    np.testing.assert_allclose(together, alone, atol=1e-5)
    chosen = [note.labels[0] for note in classifier.batch(notes)]
    assert chosen == [classifier.labels[k] for k in together.argmax(1)]
    assert classifier.predict_proba([]).shape == (0, 2)


@given(
    sizes=st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=4), min_size=1, max_size=5),
    seed=st.integers(0, 99),
)
def test_pooling_equals_its_definition(sizes, seed):
    text = np.repeat(np.arange(len(sizes)), [len(each) for each in sizes])
    flat = np.concatenate([np.array(each) for each in sizes])
    answers = np.random.default_rng(seed).normal(size=(len(flat), 3))
    mean, most = (pooled(answers, text, flat, how) for how in ("mean", "max"))
    for i in range(len(sizes)):
        mine = text == i
        np.testing.assert_allclose(mean[i], np.average(answers[mine], axis=0, weights=flat[mine]))
        np.testing.assert_array_equal(most[i], answers[mine].max(axis=0))


@given(rows=st.lists(st.tuples(st.booleans(), st.sampled_from([0.1, 0.3, 0.3, 0.7])), min_size=1))
def test_no_threshold_is_better_than_the_best(rows):
    gold, p = (np.array(column) for column in zip(*rows, strict=True))

    def f1(least):
        found = p >= least
        return 2 * (gold & found).sum() / max(1, gold.sum() + found.sum())

    if gold.any():
        assert f1(best_threshold(gold, p)) == max(f1(least) for least in np.unique(p))
    else:
        assert best_threshold(gold, p) == 0.5


def test_a_cue_after_token_2000_is_found(encoder, tmp_path):
    """Trained on short notes: the cue must not drown in what stands around it."""
    filler = ("no fever", "for pain and mg", "started no pain")
    cues = {"drug": "aspirin", "none": "denies"}
    train = [
        Note(id=f"{label}{i}", text=f"{filler[i % 3]} {cue} {filler[i % 2]}", labels=(label,))
        for i in range(6)
        for label, cue in cues.items()
    ]
    made = fine_tune_classifier(
        train, encoder=encoder, out=tmp_path, pooling="max", tune_encoder=True,
        **OVERFIT,
    )  # fmt: skip
    for label, cue in cues.items():
        text = f"{'no fever and pain for mg ' * 400}{cue} {'no pain ' * 200}"
        done = made(Note(id="long", text=text))
        assert done.coverage.n_seen == done.coverage.n_total > 2500
        assert done.labels == (label,)


SEVERAL = [
    note.with_(labels=tuple(sorted({e.label for e in note.entities})) if i < 7 else ())
    for i, note in enumerate(TRAIN)
]


def test_a_note_may_have_several_labels_or_none(encoder, tmp_path):
    dev = [Note(id="d", text="fever and aspirin", labels=("Drug", "Problem"))]
    made = fine_tune_classifier(
        SEVERAL, dev, encoder=encoder, out=tmp_path, multi_label=True, class_weights=True,
        tune_encoder=True, **OVERFIT
    )  # fmt: skip
    found = made.batch([note.with_(labels=()) for note in SEVERAL])
    assert [n.labels for n in found] == [n.labels for n in SEVERAL]
    assert made.card["dev"]["rows"][0]["threshold"] == made.thresholds["Drug"]
    assert 0 <= made.card["dev"]["micro_f1"]["value"] <= 1
    again = load(tmp_path, **FLOAT32)
    assert (again.pooling, again.thresholds) == (made.pooling, made.thresholds)
    np.testing.assert_allclose(again.predict_proba(SEVERAL), made.predict_proba(SEVERAL))


def test_several_labels_must_be_asked_for(encoder, tmp_path):
    with pytest.raises(DataError, match="exactly one label"):
        fine_tune_classifier(SEVERAL, encoder=encoder, out=tmp_path, **QUICK)


def with_class_weights(notes, encoder, folder):
    """Return probabilities without and with class weights, from the head alone."""
    made = [
        fine_tune_classifier(
            notes, encoder=encoder, out=folder / str(on), class_weights=on,
            selection_fraction=0.0, **QUICK,
        )
        for on in (False, True)
    ]  # fmt: skip
    return [each.predict_proba(notes) for each in made]


def test_class_weights_of_equally_frequent_labels_change_nothing(encoder, tmp_path):
    drug, none = ([n for n in LABELLED if n.labels == (name,)] for name in ("drug", "none"))
    without, weighted = with_class_weights([*drug[:3], *none[:3]], encoder, tmp_path)
    np.testing.assert_allclose(weighted, without, atol=1e-6)


def test_class_weights_raise_the_rare_label(encoder, tmp_path):
    drug, none = ([n for n in LABELLED if n.labels == (name,)] for name in ("drug", "none"))
    without, weighted = with_class_weights([*drug, none[0]], encoder, tmp_path)
    assert (weighted[:, 1] > without[:, 1]).all()  # "none", which is rare here
