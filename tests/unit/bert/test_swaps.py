"""Mentions exchanged in training: tokens and tags stay together, and nothing else changes."""

import numpy as np
import pytest
import torch

from clinnlp.bert.model import IGNORED, gold_tags, gold_tags_per_head
from clinnlp.bert.swaps import Abbreviated, Example, Swaps
from clinnlp.bert.windows import Window, split_windows

from .conftest import DRUG, PROBLEM, TRAIN, note_of

LABELS = (DRUG, PROBLEM)
HEADS = [(DRUG,), (PROBLEM,)]


@pytest.fixture(scope="module")
def texts(tagger):
    return tagger.network.tokenise([note.text for note in TRAIN])


@pytest.fixture(scope="module")
def tags(texts):
    return [
        gold_tags(text, note.entities, LABELS).tags[:, None]
        for text, note in zip(texts, TRAIN, strict=True)
    ]


def whole(text):
    return Window(0, len(text.ids), 0, len(text.ids))


def as_it_is(text, tag):
    return Example(text.ids, text.first, tag)


def parts(example):
    """Return the tokens outside mentions, and the mentions as (first tag, tokens)."""
    bounds = [*example.columns.tolist(), len(example.ids)]
    outside, inside = [example.ids[: bounds[0]].tolist()], []
    for k, (tag,) in enumerate(example.tags.tolist()):
        word = example.ids[bounds[k] : bounds[k + 1]].tolist()
        if tag in (0, IGNORED):
            outside.append(word)
        elif tag % 2:
            inside.append((tag, word))
        else:
            assert inside[-1][0] == tag - 1
            inside[-1][1].extend(word)
    return outside, inside


def test_mentions_change_and_the_rest_stays(texts, tags):
    torch.manual_seed(0)
    swaps = Swaps(texts, tags, 0.99, longest=500)
    known, n_changed = {}, 0
    for text, tag in zip(texts, tags, strict=True):
        for label, name in parts(as_it_is(text, tag))[1]:
            known.setdefault(label, set()).add(tuple(name))
    for _ in range(20):
        for i, (text, tag) in enumerate(zip(texts, tags, strict=True)):
            before = parts(as_it_is(text, tag))
            after = parts(swaps.example(i, whole(text)))
            assert after[0] == before[0]
            assert [label for label, _ in after[1]] == [label for label, _ in before[1]]
            assert all(tuple(name) in known[label] for label, name in after[1])
            n_changed += after[1] != before[1]
    assert n_changed > 20


def test_one_name_gives_way_to_one_name(tagger):
    texts = ["aspirin and aspirin then warfarin", "gamma globulin of the horse"]
    one, long = tagger.network.tokenise(texts)
    made = np.array([[1], [0], [1], [0], [1]])
    other = np.array([[1], [2], [2], [2], [2]])
    swaps = Swaps([one, long], [made, other], 0.99, longest=500)
    torch.manual_seed(1)
    seen = set()
    for _ in range(30):
        _, inside = parts(swaps.example(0, whole(one)))
        assert inside[0] == inside[1]
        seen.add(tuple(inside[0][1]))
    assert len(seen) == 3


def test_words_not_kept_are_read_but_not_asked_for(texts, tags):
    torch.manual_seed(0)
    swaps = Swaps(texts, tags, 0.99, longest=500)
    i = max(range(len(texts)), key=lambda k: len(texts[k].ids))
    text, tag = texts[i], tags[i]
    for window in split_windows(len(text.ids), size=6, stride=3):
        example = swaps.example(i, window)
        a, b = np.searchsorted(text.first, [window.keep_start, window.keep_end])
        before = text.ids[window.start : window.keep_start].tolist()
        assert example.ids[: len(before)].tolist() == before
        after = text.ids[window.keep_end : window.end].tolist()
        assert example.ids[len(example.ids) - len(after) :].tolist() == after
        if not (tag[a:b] > 0).any():
            assert example.columns.tolist() == (text.first[a:b] - window.start).tolist()


@pytest.mark.parametrize(("share", "longest"), [(0.99, 1), (0.0, 500)])
def test_a_window_does_not_outgrow_the_encoder_nor_change_unasked(texts, tags, share, longest):
    swaps = Swaps(texts, tags, share, longest=longest)
    for i, (text, tag) in enumerate(zip(texts, tags, strict=True)):
        made = swaps.example(i, whole(text))
        assert all(np.array_equal(x, y) for x, y in zip(made, as_it_is(text, tag), strict=True))


def test_heads_of_their_own(tagger, texts):
    """A label that is not annotated stays ignored, and overlapping mentions stay."""
    each = [gold_tags_per_head(t, n.entities, HEADS, (DRUG,)).tags
            for t, n in zip(texts, TRAIN, strict=True)]  # fmt: skip
    swaps = Swaps(texts, each, 0.99, longest=500)
    torch.manual_seed(0)
    for i, (text, tag) in enumerate(zip(texts, each, strict=True)):
        made = swaps.example(i, whole(text))
        assert set(made.tags[:, 1].tolist()) <= {IGNORED}
        assert (made.tags[:, 0] == 1).sum() == (tag[:, 0] == 1).sum()
    both = np.array([[1, 1], [2, 0], [0, 0]])
    (text,) = tagger.network.tokenise(["alpha beta gamma"])
    (name,) = tagger.network.tokenise(["delta"])
    swaps = Swaps([text, name], [both, np.array([[1, 0]])], 0.99, longest=500)
    for _ in range(10):
        made = swaps.example(0, whole(text))
        assert made.ids.tolist() == text.ids.tolist()


def abbreviating(tagger, texts, notes, tags, share=0.99):
    by = Abbreviated(share, [note.text for note in notes], tagger.network.tokenise)
    return Swaps(texts, tags, 0.99, longest=500, abbreviated=by)


def read_back(tagger, example):
    """Return the words of an example with their tags."""
    ids = np.split(example.ids, example.columns[1:])
    spelled = tagger.network.tokenizer.convert_ids_to_tokens
    words = ["".join(spelled(each.tolist())).replace("##", "") for each in ids]
    return list(zip(words, example.tags[:, 0].tolist(), strict=True))


def taught(tagger, texts, mentions, share=0.99):
    notes = [
        note_of(k, text, *found)
        for k, (text, found) in enumerate(zip(texts, mentions, strict=False))
    ]
    words = tagger.network.tokenise(texts)
    tags = [
        gold_tags(t, n.entities, LABELS).tags[:, None] for t, n in zip(words, notes, strict=False)
    ]
    return words, abbreviating(tagger, words, notes, tags, share)


def test_a_short_form_goes_with_its_long_form(tagger):
    texts = ["renal failure (RF) and RF", "chest pain for fever (FEV)"]
    found = [
        (("renal failure", PROBLEM), ("RF", PROBLEM)),
        (("chest pain", PROBLEM), ("fever", PROBLEM), ("FEV", PROBLEM)),
    ]
    words, swaps = taught(tagger, texts, found)
    torch.manual_seed(0)
    seen = set()
    for _ in range(60):
        read = read_back(tagger, swaps.example(0, whole(words[0])))
        named = [word for word, tag in read if tag]
        seen.add(" ".join(named))
    assert seen == {"renal failure rf", "chest pain cp", "fever fev"}


def test_a_name_may_come_in_with_its_initials_and_then_by_them(tagger):
    texts = ["no fever and fever started", "severe chest pain"]
    found = [(("fever", PROBLEM),), (("severe chest pain", PROBLEM),)]
    words, swaps = taught(tagger, texts, found)
    torch.manual_seed(0)
    made = {tuple(read_back(tagger, swaps.example(0, whole(words[0])))) for _ in range(40)}
    wanted = ["no", "severe", "chest", "pain", "(", "scp", ")", "and", "fever", "started"]
    tags = [0, 3, 4, 4, 0, 3, 0, 0, 0, 0]
    assert tuple(zip(wanted, tags, strict=True)) in made


def test_nothing_is_abbreviated_unasked(tagger):
    texts = ["renal failure (RF) and RF", "severe chest pain"]
    found = [(("renal failure", PROBLEM), ("RF", PROBLEM)), (("severe chest pain", PROBLEM),)]
    words, swaps = taught(tagger, texts, found, share=0.0)
    torch.manual_seed(0)
    for _ in range(40):
        read = read_back(tagger, swaps.example(0, whole(words[0])))
        named = {word for word, tag in read if tag}
        assert named <= {"renal", "failure", "rf", "severe", "chest", "pain"}
