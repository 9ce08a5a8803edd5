"""Several corpora in one model: each teaches, and is scored on, the labels it annotates."""

from collections import Counter

import numpy as np
import pytest
import torch
from transformers import AutoModelForTokenClassification

from clinnlp.bert.corpus import annotated_labels, drop_overlap, split_corpora
from clinnlp.bert.model import IGNORED, gold_tags_per_head
from clinnlp.bert.settings import TaggerSettings
from clinnlp.bert.store import load
from clinnlp.bert.tasks import TaggerTask, tagged
from clinnlp.bert.train import fine_tune_ner
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span

from .conftest import DRUG, FLOAT32, OVERFIT, PROBLEM, QUICK, TRAIN, note_of


def only(notes, label):
    return [n.with_(entities=tuple(e for e in n.entities if e.label == label)) for n in notes]


DRUGS = only(TRAIN[:4], DRUG)
PROBLEMS = only(TRAIN[4:], PROBLEM)
NEW = [note_of(30, "a new rash", ("rash", PROBLEM))]


@pytest.fixture(scope="module")
def both(encoder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("both") / "m"
    fine_tune_ner({"a": DRUGS, "b": PROBLEMS}, encoder=encoder, out=folder, **OVERFIT)
    return load(folder, **FLOAT32)


def test_each_corpus_teaches_its_labels(both):
    assert both.labels == (DRUG, PROBLEM)
    found = tagged(both, [*DRUGS, *PROBLEMS])
    for gold, note in zip([*DRUGS, *PROBLEMS], found, strict=True):
        label = DRUG if gold in DRUGS else PROBLEM
        assert [e.span for e in note.entities if e.label == label] == [
            e.span for e in gold.entities
        ]


def test_labels_that_the_same_corpora_annotate_share_a_head(encoder, tmp_path):
    tests = [
        note_of(40 + i, f"{name} was {i}", (name, "Test")) for i, name in enumerate(["INR", "pH"])
    ]
    fine_tune_ner({"a": TRAIN, "b": tests}, encoder=encoder, out=tmp_path / "m", **OVERFIT)
    made = load(tmp_path / "m", **FLOAT32)
    assert made.heads == ((DRUG, PROBLEM), ("Test",))
    assert made.labels == (DRUG, PROBLEM, "Test")
    names = AutoModelForTokenClassification.from_pretrained(tmp_path / "m").config.id2label
    assert [names[i] for i in (0, 5, 6)] == ["O-Drug", "O-Test", "B-Test"]
    for notes, labels in ((TRAIN, (DRUG, PROBLEM)), (tests, ("Test",))):
        for gold, note in zip(notes, tagged(made, notes, labels), strict=True):
            assert [(e.span, e.label) for e in note.entities] == [
                (e.span, e.label) for e in gold.entities
            ]


def test_a_refit_has_the_heads_of_its_model(encoder, tmp_path):
    chosen = fine_tune_ner({"a": DRUGS, "b": PROBLEMS}, encoder=encoder, out=tmp_path / "m",
                           epochs=1, selection_fraction=0.3, **QUICK)  # fmt: skip
    with pytest.raises(ArgumentError, match=r"refit must be .* on these corpora"):
        fine_tune_ner([*DRUGS, *PROBLEMS], refit=chosen, out=tmp_path / "again", progress=False)
    again = fine_tune_ner({"a": DRUGS, "b": PROBLEMS}, refit=chosen, out=tmp_path / "again",
                          progress=False)  # fmt: skip
    assert again.heads == chosen.heads == ((DRUG,), (PROBLEM,))


def test_what_a_corpus_does_not_annotate_has_no_gradient(both):
    task = TaggerTask(both, {"a": DRUGS}, {}, {"a": (DRUG,)}, TaggerSettings())
    model = both.network.model
    model.zero_grad()
    task.loss(model, [0, 1]).backward()
    gradient = model.classifier.weight.grad.abs().sum(1)  # outputs O, B, I of Drug, then Problem
    assert torch.all(gradient[:3] > 0)
    assert torch.all(gradient[3:] == 0)
    model.zero_grad(set_to_none=True)


def test_the_folder_loads_in_plain_transformers(encoder, tmp_path):
    made = fine_tune_ner({"a": DRUGS, "b": PROBLEMS}, encoder=encoder, out=tmp_path / "m",
                         epochs=1, **QUICK)  # fmt: skip
    plain = AutoModelForTokenClassification.from_pretrained(tmp_path / "m")
    assert plain.config.id2label[4] == "B-Problem"
    ours = dict(made.network.model.named_parameters())
    assert all(torch.equal(p, ours[name]) for name, p in plain.named_parameters())


def test_a_word_counts_once_however_many_heads_it_teaches(encoder, tmp_path):
    made = fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path, heads="per_label", epochs=1, **QUICK)
    settings = TaggerSettings(swap=0.0)
    each = [
        TaggerTask(made, {"a": TRAIN}, {}, {"a": labels}, settings)
        for labels in ((DRUG,), (PROBLEM,), (DRUG, PROBLEM))
    ]
    made.network.model.eval()
    drug, problem, both = (task.loss(made.network.model, range(8)).item() for task in each)
    assert both == pytest.approx(drug + problem, rel=1e-5)


def test_mentions_of_different_labels_may_overlap(encoder, tmp_path):
    notes = [
        note_of(i, f"aspirin rash {i}", ("aspirin", DRUG), ("aspirin rash", PROBLEM))
        for i in range(6)
    ]
    made = fine_tune_ner(notes, encoder=encoder, out=tmp_path, heads="per_label", **OVERFIT)
    assert made.card["n_dropped"] == 0
    for gold, note in zip(notes, tagged(made, notes), strict=True):
        assert {(e.span, e.label) for e in note.entities} == {
            (e.span, e.label) for e in gold.entities
        }


def test_dev_is_scored_on_the_labels_of_its_namesake(encoder, tmp_path):
    dev = {"b": [note_of(20, "rash despite aspirin", ("rash", PROBLEM))]}
    made = fine_tune_ner({"a": DRUGS, "b": PROBLEMS}, dev, encoder=encoder, out=tmp_path,
                         epochs=1, **QUICK)  # fmt: skip
    assert set(made.card["dev"]) == {"b"}
    assert {row["label"] for row in made.card["dev"]["b"]["rows"]} == {PROBLEM, "micro"}


def test_tags_of_labels_not_annotated_are_ignored(tagger):
    (text,) = tagger.network.tokenise([TRAIN[0].text])
    gold = gold_tags_per_head(text, TRAIN[0].entities, [(DRUG,), (PROBLEM,)], (DRUG,))
    assert gold.tags[:, 0].tolist() == [0, 1, 0, 0, 0, 0]
    assert set(gold.tags[:, 1]) == {IGNORED}
    assert (gold.n_kept, gold.n_dropped) == (1, 0)


def test_a_text_in_two_corpora_goes_to_one_side():
    a = [Note(id=f"a{i}", text=str(i)) for i in range(30)]
    b = [Note(id=f"b{i}", text=str(i)) for i in range(10, 40)]
    fit, selection = split_corpora({"a": a, "b": b}, 0.2)
    assert not {n.text for c in fit.values() for n in c} & {
        n.text for c in selection.values() for n in c
    }
    assert len(fit["a"]) + len(selection["a"]) == 30


def test_overlap_is_dropped_by_id_and_by_text():
    notes = [Note(id=str(i), text=f"t{i}") for i in range(5)]
    others = [Note(id="0", text="x"), Note(id="y", text="t3")]
    assert [n.id for n in drop_overlap(notes, others[:1], others[1:])] == ["1", "2", "4"]


@pytest.mark.parametrize(
    ("train", "options", "error", "message"),
    [
        ({}, {}, DataError, "at least one corpus"),
        ({"a": DRUGS, "b": []}, {}, DataError, "at least one note"),
        ({"a": DRUGS, "b": [Note(id="e", text="none")]}, {}, DataError, "corpus b must have"),
        ({"a": DRUGS, "b": PROBLEMS}, {"heads": "joint"}, ArgumentError, "heads must be"),
        ({"a": DRUGS}, {"dev": {"c": PROBLEMS}}, ArgumentError, "corpora of dev .*got c"),
        (
            {"a": DRUGS, "b": PROBLEMS},
            {"dev": {"a": NEW}, "strict_labels": True},
            DataError,
            "labels of dev .*Problem",
        ),
    ],
)
def test_what_is_wrong_is_said(encoder, tmp_path, train, options, error, message):
    with pytest.raises(error, match=message):
        fine_tune_ner(train, **{"encoder": encoder, "out": tmp_path / "m", **QUICK, **options})


def test_annotated_are_the_labels_that_occur():
    assert annotated_labels({"a": DRUGS, "b": TRAIN}, (DRUG, PROBLEM)) == {
        "a": (DRUG,),
        "b": (DRUG, PROBLEM),
    }


def test_the_selection_is_like_the_rest():
    """It has each corpus, each label, and as many mentions seen nowhere else, in proportion."""

    def note(i: int, label: str, n_own: int) -> Note:
        words = [f"own{i}x{k}" if k < n_own else f"shared{k}" for k in range(4)]
        text, ends = " ".join(words), np.cumsum([len(word) + 1 for word in words])
        spans = [Span(int(e) - len(w) - 1, int(e) - 1) for w, e in zip(words, ends, strict=True)]
        found = [Entity(id=f"T{k}", span=span, label=DRUG) for k, span in enumerate(spans)]
        return Note(id=str(i), text=f"{text} {i}", labels=(label,), entities=tuple(found))

    notes = [note(i, "ab"[i % 2], i // 2 % 4) for i in range(80)]
    corpora = {"x": notes[:40], "y": notes[40:]}
    fit, selection = split_corpora(corpora, 0.2)
    for name in corpora:
        kinds = Counter((n.labels, n[n.entities[2].span][:3]) for n in selection[name])
        assert kinds == {((k,), w): n for k in "ab" for w, n in (("own", 1), ("sha", 3))}
        assert len(fit[name]) == 32
    again = split_corpora({name: notes[::-1] for name, notes in corpora.items()}, 0.2)[1]
    assert {n.id for c in again.values() for n in c} == {
        n.id for c in selection.values() for n in c
    }
