"""Places in a text are the same in the page as in Python: units, code points, elements."""

import pytest

from tests.browser.texts import hard_text, some_spans

TEXTS = ["", "\r\n", "😀", *(hard_text(seed, 4 + seed * 9) for seed in range(12))]

SLICES = """
const { Offsets } = await load("offsets");
return given.map(({ text, spans }) => {
  const offsets = new Offsets(text), points = [...Array(offsets.length + 1).keys()];
  return {
    length: offsets.length,
    isInverse: points.every((point) => offsets.toPoint(offsets.toUnit(point)) === point),
    slices: spans.map(([start, end]) => offsets.slice(start, end)),
    trimmed: spans.map(([start, end]) => offsets.trimmed(start, end)),
  };
});
"""


def given(text):
    return {"text": text, "spans": some_spans(text, 1, 30) if text else []}


def trimmed(text, start, end):
    kept = [k for k in range(start, end) if not text[k].isspace() and text[k] != "\ufeff"]
    return [kept[0], kept[-1] + 1] if kept else None


def test_code_points_and_units_are_each_others_inverse(modules):
    asked = [given(text) for text in TEXTS]
    for one, found in zip(asked, modules(SLICES, asked), strict=True):
        text = one["text"]
        assert found["length"] == len(text)
        assert found["isInverse"]
        assert found["slices"] == [text[start:end] for start, end in one["spans"]]
        assert found["trimmed"] == [trimmed(text, *span) for span in one["spans"]]


@pytest.mark.parametrize(
    ("text", "point", "step", "there"),
    [
        ("a\r\nb", 1, 1, 3),
        ("a\r\nb", 3, -1, 1),
        ("e\u0301x", 0, 1, 2),
        ("👩‍⚕️!", 0, 1, 4),
        ("ab", 2, 1, 2),
        ("ab", 0, -1, 0),
    ],
)
def test_a_step_is_what_a_reader_takes_for_a_letter(modules, text, point, step, there):
    script = """
    const { Offsets } = await load("offsets");
    return new Offsets(given[0]).letter(given[1], given[2]);
    """
    assert modules(script, [text, point, step]) == there


def test_words_end_where_letters_do(modules):
    script = """
    const { Offsets } = await load("offsets"), offsets = new Offsets(given);
    return [[0, 1, "end"], [0, 1, "start"], [11, -1, "start"], [10, -1, "end"], [11, 1, "end"]]
      .map((asked) => offsets.word(...asked));
    """
    assert modules(script, "😀 no fièvre.") == [1, 2, 5, 4, 12]


def test_words_are_found_after_a_place_and_then_from_the_top(modules):
    script = """
    const { Offsets } = await load("offsets");
    return [["pain", 0], ["PAIN", 6], ["fever", 0], ["", 0]]
      .map((asked) => new Offsets(given).find(...asked));
    """
    assert modules(script, "😀 Pain, no pain") == [[2, 6], [11, 15], None, None]


DRAWN = """
const { Offsets } = await load("offsets"), { TextView } = await load("text_view");
const { looksOf } = await load("labels");
const root = document.body.appendChild(document.createElement("div"));
const look = looksOf(["A", "B"]), offsets = new Offsets(given.text);
const mentions = (spans) => new Map(spans.map(([start, end, k], i) => [`m${k ?? i}`, {
  id: `m${k ?? i}`, start, end, label: "AB"[i % 2], judged: null,
}]));
const view = new TextView(root, offsets, look), points = [...Array(offsets.length + 1).keys()];
"""


@pytest.mark.parametrize("seed", range(4))
def test_the_text_stands_in_the_page_as_it_is_and_every_place_is_found_again(modules, seed):
    text = hard_text(seed, 220)
    spans = some_spans(text, seed, 40)
    script = (
        DRAWN
        + """
    view.update(mentions(given.spans));
    return {
      isSame: root.textContent === given.text,
      lost: points.filter((point) => view.point(...view.place(point)) !== point),
      ranges: given.spans.map(([start, end]) => view.range(start, end).toString()),
      shown: given.spans.map((_, i) => (
        view.elementsOf(`m${i}`).map((one) => one.textContent).join(""))),
    };
    """
    )
    found = modules(script, {"text": text, "spans": spans})
    words = [text[start:end] for start, end in spans]
    assert found["isSame"]
    assert found["lost"] == []
    assert found["ranges"] == words
    assert found["shown"] == words


@pytest.mark.parametrize("seed", range(3))
def test_what_is_patched_is_as_if_drawn_anew(modules, seed):
    text = hard_text(seed, 300)
    drawn = [some_spans(text, seed * 10 + step % 3, 25) for step in range(6)]
    steps = [
        [[*span, k] for k, span in enumerate(spans) if k % 4 != step % 4]
        for step, spans in enumerate(drawn)
    ]
    script = (
        DRAWN
        + """
    return given.steps.map((spans) => {
      const fresh = document.createElement("div");
      view.update(mentions(spans));
      new TextView(fresh, offsets, look).update(mentions(spans));
      return fresh.innerHTML === root.innerHTML && root.textContent === given.text;
    });
    """
    )
    assert modules(script, {"text": text, "steps": steps}) == [True] * len(steps)
