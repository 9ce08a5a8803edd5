"""Two annotators at once, adjudication, agreement and learning, in real browsers."""

import pytest

from clinnlp.review.chain import audit
from clinnlp.service.review_teaching import Teacher
from tests.browser.steps import TEXT, findings, note, press, saved, stored
from tests.unit.bert.conftest import make_encoder
from tests.unit.review.conftest import note_of
from tests.unit.service.test_review_learning_routes import judge_all
from tests.unit.service.test_review_rules_routes import NOTES as RULED
from tests.unit.study.test_review_learn import texts

pytestmark = pytest.mark.slow


def begin(open_page, world, user):
    page = open_page(world, user, "/p/1")
    page.get_by_role("link", name="Begin").click()
    page.locator(".pane").wait_for()
    return page


@pytest.fixture
def differing(serve, open_page):
    """Give a world in which anna and ben have judged one note at once, and not alike."""
    world = serve(notes=[note()], n_annotators=2)
    anna, ben = (begin(open_page, world, user) for user in ("anna", "ben"))
    for keys in zip(
        ("Enter", "x", "2", "r", "Enter", "Enter", "Control+Enter"),
        ("Enter", "Enter", "x", "n", "p", "Escape", "Control+Enter"),
        strict=True,
    ):
        press(anna, keys[0])
        press(ben, keys[1])
    for page in (anna, ben):
        page.get_by_text("All notes are done.").wait_for()
    return world


def test_two_annotators_at_once_are_blind_and_what_differs_is_decided(
    differing,
    open_page,
    axe,
):
    page = open_page(differing, "judge", "/p/1/adjudication")
    page.get_by_role("link", name="n0").click()
    differences = page.get_by_role("region", name="Differences").get_by_role("listitem")
    differences.first.wait_for()
    assert differences.count() == 3
    shown = page.locator("main").inner_text().split()
    assert not {"anna", "ben"} & set(shown)
    assert findings(page, axe) == []
    page.get_by_text("Both readings side by side").click()
    readings = [page.get_by_role("group", name=f"Reading {side}") for side in "AB"]
    for reading in readings:
        assert reading.locator(".text").text_content() == TEXT
    assert findings(page, axe) == []
    differences.filter(has_text="81 mg for").get_by_role("button", name="Neither").click()
    differences.filter(has_text="chest pain").get_by_role("button", name="Take A").click()
    differences.filter(has_text="fever").get_by_role("button", name="Take").first.click()
    press(page, "z", "y")
    saved(page)
    press(page, "Control+Enter")
    page.get_by_text("● decided").wait_for()
    assert audit(differing.database).faults == []


def test_relations_and_labels_that_differ_are_decided(serve, open_page, axe):
    world = serve(n=1, n_annotators=2, note_labels=("urgent",))
    tie = {"do": "relate", "id": "R9", "label": "Treats", "roles": {"a": ["T1"], "b": ["T2"]}}
    for name, more in (("anna", [tie]), ("ben", [{"do": "note_labels", "labels": ["urgent"]}])):
        person = world.browser(name)
        task = person.get("/api/projects/1/queue")["items"][0]["task"]
        accepted = [{"do": "accept", "mention": mention} for mention in ("T1", "T2")]
        actions = [*accepted, *more, {"do": "done"}]
        body = {"version": 0, "seconds": 1, "actions": actions}
        person.post(f"/api/tasks/{task}/judgements", body)
    page = open_page(world, "judge", "/p/1/adjudication")
    page.get_by_role("link", name="n0").click()
    region = page.get_by_role("region", name="Relations and labels")
    region.get_by_role("listitem").first.wait_for()
    assert region.get_by_role("listitem").count() == 2
    assert findings(page, axe) == []
    region.get_by_role("button", name="Neither").click()
    region.get_by_role("button", name="Take B").click()
    press(page, "Control+Enter")
    page.get_by_text("● decided").wait_for()
    owner = world.browser("judge")
    (item,) = owner.get("/api/projects/1/adjudication")["items"]
    shown = owner.get(f"/api/adjudications/{item['task']}")
    agreed = [set(one["roles"]) for one in shown["relations"]]
    assert (agreed, shown["note_labels"]) == ([{"drug", "problem"}], ["urgent"])


def test_agreement_is_shown_as_the_store_tells_it(differing, open_page, axe):
    page = open_page(differing, "judge", "/p/1/agreement")
    row = page.get_by_role("group", name="Agreement").get_by_role("row").nth(1)
    row.wait_for()
    told = differing.browser("judge").get("/api/projects/1/agreement")["between"][0]
    assert row.inner_text().startswith(f"{told['first']} and {told['second']}")
    assert f"{told['strict']['value']:.3f}" in row.inner_text()
    assert findings(page, axe) == []


def test_an_owner_gives_back_the_notes_of_a_person(serve, open_page, axe):
    world = serve(notes=[note(k) for k in range(3)])
    press(begin(open_page, world, "anna"), "Enter")
    page = open_page(world, "owner", "/p/1/people")
    row = page.get_by_role("row", name="anna")
    row.wait_for()
    assert row.inner_text().split()[1:4] == ["2", "1", "0"]
    assert findings(page, axe) == []
    page.get_by_role("button", name="Give back the notes of anna").click()
    page.get_by_role("status").get_by_text("3 notes of anna given back.").wait_for()
    page.locator("[role=status]:focus").wait_for()
    assert page.get_by_role("button", name="Give back").count() == 0
    assert len(world.browser("ben").get("/api/projects/1/queue")["items"]) == 3


def test_an_annotator_has_no_way_to_what_is_not_his(serve, open_page):
    page = open_page(serve(notes=[note()]), "anna", "/p/1")
    page.get_by_role("link", name="Begin").wait_for()
    assert page.get_by_role("link", name="Agreement").count() == 0
    page.goto(page.url + "/agreement")
    page.get_by_role("alert").wait_for()


def test_what_the_server_refuses_is_said(serve, open_page):
    page = open_page(serve(notes=[note()]), "owner", "/p/1/learn")
    page.get_by_role("button", name="Learn now").click()
    page.get_by_text("judge more").wait_for()


def test_learn_now_stop_go_on_use_and_go_back(serve, open_page, tmp_path, axe):
    world = serve(notes=[note_of(k, text) for k, text in enumerate(texts(24))])
    encoder = make_encoder(tmp_path / "encoder")
    teacher = Teacher(world.database, encoder=str(encoder), epochs=20)  # not done before "Stop"
    object.__setattr__(world.review, "teacher", teacher)
    judge_all(world.browser("anna"))
    page = open_page(world, "owner", "/p/1/learn")
    page.get_by_role("button", name="Learn now").click()
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Go on").click(timeout=300_000)
    page.get_by_role("button", name="Use the new model").click(timeout=300_000)
    page.get_by_text("● in use").wait_for()
    assert page.get_by_text("New less old").count() == 1
    assert findings(page, axe) == []
    page.get_by_role("button", name="Back to the old model").click()
    page.get_by_role("button", name="Use the new model").wait_for()


def test_one_note_is_judged_in_two_browsers_of_one_person(serve, open_page):
    world = serve(notes=[note()])
    first, second = (begin(open_page, world, "anna") for _ in range(2))
    press(first, "Enter")
    press(second, "j", "x")
    saved(first)
    saved(second)
    assert [judged for _, _, judged in stored(world)][:2] == ["accepted", "rejected"]


def test_a_mention_under_a_rule_is_rejected_and_a_verdict_given(serve, open_page, axe):
    world = serve(notes=RULED)
    page = open_page(world, "owner", "/p/1/rules")
    page.get_by_role("row", name="lead").first.get_by_role("button").click()
    rule = page.get_by_role("region", name="Rule")
    rule.get_by_role("listitem").filter(
        has=page.locator("mark", has_text="lead")
    ).first.get_by_role("button", name="This mention is wrong").click()
    page.get_by_text("The rule was counted anew.").wait_for()
    assert "n both: 20 → 19" in rule.inner_text()
    assert findings(page, axe) == []
    rule.get_by_label("Verdict").select_option("artefact")
    rule.get_by_label("Leaves out").select_option("lead")
    rule.get_by_label("Comment").fill("<b>a lead</b>")
    rule.get_by_role("button", name="Keep").click()
    page.get_by_text("4 left out as artefacts").wait_for()
    found = world.browser("owner").get("/api/projects/1/rules")
    assert found["n_suppressed"] == 4
    assert audit(world.database).faults == []
