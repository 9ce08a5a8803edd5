from datetime import datetime

import numpy as np

from clinnlp.core.display import N_ROWS, display_html


def test_values_are_written_for_people():
    values = [
        None, float("nan"), np.float64(0.123456), float("inf"), -np.inf, np.int64(12345), True,
        np.bool_(False), frozenset({"b", "a"}), datetime(2024, 1, 2, 3), "words",
    ]  # fmt: skip
    made = display_html("T", columns={"c": values}, n_rows=len(values))
    cells = (
        made.partition("<tbody>")[2].replace("<tr><td>", "").replace("</td></tr>", "").split("\n")
    )
    assert cells[1:12] == [
        *("–", "–", "0.1235", "∞", "−∞", "12,345", "yes", "no", "a, b"),
        *("2024-01-02 03:00:00", "words"),
    ]


def test_everything_is_escaped_and_hidden_characters_are_written_out():
    bad = "<script>alert(1)</script>\x1b[2J\u202e\"'&"
    made = display_html(bad, facts={bad: bad}, columns={bad: [bad]}, n_rows=1, notes=[bad])
    assert "<script" not in made
    assert "\x1b" not in made
    assert "\u202e" not in made
    assert made.count("&lt;script&gt;") == 6
    assert "&quot;&#x27;&amp;" in made


def test_a_long_table_shows_its_first_rows_and_says_how_many_there_are():
    made = display_html("T", columns={"n": np.arange(10**6)}, n_rows=10**6)
    assert made.count("<tr><td>") == N_ROWS
    assert "The first 20 of 1,000,000 rows." in made
    assert len(made) < 2_000


def test_a_long_word_is_cut():
    made = display_html("T", columns={"n": ["x" * 10**6]}, n_rows=1)
    assert "…" in made
    assert len(made) < 400


def test_no_row_no_table():
    assert display_html("T", columns={"n": []}) == "<div><strong>T</strong></div>"
