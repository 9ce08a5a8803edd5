"""Windows cover everything, and each token is answered for where it has most context."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.bert.encoders import load_tokenizer
from clinnlp.bert.store import load
from clinnlp.bert.train import fine_tune_ner
from clinnlp.bert.windows import split_windows, tokenise
from clinnlp.core.errors import ArgumentError, StoreError

from .conftest import QUICK, TRAIN

sizes = st.integers(2, 40).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1)))


@given(n=st.integers(0, 400), shape=sizes)
def test_windows_hold_their_promises(n, shape):
    size, stride = shape
    windows = split_windows(n, size=size, stride=stride)
    kept = [t for w in windows for t in range(w.keep_start, w.keep_end)]
    assert kept == list(range(n))
    assert all(w.start <= w.keep_start <= w.keep_end <= w.end <= n for w in windows)
    assert all(w.end - w.start <= size for w in windows)
    assert all(a.end - b.start >= stride for a, b in zip(windows, windows[1:], strict=False))
    assert len({w.end - w.start for w in windows}) == 1


@given(n=st.integers(41, 300), shape=sizes)
def test_a_token_belongs_to_the_window_in_whose_middle_it_stands_nearest(n, shape):
    size, stride = shape
    windows = split_windows(n, size=size, stride=stride)
    middles = np.array([(w.start + w.end - 1) / 2 for w in windows])
    for w, middle in zip(windows, middles, strict=True):
        for token in range(w.keep_start, w.keep_end):
            assert abs(token - middle) <= np.abs(token - middles).min() + 0.5


@pytest.mark.parametrize(("size", "stride"), [(4, 4), (4, 5), (4, -1)])
def test_a_stride_must_be_below_the_size(size, stride):
    with pytest.raises(ArgumentError, match="stride must be"):
        split_windows(10, size=size, stride=stride)


@pytest.fixture(scope="module")
def tokenizer(encoder):
    return load_tokenizer(str(encoder))


def words(tokenizer, text):
    (done,) = tokenise(tokenizer, [text])
    return [text[a:b] for a, b in zip(done.starts, done.ends, strict=True)]


def test_words_are_exact_slices_whatever_was_normalised(tokenizer):
    assert words(tokenizer, "Ächz 10.5MG\r\n[SEP] x-y") == [
        *("Ächz", "10", ".", "5MG", "[", "SEP", "]", "x", "-", "y"),
    ]


def test_a_word_knows_its_first_token(tokenizer):
    (done,) = tokenise(tokenizer, ["aspirin xyz 1"])
    assert done.first.tolist() == [0, 1, 4]  # one piece, three pieces, one piece
    assert (done.n_words, len(done.ids)) == (3, 5)


def test_nothing_is_cut_though_the_files_ask_for_it(tokenizer):
    (done,) = tokenise(tokenizer, ["pain " * 5000])
    assert done.n_words == 5000


def test_a_tokenizer_without_a_token_for_the_unknown_is_refused(encoder, tmp_path):
    folder = shutil.copytree(encoder, tmp_path / "e")
    path = folder / "tokenizer.json"
    path.write_text(path.read_text().replace('"unk_token":"[UNK]"', '"unk_token":"[NONE]"')
                    .replace('"unk_token": "[UNK]"', '"unk_token": "[NONE]"'))  # fmt: skip
    with pytest.raises(StoreError, match="must have a token for any text") as caught:
        tokenise(load_tokenizer(str(folder)), ["pain", "💊 pain"])
    assert caught.value.__context__ is None


@pytest.mark.parametrize("number", [5_000, 3_000_000_000])
def test_a_token_without_a_row_in_the_model_is_refused(tagger_folder, encoder, tmp_path, number):
    for source in (tagger_folder, encoder):
        folder = shutil.copytree(source, tmp_path / source.name)
        record = json.loads((folder / "tokenizer.json").read_text())
        record["model"]["vocab"]["8"] = number
        (folder / "tokenizer.json").write_text(json.dumps(record))
    with pytest.raises(StoreError, match=f"must be numbered below .* got {number}"):
        load(tmp_path / tagger_folder.name)
    with pytest.raises(StoreError, match=f"must be numbered below .* got {number}"):
        fine_tune_ner(TRAIN, encoder=folder, out=tmp_path / "m", **QUICK, epochs=1)


def test_texts_without_words(tokenizer):
    assert [t.n_words for t in tokenise(tokenizer, ["", " \n\t", "\x00\u200b"])] == [0, 0, 0]


@settings(max_examples=200, deadline=None)
@given(text=st.text(st.characters(exclude_categories=[]), max_size=40))
def test_words_of_any_text_lie_inside_it_in_order(tokenizer, text):
    (done,) = tokenise(tokenizer, [text])
    assert (done.starts < done.ends).all()
    assert (done.ends <= len(text)).all()
    assert (done.starts[1:] >= done.ends[:-1]).all()


@given(n=st.integers(0, 400), shape=sizes)
def test_no_fewer_windows_would_do(n, shape):
    size, stride = shape
    fewer = len(split_windows(n, size=size, stride=stride)) - 1
    assert fewer == 0 or fewer * size - (fewer - 1) * stride < n


def test_a_token_as_near_to_both_middles_belongs_to_the_first_window():
    first, second = split_windows(9, size=6, stride=2)
    assert (first.end, second.start) == (6, 3)  # 3, 4 and 5 are read twice
    assert (first.keep_end, second.keep_start) == (5, 5)
