"""Judging rules over HTTP: sentences, verdicts, and what is left when a mention is none."""

import csv

from clinnlp.cli import main
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from tests.unit.service.test_review_routes import serving  # noqa: F401

RULES = "/api/projects/1/rules"


def noted(k):
    """Return a note in which aspirin and pain go together, and a false mention goes with both."""
    has = k % 2 == 0
    text = "Took aspirin for pain, lead placed." if has else "Slept well, no complaint at all."
    words = (
        {"aspirin": "Drug", "pain": "Problem", "lead": "Drug"} if has else {"complaint": "Problem"}
    )
    entities = [
        Entity(id=f"T{i}", span=Span(text.index(w), text.index(w) + len(w)), label=label)
        for i, (w, label) in enumerate(words.items())
    ]
    return Note(id=f"n{k}", text=text, patient=f"p{k}", entities=tuple(entities))


NOTES = [noted(k) for k in range(40)]


def test_a_rule_is_judged_and_a_mention_under_it_corrected(serving, tmp_path):  # noqa: F811
    world = serving(notes=NOTES)
    owner = world.browser("owner")
    found = owner.get(RULES)
    assert (found["n_rules"], found["n_suppressed"], found["unit"]) == (6, 0, "patient")
    rows = {(row["antecedents"][0], row["consequents"][0]): row for row in found["rows"]}
    wrong, right = rows["lead", "pain"], rows["aspirin", "pain"]
    shown = owner.get(f"{RULES}/{wrong['rule']}")
    one = next(s for s in shown["sentences"] if s["item"] == "lead")
    assert one["text"][one["start"] : one["end"]] == "lead"
    place = {"note": one["note"], "start": one["offset"] + one["start"],
             "end": one["offset"] + one["end"], "label": one["label"]}  # fmt: skip
    said = owner.post(f"{RULES}/{wrong['rule']}/wrong", place)
    assert (said["before"]["n_both"], said["after"]["n_both"]) == (20, 19)
    assert said["after"]["q_bh"] > said["before"]["q_bh"]
    assert owner.post(f"{RULES}/{wrong['rule']}/wrong", place, 404)["error"]
    verdict = {"verdict": "artefact", "comment": "a lead, not the metal", "version": 0}
    path = f"{RULES}/{wrong['rule']}/verdict"
    owner.post(path, {**verdict, "item": "pain sign"}, 422)
    owner.post(path, {**verdict, "verdict": "odd"}, 422)
    assert owner.post(path, {**verdict, "item": "lead"}) == {"version": 1}
    owner.post(path, verdict, 409)
    owner.post(
        f"{RULES}/{right['rule']}/verdict", {"verdict": "known", "comment": "", "version": 0}
    )
    found = owner.get(RULES)
    assert (found["n_rules"], found["n_suppressed"]) == (6, 4)
    assert {row["verdict"] for row in found["rows"]} == {"known", None}
    assert not any("lead" in row["antecedents"] + row["consequents"] for row in found["rows"])
    owner.post(f"{RULES}/{wrong['rule']}/wrong", {**place, "note": "n2", "alike": True})
    assert owner.get(RULES)["n_rules"] == 2
    owner.get(f"{RULES}/{wrong['rule']}", 404)
    # whoever takes a note from now on is not shown what is none
    anna = world.browser("anna")
    task = anna.get("/api/projects/1/queue")["items"][0]["task"]
    assert [m["label"] for m in anna.get(f"/api/tasks/{task}")["mentions"]] == ["Drug", "Problem"]
    out = tmp_path / "verdicts.csv"
    assert main(["review", "verdicts", world.database.place, str(out)]) == 0
    with open(out, newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert {(row["antecedents"], row["verdict"], row["item"]) for row in rows} == {
        ("lead", "artefact", "lead"), ("aspirin", "known", "")
    }  # fmt: skip


def test_an_owner_without_the_right_sees_no_sentence(serving):  # noqa: F811
    from clinnlp.review.people import add_user
    from tests.unit.review.conftest import PASSWORD

    world = serving(notes=NOTES)
    with world.database.writing() as connection:
        add_user(connection, "blind", PASSWORD, role="owner", may_see_text=False)
    blind = world.browser("blind")
    rule = blind.get(RULES)["rows"][0]["rule"]
    blind.get(f"{RULES}/{rule}", 403)
    blind.post(f"{RULES}/{rule}/verdict", {"verdict": "coding", "comment": "", "version": 0})
