"""Folding keeps offsets; the matcher equals a naive search at every place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinnlp.text.matcher import (
    Match,
    TermMatcher,
    fold_keeping_length,
    fold_text,
    leftmost_longest,
)

TEXTS = st.text(alphabet=st.sampled_from("abAB ß İςσΣ\n\t\u00a0.é-1"), max_size=40)
TERMS = st.lists(st.text(alphabet=st.sampled_from("abB 1-é"), max_size=5), max_size=6)


@given(st.text())
def test_folding_keeps_the_number_of_characters(text):
    assert len(fold_keeping_length(text)) == len(text)


@given(TEXTS)
def test_every_character_leads_back_to_its_place(text):
    folded = fold_text(text)
    assert len(folded.lower) == len(folded.cased)
    assert folded.cased == " ".join(folded.cased.split(" "))
    assert "  " not in folded.cased
    for i, char in enumerate(folded.cased):
        start, end = folded.original(i, i + 1)
        if char != " ":
            assert (text[start], end) == (char, start + 1)
        else:
            assert text[start].isspace()


@given(TERMS, TEXTS, st.sampled_from([0, 2]))
def test_the_matcher_equals_a_naive_search(terms, text, n_cased):
    folded = fold_text(text)
    assert TermMatcher(terms, n_cased=n_cased).find(folded) == _naive(terms, folded, n_cased)


def _naive(terms, folded, n_cased):
    found, seen = [], set()
    for number, term in enumerate(terms):
        squeezed = " ".join(term.split())
        cased = len(squeezed) <= n_cased
        wanted = squeezed if cased else fold_keeping_length(squeezed)
        if not squeezed or (wanted, cased) in seen:
            continue
        seen.add((wanted, cased))
        text = folded.cased if cased else folded.lower
        for start in range(len(text)):
            end = start + len(wanted)
            whole = not (start and text[start - 1 : start + 1].isalnum()) and not (
                end < len(text) and text[end - 1 : end + 1].isalnum()
            )
            if text.startswith(wanted, start) and whole:
                found.append(Match(start, end, number))
    return sorted(found, key=lambda m: (m.start, -m.end))


@given(TERMS, TEXTS)
def test_of_two_that_overlap_the_longer_stays(terms, text):
    folded, matcher = fold_text(text), TermMatcher(terms)
    kept = []
    for match in matcher.find(folded):
        if not kept or match.start >= kept[-1].end:
            kept.append(match)
        elif match.end - match.start > kept[-1].end - kept[-1].start:
            kept[-1] = match
    assert matcher.longest(folded) == kept


def test_of_cues_the_longer_stays_though_it_begins_later():
    matcher = TermMatcher(["no sign", "sign of any", "any", "sign"])
    found = matcher.longest(fold_text("no sign of any"))
    assert [tuple(m) for m in found] == [(3, 14, 1)]


@pytest.mark.parametrize("text", ["xpain", "x2pain", "painx", "épain", "ßpain", "pain2"])
def test_a_name_inside_a_word_is_none(text):
    matcher = TermMatcher(["pain", "PE"], n_cased=2)
    assert matcher.find(fold_text(f"{text} SPE")) == []
    assert [m.term for m in matcher.find(fold_text(f"{text}: (Pain) ʼpain 2-pain ßPE -PE"))] == [
        0, 0, 0, 1,
    ]  # fmt: skip


def test_a_longest_match_that_ends_inside_a_word_does_not_hide_a_whole_one():
    matcher = TermMatcher(["chest pain", "chest", "pain"])
    assert [m.term for m in matcher.find(fold_text("chest painful"))] == [1]


def test_leftmost_longest_keeps_disjoint_matches():
    matches = [Match(0, 5, 0), Match(0, 2, 1), Match(3, 9, 2), Match(5, 6, 3)]
    assert leftmost_longest(matches) == [Match(0, 5, 0), Match(5, 6, 3)]


@pytest.mark.parametrize("text", ["", "   ", "🙂", "\r\n\r\n"])
def test_a_matcher_without_terms_finds_nothing(text):
    assert TermMatcher([]).find(fold_text(text)) == []
