"""A CAS of INCEpTION or cTAKES, in XMI and in JSON: layers, axes, codes, relations."""

import json

import pytest

from clinnlp.cli import main
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Assertion, Entity, Note, Relation, Section
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import read_notes, write_notes

TEXT = "💊 No fever. Mother had stroke."  # UTF-16: No 3-5, fever 6-11, stroke 24-30
DKPRO = "http:///de/tudarmstadt/ukp/dkpro/core/api"
CTAKES = "http:///org/apache/ctakes/typesystem/type"
INCEPTION = f"""<?xml version="1.0" encoding="UTF-8"?>
<xmi:XMI xmlns:xmi="http://www.omg.org/XMI" xmlns:cas="http:///uima/cas.ecore"
  xmlns:ner="{DKPRO}/ner/type.ecore" xmlns:seg="{DKPRO}/segmentation/type.ecore"
  xmlns:pos="{DKPRO}/lexmorph/type/pos.ecore" xmlns:layers="http:///webanno/custom.ecore"
  xmlns:own="http:///custom.ecore" xmlns:tcas="http:///uima/tcas.ecore" xmi:version="2.0">
<cas:NULL xmi:id="0"/>
<tcas:DocumentAnnotation xmi:id="2" sofa="1" begin="0" end="31" language="en"/>
<seg:Sentence xmi:id="3" sofa="1" begin="3" end="12"/>
<seg:Token xmi:id="4" sofa="1" begin="3" end="5"/><pos:POS xmi:id="5" sofa="1" begin="3" end="5"/>
<ner:NamedEntity xmi:id="6" sofa="1" begin="6" end="11" value="Sign" identifier="http://x/C1"/>
<layers:Finding xmi:id="7" sofa="1" begin="24" end="30" kind="disease" side="left"/>
<own:Cause xmi:id="8" sofa="1" begin="6" end="11" Governor="7" Dependent="6" label="before"/>
<own:Here xmi:id="9" sofa="1" begin="3" end="3"/>
<cas:Sofa xmi:id="1" sofaNum="1" sofaID="_InitialView" mimeType="text" sofaString="{TEXT}"/>
<cas:View sofa="1" members="2 3 4 5 6 7 8 9"/></xmi:XMI>"""
CLINICAL = f"""<xmi:XMI xmlns:xmi="http://www.omg.org/XMI" xmlns:cas="http:///uima/cas.ecore"
  xmlns:textsem="{CTAKES}/textsem.ecore" xmlns:refsem="{CTAKES}/refsem.ecore"
  xmlns:syntax="{CTAKES}/syntax.ecore" xmlns:textspan="{CTAKES}/textspan.ecore"
  xmlns:relation="{CTAKES}/relation.ecore" xmi:version="2.0">
<cas:Sofa xmi:id="1" sofaNum="1" sofaID="_InitialView" sofaString="{TEXT}"/>
<refsem:UmlsConcept xmi:id="10" codingScheme="SNOMEDCT_US" code="386661006" cui="C0015967"/>
<refsem:UmlsConcept xmi:id="11" codingScheme="RXNORM" code="7" cui="C0015967"/>
<textsem:SignSymptomMention xmi:id="20" sofa="1" begin="6" end="11" ontologyConceptArr="10 11"
  polarity="-1" uncertainty="0" conditional="false" generic="false" subject="patient"
  historyOf="0" typeID="3"/>
<textsem:DiseaseDisorderMention xmi:id="21" sofa="1" begin="24" end="30" polarity="1"
  uncertainty="1" conditional="false" generic="true" subject="family_member" historyOf="1"/>
<relation:RelationArgument xmi:id="30" argument="20" role="Argument"/>
<relation:RelationArgument xmi:id="31" argument="21" role="Related_to"/>
<relation:LocationOfTextRelation xmi:id="32" category="location_of" arg1="30" arg2="31"/>
<syntax:WordToken xmi:id="40" sofa="1" begin="3" end="5" partOfSpeech="DT"/>
<syntax:NewlineToken xmi:id="41" sofa="1" begin="5" end="6"/>
<textspan:Sentence xmi:id="42" sofa="1" begin="3" end="12"/>
<textspan:Segment xmi:id="43" sofa="1" begin="13" end="31" id="10157-6"
  preferredText="family history"/></xmi:XMI>"""


def read(path, content, **how):
    path.write_text(content)
    source = read_notes(path, **how)
    (note,) = source
    return note, source


def test_inception(tmp_path):
    note, source = read(tmp_path / "d.xmi", INCEPTION)
    assert (note.id, note.text) == ("d", TEXT)
    assert (note.tokens, note.sentences) == ((Span(2, 4),), (Span(2, 11),))
    named, finding = note.entities
    assert (note[named.span], named.label, named.concepts) == ("fever", "Sign", ("http://x/C1",))
    assert (note[finding.span], finding.label) == ("stroke", "Finding")
    assert finding.attributes == {"kind": "disease", "side": "left"}
    roles = {"Governor": ("7",), "Dependent": ("6",)}
    assert note.relations == (Relation(id="8", label="before", roles=roles),)
    assert source.n_excluded == {"annotation without text": 1}


@pytest.mark.parametrize("name", ["Finding", "webanno.custom.Finding"])
def test_the_caller_says_which_layers_are_mentions(name, tmp_path):
    note, source = read(tmp_path / "d.xmi", INCEPTION, layers={name: "kind"})
    (finding,) = note.entities
    assert (finding.label, finding.attributes) == ("disease", {"side": "left"})
    assert note.relations == ()
    assert source.n_excluded == {
        "annotation of a layer that was not named": 2,
        "relation of what is no mention": 1,
    }


def test_layers_on_the_command_line(tmp_path):
    (tmp_path / "d.xmi").write_text(INCEPTION)
    out = tmp_path / "out.jsonl"
    words = ["convert", str(tmp_path / "d.xmi"), str(out), "--layers", "Finding=kind"]
    assert main(words) == 0
    assert [e.label for note in read_notes(out) for e in note.entities] == ["disease"]
    with pytest.raises(ArgumentError, match="layers can be named for a CAS only, got jsonl"):
        read_notes(out, layers={"Finding": "kind"})


def test_ctakes(tmp_path):
    note, _ = read(tmp_path / "d.xmi", CLINICAL)
    sign, disease = note.entities
    assert (note[sign.span], sign.label) == ("fever", "SignSymptomMention")
    assert sign.concepts == ("C0015967", "SNOMEDCT_US:386661006", "RXNORM:7")
    assert sign.assertion == Assertion(
        negated=True, uncertain=False, hypothetical=False, historical=False, experiencer=False
    )
    assert disease.assertion == Assertion(
        negated=False, uncertain=True, hypothetical=True, historical=True, experiencer=True
    )
    assert disease.attributes["generic"] == "true"
    roles = {"Argument": ("20",), "Related_to": ("21",)}
    assert note.relations == (Relation(id="32", label="location_of", roles=roles),)
    assert note.tokens == (Span(2, 4),)
    assert note.sections == (Section(span=Span(12, 30), kind="family history"),)


def as_json(structures):
    sofa = {"%ID": 1, "%TYPE": "uima.cas.Sofa", "sofaID": "_InitialView", "sofaString": TEXT}
    whole = {"%TYPES": {}, "%FEATURE_STRUCTURES": [sofa, *structures], "%VIEWS": {}}
    return json.dumps(whole)


def test_json_of_inception(tmp_path):
    at = {"@sofa": 1, "begin": 24, "end": 30}
    structures = [
        {"%ID": 2, "%TYPE": "custom.Finding", **at, "kind": "disease", "sure": True, "@links": 5},
        {"%ID": 3, "%TYPE": "custom.Finding", **at, "begin": 6, "end": 11, "#score": 0.5},
        {"%ID": 4, "%TYPE": "custom.LinksLink", "role": "cause", "@target": 3},
        {"%ID": 5, "%TYPE": "custom.LinksLink[]", "%ELEMENTS": [4]},
        {"%ID": 6, "%TYPE": "custom.Other", **at, "@sofa": 9},
    ]
    note, source = read(tmp_path / "d.json", as_json(structures))
    assert repr(source) == "Notes(1 files, cas-json)"
    assert [(note[e.span], e.label) for e in note.entities] == [
        ("fever", "Finding"),
        ("stroke", "Finding"),
    ]
    assert note.entities[1].attributes == {"kind": "disease", "sure": "true"}
    roles = {"source": ("2",), "target": ("3",)}
    assert note.relations == (
        Relation(id="4", label="links", roles=roles, attributes={"role": "cause"}),
    )
    assert source.n_excluded == {"annotation of another view": 1}


@pytest.mark.parametrize("form", ["xmi", "cas-json"])
def test_what_people_change_in_a_tool_is_read(form, tmp_path):
    fever = Entity(
        id="T1",
        span=Span(5, 10),
        label="Problem",
        concepts=("C1",),
        assertion=Assertion(negated=True),
        score=0.5,
    )
    write_notes([Note(id="d", text=TEXT, entities=(fever,))], tmp_path / "out", format=form)
    (path,) = (p for p in (tmp_path / "out").iterdir() if p.stem == "d")
    text = path.read_text()
    for before, after in (("Problem", "Sign"), ('"C1"', '"C2"'), ('"true"', '"false"')):
        assert text.count(before) == 1
        text = text.replace(before, after)
    path.write_text(text)
    ((entity,),) = [note.entities for note in read_notes(path)]
    assert (entity.id, entity.label, entity.concepts, entity.score) == ("T1", "Sign", ("C2",), 0.5)
    assert entity.assertion == Assertion(negated=False)
    assert (tmp_path / "out" / "TypeSystem.xml").exists() == (form == "xmi")


def test_bombs_and_outer_entities_are_refused(tmp_path):
    for inside in ('<!ENTITY a "b">', '<!ENTITY a SYSTEM "file:///etc/passwd">'):
        path = tmp_path / "d.xmi"
        path.write_text(f"<!DOCTYPE x [{inside}]>" + CLINICAL.replace("stroke", "&a;"))
        with pytest.raises(DataError, match="must declare and use no entities"):
            list(read_notes(path))
