"""In which numbers a network computes: who decides, what is recorded, and how far they differ."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import clinnlp
from clinnlp.bert.active import choose_next
from clinnlp.bert.checkpoint import Checkpoint
from clinnlp.bert.fast.packed import has_fast_int8
from clinnlp.bert.precision import VARIABLE, has_fast_bf16, learning_attention, wants_bf16
from clinnlp.bert.pretrain import pretrain
from clinnlp.bert.store import load
from clinnlp.bert.tasks import tagged
from clinnlp.bert.train import fine_tune_classifier, fine_tune_ner
from clinnlp.cli import main
from clinnlp.core.errors import ArgumentError, StoreError
from clinnlp.core.notes import Note
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.metrics.spans import score_spans
from clinnlp.study.example import example

from .conftest import LABELLED, OVERFIT, QUICK, TRAIN
from .test_predict import LONG, ODD, bare, mentions

CPU = torch.device("cpu")
ONCE = {**QUICK, "epochs": 1, "bf16": "auto"}
PAGES = [Note(id=f"p{i}", text=f"Started aspirin {i} mg for chest pain") for i in range(20)]
WORDS = {"max_tokens": 32, "epochs": 1, "progress": False}
# Of bfloat16 against float32, on any hardware: probabilities, but one in a thousand; all of them;
# the share of mentions that are the same
NEAR, FAR, ALIKE = 0.02, 0.05, 0.99


@pytest.fixture
def say(monkeypatch):
    """Set the variable, or unset it with None."""

    def set_to(value):
        if value is None:
            monkeypatch.delenv(VARIABLE, raising=False)
        else:
            monkeypatch.setenv(VARIABLE, value)

    return set_to


def weights(pipe):
    return torch.cat([p.detach().flatten() for p in pipe.network.model.parameters()])


class Unread:
    """Notes that nobody may have begun to read."""

    def __iter__(self):
        raise AssertionError


# --- who decides


@pytest.mark.parametrize("said", [None, "", "auto", "float32", "bfloat16"])
def test_the_caller_comes_first_then_the_variable_then_the_hardware(say, said):
    say(said)
    assert wants_bf16("on", CPU)
    assert not wants_bf16("off", CPU)
    known = {"float32": False, "bfloat16": True}
    assert wants_bf16("auto", CPU) == known.get(said, has_fast_bf16(CPU))


def test_the_hardware_is_asked_in_one_place():
    asked = (
        "has_fast_bf16(",
        "is_bf16_supported",
        "_is_amx_tile_supported",
        "environ.get(VARIABLE)",
    )
    modules = Path(clinnlp.__file__).parent.rglob("*.py")
    assert {p.name for p in modules if any(name in p.read_text() for name in asked)} == {
        "precision.py"
    }


@pytest.mark.parametrize("said", ["float16", "BFLOAT16", "on", " "])
def test_a_wrong_variable_is_told_before_anything_is_read(
    say, said, encoder, tagger_folder, tmp_path, capsys
):
    say(said)
    for call in (
        lambda: load(tagger_folder),
        lambda: load(tagger_folder, int8=True),
        lambda: fine_tune_ner(Unread(), encoder=encoder, out=tmp_path / "m"),
        lambda: fine_tune_classifier(Unread(), encoder=encoder, out=tmp_path / "m"),
        lambda: pretrain(Unread(), encoder=encoder, out=tmp_path / "m"),
    ):
        with pytest.raises(ArgumentError) as caught:
            call()
        assert str(caught.value) == (
            f"CLINNLP_PRECISION must be one of auto, bfloat16, float32, got {said!r}"
        )
    write_notes(bare(TRAIN), tmp_path / "n.jsonl")
    command = ["extract", str(tmp_path / "n.jsonl"), str(tmp_path / "out.jsonl")]
    assert main([*command, "--model", str(tagger_folder)]) == 2
    assert "CLINNLP_PRECISION must be one of" in capsys.readouterr().err
    assert not (tmp_path / "out.jsonl").exists()


def test_a_wrong_variable_is_nothing_to_who_says_it_himself(say, tagger_folder):
    say("float16")
    assert load(tagger_folder, bf16="on").network.precision == "bfloat16"


@pytest.mark.parametrize("task", ["ner", "classifier"])
def test_a_training_under_the_variable_is_the_one_that_was_asked_for(say, encoder, tmp_path, task):
    def train(said, bf16):
        say(said)
        options = {**ONCE, "encoder": encoder, "out": tmp_path / "m", "bf16": bf16}
        if task == "ner":
            return fine_tune_ner(TRAIN, **options)
        return fine_tune_classifier(LABELLED, tune_encoder=True, **options)

    made = {said: train(said, "auto") for said in ("float32", "bfloat16")}
    assert torch.equal(weights(made["float32"]), weights(train("bfloat16", "off")))
    assert torch.equal(weights(made["bfloat16"]), weights(train("float32", "on")))
    assert not torch.equal(weights(made["float32"]), weights(made["bfloat16"]))
    for said, pipe in made.items():
        assert pipe.network.precision == said == pipe.card["precision"]
        assert pipe.settings["bf16"] == "auto"


def test_what_was_computed_in_is_kept_with_the_model(say, encoder, tmp_path):
    say("bfloat16")
    fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path / "m", **ONCE)
    pretrain(PAGES, encoder=encoder, out=tmp_path / "e", **WORDS)
    say("float32")
    made = load(tmp_path / "m")
    assert (made.card["precision"], made.network.precision) == ("bfloat16", "float32")
    card = json.loads((tmp_path / "e" / "pretrain.json").read_text())
    assert card["precision"] == "bfloat16"
    assert pretrain(PAGES, encoder=encoder, out=tmp_path / "e", **WORDS)["precision"] == "float32"


def test_a_training_does_not_go_on_in_other_numbers(say, encoder, tmp_path, monkeypatch):
    often = {**ONCE, "checkpoint_minutes": 1e-9, "encoder": encoder, "out": tmp_path / "m"}
    write = Checkpoint.write

    def write_then_die(self, standing, tensors):
        write(self, standing, tensors)
        raise KeyboardInterrupt

    say("bfloat16")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Checkpoint, "write", write_then_die)
        fine_tune_ner(TRAIN, **often)
    say("float32")
    with pytest.raises(StoreError, match="other notes, settings, precision"):
        fine_tune_ner(TRAIN, resume=True, **often)
    say("bfloat16")
    again = fine_tune_ner(TRAIN, resume=True, **often)
    assert torch.equal(weights(again), weights(fine_tune_ner(TRAIN, **often)))


def test_the_help_names_the_variable(capsys):
    for command in (["fine-tune", "ner"], ["fine-tune", "classifier"], ["pretrain"]):
        with pytest.raises(SystemExit):
            main([*command, "--help"])
        assert VARIABLE in capsys.readouterr().out


# --- integers and exported models have numbers of their own


@pytest.mark.skipif(not has_fast_int8(), reason="no 8-bit multiplication on this CPU")
def test_integers_read_alike_whatever_the_variable_says(say, classifier_folder):
    found = []
    for said in ("float32", "bfloat16"):
        say(said)
        made = load(classifier_folder, device="cpu", int8=True)
        assert made.network.precision == "float32"
        found.append(made.predict_proba(LABELLED))
    np.testing.assert_array_equal(*found)
    with pytest.raises(ArgumentError, match="without bf16"):
        load(classifier_folder, device="cpu", int8=True, bf16="on")


def test_an_exported_model_reads_alike_whatever_the_variable_says(say, classifier, tmp_path):
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    pytest.importorskip("onnx", reason="the extra onnx is not installed")
    from clinnlp.bert.export import export_onnx

    export_onnx(classifier, tmp_path / "m")
    found = []
    for said in ("float32", "bfloat16"):
        say(said)
        made = load(tmp_path / "m")
        assert made.network.precision == "float32"
        found.append(made.predict_proba(LABELLED))
    np.testing.assert_array_equal(*found)
    with pytest.raises(ArgumentError, match="bf16 of an exported model must be auto or off"):
        load(tmp_path / "m", bf16="on")


# --- how far bfloat16 lies from float32: bounds on any CPU, for torch computes in it everywhere


@pytest.fixture(scope="module")
def synthetic():
    """The notes of the synthetic corpus that are not for training, without their mentions."""
    folder = example("discharge-mini")
    return bare([n for name in ("dev", "test") for n in read_notes(folder / f"{name}.jsonl")])


def both(folder):
    """The same model in float32 and in bfloat16."""
    return [load(folder, device="cpu", bf16=bf16) for bf16 in ("off", "on")]


def assert_near(p, wanted):
    apart = np.abs(np.concatenate(p) - np.concatenate(wanted))
    assert 0 < np.quantile(apart, 0.999) < NEAR
    assert apart.max() < FAR


def assert_alike(notes, wanted):
    found, known = ({(n.id, *m) for n in each for m in mentions(n)} for each in (notes, wanted))
    assert min(len(found), len(known)) > 100
    assert 2 * len(found & known) / (len(found) + len(known)) >= ALIKE


def test_words_and_mentions_come_near_those_of_float32(tagger_folder, synthetic):
    exact, rough = both(tagger_folder)
    assert_near(rough.p_best(synthetic), exact.p_best(synthetic))
    assert_alike(rough.batch(synthetic), exact.batch(synthetic))


def test_labels_come_near_those_of_float32(classifier_folder, synthetic):
    exact, rough = both(classifier_folder)
    assert_near(rough.predict_proba(synthetic), exact.predict_proba(synthetic))
    same = [a.labels == b.labels for a, b in zip(exact.batch(LABELLED), rough.batch(LABELLED),
                                                 strict=True)]  # fmt: skip
    assert all(same)


def test_a_batch_comes_near_one_by_one(tagger_folder, synthetic):
    _, rough = both(tagger_folder)
    assert_alike(rough.batch(synthetic), [rough(note) for note in synthetic])


def test_doubt_comes_near_that_of_float32(tagger_folder, synthetic):
    doubts = [
        {choice.note.id: choice.doubt for choice in choose_next(made, synthetic, len(synthetic))}
        for made in both(tagger_folder)
    ]
    assert doubts[0].keys() == doubts[1].keys()
    assert max(abs(doubts[0][name] - doubts[1][name]) for name in doubts[0]) < NEAR


def test_it_is_deterministic(tagger_folder):
    _, rough = both(tagger_folder)
    assert rough.batch(bare([*TRAIN, LONG, *ODD])) == rough.batch(bare([*TRAIN, LONG, *ODD]))


def test_a_tiny_model_learns_eight_notes(encoder, tmp_path):
    made = fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path, **{**OVERFIT, "bf16": "on"})
    assert score_spans(TRAIN, tagged(made, TRAIN), n_boot=0).micro.f1 > 0.9


def test_attention_is_learned_in_float32_where_the_rest_is_in_bfloat16():
    draw = torch.Generator().manual_seed(0)
    wide = [torch.randn(2, 3, 5, 4, generator=draw).bfloat16().float() for _ in range(3)]
    mask = torch.zeros(2, 1, 5, 5).masked_fill(torch.arange(5) > 3, -1e9)
    attend = torch.nn.functional.scaled_dot_product_attention
    exact = attend(*wide, attn_mask=mask)
    narrow = [x.bfloat16().requires_grad_() for x in wide]
    with torch.autocast("cpu", torch.bfloat16), learning_attention(CPU, bf16=True):
        seen = attend(*narrow, attn_mask=mask)
        product = narrow[0] @ narrow[1].mT
    assert seen.dtype is product.dtype is torch.bfloat16
    assert seen.equal(exact.bfloat16())
    seen.sum().backward()
    assert narrow[2].grad.isfinite().all()
