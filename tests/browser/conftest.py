"""A Chromium of the system and a real server for the tests of the page.

They skip with the reason where there is no Chromium, or nothing that drives it.
"""

import shutil
from importlib import resources

import pytest

from clinnlp.review.database import create_database
from tests.browser.steps import note
from tests.unit.review.conftest import PASSWORD, _quick_hashes  # noqa: F401
from tests.unit.service.review_world import Running

NAMES = ("chromium", "chromium-browser", "google-chrome")
SIZE = {"width": 1280, "height": 800}


@pytest.fixture(scope="module")
def browser():
    """Give a Chromium; for one file only, since its loop would stand in the way of others."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium is installed on this system")
    with api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    """Give a function that serves a new store, ended with the file."""
    running, folder = [], tmp_path_factory.mktemp("stores")

    def run(**how):
        running.append(Running(create_database(folder / f"{len(running)}.db"), **how))
        return running[-1]

    yield run
    for one in running:
        one.end()
        one.database.close()


@pytest.fixture
def open_page(browser):
    """Give a function that opens the page of a server as a person; errors in it fail the test."""
    contexts, errors = [], []

    def open_as(world, user=None, path="/", **options):
        contexts.append(browser.new_context(**{"viewport": SIZE, **options}))
        page = contexts[-1].new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if "olicy" in said.text else None)
        page.goto(f"http://localhost:{world.port}/#{path}")
        if user:
            log_in(page, user)
        return page

    yield open_as
    for context in contexts:
        context.close()
    assert errors == []


def log_in(page, user, password=PASSWORD):
    page.get_by_label("Name").fill(user)
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")
    page.locator("#logout").wait_for()


@pytest.fixture
def begin(serve, open_page):
    """Give a function that opens the first note of a new store as anna: page and world."""

    def start(notes=None, width=1280, height=800, **rules):
        world = serve(notes=notes or [note(0), note(1)], **rules)
        page = open_page(world, "anna", "/p/1", viewport={"width": width, "height": height})
        page.get_by_role("link", name="Begin").click()
        page.locator(".pane").wait_for()
        return page, world

    return start


@pytest.fixture(scope="module")
def axe():
    """Give the text of axe-core."""
    package = pytest.importorskip("axe_playwright_python", reason="axe-core is not installed")
    return (resources.files(package) / "axe.min.js").read_text("utf-8")


@pytest.fixture(scope="module")
def modules(browser, serve):
    """Give a function that runs JavaScript with modules of the page: ``await load("task")``."""
    page = browser.new_page()
    page.goto(f"http://localhost:{serve(n=0, notes=()).port}/static/base.css")

    def run(script, argument=None):
        load = "const load = (name) => import(`/static/${name}.js`);"
        return page.evaluate(f"async (given) => {{ {load} {script} }}", argument)

    yield run
    page.close()
