"""A Chromium of the system for the tests of the page; they skip with the reason where it is not."""

import shutil

import pytest

from tests.browser.stand_in import StandIn

NAMES = ("chromium", "chromium-browser", "google-chrome")


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


@pytest.fixture
def new_page(browser):
    """Give a function that opens a page of its own session; errors of a page fail the test."""
    contexts, errors = [], []

    def new(**options):
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 800}, **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if "Policy" in said.text else None)
        return page

    yield new
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def stand_in():
    """Give a function that starts the small server with tasks."""
    servers = []

    def start(tasks, **project):
        servers.append(StandIn(tasks, {"name": "Notes", "labels": ["Chemical", "Disease"]} | project))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="module")
def modules(browser):
    """Give a function that runs JavaScript with modules of the page: ``await load("task")``."""
    server = StandIn([], {})
    page = browser.new_page()
    page.goto(server.url + "static/base.css")

    def run(script, argument=None):
        load = "const load = (name) => import(`/static/${name}.js`);"
        return page.evaluate(f"async (given) => {{ {load} {script} }}", argument)

    yield run
    page.close()
    server.close()
