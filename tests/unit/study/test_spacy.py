"""The spaCy component: found by name, and what it says survives copies and processes."""

import pickle
import subprocess
import sys

import pytest
import spacy
from spacy.tokens import DocBin

import clinnlp.study.spacy  # noqa: F401 (an installed package does so by its entry point)
from clinnlp.core.errors import ArgumentError
from clinnlp.io.notes.spacy import from_spacy
from clinnlp.study.pipeline import pipeline

TEXT = "Denies chest pain. Started Toprol XL 50 mg daily. Mother had gout."
WORDS = "name,code,label\nchest pain,P1,Problem\nToprol XL,D1,Drug\ngout,P2,Problem\n"


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    path = tmp_path_factory.mktemp("words") / "words.csv"
    path.write_text(WORDS, encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def nlp(words):
    nlp = spacy.blank("en")
    nlp.add_pipe("clinnlp", config={"vocabulary": words})
    return nlp


def _said(doc):
    return [
        (e.text, e.label_, e.kb_id_, e._.negated, e._.experiencer, e._.attributes.get("dose_mg"))
        for e in doc.ents
    ]


EXPECTED = [
    ("chest pain", "Problem", "P1", True, False, None),
    ("Toprol XL", "Drug", "D1", False, False, 50.0),
    ("gout", "Problem", "P2", False, True, None),
]


def test_mentions_and_what_is_said_of_them_stand_on_the_doc(nlp, words):
    doc = nlp(TEXT)
    assert _said(doc) == EXPECTED
    assert [span.text for span in doc.spans["clinnlp"]] == [row[0] for row in EXPECTED]
    assert from_spacy(doc) == pipeline(vocabulary=words)(TEXT)


def test_a_pickled_doc_and_a_doc_bin_keep_it(nlp):
    doc = nlp(TEXT)
    assert _said(pickle.loads(pickle.dumps(doc))) == EXPECTED
    packed = DocBin(store_user_data=True, docs=[doc]).to_bytes()
    (read,) = DocBin().from_bytes(packed).get_docs(nlp.vocab)
    assert _said(read) == EXPECTED


TWO = """
import spacy
import clinnlp.study.spacy
nlp = spacy.blank("en")
nlp.add_pipe("clinnlp", config={{"vocabulary": {words!r}}})
docs = nlp.pipe([{text!r}] * 4, n_process=2, batch_size=2)
print([[(e.text, e._.negated, e._.attributes.get("dose_mg")) for e in doc.ents] for doc in docs])
"""


@pytest.mark.slow
def test_two_processes_give_what_one_gives(words):
    script = TWO.format(words=words, text=TEXT)  # apart: this process has threads
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == repr([[(row[0], row[3], row[5]) for row in EXPECTED]] * 4)


def test_a_pipeline_is_saved_with_its_settings(nlp, tmp_path):
    nlp.to_disk(tmp_path / "nlp")
    assert _said(spacy.load(tmp_path / "nlp")(TEXT)) == EXPECTED


def test_a_setting_that_does_not_exist_is_refused(nlp):
    with pytest.raises(ValueError, match="wordlist"):
        nlp.add_pipe("clinnlp", name="second", config={"wordlist": "x.csv"})


def test_the_language_is_that_of_the_pipeline_unless_told_otherwise(words):
    text = "Niega chest pain. Se suspende Toprol XL."
    spanish, told = spacy.blank("es"), spacy.blank("en")
    spanish.add_pipe("clinnlp", config={"vocabulary": words})
    told.add_pipe("clinnlp", config={"vocabulary": words, "language": "es"})
    for nlp in (spanish, told):
        pain, drug = nlp(text).ents
        assert (pain._.negated, drug._.attributes["change"]) == (True, "stop")


def test_a_language_without_tables_is_refused(words):
    with pytest.raises(ArgumentError, match="language must be one of en, es, got 'de'"):
        spacy.blank("de").add_pipe("clinnlp", config={"vocabulary": words})


def test_the_course_of_a_condition_stands_on_the_doc_and_ones_own_list_decides(words, tmp_path):
    own = tmp_path / "own.tsv"
    own.write_text("name\nchest pain\n", encoding="utf-8")
    for chronic, wanted in ((None, ["unknown", None, "chronic"]),
                            (str(own), ["chronic", None, "unknown"])):  # fmt: skip
        nlp = spacy.blank("en")
        nlp.add_pipe("clinnlp", config={"vocabulary": words, "chronic": chronic})
        assert [e._.attributes.get("course") for e in nlp(TEXT).ents] == wanted
