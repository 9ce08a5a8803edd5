"""Places of one name tell of each other, by the definition and through the tagger."""

import dataclasses
import re
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from clinnlp.bert.consistency import USUAL, apart, candidates, fit_weights, note_words
from clinnlp.bert.model import decode_words, log_softmax, mention_ranges
from clinnlp.bert.store import load
from clinnlp.bert.windows import TokenisedText
from clinnlp.core.abbreviations import short_forms
from clinnlp.core.errors import StoreError
from clinnlp.core.notes import Note
from tests.common.test_linear_time import n_steps

from .conftest import TRAIN


def words_of(text):
    at = [m.span() for m in re.finditer(r"\w+|[^\w\s]", text)]
    starts, ends = np.array(at, np.int32).reshape(-1, 2).T
    return TokenisedText(
        ids=np.arange(len(at), dtype=np.int32),
        first=np.arange(len(at), dtype=np.int32),
        starts=starts,
        ends=ends,
    )


def given_by(log_p):
    found = mention_ranges(decode_words(log_p, [len(log_p)]))
    return list(zip(*(column.tolist() for column in found), strict=True))


def candidates_of(text, log_p):
    return candidates(note_words(text, words_of(text)), log_p, given_by(log_p))


def log_p_of(text, sure, n_labels=2):
    """Log probabilities under which the words ``[a, b)`` carry a label with probability p."""
    p = np.full((words_of(text).n_words, 2 * n_labels + 1), 1e-4)
    p[:, 0] = 1 - 2 * n_labels * 1e-4
    for (a, b), (label, p_of) in sure.items():
        for i in range(a, b):
            p[i, 0] = 1 - p_of
            p[i, 2 * label + 1 + (i > a)] = p_of
    return np.log(p / p.sum(1, keepdims=True)).astype(np.float32)


def rows(found):
    return dict(
        zip(
            zip(found.begins.tolist(), found.ends.tolist(), found.labels.tolist(), strict=True),
            zip(found.added.tolist(), found.evidence.tolist(), strict=True),
            strict=True,
        )
    )


def test_a_name_is_a_candidate_at_all_its_places():
    text = "Aspirin given, aspirin held, no more ASPIRIN"
    found = rows(candidates_of(text, log_p_of(text, {(0, 1): (0, 0.9), (3, 4): (0, 0.3)})))
    assert set(found) == {(0, 1, 0), (3, 4, 0)}, "a word with two capitals is another one"
    assert not found[0, 1, 0][0]
    assert found[3, 4, 0][0]
    own, other = logit(0.3), logit(0.9)
    row = found[3, 4, 0][1]
    np.testing.assert_allclose(row[:6], [1, own, 1, other, other, np.log(2)], atol=1e-2)
    assert row[6:] == [0, 0, 1, 0, 0]


def test_a_short_form_takes_what_is_known_of_its_long_form():
    text = "Renal failure (RF) was seen; RF went on. Rest (RS) RF."
    sure = {(0, 2): (1, 0.9)}
    found = rows(candidates_of(text, log_p_of(text, sure)))
    assert set(found) == {(0, 2, 1), (3, 4, 1), (8, 9, 1), (16, 17, 1)}
    long = found[0, 2, 1][1][1]
    for place in set(found) - {(0, 2, 1)}:
        assert found[place][0]
        np.testing.assert_allclose(found[place][1][6:], [1, min(long, 6), 1, 0, 0])


def test_a_place_inside_a_longer_mention_says_nothing_of_the_shorter_name():
    text = "failure and renal failure"
    sure = {(0, 1): (0, 0.9), (2, 4): (0, 0.9)}
    assert set(rows(candidates_of(text, log_p_of(text, sure)))) == {(0, 1, 0), (2, 4, 0)}


@given(st.data())
def test_the_evidence_is_that_of_the_definition(data):
    names = ["ab", "AB", "Ab", "cd ef", "long bone (LB)", "LB", ",", "x"]
    text = " ".join(data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=12)))
    words = words_of(text)
    seed = data.draw(st.integers(0, 999))
    logits = np.random.default_rng(seed).normal(0, 2, (words.n_words, 5)).astype(np.float32)
    log_p = log_softmax(logits)
    marked = [{"ab": 3, "AB": 1, "cd ef": 7}, {"long bone": 2, ",": 1}]
    network = given_by(log_p)
    found = candidates(note_words(text, words), log_p, network, marked)
    for place, (added, row) in rows(found).items():
        assert added == (place not in network)
        n = marked[place[2]].get(" ".join(key_of(text, words, *place[:2])), 0)
        defined = [*defined_row(text, words, log_p, network, place), n > 0, np.log1p(n)]
        np.testing.assert_allclose(row, defined, atol=1e-4)
    assert set(network) <= set(rows(found))


def key_of(text, words, a, b):
    each = [text[words.starts[i] : words.ends[i]] for i in range(a, b)]
    return tuple(w if sum(c.isupper() for c in w) > 1 else w.lower() for w in each)


def z_of(log_p, a, b, label):
    p = log_p.astype(float)
    inside = p[a, 2 * label + 1] + p[a + 1 : b, 2 * label + 2].sum()
    if b < len(p):
        inside += np.log(1 - np.exp(p[b, 2 * label + 2]))
    return logit(np.exp(inside))


def defined_row(text, words, log_p, network, place):
    """Return what is known of a place, looked up in all places of all names."""
    a, b, label = place
    n_words = words.n_words
    every = [(i, j) for i in range(n_words) for j in range(i + 1, n_words + 1)]
    inside = [(i, j) for i, j, _ in network]

    def places(name):
        return [
            (i, j)
            for i, j in every
            if key_of(text, words, i, j) == name
            and (
                (i, j, label) in network
                or not any(c <= i and j <= d and d - c > j - i for c, d in inside)
            )
        ]

    name = key_of(text, words, a, b)
    forms = [
        tuple(key_of(text, words, *words.words_of(span)) for span in pair)
        for pair in short_forms(text)
    ]
    others = {long for short, long in forms if short == name}
    others |= {short for short, long in forms if long == name}
    known = [other for other in others if has(text, words, network, forms, other, label)]
    of_forms = [z_of(log_p, *at, label) for other in known for at in places(other)]
    z = [np.clip(z_of(log_p, *at, label), -6, 6) for at in places(name) if at != (a, b)]
    row = [1, np.clip(z_of(log_p, a, b, label), -10, 10), 0, 0, 0, 0, 0, 0, place not in network]
    if z:
        row[2:6] = [1, np.mean(z), max(z), np.log1p(len(z))]
    if of_forms:
        row[6:8] = [1, np.clip(max(of_forms), -6, 6)]
    return row


def has(text, words, network, forms, name, label):
    """Return whether a name, or its short or long form, is given with a label anywhere."""
    given_names = {key_of(text, words, i, j) for i, j, k in network if k == label}
    linked = {b for a, b in forms if a == name} | {a for a, b in forms if b == name}
    return name in given_names or bool(linked & given_names)


def test_many_names_that_begin_alike_take_work_in_proportion():
    steps = []
    for n in (200, 400):
        text = ", ".join(f"drug {k}" for k in range(n))
        log_p = log_p_of(text, {(3 * k, 3 * k + 2): (0, 0.9) for k in range(n)})
        words, network = words_of(text), given_by(log_p)
        assert len(network) == n
        asked = partial(candidates, note_words(text, words), log_p, network)
        steps.append(n_steps(asked))
    assert steps[1] < 2.2 * steps[0]


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(1, 4), st.floats(0, 1)), min_size=1, max_size=9
    )
)
def test_what_is_given_never_overlaps_and_the_likeliest_is_given(places):
    begins, lengths, p = (np.array(column) for column in zip(*places, strict=True))
    ends = begins + lengths
    kept = apart(begins, ends, p)
    held = [i for k in kept for i in range(begins[k], ends[k])]
    assert len(held) == len(set(held))
    assert p[kept].max() == p.max()
    for k in set(range(len(p))) - set(kept.tolist()):
        over = [j for j in kept if begins[j] < ends[k] and begins[k] < ends[j]]
        assert max(p[j] for j in over) >= p[k]


def test_weights_are_the_usual_ones_until_notes_say_otherwise():
    rng = np.random.default_rng(0)
    evidence = np.concatenate([np.ones((4000, 1)), rng.normal(size=(4000, 10))], axis=1)
    true = np.array([0.5, 1, 0.3, 0.2, 0.4, -1, 0.8, 0.1, -0.6, 0.4, 0.7])
    right = rng.random(4000) < expit(evidence @ true)
    few, many = fit_weights(evidence[:20], right[:20]), fit_weights(evidence, right)
    assert np.abs(np.array(many) - true).max() < 0.2
    assert np.abs(np.array(few) - USUAL).max() < np.abs(true - USUAL).max()


def test_without_weights_each_place_is_read_for_itself(tagger):
    plain = dataclasses.replace(tagger, consistency=(), thresholds={})
    for note in TRAIN[:8]:
        text = plain.network.tokenise([note.text])[0]
        log_p, _ = plain._word_log_p([text], np.array([text.n_words]))
        each = plain.places([note])[0]
        given = [place for head in log_p for place in given_by(head)]
        assert sum(len(head.found.begins) for head in each) >= len(given)
        assert len(plain(note.with_(entities=())).entities) == len(given)


def test_the_weights_are_kept_with_the_model(tagger, tmp_path):
    weighted = dataclasses.replace(tagger, consistency=USUAL)
    weighted.save(tmp_path / "m")
    assert load(tmp_path / "m").consistency == USUAL
    record = (tmp_path / "m" / "clinnlp.json").read_text()
    (tmp_path / "m" / "clinnlp.json").write_text(
        re.sub(r'("consistency": \[)[^\]]*', r"\1 1, 2", record)
    )
    with pytest.raises(StoreError, match="consistency"):
        load(tmp_path / "m")


def test_a_place_the_network_did_not_give_must_be_likelier_than_not(tagger):
    text = "Started aspirin. No aspirin, aspirin and aspirin."
    note = Note(id="n", text=text)
    doubtful = dataclasses.replace(tagger, consistency=(-40.0, *USUAL[1:]), thresholds={})
    assert len(doubtful(note).entities) == len(
        dataclasses.replace(tagger, consistency=(), thresholds={})(note).entities
    )
    sure = dataclasses.replace(tagger, consistency=(40.0, *USUAL[1:]), thresholds={})
    names = [note[e.span].casefold() for e in sure(note).entities]
    assert names.count("aspirin") == 4
