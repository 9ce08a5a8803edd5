"""Fine-tuning learns, repeats itself, keeps out of dev, and says what is wrong."""

import pytest
import torch

from clinnlp.bert.corpus import split_selection
from clinnlp.bert.settings import TaggerSettings, default_learning_rate
from clinnlp.bert.store import load
from clinnlp.bert.tasks import tagged
from clinnlp.bert.train import fine_tune_classifier, fine_tune_ner
from clinnlp.core.errors import ArgumentError, DataError, LeakageError, StoreError
from clinnlp.core.notes import Note
from clinnlp.metrics.spans import score_spans

from .conftest import LABELLED, QUICK, TRAIN, note_of


def test_a_tiny_model_overfits_eight_notes(tagger):
    assert score_spans(TRAIN, tagged(tagger, TRAIN), n_boot=0).micro.f1 == 1.0


def test_a_tiny_classifier_overfits_eight_notes(classifier):
    assert [n.labels for n in classifier.batch(LABELLED)] == [n.labels for n in LABELLED]


def test_same_seed_same_weights_and_no_trace_in_torchs_generator(encoder, tmp_path):
    def weights(seed):
        before = torch.get_rng_state()
        made = fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path, epochs=2, seed=seed, **QUICK)
        assert torch.equal(torch.get_rng_state(), before)
        return torch.cat([p.flatten() for p in made.network.model.parameters()])

    first, again, other = weights(1), weights(1), weights(2)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_card_counts_and_scores(encoder, tmp_path):
    nested = note_of(8, "severe chest pain", ("chest pain", "Problem"), ("pain", "Problem"))
    dev = [note_of(9, "aspirin", ("aspirin", "Drug"))]
    made = fine_tune_ner([*TRAIN, nested], dev, encoder=encoder, out=tmp_path, epochs=2, **QUICK)
    card = made.card
    assert (card["n_notes"], card["n_selection"]) == (9, 1)
    assert len(card["epochs"]) == 2
    assert card["best_epoch"] in (1, 2)
    assert all(0 <= epoch["score"] <= 1 for epoch in card["epochs"])
    assert card["dev"]["n_notes"] == 1
    assert made.settings["epochs"] == 2
    everything = fine_tune_ner(
        [*TRAIN, nested], encoder=encoder, out=tmp_path, epochs=1, selection_fraction=0.0, **QUICK
    )
    assert (everything.card["n_mentions"], everything.card["n_dropped"]) == (15, 1)


def test_a_refit_learns_from_all_notes_what_a_tenth_has_chosen(encoder, tmp_path):
    chosen = fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path / "a", epochs=3, seed=4, **QUICK)
    again = fine_tune_ner(TRAIN, refit=chosen, out=tmp_path / "b", progress=False)
    assert (again.card["n_selection"], again.card["encoder"]) == (0, str(encoder))
    assert len(again.card["epochs"]) == chosen.card["best_epoch"]
    assert (again.calibration, again.thresholds) == (chosen.calibration, chosen.thresholds)
    assert load(tmp_path / "b", device="cpu").calibration == chosen.calibration
    plain = fine_tune_ner(
        TRAIN, encoder=encoder, out=tmp_path / "c", epochs=chosen.card["best_epoch"], seed=4,
        selection_fraction=0.0, **QUICK,
    )  # fmt: skip
    for a, b in zip(
        again.network.model.parameters(), plain.network.model.parameters(), strict=True
    ):
        assert torch.equal(a, b)
    for wrong, options in (
        (TRAIN[1:], {"refit": chosen}),
        (TRAIN, {"refit": again}),
        (TRAIN, {"refit": chosen, "epochs": 2}),
    ):
        with pytest.raises(ArgumentError, match="refit"):
            fine_tune_ner(wrong, out=tmp_path / "d", progress=False, **options)


def test_only_the_wanted_labels_are_learned(encoder, tmp_path):
    made = fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path, epochs=1, labels=["Drug"], **QUICK)
    assert made.labels == ("Drug",)
    assert made.network.model.config.id2label == {0: "O", 1: "B-Drug", 2: "I-Drug"}


def test_selection_follows_patients_and_not_the_order():
    notes = [Note(id=str(i), text=f"t{i}", patient=f"p{i // 4}") for i in range(80)]
    fit, selection = split_selection(notes, 0.1)
    assert len(selection) == 8
    assert not {n.patient for n in fit} & {n.patient for n in selection}
    assert {n.id for n in split_selection(notes[::-1], 0.1)[1]} == {n.id for n in selection}
    copies = [Note(id=str(i), text="same") for i in range(3)]
    assert split_selection(copies, 0.1) == (copies, [])


def test_a_dev_note_in_train_is_leakage(encoder, tmp_path):
    twin = Note(id="other", text=TRAIN[0].text)
    with pytest.raises(LeakageError, match="1 with the same text"):
        fine_tune_ner(TRAIN, [twin], encoder=encoder, out=tmp_path / "m", **QUICK)
    assert not (tmp_path / "m").exists()


ONE = {**QUICK, "epochs": 1}
UNKNOWN = [note_of(9, "a rare thing", ("rare", "Gene"))]


@pytest.mark.parametrize(
    ("train", "options", "error", "message"),
    [
        (iter(TRAIN), {}, ArgumentError, "train must be re-iterable"),
        ([], {}, DataError, "at least one note"),
        ([Note(id="a", text="b")], {}, DataError, "at least one note with an entity"),
        (TRAIN, {"labels": ["Gene"]}, ArgumentError, "got Gene"),
        (TRAIN, {"dev": UNKNOWN, "strict_labels": True}, DataError, "labels of dev .*got Gene"),
        (TRAIN, {"epoch": 3}, DataError, "settings must be among epochs.*got epoch"),
        (TRAIN, {"epochs": "3"}, DataError, "'epochs' must be int"),
        (TRAIN, {"stride": 46}, ArgumentError, "stride must be"),
        (TRAIN, {"encoder": "no/such/encoder"}, StoreError, "no folder here"),
    ],
)
def test_what_is_wrong_is_said(encoder, tmp_path, train, options, error, message):
    with pytest.raises(error, match=message):
        fine_tune_ner(train, **{"encoder": encoder, "out": tmp_path / "m", **QUICK, **options})
    assert not (tmp_path / "m").exists()


def test_few_notes_are_read_in_many_epochs_and_many_in_five(encoder, tmp_path):
    few = fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path, **QUICK)
    assert (len(few.card["epochs"]), few.settings["epochs"]) == (30, None)
    tokens = {**QUICK, "tokens_per_batch": 1}  # a row is a batch
    many = fine_tune_ner(TRAIN * 9, encoder=encoder, out=tmp_path, **tokens)
    assert len(many.card["epochs"]) == 5


def test_notes_without_words_are_refused(encoder, tmp_path):
    blank = [note_of(i, " " * i, (" ", "Drug")) for i in range(1, 4)]
    with pytest.raises(DataError, match="at least one note with words"):
        fine_tune_ner(blank, encoder=encoder, out=tmp_path, **QUICK)


def test_a_file_in_the_way_is_said_before_training(encoder, tmp_path):
    (tmp_path / "m").write_text("x")
    with pytest.raises(ArgumentError, match="out must be a folder"):
        fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path / "m", **QUICK)


@pytest.mark.parametrize(
    ("train", "dev", "message"),
    [
        (TRAIN, None, "note 'n0': each note must have exactly one label"),
        (LABELLED[:1], None, "at least two labels"),
        (LABELLED, [Note(id="d", text="new", labels=("x",))], "labels of dev .*got x"),
    ],
)
def test_what_is_wrong_with_labels_is_said(encoder, tmp_path, train, dev, message):
    with pytest.raises(DataError, match=message):
        fine_tune_classifier(
            train, dev, encoder=encoder, out=tmp_path / "m", strict_labels=True, **QUICK
        )


SEEN = note_of(8, "gave heparin", ("heparin", "Drug"))


def test_a_dev_label_that_train_lacks_is_missed_and_told(encoder, tmp_path, caplog):
    made = fine_tune_ner(TRAIN, [*UNKNOWN, SEEN], encoder=encoder, out=tmp_path / "m", **ONE)
    rows = {row["label"]: row for row in made.card["dev"]["rows"]}
    assert made.card["dev"]["unseen"] == ["Gene"]
    assert (rows["Gene"]["n_gold"], rows["Gene"]["recall"]) == (1, 0.0)
    assert rows["micro"]["n_gold"] == 2
    assert made.labels == ("Drug", "Problem")
    assert "train has no label Gene" in caplog.text
    assert "rare" not in caplog.text
    chosen = fine_tune_ner(
        TRAIN, UNKNOWN, encoder=encoder, out=tmp_path / "m", labels=["Drug"], **ONE
    )
    assert chosen.card["dev"]["unseen"] == []


@pytest.mark.parametrize("several", [False, True])
def test_a_dev_class_that_train_lacks_is_missed_and_told(encoder, tmp_path, caplog, several):
    dev = [Note(id="d", text="new", labels=("x",)), Note(id="e", text="old", labels=("drug",))]
    made = fine_tune_classifier(
        LABELLED, dev, encoder=encoder, out=tmp_path / "m", multi_label=several, **ONE
    )
    rows = {row["label"]: row for row in made.card["dev"]["rows"]}
    assert (made.card["dev"]["unseen"], made.card["dev"]["n_notes"]) == (["x"], 2)
    assert (rows["x"]["n_gold"], rows["x"]["n_predicted"]) == (1, 0)
    assert "train has no label x" in caplog.text


def test_windows_fall_to_what_the_encoder_reads(encoder, tmp_path, caplog):
    short = {**ONE, "max_tokens": 384, "stride": 64}
    made = fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path / "m", **short)
    assert (made.network.max_tokens, made.network.stride) == (64, 64 * 64 // 384)
    assert (made.settings["max_tokens"], made.settings["stride"]) == (64, 10)
    assert "max_tokens falls from 384 to 64" in caplog.text
    assert load(tmp_path / "m").network.max_tokens == 64
    long = Note(id="long", text="no fever, " * 200)
    assert made(long).coverage.n_seen == made(long).coverage.n_total
    caplog.clear()
    made = fine_tune_classifier(LABELLED, encoder=encoder, out=tmp_path / "c", progress=False)
    assert made.network.max_tokens == 64
    assert "max_tokens falls" in caplog.text


def test_a_classifier_is_scored_once_on_dev(encoder, tmp_path):
    dev = [Note(id="d", text="gave aspirin", labels=("drug",))]
    made = fine_tune_classifier(LABELLED, dev, encoder=encoder, out=tmp_path, epochs=1, **QUICK)
    assert made.card["dev"]["n_notes"] == 1
    assert made.card["dev"]["accuracy"]["value"] in (0.0, 1.0)


def test_bfloat16_learns_too(encoder, tmp_path):
    made = fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path, epochs=1, **{**QUICK, "bf16": "on"})
    assert made.network.bf16
    assert all(p.dtype == torch.float32 for p in made.network.model.parameters())


def test_without_progress_nothing_is_shown(encoder, tmp_path, capfd):
    fine_tune_ner(TRAIN, encoder=encoder, out=tmp_path, epochs=1, **QUICK)
    assert capfd.readouterr() == ("", "")


def test_wide_encoders_get_small_steps():
    rates = [default_learning_rate(width) for width in (384, 768, 1024)]
    assert rates == sorted(rates, reverse=True)


@pytest.mark.parametrize(
    "wrong", [{"learning_rate": 0.0}, {"warmup": 1.5}, {"selection_fraction": 0.6}, {"bf16": "x"}]
)
def test_settings_have_ranges(wrong):
    with pytest.raises(ArgumentError, match=next(iter(wrong))):
        TaggerSettings(**wrong)
