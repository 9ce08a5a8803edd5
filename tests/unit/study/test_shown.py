from dataclasses import replace

import numpy as np
import pytest

import clinnlp
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.core.tables import EventTable
from clinnlp.report.pictures import Picture


def note(k=0):
    entity = Entity(id="T1", span=Span(7, 17), label="Problem")
    return Note(id=f"n{k}", text="Denies chest pain.", entities=(entity,))


def test_a_note_is_shown_as_in_the_report(tmp_path):
    shown = clinnlp.show(note(), show_text=True)
    page = shown._repr_html_()
    assert '<mark class="k0 open close">chest pain</mark>' in page
    saved = shown.save(tmp_path / "note.html").read_text(encoding="utf-8")
    assert '<mark class="k0 open close">chest pain</mark>' in saved
    assert "<title>Note n0</title>" in saved
    assert "Content-Security-Policy" in saved


def test_without_show_text_no_character_of_a_note_is_shown():
    page = clinnlp.show(note())._repr_html_()
    assert "chest" not in page
    assert "7-17" in page


def test_many_notes_are_bounded_and_read_no_further():
    read = []

    def source():
        for k in range(10**6):
            read.append(k)
            yield note(k)

    shown = clinnlp.show(source(), max_notes=3, show_text=True, max_chars=4)
    page = shown._repr_html_()
    assert len(read) == 4
    assert [f"<code>n{k}</code>" in page for k in range(4)] == [True, True, True, False]
    assert "The first 3 notes; there are more." in page
    assert "14 more characters not shown" in page
    assert "chest" not in page
    assert shown.title == "3 notes"
    assert clinnlp.show([note()], title="Mine").title == "Mine"


def test_what_is_no_note_is_refused():
    with pytest.raises(ArgumentError, match="show takes notes, got str"):
        clinnlp.show("Denies chest pain.")
    with pytest.raises(ArgumentError, match="max_notes must be at least 1"):
        clinnlp.show([note()], max_notes=0)
    with pytest.raises(ArgumentError, match=r"plots takes Rules, Signals.*got Note"):
        clinnlp.plots(note())


def test_results_have_their_plots():
    rng = np.random.default_rng(0)
    rows, columns = np.nonzero(rng.random((200, 4)) < 0.4)
    events = EventTable(
        {
            "patient": [f"p{k}" for k in rows],
            "encounter": [f"e{k}" for k in rows],
            "code": np.array(["a", "b", "c", "bleeding"])[columns].tolist(),
            "kind": np.where(columns == 3, "outcome", "drug").tolist(),
        }
    )
    baskets = clinnlp.event_baskets(events)
    rules = clinnlp.mine_rules(baskets, min_count=2)
    pairs = clinnlp.mine_interactions(baskets, min_count=1, min_margin=1)
    singles = clinnlp.mine_signals(baskets, min_count=1, min_margin=1)
    titles = [[p.title for p in clinnlp.plots(result)] for result in (rules, pairs, singles)]
    assert titles[0] == ["Volcano: co-occurrence"]
    assert titles[1][:2] == ["Volcano: interaction of drug pairs", "The first 3 by q"]
    assert titles[2] == ["Volcano: drug and outcome", "The first 3 by q"]
    y = np.arange(120) % 3 == 0
    settings = clinnlp.RiskStudySettings(models=("naive_bayes",), n_boot=5)
    study = clinnlp.risk_study(
        clinnlp.rows_of_table(
            {"x": y + rng.normal(size=120)}, outcome=y, groups=np.arange(120).astype(str)
        ),
        settings=settings,
    )
    pictures = clinnlp.plots(study)
    assert [p.title for p in pictures] == ["AUROC", "ROC", "Precision and recall", "Calibration"]
    assert all(isinstance(p, Picture) and p._repr_svg_() for p in pictures)
    assert clinnlp.plots(replace(study, models={})) == ()
    assert clinnlp.plots(clinnlp.mine_rules(baskets, min_count=10**6)) == ()
    assert len(clinnlp.plots(clinnlp.score_spans([note()], [note()]))) == 1
