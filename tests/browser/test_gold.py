"""A scripted annotator makes gold of faulty suggestions by keys alone: no offset differs."""

import itertools

import pytest

from clinnlp import read_notes
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.review.chain import audit
from tests.browser.texts import hard_text, some_spans
from tests.browser.typist import LABELS, Typist, suggestions

OF_BC5CDR = {"Chemical": LABELS[0], "Disease": LABELS[1]}


def hard_gold(seed):
    """Return a text that is hard to count in, and spans of it that begin and end at letters."""
    text = "fever " + hard_text(seed, 40).replace("x" * 90, "x") + " pain 😀 chest pain\r\n"
    typist = Typist(text, [], {}, {})
    cuts = set(typist.cuts)
    spans = {
        (start, end, LABELS[k % 2])
        for k, (start, end) in enumerate(some_spans(text, seed, 30))
        if {start, end} <= cuts and start < end and text[start:end].strip() == text[start:end]
    }
    return text, sorted(spans)[:5]


def notes_of(texts_and_gold):
    """Return notes with faulty suggestions, and what types each into its gold."""
    notes, typists = [], []
    for k, (text, gold) in enumerate(texts_and_gold):
        given, wanted = suggestions(text, gold, seed=k)
        entities = tuple(
            Entity(id=name, span=Span(start, end), label=label)
            for name, (start, end, label) in given.items()
        )
        notes.append(Note(id=f"note {k}", text=text, entities=entities))
        typists.append(Typist(text, sorted(gold), given, wanted))
    return notes, typists


def type_all(page, typists):
    """Judge note by note; return the keys that were pressed."""
    n_keys = 0
    page.get_by_role("link", name="Begin").click()
    for k, typist in enumerate(typists):
        page.locator("h1", has_text=f"note {k}").wait_for()
        for key in typist.type():
            if isinstance(key, tuple):
                page.keyboard.type(key[1])
            else:
                page.keyboard.press(key)
                n_keys += 1
    page.get_by_text("All notes are done.").wait_for()
    return n_keys


def judged(world):
    """Return (start, end, label) of what is kept, by note."""
    api, found = world.browser("anna"), {}
    items = api.get("/api/projects/1/queue")["items"]
    for item in items:
        task = api.get(f"/api/tasks/{item['task']}")
        kept = (m for m in task["mentions"] if m["judged"] in ("accepted", "changed", "added"))
        found[task["note"]["id"]] = sorted((m["start"], m["end"], m["label"]) for m in kept)
    return found


def reproduce(serve, open_page, texts_and_gold):
    notes, typists = notes_of(texts_and_gold)
    world = serve(notes=notes)
    page = open_page(world, "anna", "/p/1")
    n_keys = type_all(page, typists)
    wanted = {f"note {k}": sorted(gold) for k, (_, gold) in enumerate(texts_and_gold)}
    assert judged(world) == wanted
    assert audit(world.database).faults == []
    return n_keys


@pytest.mark.slow
def test_hard_texts_are_judged_to_the_letter(serve, open_page):
    reproduce(serve, open_page, [hard_gold(seed) for seed in range(4)])


@pytest.mark.parametrize(
    "n", [pytest.param(10, marks=pytest.mark.slow), pytest.param(50, marks=pytest.mark.long)]
)
def test_the_gold_of_bc5cdr_is_typed_exactly(serve, open_page, data_dir, n):
    path = data_dir("bc5cdr") / "CDR_TrainingSet.PubTator.txt"
    gold = [
        (note.text, sorted({(e.span.start, e.span.end, OF_BC5CDR[e.label]) for e in note.entities}))
        for note in itertools.islice(read_notes(path), n)
    ]
    n_mentions = sum(len(one) for _, one in gold)
    assert n_mentions > 10 * n
    n_keys = reproduce(serve, open_page, gold)
    assert n_keys < 10 * n_mentions  # four in ten suggestions are missing or wrong
