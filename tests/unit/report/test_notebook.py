import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.report.blocks import Examples, Facts, TableBlock
from clinnlp.report.notebook import Shown

BAD = "<script>alert(1)</script>"
NOTE = Note(
    id=BAD, text=f"{BAD} pain", entities=(Entity(id="T", span=Span(26, 30), label=BAD),)
)  # fmt: skip


def shown(*, show_text=True):
    blocks = (
        Examples(notes=(NOTE,), show_text=show_text),
        Facts(pairs=((BAD, 1),)),
        TableBlock(title=BAD, rows=tuple({"n": k} for k in range(10**4))),
    )
    return Shown(title=BAD, blocks=blocks)


def test_a_piece_is_escaped_bounded_and_without_script():
    page = shown()._repr_html_()
    assert "<script" not in page
    assert "http" not in page
    assert "@import" not in page
    assert page.count("&lt;script&gt;") >= 5
    assert len(page) < 60_000
    assert page.startswith('<div class="clinnlp">')


def test_its_style_holds_inside_the_piece_alone():
    style = shown()._repr_html_().partition("<style>")[2].partition("</style>")[0]
    depth, outside = 0, ""
    for sign in style:
        depth += (sign == "{") - (sign == "}")
        outside += sign if depth == 0 else ""
    assert depth == 0
    selectors = [s for s in outside.replace("}", "{").split("{") if s.strip()]
    rules = [s.split("*/")[-1] for s in selectors]
    assert len(rules) == 3
    assert all(".clinnlp" in part for rule in rules for part in rule.split(","))


def test_text_only_where_it_may_be_shown(tmp_path):
    assert ">pain<" in shown()._repr_html_()
    hidden = shown(show_text=False)
    assert ">pain<" not in hidden._repr_html_()
    assert "Note text is not shown" in hidden._repr_html_()
    assert ">pain<" not in hidden.save(tmp_path / "a.html").read_text(encoding="utf-8")
    assert ">pain<" in shown().save(tmp_path / "b.html").read_text(encoding="utf-8")
    with pytest.raises(ArgumentError, match=r"\.html, \.md or a folder"):
        hidden.save(tmp_path / "a.pdf")
