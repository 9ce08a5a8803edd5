"""Names in one cell: what a reader sees, and back exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinnlp.core.errors import ArgumentError
from clinnlp.core.name_lists import joined_names, split_names

NASTY = st.text(st.sampled_from("ab;\" \t\r\n',=é\x00"), max_size=6)


@pytest.mark.parametrize(
    ("names", "cell"),
    [
        ({"heparin", "aspirin"}, "aspirin; heparin"),
        ({"iron; folic acid", "zinc"}, '"iron; folic acid"; zinc'),
        ({'the "pill"'}, '"the ""pill"""'),
        ({" blank", ""}, '""; " blank"'),
        ({"a;b"}, '"a;b"'),
        ({"it's, so"}, "it's, so"),
        (set(), ""),
    ],
)
def test_cells_as_a_spreadsheet_shows_them(names, cell):
    assert joined_names(names) == cell
    assert set(split_names(cell)) == names


@given(st.sets(st.text(max_size=6) | NASTY, max_size=4))
def test_every_set_of_names_is_read_back(names):
    assert split_names(joined_names(names)) == tuple(sorted(names))


def test_cells_typed_by_hand_may_lack_the_blank():
    assert split_names('a;b ;"c;d";  e') == ("a", "b", "c;d", "e")


@pytest.mark.parametrize("cell", ['"zz', 'zz"b', "zz;;b", "zz;", ";;", '"zz"b', " zz"])
def test_another_form_is_refused_without_its_text(cell):
    with pytest.raises(ArgumentError, match="got another form") as caught:
        split_names(cell)
    assert cell not in str(caught.value)
