"""UIMA offsets count UTF-16; features and links become what they say."""

import pytest

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Assertion, Relation
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import read_notes

XMI = """<?xml version="1.0"?><xmi:XMI>
<type4:Sentence sofa="12" begin="0" end="14"/><type4:Token sofa="12" begin="0" end="2"/>
<custom:EVENT xmi:id="7" sofa="12" begin="3" end="8" polarity="NEG" contextualModality="HEDGED"
  degree="N/A" TLINK="9" eventType="X"/>
<custom:CLINENTITY xmi:id="8" sofa="12" begin="9" end="13" entityID="C1"/>
<custom:CLINENTITY xmi:id="6" sofa="12" begin="9" end="13" entityID="CUI-LESS"/>
<custom:METADATA xmi:id="5" sofa="12" begin="0" end="0" docTime="2013"/>
<custom:EVENTTLINKLink xmi:id="9" role="BEFORE" target="8"/>
<cas:Sofa xmi:id="12" sofaString="\U0001f48a fever &#10;day."/></xmi:XMI>"""


def test_what_maps_to_what(tmp_path):
    (tmp_path / "d.xml").write_text(XMI)
    (note,) = read_notes(tmp_path)
    assert (note.id, note.text) == ("d", "💊 fever \nday.")
    assert note.tokens == (Span(0, 1),)
    assert note.sentences == (Span(0, 13),)
    event, *entities = note.entities
    assert note[event.span] == "fever"
    assert event.assertion == Assertion(negated=True, uncertain=True)
    assert event.attributes == {"polarity": "NEG", "contextualModality": "HEDGED", "eventType": "X"}
    assert [e.concepts for e in entities] == [("C1",), ()]
    assert note.relations == (
        Relation(
            id="9",
            label="TLINK",
            roles={"source": ("7",), "target": ("8",)},
            attributes={"role": "BEFORE"},
        ),
    )


@pytest.mark.parametrize("end", ["9" * 5_000, "1000000000000", "²"])
def test_an_end_that_no_text_reaches_is_refused(tmp_path, end):
    (tmp_path / "d.xml").write_text(XMI.replace('end="8"', f'end="{end}"'))
    with pytest.raises(DataError, match=r"d.xml:3: "):
        list(read_notes(tmp_path))
