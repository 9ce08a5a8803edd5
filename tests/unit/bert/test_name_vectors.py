"""Vectors of names: of length 1, the same alone and in company."""

import numpy as np

from clinnlp.bert.name_vectors import name_vectors


def test_vectors_are_those_of_each_name_alone(encoder):
    vectors = name_vectors(encoder, batch_size=2)
    names = ["heart attack", "", "myocardial infarction of the anterior wall", "pain"]
    made = vectors(names)
    assert made.shape[0] == 4
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(made, np.concatenate([vectors([n]) for n in names]), atol=1e-4)
    assert vectors([]).shape == (0, made.shape[1])
