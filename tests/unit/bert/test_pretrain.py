"""Masked-language modelling on one's own notes: whole words, full windows, an encoder that fits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.bert.checkpoint import Checkpoint
from clinnlp.bert.pretrain import hide_words, pretrain
from clinnlp.bert.train import fine_tune_ner
from clinnlp.cli import main
from clinnlp.core.errors import DataError
from clinnlp.core.notes import Note
from clinnlp.io.notes.corpora import write_notes

from .conftest import QUICK, TRAIN

NOTES = [
    Note(id=f"p{i}", text=f"Started aspirin {i} mg for chest pain and fever") for i in range(60)
]
OPTIONS = {"max_tokens": 32, "tokens_per_batch": 128, "progress": False, "bf16": "off"}


@given(
    lengths=st.lists(st.integers(1, 4), min_size=1, max_size=30),
    share=st.floats(0.05, 0.9),
    seed=st.integers(0, 99),
)
@settings(deadline=None)
def test_words_are_hidden_whole_and_special_pieces_never(lengths, share, seed):
    word = np.repeat(np.arange(1, len(lengths) + 1), lengths)[None, :]
    ids = np.arange(10, 10 + word.size)[None, :]
    special = np.array([10])  # the first piece
    shown, hidden = hide_words(
        ids, word, share, special=special, mask_id=1, n_pieces=99, rng=np.random.default_rng(seed)
    )
    assert not hidden[0, 0]
    for w in np.unique(word):
        assert len(set(hidden[(word == w) & (ids != 10)])) <= 1
    assert np.array_equal(shown[~hidden], ids[~hidden])
    n_words = len(set(word[0, 1:].tolist()))
    if n_words:
        assert len(set(word[hidden].tolist())) == max(1, round(share * n_words))


def test_four_in_five_hidden_words_are_masked():
    ids = np.arange(10, 40_010).reshape(4, -1)
    shown, hidden = hide_words(ids, ids, 0.5, special=np.array([0]), mask_id=1, n_pieces=9,
                               rng=np.random.default_rng(0))  # fmt: skip
    assert hidden.mean() == pytest.approx(0.5, abs=0.01)
    assert (shown[hidden] == 1).mean() == pytest.approx(0.81, abs=0.02)  # some by chance
    assert (shown[hidden] == ids[hidden]).mean() == pytest.approx(0.1, abs=0.02)


def test_it_learns_the_words_and_fits_fine_tuning(encoder, tmp_path):
    card = pretrain(NOTES, encoder=encoder, out=tmp_path / "e", epochs=8, learning_rate=5e-3,
                    **OPTIONS)  # fmt: skip
    scores = [epoch["score"] for epoch in card["epochs"]]
    assert scores[-1] > scores[0] + 0.5
    assert (tmp_path / "e" / "pretrain.json").is_file()
    assert not list(tmp_path.glob("*checkpoint*"))
    tagger = fine_tune_ner(TRAIN, encoder=tmp_path / "e", out=tmp_path / "m", epochs=1, **QUICK)
    assert tagger.labels == ("Drug", "Problem")


def test_a_killed_pretraining_resumes_to_equal_weights(encoder, tmp_path, monkeypatch):
    whole = pretrain(NOTES, encoder=encoder, out=tmp_path / "a", epochs=2, **OPTIONS)
    write = Checkpoint.write

    def write_then_die(self, standing, tensors):
        write(self, standing, tensors)
        if standing.step == 3:
            raise KeyboardInterrupt

    often = {**OPTIONS, "checkpoint_minutes": 1e-9, "encoder": encoder, "out": tmp_path / "b"}
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "write", write_then_die)
        with pytest.raises(KeyboardInterrupt):
            pretrain(NOTES, epochs=2, **often)
    again = pretrain(NOTES, epochs=2, resume=True, **often)
    assert again["epochs"] == whole["epochs"]
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in "ab"]
    assert weights[0] == weights[1]


def test_the_command_tells_the_losses(encoder, tmp_path, capsys):
    write_notes(NOTES, tmp_path / "n.jsonl")
    assert main(["pretrain", str(tmp_path / "n.jsonl"), "--encoder", str(encoder), "--out",
                 str(tmp_path / "e"), "--epochs", "1", "--max-tokens", "32"]) == 0  # fmt: skip
    out = capsys.readouterr().out
    assert "epoch 1: loss" in out
    assert "on notes kept out" in out


@pytest.mark.parametrize(
    ("notes", "options", "error", "message"),
    [
        (NOTES[:1], {"max_tokens": 64}, DataError, "to fill a window"),
        (NOTES, {"hidden_share": 0.0}, DataError, "hidden_share"),
    ],
)
def test_what_is_wrong_is_said(encoder, tmp_path, notes, options, error, message):
    with pytest.raises(error, match=message):
        pretrain(notes, encoder=encoder, out=tmp_path / "e", **{**OPTIONS, **options})
