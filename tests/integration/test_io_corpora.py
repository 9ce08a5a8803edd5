"""Real corpora: published counts, offsets that hold, and nothing lost on the way back."""

import tarfile
from collections import Counter

import pytest

import clinnlp
from clinnlp.core.errors import DataError


def labels(notes):
    return Counter(entity.label for note in notes for entity in note.entities)


def n_relations(notes):
    return sum(len(note.relations) for note in notes)


def unpack(archive, folder):
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder


@pytest.mark.parametrize(
    ("name", "chemical", "disease", "cid"),
    [
        ("CDR_TrainingSet.PubTator.txt", 5203, 4182, 1038),  # Li et al. 2016, Table 3
        ("CDR_DevelopmentSet.PubTator.txt", 5347, 4244, 1012),
    ],
)
def test_bc5cdr(data_dir, tmp_path, name, chemical, disease, cid):
    notes = list(clinnlp.read_notes(data_dir("bc5cdr") / name))
    assert len(notes) == 500
    assert labels(notes) == {"Chemical": chemical, "Disease": disease}
    assert n_relations(notes) == cid
    assert {r.label for n in notes for r in n.relations} == {"CID"}
    for name in ("pubtator", "jsonl"):
        clinnlp.write_notes(notes, tmp_path / f"a.{name}")
        assert list(clinnlp.read_notes(tmp_path / f"a.{name}")) == notes
    with pytest.raises(DataError, match="BRAT holds relations between mentions"):
        clinnlp.write_notes(notes, tmp_path / "brat", format="brat")
    bare = [note.with_(relations=()) for note in notes]
    clinnlp.write_notes(bare, tmp_path / "brat", format="brat")
    assert {n.id: n for n in clinnlp.read_notes(tmp_path / "brat")} == {n.id: n for n in bare}


def test_bc5cdr_sample_is_recognised_by_its_first_line(data_dir):
    notes = list(clinnlp.read_notes(data_dir("bc5cdr") / "CDR_sample.txt"))
    assert len(notes) == 50
    assert labels(notes) == {"Chemical": 502, "Disease": 423}
    assert n_relations(notes) == 124


@pytest.mark.parametrize(
    ("corpus", "name", "n_sentences", "n_tokens", "expected"),
    [
        ("mtl_conll", "BC5CDR-IOB/train.tsv", 4560, 118170, {"Chemical": 5203, "Disease": 4182}),
        # two diseases more than PubTator: spans that this conversion cut in two
        ("mtl_conll", "BC5CDR-IOB/devel.tsv", 4581, 117453, {"Chemical": 5347, "Disease": 4246}),
        ("ncbi_disease", "conll/train.tsv", 5432, 136086, {"Disease": 5145}),
        ("ncbi_disease", "conll/devel.tsv", 923, 23969, {"Disease": 787}),
    ],
)
def test_conll(data_dir, corpus, name, n_sentences, n_tokens, expected):
    notes = list(clinnlp.read_notes(data_dir(corpus) / name))
    assert len(notes) == n_sentences
    assert sum(len(note.tokens) for note in notes) == n_tokens
    assert labels(notes) == expected


def test_conll_comes_back(data_dir, tmp_path):
    notes = list(clinnlp.read_notes(data_dir("ncbi_disease") / "conll" / "devel.tsv"))
    clinnlp.write_notes(notes, tmp_path / "a.conll")
    assert list(clinnlp.read_notes(tmp_path / "a.conll")) == notes


def test_ncbi_disease(data_dir, tmp_path):
    folder = data_dir("ncbi_disease")
    dev = list(clinnlp.read_notes(folder / "NCBIdevelopset_corpus.txt"))
    assert len(dev) == 100
    assert sum(labels(dev).values()) == 787
    train = clinnlp.read_notes(folder / "NCBItrainset_corpus.txt")
    with pytest.raises(
        DataError, match=r"corpus.txt:\d+: ids of notes must be unique, got '8528200'"
    ):
        list(train)
    brat = unpack(folder / "standoff.tar.xz", tmp_path / "standoff") / "standoff"
    assert sum(labels(clinnlp.read_notes(brat / "train")).values()) == 5145
    again = list(clinnlp.read_notes(brat / "devel"))
    spans = [
        {note.id: {(e.span, e.label) for e in note.entities} for note in notes}
        for notes in (dev, again)
    ]
    assert spans[0] == spans[1], "the two forms of the corpus must agree"


def test_biored(data_dir):
    folder = data_dir("biored")
    for name, n_notes, n_entities, n_links in (
        ("Train.PubTator", 400, 13351, 4178),
        ("Dev.PubTator", 100, 3533, 1162),
    ):
        notes = list(clinnlp.read_notes(folder / name))
        assert len(notes) == n_notes
        assert sum(labels(notes).values()) == n_entities
        assert n_relations(notes) == n_links
        known = {c for n in notes for e in n.entities for c in e.concepts}
        assert {i for n in notes for r in n.relations for ids in r.roles.values() for i in ids} <= (
            known
        ), "relations join concepts that some mention has"


@pytest.mark.parametrize(
    ("corpus", "archive", "folder", "n_notes"),
    [
        ("phee", "phee_clean_brat.tar.xz", "dev", 961),
        ("nubes", "nubes_brat.tar.xz", "NUBes/SAMPLE-001", 96),
    ],
)
def test_brat(data_dir, tmp_path, corpus, archive, folder, n_notes):
    root = unpack(data_dir(corpus) / archive, tmp_path / corpus) / folder
    notes = list(clinnlp.read_notes(root))
    assert len(notes) == n_notes
    lines = [line for path in root.glob("*.ann") for line in path.read_text().splitlines()]
    assert sum(labels(notes).values()) == sum(line.startswith("T") for line in lines)
    assert n_relations(notes) == sum(line.startswith(("E", "R", "*")) for line in lines)
    n_parts = sum(line.startswith("T") and ";" in line.split("\t")[1] for line in lines)
    assert sum(bool(e.parts) for note in notes for e in note.entities) == n_parts
    clinnlp.write_notes(notes, tmp_path / "out", format="brat")
    assert list(clinnlp.read_notes(tmp_path / "out")) == notes


def test_mtsamples(data_dir, tmp_path):
    path = data_dir("mtsamples") / "mtsamples.csv.xz"
    source = clinnlp.read_notes(path, text="transcription", label="medical_specialty")
    notes = list(source)
    assert len(notes) == 3415
    assert source.n_excluded == {"row without text": 33}
    assert len({note.text for note in notes if note.text.strip()}) == 1627
    assert notes[0].labels == ("Allergy / Immunology",)
    assert notes[0].text.startswith("SUBJECTIVE:,  This")
    for name in ("csv", "parquet", "jsonl"):
        clinnlp.write_notes(notes, tmp_path / f"a.{name}")
        assert list(clinnlp.read_notes(tmp_path / f"a.{name}")) == notes
    with pytest.raises(DataError, match="'text', got none; columns are '', 'description'"):
        list(clinnlp.read_notes(path, text="text"))
