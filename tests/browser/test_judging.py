"""Judging a note in a real browser on the real server: by keys, by mouse, in two tabs, offline."""

import pytest

from clinnlp.core.notes import Relation
from clinnlp.review.chain import audit
from clinnlp.review.corpus import judged_notes
from tests.browser.steps import note, press, saved, stored
from tests.browser.texts import hard_text


def test_a_note_is_judged_by_keys_alone(begin):
    page, world = begin()
    press(page, "Enter", "x")  # right, wrong
    press(page, "2", "r", "n", "u")  # another label, a word longer, two axes
    press(page, "j", "Enter", "/")
    page.keyboard.type("no cough")
    press(page, "Enter", "Control+Shift+ArrowLeft", "Escape")  # found; it is let go
    press(page, "ArrowLeft", "Control+ArrowRight", "Control+Shift+ArrowRight", "2")
    saved(page)
    assert stored(world) == [
        ("aspirin", "Drug", "accepted"),
        ("81 mg for", "Problem", "rejected"),
        ("chest pain", "Problem", "changed"),
        ("fever", "Problem", "accepted"),
        ("cough", "Problem", "added"),
    ]
    press(page, "Control+Enter")
    page.locator("h1", has_text="n1").wait_for()
    assert world.browser("anna").get("/api/projects")[0]["n_done"] == 1
    assert audit(world.database).faults == []


def test_one_key_a_right_mention_and_one_for_the_note(begin):
    page, world = begin()
    press(page, "Enter", "Enter", "Enter", "Enter", "Control+Enter")
    page.locator("h1", has_text="n1").wait_for()
    assert [judged for _, _, judged in stored(world)] == ["accepted"] * 4


def test_a_note_is_judged_by_mouse_alone(begin):
    page, world = begin()
    panel = page.get_by_role("region", name="Selected mention")
    panel.get_by_role("button", name="Right").click()
    panel.get_by_role("button", name="Wrong").click()
    panel.get_by_role("button", name="Problem").click()
    panel.get_by_role("button", name="End a word later").click()
    panel.get_by_role("button", name="Negated").click()
    box = page.locator(".seg", has_text="fever").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    panel.get_by_role("button", name="Right").click()
    page.get_by_text("Mother had", exact=False).dblclick(position={"x": 15, "y": 15})
    bar = page.get_by_role("group", name="Selected text")
    bar.get_by_role("button", name="Problem").click()
    saved(page)
    assert stored(world) == [
        ("aspirin", "Drug", "accepted"),
        ("81 mg for", "Problem", "rejected"),
        ("chest pain", "Problem", "changed"),
        ("fever", "Problem", "accepted"),
        ("Mother", "Problem", "added"),
    ]
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Done, next").click()
    page.locator("h1", has_text="n1").wait_for()
    assert len(stored(world)) == 4


@pytest.mark.slow
def test_a_selection_of_any_text_is_kept_by_code_points(begin):
    text = hard_text(5, 60) + " fever " + hard_text(6, 30)
    page, world = begin(notes=[note(text=text, entities=())])
    assert page.evaluate("document.querySelector('.text').textContent") == text
    press(page, "/")
    page.keyboard.type("fever")
    press(page, "Enter", "1", "Control+Home")
    press(page, *["Shift+ArrowRight"] * 12, "2")
    saved(page)
    (first, second) = sorted(stored(world), key=lambda one: one[1], reverse=True)
    assert second == ("fever", "Drug", "added")
    assert text.startswith(first[0]) or text.lstrip().startswith(first[0])
    assert first[1:] == ("Problem", "added")


def test_undo_and_redo_lead_through_all_that_was_done(begin):
    page, world = begin()
    before = stored(world)
    press(page, "Enter", "x", "2", "q", "n", "p")
    press(page, "ArrowDown", "ArrowRight", "Control+Shift+ArrowRight", "1", "x")
    saved(page)
    done = stored(world)
    assert done != before
    press(page, *"z" * 9)
    saved(page)
    assert stored(world) == before
    press(page, *"y" * 9)
    saved(page)
    assert stored(world) == done
    assert audit(world.database).faults == []


@pytest.mark.slow
def test_a_reset_leads_back_to_what_was_suggested(begin):
    page, world = begin()
    before = stored(world)
    press(page, "r", "2", "n", "b")
    saved(page)
    assert stored(world) == before


def test_two_tabs_on_one_note_lose_nothing(begin, open_page):
    page, world = begin()
    other = page.context.new_page()
    other.goto(page.url)
    other.locator(".pane").wait_for()
    press(page, "Enter")
    saved(page)
    press(other, "ArrowDown", "x")
    saved(other)
    press(page, "j", "2")
    saved(page)
    assert [judged for _, _, judged in stored(world)] == ["accepted", "rejected", "changed", None]
    assert page.locator(".seg.rejected").count() == 1
    assert audit(world.database).faults == []


@pytest.mark.slow
def test_what_comes_after_another_tab_was_done_opens_the_note_again(begin):
    page, world = begin()
    other = page.context.new_page()
    other.goto(page.url)
    other.locator(".pane").wait_for()
    press(page, "Shift+Enter", "Control+Enter")
    page.locator("h1", has_text="n1").wait_for()
    press(other, "j", "x")
    saved(other)
    states = [judged for _, _, judged in stored(world)]
    assert states == ["accepted", "rejected", "accepted", "accepted"]
    assert "done" not in other.locator(".progress").inner_text()


@pytest.mark.slow
def test_what_is_judged_offline_is_sent_when_the_server_is_there_again(begin):
    page, world = begin()
    page.context.set_offline(True)
    press(page, "Enter", "x")
    page.locator(".state.offline").wait_for()
    press(page, "Enter")
    assert [judged for _, _, judged in stored(world)] == [None] * 4
    page.context.set_offline(False)
    saved(page)
    assert [judged for _, _, judged in stored(world)] == ["accepted", "rejected", "accepted", None]


@pytest.mark.slow
def test_an_answer_that_is_lost_on_its_way_does_no_harm(begin):
    page, world = begin()
    lost = []

    def lose(route):
        if lost:
            return route.continue_()
        lost.append(route.fetch())  # the server has it, the page does not know
        return route.abort()

    page.route("**/judgements", lose)
    press(page, "ArrowRight", "Control+Shift+ArrowRight", "2")
    saved(page)
    assert len(lost) == 1
    assert len(stored(world)) == 5
    press(page, "Control+Home", "Escape", "ArrowDown")
    assert page.locator(".state").inner_text() == "✓ saved"


@pytest.mark.slow
def test_who_is_logged_out_logs_in_again_and_keeps_his_work(begin):
    page, world = begin()
    page.context.clear_cookies()
    press(page, "Enter", "x")
    page.get_by_label("Name").fill("anna")
    page.get_by_label("Password").fill("correct horse")
    page.keyboard.press("Enter")
    saved(page)
    assert [judged for _, _, judged in stored(world)] == ["accepted", "rejected", None, None]


@pytest.mark.slow
def test_the_whole_note_has_labels_and_a_comment(begin):
    page, world = begin(note_labels=("discharge", "odd <b>"))
    press(page, "m")
    page.keyboard.type("see <i>page</i> 2")
    press(page, "Escape")
    page.get_by_role("button", name="odd <b>").click()
    saved(page)
    api = world.browser("anna")
    task = api.get(f"/api/tasks/{api.get('/api/projects/1/queue')['items'][0]['task']}")
    assert task["comment"] == "see <i>page</i> 2"
    assert task["note_labels"] == ["odd <b>"]


@pytest.mark.slow
def test_a_tie_is_drawn_and_taken_away(begin):
    page, world = begin()
    press(page, "t")
    page.keyboard.type("chest")
    press(page, "Enter")
    page.get_by_text("Treats → chest").wait_for()
    assert page.locator(".arcs path").count() == 1
    saved(page)
    api = world.browser("anna")
    path = f"/api/tasks/{api.get('/api/projects/1/queue')['items'][0]['task']}"
    (link,) = api.get(path)["relations"]
    assert (link["label"], [*link["roles"].values()]) == ("Treats", [["T1"], ["T3"]])
    page.get_by_role("button", name="Remove Treats").click()
    saved(page)
    assert api.get(path)["relations"] == []


@pytest.mark.slow
def test_a_tie_that_a_model_suggests_is_drawn_and_judged(begin):
    """It has its score, one that is left counts as right, and one that is taken away as wrong."""
    ends = {"drug": ("T1",), "problem": ("T3",)}
    said = {"source": "relation-extractor", "label": "Treats", "roles": ends}
    links = (Relation(id="R1", score=0.876, **said), Relation(id="R2", score=0.3, **said))
    page, world = begin(notes=[note(0).with_(relations=links)])
    assert page.locator(".arcs path").count() == 2
    page.get_by_text("relation-extractor · score 0.88").wait_for()
    page.get_by_role("button", name="Remove Treats").last.click()
    press(page, "Enter", "Enter", "Enter", "Enter", "Control+Enter")
    saved(page)
    (decided,) = judged_notes(world.database, world.project, who="anna").notes
    (kept,) = decided.relations
    assert (kept.id, kept.score, kept.source) == ("R1", None, None)


@pytest.mark.slow
def test_attributes_are_given_and_taken(begin):
    page, _ = begin()
    press(page, "a")
    page.get_by_label("Name").fill("dose")
    page.get_by_label("Value").first.fill("81 mg")
    page.keyboard.press("Enter")
    page.get_by_text("dose: 81 mg").wait_for()
    press(page, "z")
    page.get_by_text("dose: 81 mg").wait_for(state="detached")
    saved(page)


@pytest.mark.slow
def test_a_note_that_is_done_is_opened_again_by_judging_it(begin):
    page, world = begin()
    press(page, "Shift+Enter", "Control+Enter")
    page.locator("h1", has_text="n1").wait_for()
    press(page, ",")
    page.locator("h1", has_text="n0").wait_for()
    assert "done" in page.locator(".progress").inner_text()
    press(page, "ArrowDown", "x")
    saved(page)
    assert "done" not in page.locator(".progress").inner_text()
    assert "rejected" in [judged for _, _, judged in stored(world)]


@pytest.mark.slow
def test_what_is_not_judged_holds_the_note_back(begin):
    page, _ = begin()
    press(page, "Enter", "Control+Enter")
    page.get_by_text("3 of 4 not judged yet").wait_for()
    assert page.locator("h1").inner_text() == "n0"


@pytest.mark.slow
def test_the_keys_are_told(begin):
    page, _ = begin()
    press(page, "?")
    page.get_by_role("dialog").get_by_text("accept, and on to the next").wait_for()
    press(page, "Escape", "Enter")
    saved(page)


@pytest.mark.slow
def test_a_concept_is_searched_by_the_words_of_the_mention_and_kept(begin):
    from clinnlp.review.projects import add_concepts

    page, world = begin()
    rows = [("D1", "RxNorm", "aspirin"), ("D2", "RxNorm", "aspirin 81 mg"), ("D3", "RxNorm", "x")]
    with world.database.writing() as connection:
        add_concepts(connection, world.project, rows)
    urls = []
    page.on("request", lambda request: urls.append(request.url))
    press(page, "c")
    page.get_by_role("dialog").get_by_text("RxNorm D2").wait_for()
    press(page, "ArrowDown", "Enter")
    page.get_by_text("aspirin 81 mg D2").wait_for()
    saved(page)
    page.reload()
    page.locator(".pane").wait_for()
    press(page, "k")
    page.get_by_text("aspirin 81 mg D2").wait_for()
    press(page, "b")  # also after a reload the reset knows what was suggested
    saved(page)
    assert stored(world)[0] == ("aspirin", "Drug", None)
    assert page.get_by_text("aspirin 81 mg D2").count() == 0
    assert not any("aspirin" in url for url in urls)
