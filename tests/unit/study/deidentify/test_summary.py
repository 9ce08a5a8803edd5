"""Counts of one run: what is told of them."""

from clinnlp.study.deidentify.summary import DeidentifySummary


def test_what_is_told_of_a_run():
    summary = DeidentifySummary(n_notes=1200, n_sealed=3)
    summary.found.update([("NAME", "rule:title")] * 2)
    assert str(summary) == "notes 1,200, identifiers 2, left as they were 3"
    summary.failed[4], summary.unreadable = "DataError", ["in.jsonl:7"]
    assert summary.n_failed == 2
    assert str(summary).endswith("not in the output 2")
