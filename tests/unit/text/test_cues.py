"""Cue tables: rows to actions, and clear refusals."""

import pytest

from clinnlp.core.errors import DataError
from clinnlp.text.cues import Action, read_cues, read_priors

HEAD = "cue\taxis\tdirection\tkind\tscope\tsource\n"


def _write(folder, rows, head=HEAD):
    path = folder / "cues.tsv"
    path.write_text(head + rows, encoding="utf-8")
    return path


def test_rows_of_one_cue_are_joined_and_defaults_filled(tmp_path):
    table = read_cues(
        [_write(tmp_path, "no  sign\tnegated\t\t\t4\nno sign\tuncertain\tboth\tpseudo\n")]
    )
    assert table.phrases == ("no sign",)
    assert table.actions == (
        (Action(0, "cue", True, False, 4), Action(1, "pseudo", True, True, 0)),
    )


def test_a_terminator_of_all_axes_works_both_ways(tmp_path):
    table = read_cues([_write(tmp_path, "but\t*\t\tterminator\n")])
    assert [a.axis for a in table.actions[0]] == [0, 1, 2, 3, 4]
    assert all(a.forward and a.backward for a in table.actions[0])


@pytest.mark.parametrize(
    "row", ["no\tnegative", "no\tnegated\tleft", "no\tnegated\t\tcues", "no\tnegated\t\t\tfar"]
)
def test_a_wrong_row_is_refused_with_its_line(tmp_path, row):
    with pytest.raises(DataError, match=r"cues\.tsv:2: "):
        read_cues([_write(tmp_path, row + "\n")])


def test_a_wrong_prior_is_refused_with_its_line(tmp_path):
    path = _write(tmp_path, "family_history\texperiencer\tnever\n", "kind\taxis\twhen\n")
    with pytest.raises(DataError, match=r"cues\.tsv:2: "):
        read_priors(path)
