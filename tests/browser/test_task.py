"""What actions make of a task, and that undoing leads back: by laws on drawn actions."""

import random

import pytest

from clinnlp.review.forms import entity_to
from clinnlp.review.readings import applied, begun

TEXT = "Aspirin for chest pain; no fever. Metformin for diabetes."
LABELS = ["Chemical", "Disease"]
SEEN = ("start", "end", "parts", "label", "cues", "attributes", "judged")

APPLIED = """
const { apply, taskOf, undoing } = await load("task");
const plain = (task) => ({
  ...task, mentions: [...task.mentions.values()], relations: [...task.relations.values()],
});
return given.map(({ task: data, actions }) => {
  let task = taskOf(data);
  return actions.map((action) => {
    const next = apply(task, action);
    if (!next) return null;
    const back = undoing(task, action).reduce((one, undo) => apply(one, undo) ?? one, next);
    const found = { before: plain(task), after: plain(next), back: plain(back) };
    task = next;
    return found;
  });
});
"""


def drawn_task(seed):
    drawn = random.Random(seed)
    spans = [(0, 7), (12, 22), (27, 32), (34, 43), (48, 56)]
    mentions = [
        {
            "id": f"m{k}", "start": start, "end": end, "label": drawn.choice(LABELS),
            "axes": {"negated": drawn.choice([True, None])}, "concepts": [{"id": f"C{k}"}],
            "cues": {"negated": [24, 26]}, "cue": [24, 26], "attributes": {"dose": "1"},
            "judged": None,
        }
        for k, (start, end) in enumerate(spans)
    ]  # fmt: skip
    note = {"id": "t", "text": TEXT}
    links = [{"id": "r0", "label": "treats", "roles": {"a": ["m0"]}}]
    return {"task": 1, "version": 0, "note": note, "mentions": mentions, "relations": links} | {
        "note_labels": [],
        "comment": "",
        "is_done": False,
    }


def as_stored(task):
    """Return the reading that the server would give as this task."""
    mentions = [
        {**one, "concepts": [concept["id"] for concept in one["concepts"]]}
        for one in task["mentions"]
    ]
    given = {"mentions": mentions, "relations": task["relations"]}
    return begun(given, n_chars=len(TEXT))


def seen_reading(reading):
    """Return what `seen` does, of a reading of the store."""
    blank = {"parts": [], "cues": {}, "attributes": {}, "axes": {}, "concepts": []}
    mentions = {}
    for name, mention in reading.mentions.items():
        made = {**blank, **entity_to(mention.entity), "judged": mention.judged}
        mentions[name] = {key: made[key] for key in (*SEEN, "axes", "concepts")}
    relations = {
        one.id: {"label": one.label, "roles": {role: [*e] for role, e in one.roles.items()}}
        for one in reading.relations.values()
    }  # fmt: skip
    return mentions, relations, list(reading.labels), reading.comment, reading.is_done


def drawn_actions(seed, n):
    """Draw actions on what is there; some are on what is gone."""
    drawn = random.Random(seed)
    names = [f"m{k}" for k in range(5)]
    return [drawn_action(drawn, names, k) for k in range(n)]


def drawn_action(drawn, names, k):
    mention, start, tie = drawn.choice(names), drawn.randrange(50), f"r{drawn.randrange(3)}"
    change = {"do": "change", "mention": mention}
    action = drawn.choice(
        [
            {"do": "accept", "mention": mention},
            {"do": "reject", "mention": mention},
            {"do": "undo_judgement", "mention": mention},
            {"do": "add", "id": f"n{k}", "start": start, "end": start + 5, "label": "Disease"},
            change | {"start": start, "end": start + 3},
            change | {"label": drawn.choice(LABELS)},
            change | {"axes": {"negated": drawn.choice([True, False])}},
            change | {"concepts": [{"id": f"C{drawn.randrange(3)}"}]},
            change | {"attributes": {"dose": drawn.choice("12")}},
            {"do": "relate", "id": tie, "label": "treats", "roles": {"a": [mention]}},
            {"do": "unrelate", "relation": tie},
            {"do": "note_labels", "labels": drawn.sample(["x", "y"], drawn.randrange(3))},
            {"do": "comment", "text": drawn.choice("ab")},
        ]
    )
    if action["do"] == "add":
        names.append(action["id"])
    return action


def seen(task):
    """Return what a reader and the store see of a task, in one order."""
    mentions = {
        one["id"]: {
            **{key: one[key] for key in SEEN},
            "axes": {axis: value for axis, value in one["axes"].items() if value is not None},
            "concepts": [concept["id"] for concept in one["concepts"]],
        }
        for one in task["mentions"]
    }
    relations = {
        one["id"]: {"label": one["label"], "roles": one["roles"]} for one in task["relations"]
    }
    return mentions, relations, task["note_labels"], task["comment"], task["is_done"]


@pytest.fixture(scope="module")
def histories(modules):
    asked = [{"task": drawn_task(seed), "actions": drawn_actions(seed, 60)} for seed in range(20)]
    return [(one, found) for one, found in zip(asked, modules(APPLIED, asked), strict=True)]


def test_undoing_leads_back_from_every_action(histories):
    steps = [step for _, found in histories for step in found if step]
    assert len(steps) > 700
    for step in steps:
        assert seen(step["back"]) == seen(step["before"])


def test_the_page_computes_what_the_store_does(histories):
    for asked, found in histories:
        reading = as_stored(asked["task"])
        for action, step in zip(asked["actions"], found, strict=True):
            if step is not None:
                concepts = {"concepts": [one["id"] for one in action.get("concepts", ())]}
                sent = action | (concepts if "concepts" in action else {})
                reading = applied(reading, sent).reading
                assert seen(step["after"]) == seen_reading(reading), action


def test_a_task_is_left_as_it_was_and_what_is_not_touched_is_shared(modules):
    script = """
    const { apply, taskOf } = await load("task"), task = taskOf(given);
    const before = JSON.stringify([...task.mentions]);
    const next = apply(task, { do: "accept", mention: "m1" });
    const others = [...task.mentions].filter(([id, old]) => next.mentions.get(id) !== old);
    return [JSON.stringify([...task.mentions]) === before, others.map(([id]) => id)];
    """
    assert modules(script, drawn_task(0)) == [True, ["m1"]]


@pytest.mark.parametrize(
    ("labels", "short"),
    [
        (["Disease", "Disorder", "Drug"], ["Dise", "Diso", "Dru"]),
        (["A", "AB"], ["A", "AB"]),
        (["Chemical"], ["Che"]),
    ],
)
def test_short_names_of_labels_are_told_apart(modules, labels, short):
    script = """
    const { looksOf } = await load("labels"), look = looksOf(given);
    return given.map((label) => look(label).short);
    """
    assert modules(script, labels) == short


def test_ten_labels_look_different_without_their_colour(modules):
    script = """
    const { looksOf } = await load("labels"), look = looksOf(given);
    return given.map((label) => look(label).style);
    """
    styles = modules(script, [f"L{k}" for k in range(10)])
    assert len(set(styles)) == 10
    assert len({style.split()[1] for style in styles[:4]}) == 4


def test_a_guideline_becomes_elements_and_no_markup_passes(modules):
    script = """
    const { markdown } = await load("markdown"), root = document.createElement("div");
    root.append(...markdown(given));
    return root.innerHTML;
    """
    text = "# What\r\nMark **all** *now*.\n\n- one `two`\n- <img src=x onerror=alert(1)>"
    assert modules(script, text) == (
        "<h3>What</h3><p>Mark <strong>all</strong> <em>now</em>.</p>"
        "<ul><li>one <code>two</code></li><li>&lt;img src=x onerror=alert(1)&gt;</li></ul>"
    )


def test_every_key_has_one_meaning_and_every_command_is_there(modules):
    script = """
    const { KEYS } = await load("keys");
    const source = await (await fetch("/static/editor.js")).text();
    const rows = KEYS.flatMap(([, rows]) => rows);
    const names = rows.map(([command]) => command.split(":")[0]);
    const isThere = (name) => new RegExp(`^  (async )?${name}\\\\(`, "m").test(source);
    return [
      rows.flatMap(([, keys]) => keys),
      names.filter((name) => name !== "extend" && !isThere(name)),
    ];
    """
    keys, missing = modules(script)
    assert len(keys) == len(set(keys))
    assert missing == []
