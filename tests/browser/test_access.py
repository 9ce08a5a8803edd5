"""The page for everyone: by rules of screen readers, enlarged, with hostile words, alone."""

import re
from importlib import resources

import pytest

from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from tests.browser.steps import findings, note, press, saved, stored

PAGE = resources.files("clinnlp") / "service" / "page"
FOCUSED = """
(() => {
  const one = document.activeElement, style = getComputedStyle(one);
  const name = one.getAttribute("aria-label") || one.textContent.trim();
  return [one.tagName, name, style.outlineStyle !== "none" || style.boxShadow !== "none"];
})()
"""
ASKED = "button|link|textbox|searchbox|combobox|checkbox|radio|option|listbox|slider|dialog"
NAMELESS = re.compile(rf"- (?:{ASKED})(?: \[[^\]]*\])*(?::.*)?$")  # a role without a name in quotes
HOSTILE = '<img src=x onerror="window.bad=1"><script>window.bad=1</script>{{7*7}}"\'`'


@pytest.mark.parametrize(
    "scheme", [pytest.param("light"), pytest.param("dark", marks=pytest.mark.slow)]
)
def test_axe_finds_nothing_serious(serve, open_page, axe, scheme):
    world = serve(notes=[note(0), note(1)], note_labels=("x",), guideline="# Read\n- this")
    page = open_page(world, color_scheme=scheme)
    page.get_by_label("Name").wait_for()
    assert findings(page, axe) == []
    page.get_by_label("Name").fill("owner")
    page.get_by_label("Password").fill("correct horse")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Projects").wait_for()
    assert findings(page, axe) == []
    page.get_by_role("link", name="p", exact=True).click()
    page.get_by_role("link", name="Begin").wait_for()
    assert findings(page, axe) == []
    page.get_by_role("link", name="Begin").click()
    page.locator(".pane").wait_for()
    press(page, "Enter", "x", "2", "i")
    assert findings(page, axe) == []
    press(page, "ArrowRight", "Shift+ArrowRight")
    assert findings(page, axe) == []
    press(page, "l")
    assert findings(page, axe) == []
    press(page, "Escape", "?")
    assert findings(page, axe) == []


@pytest.mark.slow
def test_each_step_is_said_to_a_screen_reader(begin):
    page, _ = begin()
    said = "[...document.querySelectorAll('[aria-live]')].map((one) => one.textContent).join('')"
    assert page.evaluate(said) == "aspirin, Drug, not judged"
    press(page, "j", "j", "j")
    assert page.evaluate(said) == "fever, Problem, negated, not judged"
    press(page, "n")
    assert page.evaluate(said) == "negated: no"
    press(page, "ArrowRight", "Control+Shift+ArrowRight")
    assert page.evaluate(said) == "selected  😀"
    listed = page.get_by_role("listbox", name="Mentions in the order of the text")
    active = listed.get_attribute("aria-activedescendant")
    assert page.locator(f"#{active}").get_attribute("aria-label") == "fever, Problem, changed"


@pytest.mark.slow
def test_what_a_screen_reader_meets_has_a_name_in_every_state(begin):
    """Of the tree of a screen reader: what is pressed, filled or chosen is called something."""
    page, _ = begin()
    states = {
        "a mention": (),
        "words selected": ("ArrowRight", "Control+Shift+ArrowRight"),
        "the search": ("Escape", "/"),
        "a concept": ("Escape", "j", "c"),
        "a tie": ("Escape", "t"),
        "a comment": ("Escape", "m"),
        "the keys": ("Escape", "?"),
    }
    for state, keys in states.items():
        press(page, *keys)
        lines = [line.strip() for line in page.locator("body").aria_snapshot().splitlines()]
        assert [line for line in lines if NAMELESS.match(line)] == [], state
        roles = {line.split()[1] for line in lines if line.startswith("- ") and " " in line}
        assert {"banner:", "main:"} <= roles, (state, roles)
    assert page.get_by_role("dialog").count() == 1
    assert page.get_by_role("dialog").get_attribute("aria-label") or page.get_by_role(
        "dialog"
    ).get_attribute("aria-labelledby")


@pytest.mark.slow
def test_all_is_reached_with_the_tab_key_and_the_focus_is_seen(begin):
    page, _ = begin()
    reached = {}
    for _ in range(45):
        press(page, "Tab")
        tag, name, is_seen = page.evaluate(FOCUSED)
        if tag != "BODY":  # behind the last and before the first
            reached[name] = is_seen
    for name in ("Right", "Wrong", "Negated", "Concept", "Done, next", "Find words", "Mentions in"):
        assert any(name in one for one in reached), name
    assert [name for name, is_seen in reached.items() if not is_seen] == []


@pytest.mark.slow
def test_enlarged_twice_nothing_is_cut_off(begin):
    page, world = begin(width=640, height=400)
    wide = "document.documentElement.scrollWidth <= innerWidth"
    assert page.evaluate(wide)
    press(page, "j", "j", "j")
    box = page.locator(".seg.selected").bounding_box()
    panel = page.get_by_role("region", name="Selected mention").bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= panel["y"]
    page.get_by_role("button", name="Wrong").click()
    page.get_by_role("button", name="Tie to").click()
    press(page, "Escape")
    saved(page)
    assert stored(world)[3][2] == "rejected"
    page.get_by_role("button", name="Keys").click()
    assert page.evaluate(wide)


@pytest.mark.slow
def test_it_is_judged_by_touch(serve, open_page):
    world = serve(notes=[note()])
    page = open_page(world, "anna", "/p/1", has_touch=True, viewport={"width": 412, "height": 800})
    page.get_by_role("link", name="Begin").tap()
    page.get_by_role("button", name="Right").tap()
    box = page.locator(".seg", has_text="fever").bounding_box()
    page.touchscreen.tap(box["x"] + 5, box["y"] + 5)
    page.get_by_role("button", name="Wrong").tap()
    saved(page)
    assert [judged for _, _, judged in stored(world)] == ["accepted", None, None, "rejected"]


@pytest.mark.slow
def test_hostile_words_stay_words(serve, open_page):
    entity = Entity(
        id=HOSTILE,
        span=Span(0, len(HOSTILE)),
        label="Drug",
        source=HOSTILE,
        attributes={HOSTILE: HOSTILE},
    )
    made = Note(id=HOSTILE, text=f"{HOSTILE} x", kind=HOSTILE, patient=HOSTILE, entities=(entity,))
    world = serve(notes=[made], guideline=HOSTILE, note_labels=(HOSTILE,))
    page = open_page(world, "anna", "/p/1")
    page.get_by_role("link", name="Begin").click()
    page.locator(".pane").wait_for()
    assert page.locator(".text").inner_text().startswith(HOSTILE)
    press(page, "i", "m")
    page.keyboard.type(HOSTILE)
    press(page, "Escape", "Enter", "Control+Enter")
    page.get_by_text("All notes are done.").wait_for()
    page.get_by_role("link", name=HOSTILE).click()
    page.locator(".pane").wait_for()
    assert page.evaluate("window.bad") is None
    assert page.locator("main img, main script, main b").count() == 0


def test_nothing_is_fetched_from_another_host_and_the_page_is_light(serve, open_page):
    world = serve(notes=[note()])
    page = open_page(world)
    asked, weight = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on(
        "response",
        lambda answer: weight.append(len(answer.body())) if "api/" not in answer.url else None,
    )
    page.reload()
    page.get_by_label("Name").fill("anna")
    page.get_by_label("Password").fill("correct horse")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="p", exact=True).click()
    page.get_by_role("link", name="Begin").click()
    page.locator(".pane").wait_for()
    assert {url.split("/")[2] for url in asked} == {f"localhost:{world.port}"}
    assert not any("aspirin" in url for url in asked)
    assert sum(weight) <= 200_000


def test_all_files_together_are_light_and_hold_no_other_address():
    files = [path for path in PAGE.iterdir() if path.is_file()]
    assert sum(len(path.read_bytes()) for path in files) <= 400_000
    for path in files:
        text = path.read_text("utf-8")
        hosts = set(re.findall(r"https?://([\w.]+)", text)) - {"www.w3.org"}  # the name of SVG
        assert not hosts, path.name
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text
        )


@pytest.mark.slow
def test_colours_follow_the_system_until_one_is_chosen(serve, open_page):
    page = open_page(serve(notes=[note()]), color_scheme="dark")
    ink = "getComputedStyle(document.body).color"
    dark = page.evaluate(ink)
    page.get_by_label("Name").wait_for()
    page.evaluate("localStorage.theme = 'light'")
    page.reload()
    page.get_by_label("Name").wait_for()
    assert page.evaluate(ink) != dark
