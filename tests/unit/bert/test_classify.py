"""The classifier as a pipe: every token seen, batch equals one by one."""

import numpy as np

from .conftest import LABELLED
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
