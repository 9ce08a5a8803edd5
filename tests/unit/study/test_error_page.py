"""The page of errors: what it counts, what it compares, and that it quotes no note."""

import pytest

from clinnlp.cli import main
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Entity, Note, Relation
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import write_notes
from clinnlp.report.html import render_html
from clinnlp.study.error_page import error_report

TEXT = "Secretol for zosterpain"


def note(i, *found):
    return Note(id=f"n{i}", text=f"{TEXT} {i}", entities=tuple(
        Entity(id=f"T{k}", span=Span(a, b), label=label, score=0.7)
        for k, (a, b, label) in enumerate(found)))  # fmt: skip


GOLD = [note(i, (0, 8, "Drug"), (13, 23, "Problem")) for i in range(6)]
FOUND = [note(i, (0, 8, "Drug"), (9, 23, "Problem")) for i in range(5)] + [note(5)]


def test_it_counts_errors_by_kind_and_quotes_nothing():
    report = error_report(GOLD, FOUND, train=GOLD[:1], against=GOLD, n_boot=50)
    page = render_html(report)
    assert "Secretol" not in page
    assert "zosterpain" not in page.casefold()
    rows = {row["kind"]: row["n"] for row in report.blocks[1].blocks[0].rows}
    assert rows == {"boundary": 5, "missed": 1}
    titles = [block.title for block in report.blocks[0].blocks]
    assert titles == ["Scores by label", "Seen in training", "Words of a mention", "Confidence"]
    seen, unseen, other = report.findings[1:4]
    assert seen == "Strict F1 of mentions seen in training 0.588 (gold: 12)."
    assert unseen == "Strict F1 of mentions unseen in training 0.000 (gold: 0)."
    assert "p 0.0" in other


def test_without_errors_it_says_so():
    assert error_report(GOLD, GOLD, n_boot=0).blocks[1].blocks[0].text == "There is none."


def test_one_shot_notes_are_refused():
    with pytest.raises(ArgumentError, match="train must be re-iterable"):
        error_report(GOLD, FOUND, train=iter(GOLD))


def test_the_command_writes_the_page(tmp_path, capsys):
    paths = {name: tmp_path / f"{name}.jsonl" for name in ("gold", "found")}
    write_notes(GOLD, paths["gold"])
    write_notes(FOUND, paths["found"])
    page = tmp_path / "errors.html"
    command = ["score", *map(str, paths.values()), "--n-boot", "20"]
    assert main([*command, "--against", str(paths["gold"]), "--report", str(page)]) == 0
    out = capsys.readouterr().out
    assert "less that of the other prediction" in out
    assert "n5" in page.read_text()


def test_relations_have_their_scores_and_errors_and_the_command_says_them(tmp_path, capsys):
    roles = {"drug": ("T0",), "problem": ("T1",)}
    links = (Relation(id="R1", label="treats", roles=roles),)
    gold = [n.with_(relations=links) for n in GOLD]
    turned = (Relation(id="R1", label="causes", roles=roles),)
    found = [n.with_(relations=links if k < 4 else turned) for k, n in enumerate(gold)]
    report = error_report(gold, found, against=gold, n_boot=20)
    section = report.blocks[2]
    assert section.title == "Relations"
    (kind,) = section.blocks[1].rows
    assert (kind["kind"], kind["n"]) == ("type", 2)
    assert section.blocks[2].rows[0]["gold"] == "0-8, 13-23"
    assert "Secretol" not in render_html(report)
    assert [block.title for block in error_report(GOLD, FOUND, n_boot=0).blocks] == [
        "Scores", "Errors",
    ]  # fmt: skip
    assert error_report(gold, gold, n_boot=0).blocks[2].blocks[1].text == "No relation is wrong."
    paths = {name: tmp_path / f"{name}.jsonl" for name in ("gold", "found")}
    write_notes(gold, paths["gold"])
    write_notes(found, paths["found"])
    assert main(["score", *map(str, paths.values()), "--n-boot", "20"]) == 0
    out = capsys.readouterr().out
    assert "relation treats: P 1.000 R 0.667 F1 0.800" in out
    assert "relations, micro, strict: P 0.667" in out
    assert "relations whose ends stand in both: F1 0.667" in out
