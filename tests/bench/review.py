"""From a key to what is painted, on a note of 5,000 words with 400 mentions, in Chromium.

The real server serves it, and the system's Chromium shows it. Each key is timed from its event to
the frame after the one that it caused, so that a figure holds the drawing too: on a screen of 60
frames a second up to 17 ms of it are the wait for a frame. The next key waits until then.
`cpu_ms` is what the page's main thread used for a key, which other work on the machine hardly
disturbs; the clock does not tell a busy machine from a slow page.
`--line` puts all words on one line, which is the hardest for a browser.
"""

import argparse
import random
import shutil
import tempfile
from pathlib import Path

import numpy as np

from tests.bench import record

KEYS = {
    "accept": ["Enter"] * 100, "reject": ["x"] * 60, "next": ["ArrowDown"] * 60,
    "axis": ["n", "u"] * 30, "label": ["2", "1"] * 30, "stretch": ["r", "e"] * 30,
    "undo": ["z"] * 60, "caret": ["ArrowRight"] * 40,
    "select": ["Control+Shift+ArrowRight"] * 20, "add": ["2"],
}  # fmt: skip
TIMED = """
(() => {
  const timed = window.timed = [];
  addEventListener("keydown", ({ timeStamp, key }) => {
    if (["Control", "Shift"].includes(key)) return;
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => timed.push(performance.now() - timeStamp);
      channel.port2.postMessage(null);
    });
  }, true);
})()
"""
PAINTED = """
(n) => new Promise((resolve) => {
  const look = () => (window.timed.length >= n ? resolve() : setTimeout(look, 3));
  look();
})
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=int, default=5000)
    parser.add_argument("--mentions", type=int, default=400)
    parser.add_argument("--line", action="store_true")
    args = parser.parse_args()
    note = note_of(args.words, args.mentions, is_one_line=args.line)
    with tempfile.TemporaryDirectory() as folder:
        times, cpu_ms = measured(note, Path(folder) / "store.db")
    every = np.concatenate([*times.values()])
    record(
        "review", words=args.words, mentions=args.mentions, one_line=args.line, n_keys=len(every),
        median_ms=round(float(np.median(every)), 1),
        p95_ms=round(float(np.percentile(every, 95)), 1),
        **{f"{name}_ms": round(float(np.median(some)), 1) for name, some in times.items()},
        **{f"{name}_cpu_ms": round(some, 1) for name, some in cpu_ms.items()},
    )  # fmt: skip


def note_of(n_words, n_mentions, *, is_one_line):
    from clinnlp.core.notes import Entity, Note
    from clinnlp.core.spans import Span

    drawn = random.Random(0)
    words = [drawn.choice(["chest", "pain", "was", "denied", "and", "aspirin", "given", "😀"])
             for _ in range(n_words)]  # fmt: skip
    ends, place = [], 0
    for k, word in enumerate(words):
        ends.append((place, place + len(word)))
        words[k] = word + (" " if is_one_line or k % 60 else ".\n")
        place += len(words[k])
    entities = tuple(
        Entity(id=f"T{k}", span=Span(*ends[at]), label=("Drug", "Problem")[k % 2])
        for k, at in enumerate(sorted(drawn.sample(range(n_words), n_mentions)))
    )
    return Note(id="long", text="".join(words), entities=entities)


def measured(note, store):
    """Return milliseconds by what a key does."""
    from playwright.sync_api import sync_playwright

    from clinnlp.review.database import create_database
    from tests.browser.conftest import PASSWORD, log_in
    from tests.unit.service.review_world import Running

    world = Running(create_database(store), notes=[note])
    path = shutil.which("chromium") or shutil.which("google-chrome")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(f"http://localhost:{world.port}/#/p/1")
            log_in(page, "anna", PASSWORD)
            page.get_by_role("link", name="Begin").click()
            page.locator(".pane").wait_for()
            page.evaluate(TIMED)
            clock = page.context.new_cdp_session(page)
            clock.send("Performance.enable", {"timeDomain": "threadTicks"})
            times, cpu_ms = {}, {}
            for name, keys in KEYS.items():
                before = busy_ms(clock)
                times[name] = pressed(page, keys)
                cpu_ms[name] = (busy_ms(clock) - before) / len(keys)
            browser.close()
    finally:
        world.end()
        world.database.close()
    return times, cpu_ms


def pressed(page, keys):
    for k, key in enumerate(keys, 1):
        page.keyboard.press(key)
        page.evaluate(PAINTED, k)
    page.wait_for_timeout(300)
    return np.array(page.evaluate("window.timed.splice(0)"))


def busy_ms(clock):
    rows = clock.send("Performance.getMetrics")["metrics"]
    return 1000 * next(row["value"] for row in rows if row["name"] == "TaskDuration")


if __name__ == "__main__":
    main()
