"""Assertion against its definition, one mention and one axis at a time, on random sentences.

An axis is true where some cue reaches the mention: it stands on its side, no terminator of the
axis that works in its direction stands between, and fewer words than its scope do.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.core.notes import AXES, Entity, Note
from clinnlp.core.spans import Span
from clinnlp.text.assertion import Assertions

HEAD = "cue\taxis\tdirection\tkind\tscope\n"
ROWS = {
    "aa": ("negated", "forward", "cue", 0),
    "bb": ("negated", "forward", "cue", 2),
    "cc": ("negated", "backward", "cue", 3),
    "dd": ("negated", "both", "terminator", 0),
    "ee": ("negated", "backward", "terminator", 0),
    "ff": ("historical", "both", "cue", 1),
    "gg": ("historical", "forward", "terminator", 0),
    "hh": ("negated", "forward", "cue", 5),
    "ii": ("negated", "both", "pseudo", 0),
}
WORDS = st.lists(st.sampled_from([*ROWS, "word", "MENTION"]), max_size=14)


@pytest.fixture(scope="module")
def pipe(tmp_path_factory):
    path = tmp_path_factory.mktemp("cues") / "cues.tsv"
    lines = ("\t".join(map(str, (cue, *row))) for cue, row in ROWS.items())
    path.write_text(HEAD + "\n".join(lines).replace("\t0", "\t"), encoding="utf-8")
    return Assertions([path])


def _reached(words, at, axis):
    """Return whether a cue reaches word number `at`, by the definition."""
    for i, word in enumerate(words):
        cue_axis, direction, kind, scope = ROWS.get(word, ("", "", "", 0))
        wanted = "forward" if i < at else "backward"
        if kind != "cue" or cue_axis != axis or direction not in (wanted, "both"):
            continue
        between = words[i + 1 : at] if i < at else words[at + 1 : i]
        ended = any(
            ROWS[w][0] == axis and ROWS[w][2] == "terminator" and ROWS[w][1] in (wanted, "both")
            for w in between
            if w in ROWS
        )
        if not ended and (not scope or len(between) < scope):
            return True
    return False


@given(words=WORDS)
@settings(max_examples=300, deadline=None)
def test_every_axis_is_what_its_definition_says(pipe, words):
    text, mentions = "", []
    for word in words:
        if word == "MENTION":
            span = Span(len(text), len(text) + len(word))
            mentions.append(Entity(id=f"T{len(mentions)}", span=span, label="X"))
        text += word + " "
    note = pipe(Note(id="n", text=text, entities=tuple(mentions)))
    places = [i for i, word in enumerate(words) if word == "MENTION"]
    for entity, at in zip(note.entities, places, strict=True):
        for axis in AXES:
            assert getattr(entity.assertion, axis) is _reached(words, at, axis)
