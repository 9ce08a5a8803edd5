"""Reading without padding gives what transformers gives, and rows do not touch each other."""

import numpy as np
import pytest
import torch

from clinnlp.bert.batches import pad_rows
from clinnlp.bert.fast.packed import PackedBert, can_pack, has_fast_int8
from clinnlp.bert.model import build_tagger

needs_int8 = pytest.mark.skipif(not has_fast_int8(), reason="no 8-bit multiplication on this CPU")


@pytest.fixture(scope="module")
def model(encoder):
    return build_tagger(str(encoder), [["Drug", "Problem"]]).eval()


def rows_of(*lengths):
    rng = np.random.default_rng(0)
    return [rng.integers(5, 60, n).astype(np.int32) for n in lengths]


@torch.inference_mode()
def read(packed, rows):
    return [answer.numpy() for answer in packed(rows)]


@pytest.mark.parametrize("lengths", [(5,), (9, 9, 9), (30, 7, 7, 2, 1), (3, 60, 3)])
def test_it_gives_what_transformers_gives(model, lengths):
    rows = rows_of(*lengths)
    ids, mask = pad_rows(rows, 0)
    with torch.inference_mode():
        padded = model(input_ids=ids, attention_mask=mask).logits.numpy()
    for answer, row, wanted in zip(read(PackedBert(model), rows), rows, padded, strict=True):
        np.testing.assert_allclose(answer, wanted[: len(row)], atol=1e-5)


def test_it_reads_with_the_weights_of_now(encoder):
    model = build_tagger(str(encoder), [["Drug"]]).eval()
    packed, rows = PackedBert(model), rows_of(4)
    before = read(packed, rows)[0]
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(0.5)
    assert not np.allclose(before, read(packed, rows)[0])


@needs_int8
def test_integers_come_near_and_rows_stay_apart(model):
    rows = rows_of(40, 40, 12, 3)
    exact, rough = read(PackedBert(model), rows), read(PackedBert(model, int8=True), rows)
    spread = np.concatenate(exact).std()
    assert np.abs(np.concatenate(exact) - np.concatenate(rough)).mean() < 0.05 * spread
    alone = [read(PackedBert(model, int8=True), [row])[0] for row in rows]
    for a, b in zip(rough, alone, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


@needs_int8
def test_without_the_vectors_torch_attends(model, monkeypatch):
    rows = rows_of(40, 12)
    ours = read(PackedBert(model, int8=True), rows)
    monkeypatch.setattr("clinnlp.bert.fast.int8.has_vectors", lambda: False)
    for a, b in zip(ours, read(PackedBert(model, int8=True), rows), strict=True):
        np.testing.assert_allclose(a, b, atol=0.02 * np.concatenate(ours).std())


def test_only_a_bert_with_a_token_head_is_packed(model, encoder):
    from transformers import BertForSequenceClassification, BertForTokenClassification

    assert can_pack(model)
    assert not can_pack(BertForSequenceClassification(model.config))
    odd = type(model.config)(**{**model.config.to_dict(), "hidden_act": "relu"})
    assert not can_pack(BertForTokenClassification(odd))
