import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from clinnlp.core.item_names import LEAST, shown_items


@pytest.mark.parametrize(("n", "concept", "name"), [
    (LEAST - 1, None, "item 0"), (LEAST, None, "my aunt"), (1, "C01", "my aunt"),
])  # fmt: skip
def test_rare_words_are_numbered(n, concept, name):
    matrix = sparse.csr_matrix(np.ones((n, 1), np.int8))
    evidence = np.column_stack([np.arange(n), np.zeros(n, int), np.arange(n)])
    assert shown_items(("my aunt",), matrix, evidence, np.full(n, concept, object)) == (name,)


def test_codes_and_columns_are_named():
    matrix = sparse.csr_matrix([[1, 1]])
    assert shown_items(("a", "b"), matrix, np.empty((0, 3), int), None) == ("a", "b")


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 3), st.booleans()), max_size=40))
def test_against_the_definition(mentions):
    items = tuple("abcd")
    held = np.zeros((8, 4), np.int8)
    for basket, item, _ in mentions:
        held[basket, item] = 1
    evidence = np.array(
        [(b, i, k) for k, (b, i, _) in enumerate(mentions)], int
    ).reshape(-1, 3)  # fmt: skip
    concepts = np.array(["C" if linked else None for _, _, linked in mentions], object)
    wanted = []
    for j, name in enumerate(items):
        links = [linked for _, item, linked in mentions if item == j]
        rare = len({b for b, item, _ in mentions if item == j}) < LEAST
        wanted.append(f"item {j}" if rare and not (links and all(links)) else name)
    assert shown_items(items, sparse.csr_matrix(held), evidence, concepts) == tuple(wanted)
