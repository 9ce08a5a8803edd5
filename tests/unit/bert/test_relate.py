"""The model of relations as a pipe: trained small, saved, read in both ways."""

import json
import logging
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from clinnlp.bert.export import export_onnx
from clinnlp.bert.markers import markers_of
from clinnlp.bert.network import Network
from clinnlp.bert.relate import row_maker
from clinnlp.bert.relate_task import RelateTask
from clinnlp.bert.settings import RelationSettings
from clinnlp.bert.store import load
from clinnlp.bert.train import fine_tune_relations
from clinnlp.core.errors import ArgumentError, DataError, StoreError
from clinnlp.core.notes import Assertion, Note

from .conftest import FLOAT32, OVERFIT, QUICK
from .relations import ASPIRIN, CONCEPTS, FEVER, PAIN, RELATED, related

READINGS = ("inserted", "appended", "hidden")


@pytest.fixture(scope="module")
def folders(encoder, tmp_path_factory):
    made = {}
    for reading in READINGS:
        made[reading] = tmp_path_factory.mktemp("relations") / reading
        fine_tune_relations(RELATED, encoder=encoder, out=made[reading], reading=reading, **OVERFIT)
    return made


@pytest.fixture(scope="module", params=READINGS)
def model(request, folders):
    return load(folders[request.param], device="cpu", **FLOAT32)


def bare(notes):
    return [note.with_(relations=()) for note in notes]


def told(notes):
    return [sorted((r.label, *r.roles.items()) for r in note.relations) for note in notes]


def test_it_learns_which_pairs_are_related_and_in_which_direction(model):
    found = model.batch(bare(RELATED))
    assert told(found) == told(RELATED)
    assert all(r.source == model.source and 0 < r.score < 1 for n in found for r in n.relations)
    assert model.batch(found) == found


def test_a_batch_equals_one_by_one(model):
    answers = model.answers(bare(RELATED))
    alone = [model.answers([note]) for note in bare(RELATED)]
    np.testing.assert_allclose(answers.p, np.concatenate([each.p for each in alone]), atol=1e-5)
    assert (answers.p.sum(axis=1) <= 1 + 1e-9).all()


def test_an_end_passes_on_its_axes(model):
    note = bare(RELATED)[2]
    entities = (replace(note.entities[0], assertion=Assertion(negated=True)), note.entities[1])
    (found,) = model(note.with_(entities=entities)).relations
    assert found.attributes == {"negated": True}


def test_a_saved_model_answers_as_before(model, tmp_path):
    model.save(tmp_path / "again")
    again = load(tmp_path / "again", device="cpu", **FLOAT32)
    assert again.batch(RELATED) == model.batch(RELATED)
    assert (again.kinds, again.search, again.reading) == (model.kinds, model.search, model.reading)
    assert pickle.loads(pickle.dumps(again)).batch(RELATED) == model.batch(RELATED)
    assert repr(model).startswith("RelationExtractor(labels=['causes']")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kinds": {}}, "'kinds' in .* must hold"),
        ({"kinds": {"kinds": [["causes", "drug"]], "allowed": []}}, "'kinds' in"),
        ({"search": {"ends": "mentions", "within": "page", "reach": 5}}, "'search' in"),
        ({"search": {"ends": "mentions", "within": "sentence", "reach": True}}, "'search' in"),
        ({"reading": "both"}, "'reading' in"),
        ({"labels": ["treats"]}, "of the labels there"),
    ],
)
def test_a_damaged_record_is_refused(folders, tmp_path, change, message):
    model = load(folders["inserted"], device="cpu")
    model.save(tmp_path / "m")
    file = tmp_path / "m" / "clinnlp.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(StoreError, match=message):
        load(tmp_path / "m", device="cpu")


def test_markers_must_be_in_the_tokenizer(folders, tmp_path):
    model = load(folders["inserted"], device="cpu")
    many = replace(model.kinds, allowed={("x", "y"): (0,), ("v", "w"): (1,), ("t", "u"): (1,)})
    with pytest.raises(StoreError, match="markers for 6 labels"):
        row_maker(model.network, many, "inserted")


def test_a_pair_read_with_others_is_read_as_alone(folders):
    """Appended markers see their text and their partner, and no other pair sees them."""
    model = load(folders["appended"], device="cpu", **FLOAT32)
    network, make = model.network, row_maker(model.network, model.kinds, "appended")
    note = RELATED[0]
    pairs = model.search(note).pairs
    (text,) = network.tokenise([note.text])
    (row,) = make(text, pairs)
    ((_, (together,)),) = network.pair_logits([row], appended=True)
    for pair, answer in zip(pairs, together, strict=True):
        (one,) = make(text, [pair])
        ((_, (alone,)),) = network.pair_logits([one], appended=True)
        np.testing.assert_allclose(answer, alone[0], atol=1e-5)
    with torch.inference_mode():
        padded = network.model(**network.collate_marked([row, one])).logits.numpy()
    np.testing.assert_allclose(padded[0][row.marks], together, atol=1e-4)


def test_with_a_graph_of_torch_answers_are_the_same(folders, monkeypatch):
    model = load(folders["appended"], device="cpu", **FLOAT32)
    expected = model.answers(RELATED)
    monkeypatch.setattr(model.network, "_reads", None)
    np.testing.assert_allclose(model.answers(RELATED).p, expected.p, atol=1e-4)


def test_eight_bits_answer_nearly_alike(folders):
    from clinnlp.bert.fast.packed import has_fast_int8

    if not has_fast_int8():
        pytest.skip("the CPU has no 8-bit products")
    for reading in READINGS:
        model = load(folders[reading], device="cpu", **FLOAT32)
        small = load(folders[reading], device="cpu", int8=True)
        gap = np.abs(small.answers(RELATED).p - model.answers(RELATED).p)
        assert gap.max() < 0.1


def test_an_exported_model_reads_inserted_markers(folders, tmp_path):
    with pytest.raises(ArgumentError, match="must read inserted markers"):
        export_onnx(load(folders["appended"], device="cpu"), tmp_path / "onnx")
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    model = load(folders["inserted"], device="cpu", **FLOAT32)
    export_onnx(model, tmp_path / "onnx")
    exported = load(tmp_path / "onnx")
    np.testing.assert_allclose(exported.answers(RELATED).p, model.answers(RELATED).p, atol=1e-4)


def test_notes_need_sentences(model):
    with pytest.raises(DataError, match="must have sentences"):
        model(RELATED[0].with_(sentences=None))
    assert model(Note(id="n", text="")).relations == ()


def test_what_is_cut_is_counted(model):
    note = RELATED[0]
    assert model.n_cut(note) == 0
    near = replace(model, search=replace(model.search, reach=5))
    assert near.n_cut(note) == 1
    assert replace(model, search=replace(model.search, reach=1)).n_cut(note) == 2
    half = related(0, "pain \ud800 aspirin", [PAIN, ASPIRIN])  # half of a pair of code units
    assert model.n_cut(half) == model.answers([half]).n_cut[0] == 0


@pytest.mark.parametrize("reading", READINGS)
def test_a_pair_that_no_window_holds_is_counted_and_told(encoder, tmp_path, reading, caplog):
    text = f"pain {'and then ' * 20}from aspirin"
    wide = related(9, text, [("pain", "Effect"), ("aspirin", "Drug")], ("aspirin", "pain"))
    train = [*RELATED, wide]
    settings = {"epochs": 1, "selection_fraction": 0.0, "max_tokens": 24, "stride": 2}
    with caplog.at_level(logging.WARNING):
        model = fine_tune_relations(
            train, encoder=encoder, out=tmp_path / "m", reading=reading, **settings
        )
    n_related = sum(len(note.relations) for note in train)
    assert f"1 of {n_related} related pairs are not learned" in caplog.text
    card = model.card
    assert (card["n_related"], card["n_related_unread"]) == (n_related - 1, 1)
    assert card["n_cut"] == model.n_cut(wide) == model.answers([wide]).n_cut[0] == 1
    assert not any(model.n_cut(note) for note in RELATED)


def test_a_training_that_learns_nothing_says_so(encoder, tmp_path, caplog):
    """A rate far too high leaves the prior, by which most pairs are unrelated."""
    others = [related(k, f"{k} pain, fever, aspirin", [PAIN, FEVER, ASPIRIN]) for k in range(9, 40)]
    train = [*RELATED, *others]
    settings = {"encoder": encoder, "epochs": 2, "selection_fraction": 0.5, "negatives": 99}
    with caplog.at_level(logging.WARNING):
        fine_tune_relations(train, out=tmp_path / "none", learning_rate=0.3, **settings)
    assert "nothing useful was learned: try a lower learning_rate (it was 0.3)" in caplog.text


@pytest.mark.parametrize("reading", READINGS)
def test_concepts_of_a_document_are_related(encoder, tmp_path, reading):
    model = fine_tune_relations(
        CONCEPTS, encoder=encoder, out=tmp_path / "m", reading=reading, **OVERFIT
    )
    assert (model.search.ends, model.search.within) == ("concepts", "document")
    found = model.batch(bare(CONCEPTS))
    assert told(found) == told(CONCEPTS)


def test_a_corpus_teaches_only_what_it_annotates(encoder, tmp_path):
    """Where only the other label is annotated, a pair without a relation may be of this one."""
    other = [
        Note(id=f"{n.id}b", text=f"{n.text} so", sentences=n.sentences, entities=n.entities,
             relations=tuple(replace(r, label="treats") for r in n.relations[:k == 2]))
        for k, n in enumerate(RELATED)
    ]  # fmt: skip
    corpora = {"a": RELATED, "b": other}
    model = fine_tune_relations(corpora, encoder=encoder, out=tmp_path / "m", **OVERFIT)
    assert model.labels == ("causes", "treats")
    found, gold = told(model.batch(bare(RELATED))), told(RELATED)
    assert [len(each) for each in found] == [len(each) for each in gold]
    assert [found[0], found[3]] == [gold[0], gold[3]]


def test_dev_is_scored_beside_the_baselines(encoder, tmp_path):
    dev = [
        Note(id=f"d{n.id}", text=f"{n.text}.", sentences=n.sentences, entities=n.entities,
             relations=n.relations) for n in RELATED
    ]  # fmt: skip
    model = fine_tune_relations(RELATED, dev, encoder=encoder, out=tmp_path / "m", **OVERFIT)
    card = model.card["dev"]
    assert card["f1"]["value"] > 0.5
    assert set(card["baselines"]) == {"naive_bayes", "linear_svm"}
    svm = card["baselines"]["linear_svm"]
    gap = card["f1"]["value"] - svm["f1"]["value"]
    assert svm["difference"]["value"] == pytest.approx(gap)
    assert "Model of relations: causes" in (tmp_path / "m" / "README.md").read_text()
    plain = fine_tune_relations(
        RELATED, dev, encoder=encoder, out=tmp_path / "m", baselines=False, **QUICK, epochs=1
    )
    assert "baselines" not in plain.card["dev"]


def test_unrelated_pairs_can_be_drawn_and_scores_stay(encoder, tmp_path):
    for reading in READINGS:
        model = fine_tune_relations(
            RELATED, encoder=encoder, out=tmp_path / reading, reading=reading, negatives=0.5,
            **OVERFIT,
        )  # fmt: skip
        assert told(model.batch(bare(RELATED))) == told(RELATED)
    assert isinstance(model.network, Network)


def test_words_can_be_hidden_in_training_and_markers_stay(folders, monkeypatch):
    model = load(folders["inserted"], device="cpu", **FLOAT32)
    settings = RelationSettings(word_dropout=0.999)
    task = RelateTask(model, {"": RELATED}, {}, {"": model.labels}, settings)
    read = list[dict[str, torch.Tensor]]()

    def kept(**inputs):
        read.append(inputs)
        return model.network.model(**inputs)

    (batch,) = task.plan(np.random.default_rng(0))
    task.loss(kept, batch)
    ids, mask_id = read[0]["input_ids"], model.network.tokenizer.mask_token_id
    markers = markers_of(model.network.tokenizer, model.kinds.end_labels).values()
    opens = [one for marker in markers for one in marker.opens]
    n_pairs = model.answers(bare(RELATED)).p.shape[0]
    assert sum((ids == one).sum().item() for one in opens) >= 2 * n_pairs
    assert (ids == mask_id).float().mean() > 0.7


def test_selection_notes_calibrate_and_give_thresholds(encoder, tmp_path):
    how = {**OVERFIT, "epochs": 3, "selection_fraction": 0.5}
    model = fine_tune_relations(RELATED, encoder=encoder, out=tmp_path / "m", **how)
    assert set(model.thresholds) <= set(model.calibration) == {"causes"}
    assert load(tmp_path / "m").thresholds == model.thresholds


def test_an_encoder_of_another_kind_takes_inserted_markers_only(encoder, tmp_path, monkeypatch):
    from clinnlp.bert import relate_recipe

    def as_another(*args, **kwargs):
        made = relate_recipe_build(*args, **kwargs)
        made.config.model_type = "other"
        return made

    relate_recipe_build = relate_recipe.build_classifier
    monkeypatch.setattr(relate_recipe, "build_classifier", as_another)
    with pytest.raises(ArgumentError, match="reading must be inserted or hidden"):
        fine_tune_relations(
            RELATED, encoder=encoder, out=tmp_path / "m", reading="appended", **QUICK
        )
