"""Cue tables: rows to actions, and clear refusals."""

import pytest

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.text.assertion import Assertions
from clinnlp.text.cues import Action, CueRow, read_cues, read_priors

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
        (
            Action(0, "cue", True, False, 4, CueRow("cues.tsv", 2, "no  sign", "")),
            Action(1, "pseudo", True, True, 0, CueRow("cues.tsv", 3, "no sign", "")),
        ),
    )


def test_a_cue_of_a_phrase_works_both_ways_and_the_classes_come_along(tmp_path):
    rows = "with | Without\toutside\t\tword\nneg\tnegated\tphrase\t\t9\n"
    table = read_cues([_write(tmp_path, rows)])
    assert table.actions == (
        (Action(0, "cue", True, True, 9, CueRow("cues.tsv", 3, "neg", ""), True),),
    )
    assert table.classes == {"outside": {"with", "without"}}


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


def test_a_cell_may_hold_several_cues_and_classes(tmp_path):
    rows = (
        "is | was\tbe\t\tword\n"
        "new | other\tkind\t\tword\n"
        "{be} absent | no {kind?} sign\tnegated\t\t\t\tnegex\n"
    )
    table = read_cues([_write(tmp_path, rows)])
    assert set(table.phrases) == {
        "is absent",
        "was absent",
        "no new sign",
        "no other sign",
        "no sign",
    }
    assert {actions[0].row.line for actions in table.actions} == {4}
    assert table.actions[0][0].row.source == "negex"


def test_a_class_may_stand_inside_a_word(tmp_path):
    rows = "aunt\tkin\t\tword\n({kin}'s)\texperiencer\t\t\t\n"
    assert read_cues([_write(tmp_path, rows)]).phrases == ("(aunt's)",)


def test_a_phrase_written_out_holds_against_one_made_from_classes(tmp_path):
    rows = "change\tthing\t\tword\nno {thing}\tnegated\t\tcue\nno change\tnegated\t\tpseudo\n"
    (actions,) = read_cues([_write(tmp_path, rows)]).actions
    assert [a.kind for a in actions] == ["pseudo"]


def test_an_unknown_class_is_refused_with_its_line(tmp_path):
    with pytest.raises(DataError, match=r"cues\.tsv:2: .*'kin'"):
        read_cues([_write(tmp_path, "{kin}\texperiencer\n")])


def test_a_row_that_would_explode_is_refused(tmp_path):
    words = " | ".join(f"w{i}" for i in range(100))
    rows = f"{words}\tw\t\tword\n{{w}} {{w}} {{w}}\tnegated\n"
    with pytest.raises(DataError, match="100000 phrases at most"):
        read_cues([_write(tmp_path, rows)])


def test_rows_that_differ_in_case_are_rows_of_one_cue(tmp_path):
    table = read_cues([_write(tmp_path, "PMH\thistorical\npmh\tnegated\t\tterminator\n")])
    assert table.phrases == ("pmh",)
    assert {a.axis for a in table.actions[0]} == {0, 3}


def test_an_opening_cue_works_forward_and_only_where_it_begins_its_sentence(tmp_path):
    path = _write(tmp_path, "as a child\thistorical\topening\t\t3\n")
    ((action,),) = read_cues([path]).actions
    assert (action.forward, action.backward, action.opening) == (True, False, True)
    assert _is_past(path, "As a child she had measles.")
    assert not _is_past(path, "Tall as a child, measles.")
    assert not _is_past(path, "As a child she was told of measles.")


def _is_past(path, text):
    start = text.index("measles")
    mention = Entity(id="T1", span=Span(start, start + 7), label="Problem")
    note = Assertions([path])(Note(id="n", text=text, entities=(mention,)))
    return note.entities[0].assertion.historical
