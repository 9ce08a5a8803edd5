"""HTML as a reader sees it; hostile markup takes time in proportion to its length."""

import pytest

from clinnlp.io.files.html_text import text_of_html

CASES = [
    ("plain", "plain"),
    ("a  b\n c", "a b c"),
    ("<p>a</p><p>b</p>", "a\nb"),
    ("a<br>b<br/>c<br><br>d", "a\nb\nc\n\nd"),
    ("<h1>Plan</h1>aspirin", "Plan\naspirin"),
    ("<ul><li>a</li><li><p>b</p></li></ul>", "- a\nb"),
    ("<table><tr><td>Na</td><td> 141 </td></tr><tr><td>K</td></tr></table>", "Na\t141\nK"),
    ("<pre>a\n  b\n\nc</pre>d", "a\n  b\n\nc\nd"),
    ("<head><title>x</title><style>p {}</style></head><body>a</body>", "a"),
    ("<head><title>x</title><body>a", "a"),
    ("a<script>if (1 < 2) alert('x')</script>b", "ab"),
    ("a<!-- not said -->b", "ab"),
    ("a<![if gte mso 9]>b<![endif]>", "ab"),
    ("K &lt; 3 &amp; Na&nbsp;141 &#8805; &eacute;", "K < 3 & Na\xa0141 ≥ é"),
    ("p < 0.05 and q > 1", "p < 0.05 and q > 1"),
    ("<b>no</b> <i>fever</i>", "no fever"),
    ('<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body/>a</html>', "a"),
    ("", ""),
]


@pytest.mark.parametrize(("html", "text"), CASES)
def test_text(html, text):
    assert text_of_html(html) == text


@pytest.mark.parametrize("piece", ["<", "<a", "</", "<!--", "<!", "<?", "&", "&#", "<![", "<a b='"])
def test_broken_markup_is_no_error(piece):
    text_of_html(piece)
    text_of_html(f"<p>a</p>{piece * 50}<p>b</p>")
