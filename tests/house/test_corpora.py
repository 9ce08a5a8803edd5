"""The committed corpora are what their generator writes and what their cards say."""

import csv
import json
import lzma
import subprocess
import sys
import tomllib
from collections import Counter
from importlib import resources
from pathlib import Path

import pytest

from clinnlp.core.vocab import fold
from clinnlp.study.synthetic import write_cohort_mini
from clinnlp.study.synthetic.words import lexicon
from corpora.generate.discharge import write_discharge_mini

CORPORA = Path(__file__).parents[2] / "corpora"
MINI = CORPORA / "discharge-mini"
SPLITS = ("train", "dev", "test")
AXES = ("negated", "uncertain", "hypothetical", "historical", "experiencer")


def read_card(folder):
    fence, head, prose = (folder / "CARD.md").read_text(encoding="utf-8").split("+++\n", 2)
    assert fence == ""
    assert prose.strip()
    return tomllib.loads(head)


def name(text):
    return " ".join(text.casefold().split())


@pytest.fixture(scope="module")
def card():
    return read_card(MINI)


@pytest.fixture(scope="module")
def notes():
    return {
        split: [json.loads(line) for line in (MINI / f"{split}.jsonl").open(encoding="utf-8")]
        for split in SPLITS
    }


def test_committed_files_equal_regenerated_ones(tmp_path):
    write_discharge_mini(tmp_path)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_bytes() for path in MINI.iterdir()}


def test_size_is_small():
    assert sum(path.stat().st_size for path in MINI.iterdir()) < 1_500_000


@pytest.mark.parametrize("split", SPLITS)
def test_card_counts(card, notes, split):
    found = notes[split]
    entities = [entity for note in found for entity in note["entities"]]
    assert card["documents"][split] == len(found)
    assert card["words"][split] == sum(len(note["text"].split()) for note in found)
    assert card["entities"][split] == Counter(entity["label"] for entity in entities)
    assert card["relations"][split] == Counter(
        relation["label"] for note in found for relation in note.get("relations", [])
    )
    assert card["assertion"][split] == {
        axis: sum(entity["assertion"][axis] for entity in entities) for axis in AXES
    }
    assert card["misspelled"][split] == sum("meant" in e.get("attributes", {}) for e in entities)


@pytest.mark.parametrize("label", ["Drug", "Problem"])
def test_card_unseen_shares(card, notes, label):
    written = {split: [] for split in SPLITS}
    meant = {split: set() for split in SPLITS}
    for split in SPLITS:
        for note in notes[split]:
            for entity in note["entities"]:
                if entity["label"] == label:
                    words = note["text"][entity["start"] : entity["end"]]
                    written[split].append(name(words))
                    right = entity.get("attributes", {}).get("meant", words)
                    meant[split].add(name(right))
    later = meant["dev"] | meant["test"]
    new = later - meant["train"]
    mentions = written["dev"] + written["test"]
    shares = card["unseen"][label]
    assert shares["share_of_names"] == pytest.approx(len(new) / len(later), abs=1e-4)
    everything = later | meant["train"]
    assert shares["share_of_all_names"] == pytest.approx(len(new) / len(everything), abs=1e-4)
    unknown = sum(mention not in meant["train"] for mention in mentions)
    assert shares["share_of_mentions"] == pytest.approx(unknown / len(mentions), abs=1e-4)
    assert min(shares.values()) >= 0.25


def test_card_vocabulary(card):
    with (MINI / "vocabulary.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert card["n_vocabulary"] == len(rows)
    assert list(rows[0]) == ["code", "system", "name", "synonyms", "label"]
    for row in rows:
        term = lexicon()[row["code"]]
        assert (row["name"], row["label"]) == (term.name, term.label)
        assert set(filter(None, row["synonyms"].split("|"))) <= set(term.others)


@pytest.mark.parametrize("split", SPLITS)
def test_every_mention_is_a_known_spelling_of_its_concept(notes, split):
    for note in notes[split]:
        for entity in note["entities"]:
            words = note["text"][entity["start"] : entity["end"]]
            words = entity.get("attributes", {}).get("meant", words)
            (code,) = entity["concepts"]
            term = lexicon()[code]
            assert name(words) in {name(surface) for surface in term.surfaces}
            assert entity["label"] == term.label


@pytest.mark.parametrize("split", SPLITS)
def test_notes_are_whole(notes, split):
    for note in notes[split]:
        size = len(note["text"])
        assert 120 <= len(note["text"].split()) <= 260
        ids = {entity["id"]: entity["label"] for entity in note["entities"]}
        ends = [0]
        for entity in note["entities"]:
            assert ends[-1] <= entity["start"] < entity["end"] <= size
            ends.append(entity["end"])
            axes = dict(entity["assertion"])
            cues = axes.pop("cues", {})
            assert set(axes) == set(AXES)
            assert all(axes[axis] for axis in cues)
            assert all(0 <= start < end <= size for start, end in cues.values())
        for relation in note.get("relations", []):
            assert [ids[drug] for drug in relation["roles"]["drug"]] == ["Drug"]
            assert [ids[effect] for effect in relation["roles"]["reaction"]] == ["Problem"]
        for section in note["sections"]:
            start, end = section["heading"]
            assert section["start"] == start < end < section["end"] <= size
            assert note["text"][start:end].strip(":")
        assert note["time"] < note["known"]


def test_splits_share_no_patient_and_no_text(notes):
    everything = [note for split in SPLITS for note in notes[split]]
    for key in ("id", "patient", "encounter", "text"):
        assert len({note[key] for note in everything}) == len(everything)


# ---- mtsamples-judged: offsets and values alone --------------------------------------------------


def test_judged_courses_stand_where_the_notes_name_a_problem(data_dir):
    folder = CORPORA / "mtsamples-judged"
    rows = list(csv.DictReader((folder / "course.tsv").open(encoding="utf-8"), delimiter="\t"))
    assert Counter(row["part"] for row in rows) == {"tuned": 50, "held": 50}
    assert {row["course"] for row in rows} <= {"chronic", "ended", "unknown", "?", "-"}
    assert len({row["note"] for row in rows}) == len(rows)
    names = {fold(line) for line in (folder / "problems.txt").read_text("utf-8").splitlines()}
    packed = data_dir("mtsamples") / "mtsamples.csv.xz"
    with lzma.open(packed, "rt", encoding="utf-8", newline="") as handle:
        texts = [row["transcription"] for row in csv.DictReader(handle)]
    said = [fold(texts[int(r["note"][2:])][int(r["start"]) : int(r["end"])]) for r in rows]
    known = sum(name in names or name.removesuffix("s") in names for name in said)
    assert known >= 0.9 * len(said)  # others are spelled otherwise ("allergy")


# ---- cohort-mini, made at run time --------------------------------------------------------------

CHILD = """
import json, sys
import clinnlp.study.demo
print(json.dumps(sorted(sys.modules)))
"""


def test_the_package_holds_only_the_generator_that_the_demo_runs():
    """What else generates corpora stands beside them, and the package does without it."""
    child = [sys.executable, "-c", CHILD]
    loaded = json.loads(subprocess.run(child, capture_output=True, check=True, text=True).stdout)
    room = "clinnlp.study.synthetic"
    files = {path.stem for path in resources.files(room).iterdir() if path.suffix == ".py"}
    assert {f"{room}.{name}" for name in files - {"__init__"}} <= set(loaded)
    assert not any(name.split(".")[0] == "corpora" for name in loaded)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return write_cohort_mini(tmp_path_factory.mktemp("cohort-mini"))


def table(path):
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_cohort_card_is_the_committed_one(cohort):
    committed = (CORPORA / "cohort-mini" / "CARD.md").read_bytes()
    assert (cohort / "CARD.md").read_bytes() == committed


def test_cohort_card_counts_tables(cohort):
    card, events = read_card(CORPORA / "cohort-mini"), table(cohort / "events.csv")
    outcome, patients = table(cohort / "outcome.csv"), table(cohort / "patients.csv")
    assert card["n_patients"] == len(patients) == len(outcome) == 5000
    assert [row["patient"] for row in patients] == [row["patient"] for row in outcome]
    assert card["n_readmitted"] == sum(row["outcome"] == "1" for row in outcome)
    assert card["n_encounters"] == len({row["encounter"] for row in events})
    assert card["events"] == Counter(row["kind"] for row in events)
    assert card["n_events_without_known"] == sum(not row["known"] for row in events)
    for kind, n in card["codes"].items():
        assert n == len({row["code"] for row in events if row["kind"] == kind})


def test_cohort_card_counts_notes(cohort):
    card = read_card(CORPORA / "cohort-mini")
    gold = [json.loads(line) for line in (cohort / "notes_gold.jsonl").open(encoding="utf-8")]
    entities = [entity for note in gold for entity in note["entities"]]
    relations = [relation for note in gold for relation in note.get("relations", [])]
    assert card["documents"]["notes"] == len(gold) == 1000
    assert card["n_words"] == sum(len(note["text"].split()) for note in gold)
    assert card["entities"]["notes"] == Counter(entity["label"] for entity in entities)
    assert card["relations"]["notes"] == Counter(relation["label"] for relation in relations)
    assert card["assertion"]["notes"] == {
        axis: sum(entity["assertion"][axis] for entity in entities) for axis in AXES
    }


def test_cohort_truth_is_fit_for_the_demo(cohort):
    card = read_card(CORPORA / "cohort-mini")
    truth = json.loads((cohort / "truth.json").read_text(encoding="utf-8"))
    plants = truth["interactions"]["plants"]
    kinds = Counter(plant["kind"] for plant in plants)
    strong = sum(plant["must_signal"] for plant in plants)
    assert card["plants"] == {**kinds, "interaction_power_90": strong}
    assert strong >= 5
    assert any(0.3 <= p["power"] <= 0.8 for p in plants if p["kind"] == "interaction")
    auc = truth["risk"]["oracle_auc"]
    assert auc["noted"] > auc["noted_structured_only"] + 0.03
    assert auc["all"] > auc["all_structured_only"] + 0.03
