"""XML element by element, and nothing a stranger's file can do with it."""

import pytest

from clinnlp.core.errors import DataError
from clinnlp.io.files.xml_stream import check_xml, elements, escaped, root_of

LAUGHS = (
    '<!DOCTYPE d [<!ENTITY a "ha">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]><d>&i;</d>"
)


def test_elements_are_handed_over_and_forgotten(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text('<c k="1">\n<d>x<e/>y&amp;<![CDATA[<z>]]></d>\n<d/><f>t</f></c>')
    first, second = elements(path, "d")
    assert (first.line, first.text, [e.tag for e in first.children]) == (2, "xy&<z>", ["e"])
    assert (second.line, second.text) == (3, "")
    root = root_of(path)
    assert root.attributes == {"k": "1"}
    assert [e.tag for e in root.children] == ["d", "d", "f"]
    assert (root.text_of("f"), root.text_of("g"), root.first("g"), len(root.all("d"))) == (
        "t", None, None, 2
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]><d>&x;</d>',
        '<!DOCTYPE d [<!ENTITY % x SYSTEM "file:///etc/hostname">%x;]><d/>',
        '<!DOCTYPE d [<!ENTITY x "y">]><d/>',
        '<!DOCTYPE d [<!ENTITY x SYSTEM "a.gif" NDATA gif>]><d/>',
        '<!DOCTYPE d SYSTEM "other.dtd"><d>&x;</d>',
        "<d>&x;</d>",
    ],
)
def test_entities_are_refused(tmp_path, text):
    path = tmp_path / "a.xml"
    path.write_text(text)
    (tmp_path / "other.dtd").write_text('<!ENTITY x "opened">')
    with pytest.raises(DataError, match=r"a.xml:1: XML must ") as caught:
        root_of(path)
    assert caught.value.__cause__ is None
    assert "hostname" not in str(caught.value)


def test_a_document_type_is_allowed_and_never_opened(tmp_path):
    path = tmp_path / "a.xml"
    (tmp_path / "BioC.dtd").write_text("<!ELEMENT this is broken")
    path.write_text('<!DOCTYPE d SYSTEM "BioC.dtd"><d>&lt;&#13;&#x1F48A;</d>')
    assert root_of(path).text == "<\r💊"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_encodings_by_declaration_or_by_name(tmp_path, encoding):
    path = tmp_path / "a.xml"
    path.write_bytes(f'<?xml version="1.0" encoding="{encoding}"?><d>naïve</d>'.encode(encoding))
    assert root_of(path).text == "naïve"
    path.write_bytes("<d>naïve</d>".encode("iso-8859-1"))
    assert root_of(path, encoding="iso-8859-1").text == "naïve"
    with pytest.raises(DataError, match="must be well-formed"):
        root_of(path)


def test_what_was_whole_is_given_before_the_error(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text("<c><d>1</d>\n<d>2</x></c>")
    found = elements(path, "d")
    assert next(found).text == "1"
    with pytest.raises(DataError, match=r"a.xml:2: XML must be well-formed, got: mismatched tag"):
        next(found)


def test_a_deep_file_is_read(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text("<a>" * 5000 + "</a>" * 5000)
    assert root_of(path).tag == "a"


def test_escapes_come_back(tmp_path):
    text = "a<b>&\"c' \r\n\t]]> 💊\u2028"
    path = tmp_path / "a.xml"
    path.write_text(f'<d k="{escaped(text, attribute=True)}">{escaped(text)}</d>', newline="")
    assert root_of(path).attributes["k"] == text
    assert root_of(path).text == text
    with pytest.raises(DataError, match="note 'n': XML holds no control characters"):
        check_xml("a\x0b", note="n")
