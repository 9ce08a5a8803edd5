"""CoNLL-U: the text to the character, ranges as one word, mentions by tags or brackets."""

import pytest

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import read_notes, write_notes


def word(number, form, misc="_"):
    return f"{number}\t{form}" + "\t_" * 7 + f"\t{misc}\n"


def read(path, text):
    path.write_text(text)
    source = read_notes(path)
    assert repr(source) == "Notes(1 files, conllu)"
    return list(source)


@pytest.mark.parametrize("suffix", [".conllu", ".txt", ".conll", ".tsv"])
def test_words_ranges_and_mentions(suffix, tmp_path):
    text = (
        "# newdoc id = n1\n# sent_id = 1\n# text = x\n"
        + word(1, "💊", "SpaceAfter=No")
        + word("2-3", "del", "SpacesAfter=\\s\\s")
        + word(2, "de", "NE=B-Drug")
        + word(3, "el", "NE=I-Drug")
        + word("3.1", "gone")
        + word(4, "litio", "NE=I-Drug|SpacesAfter=\\r\\n\\p")
        + "\n# sent_id = 2\n"
        + word(1, "Tos", "B-Problem")
        + "\n# newdoc\n# sent_id = 3\n"
        + word(1, "No")
        + word(2, "fever", "name=U-Problem")
    )
    first, second = read(tmp_path / f"a{suffix}", text)
    assert (first.id, first.text) == ("n1", "💊del  litio\r\n|Tos")
    assert [(first[e.span], e.label) for e in first.entities] == [
        ("del  litio", "Drug"),
        ("Tos", "Problem"),
    ]
    assert first.sentences == (Span(0, 11), Span(14, 17))
    assert (second.id, second.text) == ("a-1", "No fever")
    assert [second[e.span] for e in second.entities] == ["fever"]


def test_sentences_without_a_document_are_notes(tmp_path):
    text = f"# sent_id = s1\n{word(1, 'No')}\n{word(1, 'cough')}"
    assert [(n.id, n.text) for n in read(tmp_path / "a.conllu", text)] == [
        ("s1", "No"),
        ("a-1", "cough"),
    ]


def test_brackets_of_coreference(tmp_path):
    text = (
        word(1, "Her", "Entity=(e1-person-1(e2-person-1-)")
        + word(2, "old", "_")
        + word(3, "mother", "Entity=e1)")
    )
    (note,) = read(tmp_path / "a.conllu", text)
    assert sorted((note[e.span], e.label, e.concepts) for e in note.entities) == [
        ("Her", "person", ("e2",)),
        ("Her old mother", "person", ("e1",)),
    ]


def test_tokens_that_leave_text_out_are_refused(tmp_path):
    note = Note(id="n", text="No cough", tokens=(Span(0, 2),))
    with pytest.raises(DataError, match="tokens in order with all of the text"):
        write_notes([note], tmp_path / "a.conllu")


def test_the_text_comes_back(tmp_path):
    text = "\n  No 💊\tcough .\r\n\r\nFever|\\ \n"
    at = text.index("Fever")
    fever = Entity(id="T1", span=Span(at, at + 5), label="Problem")
    write_notes([Note(id="n", text=text, entities=(fever,))], tmp_path / "a.conllu")
    (note,) = read_notes(tmp_path / "a.conllu")
    assert (note.text, note.entities) == (text, (fever,))
