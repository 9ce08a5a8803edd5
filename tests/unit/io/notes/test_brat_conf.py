"""annotation.conf names what stands in a folder."""

from clinnlp.core.notes import Assertion, Entity, Note, Relation
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import write_notes

DRUG = Entity(
    id="T1",
    span=Span(0, 2),
    label="A drug",
    assertion=Assertion(negated=True),
    attributes={"dose": "10 mg", "sure": True, "n": 3},
)
EVENT = Relation(id="E1", label="Stop", roles={"trigger": ("T1",), "Theme": ("T1",)})
LINK = Relation(id="R1", label="of", roles={"a": ("T1",), "b": ("T1",)})
SAME = Relation(id="x", label="Equiv", roles={"members": ("T1",)})


def test_all_four_sections(tmp_path):
    note = Note(id="n", text="ab", entities=(DRUG,), relations=(EVENT, LINK, SAME))
    write_notes([note, Note(id="m", text="")], tmp_path / "out", format="brat")
    assert (tmp_path / "out" / "annotation.conf").read_text() == (
        "[entities]\nA_drug\n\n[relations]\n"
        "Equiv\tArg1:<ANY>, Arg2:<ANY>, <REL-TYPE>:symmetric-transitive\n"
        "of\ta:<ANY>, b:<ANY>\n\n[events]\nStop\tTheme*:<ANY>\n\n[attributes]\n"
        "dose\tArg:<ANY>, Value:10 mg\nnegated\tArg:<ANY>, Value:false|true\nsure\tArg:<ANY>\n"
    )
