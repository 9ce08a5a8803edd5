"""The report says what was done, what it is not, and how much may be left."""

from collections import Counter

from clinnlp.metrics.leak_bound import ReviewedStratum, leak_bound
from clinnlp.report.markdown import render_markdown
from clinnlp.study.deidentify.page import deidentify_report
from clinnlp.study.deidentify.summary import DeidentifySummary
from clinnlp.study.deidentify.tables import CopiedTables
from clinnlp.study.deidentify.tagged import UsedModel
from clinnlp.study.settings import DeidentifySettings

SUMMARY = DeidentifySummary(
    n_notes=8,
    n_words=900,
    found=Counter({("NAME", "rule:title"): 3, ("DATE", "rule:date"): 2}),
    failed={4: "PipeError", 9: "PipeError"},
    unreadable=["a.jsonl:3"],
)


def page(**more):
    how = more.pop("how", DeidentifySettings())
    return render_markdown(deidentify_report(SUMMARY, how, **more))


def test_what_dates_are_is_said_for_each_way():
    assert "expert determination, 45 CFR 164.514(b)(1)" in page()
    assert "as the Safe Harbor of HIPAA allows" in page(how=DeidentifySettings(dates="year"))
    assert "Dates were taken out" in page(how=DeidentifySettings(dates="mask"))


def test_without_a_review_nothing_is_promised():
    assert "Nobody has reviewed a sample" in page()
    bound = leak_bound([ReviewedStratum(n_notes=10**5, leaked=[0] * 300)], n_words=10**7)
    said = page(bound=bound, groups=(3, 12))
    assert "At most 1 % of notes" in said
    assert "Nobody has reviewed" not in said
    assert "smallest group has 3 patients; 12 patients are in groups as small" in said


def test_what_was_found_and_what_could_not_be_done_is_counted():
    said = page(tables={"ev": CopiedTables(rows={"ev.csv": 5}, emptied=Counter(["ev.csv: x"]))})
    assert "8 notes with 5 identifiers replaced; 3 could not be done" in said
    assert "| NAME | rule:title | 3 |" in said
    assert "| PipeError | 2 |" in said
    assert "| ev.csv | 5 |" in said
    assert "Columns emptied: ev.csv: x." in said


def test_finders_are_counted_by_kind_and_a_model_is_told():
    said = page(model=UsedModel(name="m", labels=("NAME",), n_names=3))
    assert "| rule | 5 |" in said
    assert "model:m looked for NAME; it keeps 3 names" in said
    assert "model:" not in page()
