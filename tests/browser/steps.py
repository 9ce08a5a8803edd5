"""What tests of the page share: a note, keys that are pressed, what the store has then."""

from clinnlp.core.notes import Assertion, Entity, Note
from clinnlp.core.spans import Span

SERIOUS = ("serious", "critical")
TEXT = (
    "Plan 👩‍⚕️:\r\n\tTook aspirin 81 mg for chest pain.\r\nAme\u0301lie denies fever; 😀 no cough."
    "\r\nMother had diabetes.\r\n"
)
SAVED = ".state.saved"


def mention(id, words, label, text=TEXT, **more):
    start = text.index(words)
    return Entity(id=id, span=Span(start, start + len(words)), label=label, **more)


def note(k=0, text=TEXT, entities=None):
    denies = TEXT.index("denies")
    given = entities if entities is not None else (
        mention("T1", "aspirin", "Drug", score=0.9),
        mention("T2", "81 mg for", "Problem"),
        mention("T3", "chest", "Drug"),
        mention(
            "T4", "fever", "Problem",
            assertion=Assertion(negated=True, cues={"negated": Span(denies, denies + 6)}),
        ),
    )  # fmt: skip
    return Note(id=f"n{k}", text=text, entities=tuple(given))


def stored(world, k=0, user="anna"):
    """Return the mentions of a task as the store has them: (words, label, judged) in order."""
    api = world.browser(user)
    task = api.get(f"/api/tasks/{api.get('/api/projects/1/queue')['items'][k]['task']}")
    text = task["note"]["text"]
    return [(text[m["start"] : m["end"]], m["label"], m["judged"]) for m in task["mentions"]]


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def saved(page):
    page.locator(SAVED).wait_for()


def findings(page, axe):
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        (one["id"], one["nodes"][0]["html"][:200], one["nodes"][0]["any"][:1])
        for one in found
        if one["impact"] in SERIOUS
    ]
