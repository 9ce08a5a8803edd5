"""The tagger of identifiers that is shipped: small, whole, and of use beside the rules."""

import json

import pytest

import clinnlp
from clinnlp.cli import main
from clinnlp.metrics.deidentification import score_deidentification
from clinnlp.study.box import IDENTIFIERS
from clinnlp.study.deidentify.tagged import TaggedIdentifiers
from clinnlp.text.identifiers import Identifiers
from corpora.release.identifiers import ENGLISH, LOOKED_FOR, as_ours, teaching

TYPED = (
    "pt seen w/ wife quenrietta, lives in bramwick heath. bp 120/80, lisinopril 10 mg. "
    "f/u dr varneckas."
)


@pytest.fixture(scope="module")
def tagger():
    return clinnlp.load(IDENTIFIERS, device="cpu", bf16="off")


def test_it_is_small_keeps_no_name_and_every_file_is_summed(tagger):
    files = {path.name: path.stat().st_size for path in IDENTIFIERS.iterdir()}
    assert sum(files.values()) <= 25_000_000
    sums = json.loads((IDENTIFIERS / "sha256.json").read_text())
    assert {"model.int8.safetensors", "clinnlp.json"} <= sums.keys() <= files.keys()
    assert not any(tagger.names.values())


def test_what_rules_do_not_know_is_replaced_where_it_is_asked_for(tmp_path, capsys):
    notes, key = tmp_path / "notes.jsonl", str(tmp_path / "key")
    clinnlp.write_notes([clinnlp.Note(id="n1", text=TYPED)], notes)
    said = {}
    for name, more in (("rules", []), ("both", ["--model", "default"])):
        out = tmp_path / f"{name}.jsonl"
        given = ["deidentify", str(notes), str(out), "--key", key, "--new-key", "--replace", "mask"]
        assert main([*given, *more]) == 0
        (note,) = clinnlp.read_notes(out)
        said[name] = note.text
    assert "model:identifiers looked for" in capsys.readouterr().out
    assert "quenrietta" in said["rules"]
    assert not {"quenrietta", "bramwick", "varneckas"} & {*said["both"].replace(".", " ").split()}
    assert "bp 120/80, lisinopril 10 mg" in said["both"]
    assert main(["deidentify", str(notes), str(tmp_path / "es.jsonl"), "--key", key,
                 "--language", "es", "--model", "default"]) == 2  # fmt: skip
    assert "reads notes in en, got 'es'" in capsys.readouterr().err


@pytest.mark.slow
def test_it_finds_more_than_the_rules_where_nothing_taught_it(tagger, data_dir):
    gold = ENGLISH["planted"](data_dir("mtsamples").parent)["aside"][:60]
    rules = Identifiers(labels=LOOKED_FOR["planted"])
    bare = [note.with_(entities=()) for note in gold]
    alone = score_deidentification(gold, [rules(note) for note in bare])
    both = score_deidentification(gold, TaggedIdentifiers(rules, tagger).batch(bare))
    assert both.covered.value > alone.covered.value + 0.02
    assert both.covered.value > 0.96
    assert both.over_redaction.value < 0.01


def test_nothing_that_scores_it_teaches_it(data_dir):
    data = data_dir("mtsamples").parent
    taught = {note.text for note in teaching(data)}
    for read in ENGLISH.values():
        halves = read(data)
        assert not taught & {note.text for note in halves["aside"]}
        assert all(as_ours(note).text in taught for note in halves["build"])
