"""CoNLL: sentences, documents, schemes, and what tags cannot hold."""

import pytest

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.io.notes.conll import CONLL, looks_like_conll
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.notes.formats import find_format
from clinnlp.io.notes.index import NoteIndex


def read(tmp_path, text, name="train.conll"):
    path = tmp_path / name
    path.write_text(text)
    return list(CONLL.read(path))


def test_without_documents_each_sentence_is_a_note(tmp_path):
    notes = read(tmp_path, "\nBig\tO\nliver\tB-Organ\n\n\nNo\tO\n", "train.iob.tsv")
    assert [(n.id, n.text) for n in notes] == [("train-0", "Big liver"), ("train-1", "No")]
    assert notes[0].tokens == (Span(0, 3), Span(4, 9))
    assert notes[0].sentences == (Span(0, 9),)
    assert [(notes[0][e.span], e.label) for e in notes[0].entities] == [("liver", "Organ")]


def test_documents_of_conll_2003(tmp_path):
    text = "-DOCSTART- -X- -X- O\n\nEU NNP I-NP B-ORG\nsays VBZ I-VP O\n\nNo DT X O\n\n"
    text += "-DOCSTART- (n7)\tO\n\n-DOCSTART- -X- O O\nx A B S-LOC\ny A B E-LOC\n"
    notes = read(tmp_path, text)
    assert [(n.id, n.text) for n in notes] == [
        ("train-0", "EU says\nNo"),
        ("n7", ""),
        ("train-2", "x y"),
    ]
    assert notes[0].sentences == (Span(0, 7), Span(8, 10))
    assert [e.span for e in notes[2].entities] == [Span(0, 1), Span(2, 3)]


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("22\tB-Chemical", True),
        ("EU NNP I-NP O", True),
        ("-DOCSTART-\tO", True),
        ("No|O fever|B-Problem", True),
        ("No|O fever", False),
        ("id\ttext", False),
        ("O", False),
        ("", False),
    ],
)
def test_looks_like_conll(tmp_path, first, expected):
    path = tmp_path / "a.tsv"
    path.write_text(f"\n{first}\n")
    assert looks_like_conll(path) is expected


def test_text_is_cut_into_words_where_a_note_has_no_tokens(tmp_path):
    drug = Entity(id="T1", span=Span(8, 15), label="Dose")
    note = Note(id="n", text="Aspirin  10.5 mg\ndaily", entities=(drug,))
    with pytest.raises(DataError, match=r"begin and end with a token"):
        CONLL.write([note], tmp_path / "a.conll")
    note = note.with_(entities=(Entity(id="T1", span=Span(9, 16), label="Dose"),))
    CONLL.write([note], tmp_path / "a.conll")
    assert (tmp_path / "a.conll").read_text().splitlines() == [
        "-DOCSTART- (n)\tO",
        "",
        "Aspirin\tO",
        "10.5\tB-Dose",
        "mg\tI-Dose",
        "daily\tO",
        "",
    ]


def test_a_sentence_may_end_between_tokens(tmp_path):
    note = Note(id="n", text="One. \nTwo.", sentences=(Span(0, 6), Span(6, 10)))
    CONLL.write([note], tmp_path / "a.conll")
    (back,) = CONLL.read(tmp_path / "a.conll")
    assert back.text == "One .\nTwo ."


def mention(start, end, label="L", **more):
    return Entity(id=f"T{start}", span=Span(start, end), label=label, **more)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"entities": (mention(0, 3), mention(2, 5))}, "do not overlap"),
        ({"entities": (mention(0, 5, parts=(Span(0, 1), Span(4, 5))),)}, "discontinuous"),
        ({"entities": (mention(0, 3),), "sentences": (Span(0, 1), Span(2, 5))}, "one over two"),
        ({"entities": (mention(0, 1, label="a b"),)}, "labels without white space"),
        ({"tokens": (Span(0, 3),)}, "tokens without white space"),
    ],
)
def test_what_conll_cannot_hold(more, message, tmp_path):
    with pytest.raises(DataError, match=message):
        CONLL.write([Note(id="n", text="a b c", **more)], tmp_path / "a.conll")
    assert not list(tmp_path.iterdir())


def test_an_id_with_a_tab_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"ids without tab"):
        CONLL.write([Note(id="a\tb", text="x")], tmp_path / "a.conll")


@pytest.mark.parametrize(
    ("text", "is_tags"),
    [
        ("No\tO\nfever\tB-Problem\n\nWell\tO\n", True),
        ("No O\nfever O\n", True),
        ("-DOCSTART- -X- O O\n\nNo DT B-NP O\nfever NN I-NP B-Problem\n", True),
        ("Blood group O\n", False),
        ("Blood group O\nRhesus negative O\n", False),
        ("Vitamin B-12\nVitamin B-6\n", False),
        ("- aspirin\n- fever\n", False),
        ("No|O fever|B-Problem\n", True),
        ("No|DT|O fever|NN|O\n\nWell|O\n", True),
        ("a|O\n", False),
        ("No|O fever|B-Problem\nand then prose\n", False),
    ],
)
def test_a_text_of_words_with_tags_is_no_note_without_mentions(text, is_tags, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(text)
    assert find_format(path) == ("conll" if is_tags else "brat")


@pytest.mark.parametrize("name", ["train.iob", "train.txt", "train.tsv"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_sentence_to_a_line(name, ends, tmp_path):
    """The form that spaCy converts from .iob; a word may hold the mark itself."""
    lines = [
        "Big|O 💊|B-Drug liver|B-Organ lobe|I-Organ",
        "",
        "No|DT|O ||O a|b|c|O",
        "Well|I-State",
    ]
    path = tmp_path / name
    path.write_bytes("".join(line + ends for line in lines).encode())
    notes = list(read_notes(path))
    assert [(n.id, n.text) for n in notes] == [
        ("train-0", "Big 💊 liver lobe"),
        ("train-1", "No | a|b|c"),
        ("train-2", "Well"),
    ]
    assert [(notes[0][e.span], e.label) for e in notes[0].entities] == [
        ("💊", "Drug"),
        ("liver lobe", "Organ"),
    ]
    assert [(e.span, e.label) for e in notes[2].entities] == [(Span(0, 4), "State")]
    assert NoteIndex.build(read_notes(path)).note_at("train-1") == notes[1]


def test_lines_of_one_document(tmp_path):
    path = tmp_path / "a.iob"
    path.write_text("-DOCSTART- (n7) O\n\nNo|O\nfever|B-P x|O\n-DOCSTART- (n8) O\ny|O\n")
    first, second = read_notes(path)
    assert (first.id, first.text, second.id) == ("n7", "No\nfever x", "n8")
    assert first.sentences == (Span(0, 2), Span(3, 10))


def test_a_word_without_its_tag_is_refused(tmp_path):
    path = tmp_path / "a.iob"
    path.write_text("No|O fever|B-P\nwell|O Zebraperson\n")
    with pytest.raises(DataError, match=r"a\.iob:2: .* as in 'x\|O'") as caught:
        list(read_notes(path))
    assert "Zebraperson" not in str(caught.value)
