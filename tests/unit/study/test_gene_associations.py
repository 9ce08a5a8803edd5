"""Variants and diseases, star alleles and drugs: counted over documents, led back to sentences."""

import pandas as pd
import pytest
from scipy import stats

from clinnlp.cli import main
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Assertion, Entity, Note
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import write_notes
from clinnlp.study.gene_associations import gene_associations

WORDS = {"melanoma": "Disease", "anemia": "Disease", "clopidogrel": "Drug", "warfarin": "Drug"}


def note(k, text, denied=()):
    entities = tuple(
        Entity(id=word, span=Span(text.find(word), text.find(word) + len(word)), label=label,
               assertion=Assertion(negated=word in denied))
        for word, label in WORDS.items() if word in text
    )  # fmt: skip
    return Note(id=f"n{k}", text=text, entities=entities)


TEXTS = {
    "The BRAF V600E mutation was found in melanoma.": 7,
    "BRAF p.Val600Glu mutation was found. The melanoma was excised.": 2,
    "A BRAF V600E mutation and anemia.": 1,
    "Poor response to clopidogrel in carriers of CYP2C19*2.": 5,
    "She took warfarin. The anemia was mild.": 20,
    "CYP2C19*2 carrier on warfarin.": 1,
    "He was given clopidogrel.": 3,
    "Seen again; nothing to add.": 6,
}


@pytest.fixture(scope="module")
def found():
    texts = [text for text, n in TEXTS.items() for _ in range(n)]
    return gene_associations([note(k, text) for k, text in enumerate(texts)], min_count=1)


def test_counts_are_those_of_documents_and_spellings_are_one_variant(found):
    rows = found.diseases.to_pandas().set_index(["variant", "disease"])
    row = rows.loc["BRAF p.V600E", "melanoma"]
    n = sum(TEXTS.values())
    assert row[["n_both", "n_variant", "n_disease", "n"]].tolist() == [9, 10, 9, n]
    assert row["n_sentence"] == 7
    p = stats.fisher_exact([[9, 1], [0, n - 10]], alternative="greater").pvalue
    assert row["p_fisher"] == pytest.approx(p)
    assert row["signal"]
    assert not rows.loc["BRAF p.V600E", "anemia"]["signal"]
    assert list(found.diseases.to_arrow().column_names) == list(found.diseases.to_pandas())


def test_star_alleles_stand_with_drugs_and_no_disease(found):
    rows = found.drugs.to_pandas().set_index(["star_allele", "drug"])
    assert rows["n_both"].to_dict() == {
        ("CYP2C19*2", "clopidogrel"): 5, ("CYP2C19*2", "warfarin"): 1,
    }  # fmt: skip
    assert rows["signal"].to_dict()["CYP2C19*2", "clopidogrel"]
    assert not any("*" in variant for variant in found.diseases["variant"])


def test_places_are_the_sentences_with_both(found):
    texts = [text for text, n in TEXTS.items() for _ in range(n)]
    pairs = list(zip(found.diseases["variant"], found.diseases["disease"], strict=True))
    places = found.places(found.diseases, pairs.index(("BRAF p.V600E", "melanoma")))
    assert [name for name, _ in places] == [f"n{k}" for k in range(7)]
    assert {texts[int(name[1:])][span.start : span.end].strip() for name, span in places} == {
        "The BRAF V600E mutation was found in melanoma."
    }


def test_what_is_denied_does_not_count():
    notes = [note(k, "BRAF V600E mutation, no melanoma.", {"melanoma"}) for k in range(5)]
    notes += [note(5 + k, "BRAF V600E mutation in melanoma.") for k in range(3)]
    notes += [note(8 + k, "Nothing.") for k in range(9)]
    found = gene_associations(notes)
    assert found.drugs is None
    assert found.diseases["n_both"].tolist() == [3]
    assert found.diseases["n_sentence"].tolist() == [3]


def test_notes_without_variants_are_refused():
    with pytest.raises(ArgumentError, match="got none"):
        gene_associations([note(0, "She took warfarin.")])
    with pytest.raises(ArgumentError, match="got none"):
        gene_associations([])


def test_the_command_writes_tables_and_places(tmp_path, capsys):
    texts = [text for text, n in TEXTS.items() for _ in range(n)]
    write_notes([note(k, text) for k, text in enumerate(texts)], tmp_path / "notes.jsonl")
    words = ["mine", "genes", tmp_path / "notes.jsonl", "--out", tmp_path / "out"]
    assert main([str(word) for word in words]) == 0
    assert "variant and diseases: Signals(1" in capsys.readouterr().out
    rows = pd.read_csv(tmp_path / "out" / "variant_diseases.csv")
    assert rows.loc[0, ["variant", "disease", "n_both"]].tolist() == ["BRAF p.V600E", "melanoma", 9]
    assert pd.read_csv(tmp_path / "out" / "star_drugs.csv")["drug"].tolist() == ["clopidogrel"]
    places = pd.read_csv(tmp_path / "out" / "sentences.csv")
    assert len(places) == 7 + 5
    assert places.loc[0, ["note", "sentence_start", "sentence_end"]].tolist() == ["n0", 0, 46]
