"""WebAnno TSV after its documentation: units, stacks, slots, chains, relations, escapes."""

import pytest

from clinnlp.core.errors import DataError, OffsetError
from clinnlp.core.notes import Assertion
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.notes.index import NoteIndex

HEAD = "#FORMAT=WebAnno TSV 3.3\n"
FINDING = "#T_SP=webanno.custom.Finding|kind|polarity\n"
EMOJI = (
    HEAD + FINDING + "\n\n#Text=💊 no chest pain.\n"
    "1-1\t0-2\t💊\tdrug\t*\t\n1-2\t3-5\tno\t_\t_\t\n1-3\t6-11\tchest\tsign[1]\tNEG[1]\t\n"
    "1-4\t12-16\tpain\tsign[1]\tNEG[1]\t\n1-5\t16-17\t.\t_\t_\t\n\n"
    "#Sentence.id=s2\n#Text=Has\n#Text=🙂 fever\n"
    "2-1\t20-23\tHas\t_\t_\t\n2-2\t24-26\t🙂\t_\t_\t\n2-3\t27-32\tfever\tsign\tPOS\t\n"
)


def read(tmp_path, content, name="a.tsv", **how):
    path = tmp_path / name
    path.write_bytes(content.encode())
    source = read_notes(path, **how)
    assert repr(source) == "Notes(1 files, webanno-tsv)"
    (note,) = source
    assert NoteIndex.build(source).note_at(note.id) == note
    return note, source


def marked(note):
    return [(e.label, note[e.span], dict(e.attributes)) for e in note.entities]


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_spans_after_an_emoji_and_over_lines(ends, tmp_path):
    note, _ = read(tmp_path, EMOJI.replace("\n", ends))
    assert note.id == "a"
    assert note.text == "💊 no chest pain.\n  Has\n🙂 fever"
    assert marked(note) == [
        ("Finding", "💊", {"kind": "drug"}),
        ("Finding", "chest pain", {"kind": "sign", "polarity": "NEG"}),
        ("Finding", "fever", {"kind": "sign", "polarity": "POS"}),
    ]
    assert [e.assertion for e in note.entities][1:] == [
        Assertion(negated=True),
        Assertion(negated=False),
    ]
    assert [note[token] for token in note.tokens[-3:]] == ["Has", "🙂", "fever"]
    assert [note[sentence] for sentence in note.sentences] == [note.text[:16], note.text[19:]]


def test_layers_and_labels_are_named_as_of_a_cas(tmp_path):
    note, _ = read(tmp_path, EMOJI, layers={"Finding": "kind"})
    assert [e.label for e in note.entities] == ["drug", "sign", "sign"]
    _, source = read(tmp_path, EMOJI, layers={"Other": "kind"})
    assert source.n_excluded == {"annotation of a layer that was not named": 3}


UNITS = (
    HEAD + "#T_SP=webanno.custom.Span|value\n\n\n#Text=aaaaaa bbbbbb cccccc\n"
    "1-1\t0-6\taaaaaa\t2[1]|7[2]|1[3]\t\n1-1.1\t3-6\taaa\t9[4]\t\n"
    "1-2\t7-13\tbbbbbb\t2[1]|9[4]\t\n1-2.1\t7-10\tbbb\t7[2]\t\n1-2.2\t9-9\t\t10\t\n"
    "1-2.3\t9-11\tbb\t3\t\n1-3\t14-20\tcccccc\t_\t\n1-3.1\t14-17\tccc\t9[4]\t\n"
)


def test_stacked_spans_over_parts_of_tokens(tmp_path):
    note, source = read(tmp_path, UNITS, layers={"Span": "value"})
    assert [(e.label, e.span) for e in note.entities] == [
        ("1", Span(0, 6)),
        ("7", Span(0, 10)),
        ("2", Span(0, 13)),
        ("9", Span(3, 17)),
        ("3", Span(9, 11)),
    ]
    assert source.n_excluded == {"annotation without text": 1}
    assert len(note.tokens) == 3


def test_relations_lead_to_the_annotation_that_is_meant(tmp_path):
    content = (
        HEAD + "#T_SP=webanno.custom.Span|value\n#T_RL=webanno.custom.Rel|label|why|"
        "BT_webanno.custom.Span\n#T_RL=webanno.custom.Bare|BT_webanno.custom.Span\n\n\n"
        "#Text=a b c d\n1-1\t0-1\ta\tx[1]|y[2]\t_\t_\t_\t_\t\n1-2\t2-3\tb\tx[1]\t_\t_\t_\t_\t\n"
        "1-3\t4-5\tc\tz\tto|of\t*|be\\|cause\t1-1[2_0]|1-1[1_0]\t1-4\t\n1-4\t6-7\td\tw\t_\t_\t_\t_\t\n"
    )
    note, _ = read(tmp_path, content, layers={"Span": "value"})
    label = {e.id: e.label for e in note.entities}
    said = [(r.label, {k: [label[i] for i in v] for k, v in r.roles.items()}, dict(r.attributes))
            for r in note.relations]  # fmt: skip
    assert said == [
        ("to", {"Governor": ["y"], "Dependent": ["z"]}, {}),
        ("of", {"Governor": ["x"], "Dependent": ["z"]}, {"why": "be|cause"}),
        ("Bare", {"Governor": ["w"], "Dependent": ["z"]}, {}),
    ]


def test_slots_lead_to_their_fillers(tmp_path):
    content = (
        HEAD + "#T_SP=webanno.custom.Frame|FE|ROLE_webanno.custom.Frame:my_roles_webanno.custom."
        "FrameRolesLink|webanno.custom.Lu\n#T_SP=webanno.custom.Lu|luvalue\n\n\n"
        "#Text=Bob auctioned the clock\n1-1\t0-3\tBob\t_\t_\t_\tbob\t\n"
        "1-2\t4-13\tauctioned\ttrade\tseller;*\t1-1;1-3[4]\t_\t\n"
        "1-3\t14-17\tthe\t_\t_\t_\tclock[4]\t\n1-4\t18-23\tclock\tother\t*\t*\tclock[4]\t\n"
    )
    note, _ = read(tmp_path, content)
    text = {e.id: note[e.span] for e in note.entities if e.label == "Lu" or "a" in note[e.span]}
    said = [(r.label, text[r.roles["target"][0]], dict(r.attributes)) for r in note.relations]
    assert said == [("my_roles", "Bob", {"role": "seller"}), ("my_roles", "the clock", {})]
    assert [e.attributes.get("FE") for e in note.entities if e.label == "Frame"] == [
        "trade",
        "other",
    ]


def test_chains_keep_their_numbers(tmp_path):
    content = (
        HEAD + "#T_CH=webanno.custom.CorefLink|referenceType|referenceRelation\n\n\n"
        "#Text=He shot his dog\n1-1\t0-2\tHe\tpr[1]\tcoref->1-1\t\n1-2\t3-7\tshot\t_\t_\t\n"
        "1-3\t8-11\this\tnom[2]\t*->2-1\t\n1-4\t12-15\tdog\tnom[2]\t*->2-1\t\n"
    )
    note, _ = read(tmp_path, content)
    assert marked(note) == [
        ("CorefLink", "He", {"referenceType": "pr", "referenceRelation": "coref"}
         | {"chain": "1", "link": "1"}),
        ("CorefLink", "his dog", {"referenceType": "nom", "chain": "2", "link": "1"}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (r"a\|b", "a|b"),
        (r"\_", "_"),
        (r"\*", "*"),
        (r"x\[1\]", "x[1]"),
        (r"a\\[3]", "a\\"),
        (r"a\->b", "a->b"),
        (r"1\;2", "1;2"),
        (r"t\tn\n", "t\tn\n"),
        ("a\\", "a\\"),
        ("[7]", ""),
    ],
)
def test_what_is_escaped_is_read(cell, value, tmp_path):
    content = HEAD + FINDING + f"\n\n#Text=fever\n1-1\t0-5\tfever\t{cell}\t_\t\n"
    note, _ = read(tmp_path, content)
    assert note.entities[0].attributes.get("kind", "") == value


def test_text_is_escaped_in_its_own_way(tmp_path):
    content = HEAD + "#T_SP=webanno.custom.A\n\n\n#Text= a\\tb_\\\\ \\r\n1-1\t1-2\ta\t*\t\n"
    content = content.replace("1-1\t1-2\ta", "1-1\t0-2\t a") + "1-2\t3-6\tb_\\\\\t_\t\n"
    note, _ = read(tmp_path, content)
    assert note.text == " a\tb_\\ \r"
    assert [note[e.span] for e in note.entities] == [" a"]


def test_layers_of_grammar_are_read_over(tmp_path):
    dkpro = "de.tudarmstadt.ukp.dkpro.core.api."
    content = (
        HEAD + f"#T_SP={dkpro}lexmorph.type.pos.POS|PosValue\n#T_SP={dkpro}ner.type.NamedEntity|"
        f"identifier|value\n#T_RL={dkpro}syntax.type.dependency.Dependency|DependencyType|"
        f"BT_{dkpro}lexmorph.type.pos.POS\n\n\n#Text=Ms. Haag\n"
        "1-1\t0-3\tMs.\tNNP\tQ1\tPER\tSUBJ\t1-9\t\n1-2\t4-8\tHaag\tNNP\t*\tPER\t_\t_\t\n"
    )
    note, source = read(tmp_path, content)
    assert [(e.label, e.concepts) for e in note.entities] == [("PER", ("Q1",)), ("PER", ())]
    assert (note.relations, source.n_excluded) == ((), {})


def test_a_folder_is_one_corpus(tmp_path):
    for name in ("doc.txt/anna.tsv", "doc.txt/ben.tsv", "b/anna.tsv"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(EMOJI)
    source = read_notes(tmp_path)
    assert [note.id for note in source] == ["b/anna", "doc.txt/anna", "doc.txt/ben"]


@pytest.mark.parametrize(
    ("head", "version"),
    [
        ("#FORMAT=WebAnno TSV 3.1\n", "3.1"),
        ("#FORMAT=WebAnno TSV 3\n", "3"),
        ("#FORMAT=WebAnno TSV 2.0\n", "2.0"),
        (" # webanno.custom.Finding | kind\n\n#id=1\n", "1 or 2"),
        ("# de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity | value\n", "1 or 2"),
    ],
)
def test_other_versions_are_refused_by_name(head, version, tmp_path):
    (tmp_path / "a.tsv").write_text(head + "#text=Zebraperson\n1-1\tZebraperson\tX\n")
    with pytest.raises(DataError, match=f"3.2 or later, got {version}; export it as") as caught:
        list(read_notes(tmp_path / "a.tsv"))
    assert "Zebraperson" not in str(caught.value)


def test_offsets_of_another_unit_are_refused(tmp_path):
    content = EMOJI.replace("12-16", "11-15")
    for repair in (False, True):  # nothing is moved: structures would stay where they were
        with pytest.raises(OffsetError, match=r"a\.tsv:9: .* UTF-16, got another text at 11-15"):
            read(tmp_path, content, repair=repair)
    second = EMOJI.replace("2-1\t20-23", "2-1\t16-19")
    with pytest.raises(DataError, match=r"count units of UTF-16, got 16 behind 17"):
        read(tmp_path, second)
