"""The spaCy component: found by name, and what it says survives copies and processes."""

import pickle
import shutil
import subprocess
import sys

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Example

import clinnlp.study.spacy  # noqa: F401 (an installed package does so by its entry point)
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.io.notes.spacy import from_spacy, to_spacy
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


RULES = [
    {"label": "FINDING", "pattern": "pain"},
    {"label": "FINDING", "pattern": [{"LOWER": "rash"}]},
    {"label": "BRAND", "pattern": "Toprol XL 50 mg"},
    {"label": "PERSON", "pattern": "Mother"},
]
OTHER = TEXT + " No rash. PMH: gout."


def _pipeline(first=None, **config):
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns(RULES)
    if first:
        nlp.add_pipe(first)
    nlp.add_pipe("clinnlp", config=config)
    return nlp


def test_mentions_of_others_are_asserted_without_a_vocabulary():
    doc = _pipeline()(OTHER)
    assert [(e.text, e.label_, e._.negated, e._.source) for e in doc.ents] == [
        ("pain", "FINDING", True, "spacy"),
        ("Toprol XL 50 mg", "BRAND", False, "spacy"),
        ("Mother", "PERSON", False, "spacy"),
        ("rash", "FINDING", True, "spacy"),
    ]
    assert [(e.label, e.assertion.negated) for e in from_spacy(doc).entities] == [
        (e.label_, e._.negated) for e in doc.ents
    ]
    assert list(doc.spans["clinnlp"]) == []


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_we_find_is_the_same_with_and_without_others(words, overwrite):
    doc = _pipeline(vocabulary=words, overwrite_ents=overwrite)(OTHER)
    alone = pipeline(vocabulary=words)(OTHER)
    ours = [(e.label, OTHER[e.span.start : e.span.end], e.assertion) for e in alone.entities]
    spans = doc.spans["clinnlp"]
    assert [(s.label_, s.text, s._.negated) for s in spans] == [
        (label, text, said.negated) for label, text, said in ours
    ]
    note = from_spacy(doc)
    assert note.entities[: len(ours)] == alone.entities
    assert [e.source for e in note.entities[len(ours) :]] == ["spacy"] * 2  # Mother, rash
    assert [e.text for e in doc.ents] == (
        ["chest pain", "Toprol XL", "Mother", "gout", "rash", "gout"]
        if overwrite
        else ["pain", "Toprol XL 50 mg", "Mother", "gout", "rash", "gout"]
    )


def test_a_second_run_adds_nothing(words):
    nlp = _pipeline(vocabulary=words)
    once = nlp(OTHER)
    said, note = [(e.text, e.label_) for e in once.ents], from_spacy(once)
    twice = nlp.get_pipe("clinnlp")(once)
    assert [(e.text, e.label_) for e in twice.ents] == said
    assert from_spacy(twice) == note


def test_two_components_stand_side_by_side(words):
    nlp = spacy.blank("en")
    nlp.add_pipe("clinnlp", name="known", config={"vocabulary": words})
    nlp.add_pipe("clinnlp", name="mine", config={"vocabulary": ["Started", "chest pain"]})
    doc = nlp(TEXT)
    assert [e.text for e in doc.ents] == ["chest pain", "Started", "Toprol XL", "gout"]
    assert [s.text for s in doc.spans["known"]] == ["chest pain", "Toprol XL", "gout"]
    assert [s.text for s in doc.spans["mine"]] == ["chest pain", "Started"]


def test_only_the_wanted_labels_and_groups_of_others_are_asserted():
    nlp = _pipeline(ent_types=["FINDING"], span_keys=["sc"], extension_name="denied")
    doc = nlp.make_doc(OTHER)
    doc.spans["sc"] = [doc.char_span(7, 17, label="FINDING"), doc.char_span(0, 6, label="X")]
    doc = nlp(doc)
    assert [e._.negated for e in doc.ents] == [True, None, None, True]
    assert [s._.negated for s in doc.spans["sc"]] == [True, None]
    assert [e._.denied for e in doc.ents] == [True, False, False, True]


def test_words_of_the_context_may_begin_a_mention_of_others():
    rules = [{"label": "F", "pattern": "No fever"}, {"label": "F", "pattern": "no"}]
    for prefix, wanted in ((None, False), (["No"], True)):
        nlp = spacy.blank("en")
        nlp.add_pipe("entity_ruler").add_patterns(rules)
        nlp.add_pipe("clinnlp", config={"chunk_prefix": prefix})
        fever, _ = nlp("No fever. Said no.").ents
        assert (fever.text, fever._.negated) == ("No fever", wanted)


def test_a_vocabulary_may_stand_in_the_settings(tmp_path):
    nlp = spacy.blank("en")
    drug = {"name": "Toprol XL", "code": "D1", "label": "Drug"}
    nlp.add_pipe("clinnlp", config={"vocabulary": [drug]})
    nlp.to_disk(tmp_path / "nlp")
    for each in (nlp, spacy.load(tmp_path / "nlp")):
        assert [(e.label_, e.kb_id_) for e in each(TEXT).ents] == [("Drug", "D1")]


def test_names_to_keep_reach_the_lookup(tmp_path):
    path = tmp_path / "large.csv"
    rows = [f"drug {k},{k},Drug" for k in range(1100)]
    path.write_text("\n".join(["name,code,label", "L,x,Drug", *rows]) + "\n", encoding="utf-8")
    for kept, wanted in ((None, []), (["L"], ["L"]), (["all"], ["L"])):
        nlp = spacy.blank("en")
        nlp.add_pipe("clinnlp", config={"vocabulary": str(path), "keep_names": kept})
        assert [e.text for e in nlp("L knee").ents] == wanted


def test_a_saved_pipeline_carries_vocabulary_and_table(words, tmp_path):
    source = tmp_path / "sources"
    source.mkdir()
    copy, own = source / "w.csv", source / "own.tsv"
    shutil.copy(words, copy)
    own.write_text("name\nchest pain\n", encoding="utf-8")
    nlp = spacy.blank("en")
    nlp.add_pipe("clinnlp", config={"vocabulary": str(copy), "chronic": str(own)})
    nlp.to_disk(tmp_path / "a")
    shutil.rmtree(source)
    loaded = spacy.load(tmp_path / "a")
    loaded.to_disk(tmp_path / "a")  # onto itself
    loaded.to_disk(tmp_path / "b")
    shutil.rmtree(tmp_path / "a")
    again = spacy.load(tmp_path / "b")
    assert _said(again(TEXT)) == EXPECTED
    assert again(TEXT).ents[0]._.attributes["course"] == "chronic"


@pytest.mark.parametrize("in_settings", [True, False])
def test_a_pipeline_comes_back_from_its_bytes(in_settings, words, tmp_path):
    copy = tmp_path / "w.csv"
    shutil.copy(words, copy)
    listed = [{"name": "chest pain", "code": "P1", "label": "Problem"}]
    nlp = spacy.blank("en")
    nlp.add_pipe("clinnlp", config={"vocabulary": listed if in_settings else str(copy)})
    packed, said = nlp.to_bytes(), _said(nlp(TEXT))
    copy.unlink()
    as_configured = spacy.blank("en").from_config(nlp.config)
    bare = spacy.blank("en")
    bare.add_pipe("clinnlp")
    for made in (as_configured, bare):
        made.from_bytes(packed)
        assert _said(made(TEXT)) == said
        assert made.to_bytes()
    assert said[0] == EXPECTED[0]


def test_streams_say_what_single_texts_say(words):
    nlp = _pipeline(vocabulary=words)
    texts = [TEXT, OTHER, "", "💊 no rash"] * 3
    assert [_said(doc) for doc in nlp.pipe(texts, batch_size=5)] == [_said(nlp(t)) for t in texts]


def test_the_handler_of_errors_gets_the_text_at_fault(words, monkeypatch):
    nlp = _pipeline(vocabulary=words)
    failed = []
    nlp.set_error_handler(lambda name, _, docs, error: failed.append((name, len(docs), error)))
    bad = nlp.make_doc(TEXT)
    bad.user_data["id"] = "bad"
    component = nlp.get_pipe("clinnlp")
    writing = type(component)._write

    def write(self, doc, *rest):
        if doc.user_data.get("id") == "bad":
            raise OSError
        writing(self, doc, *rest)

    monkeypatch.setattr(type(component), "_write", write)
    assert len(list(nlp.pipe([TEXT, bad, OTHER]))) == 2
    assert [(name, n, type(error)) for name, n, error in failed] == [("clinnlp", 1, OSError)]


def test_a_file_that_is_nowhere_is_named_when_it_is_needed(tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("clinnlp", config={"vocabulary": str(tmp_path / "gone.csv")})
    for work in (nlp.initialize, lambda: nlp(TEXT)):
        with pytest.raises(DataError, match=r"gone\.csv"):
            work()


def test_evaluate_scores_mentions_and_axes(words):
    nlp = _pipeline(vocabulary=words, overwrite_ents=True)
    gold = [pipeline(vocabulary=words)(TEXT)]
    scores = nlp.evaluate([Example(nlp.make_doc(n.text), to_spacy(n, nlp.vocab)) for n in gold])
    assert (scores["ents_p"], scores["ents_r"]) == (3 / 4, 1.0)  # Mother is another's
    assert scores["spans_clinnlp_f"] == 1.0
    assert (scores["negated_p"], scores["negated_r"], scores["experiencer_f"]) == (1.0, 1.0, 1.0)
    plain = Example.from_dict(nlp.make_doc(TEXT), {"entities": [(7, 17, "Problem")]})
    scores = nlp.evaluate([plain])
    assert (scores["ents_p"], scores["ents_r"]) == (1 / 4, 1.0)
    assert not {"negated_f", "spans_clinnlp_f"} & set(scores)


def test_analyze_pipes_tells_what_is_assigned():
    nlp = _pipeline()
    told = nlp.analyze_pipes()
    assert {"doc.ents", "doc.spans", "doc.sents", "span._.negated", "span._.is_negated"} <= set(
        told["summary"]["clinnlp"]["assigns"]
    )
    assert told["problems"]["clinnlp"] == []


def test_its_sentences_serve_a_component_behind_it(words):
    nlp = spacy.blank("en")
    nlp.add_pipe("clinnlp", config={"vocabulary": words})
    assert [s.text for s in nlp(TEXT).sents] == [
        "Denies chest pain.",
        "Started Toprol XL 50 mg daily.",
        "Mother had gout.",
    ]
    assert len(list(_pipeline("sentencizer", vocabulary=words)("One. two.").sents)) == 2
