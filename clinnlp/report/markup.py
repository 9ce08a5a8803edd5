"""The one place where text becomes markup that a template does not escape.

A template escapes all it is given but an `Svg`: the pictures of the plots, which are drawn in
Python because their numbers are. Only `element` makes one, and it escapes every word and every
attribute it is given, so that nobody who draws has to remember it.
"""

from collections.abc import Iterable
from functools import cache

from markupsafe import Markup, escape

from clinnlp.core.visible import visible

__all__ = ["Svg", "element", "unless_svg"]


class Svg(str):
    """A finished piece of SVG; joined, cut or formatted it is plain text again."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


def element(name: str, inside: str | Iterable[Svg] | None = None, /, **attributes: object) -> Svg:
    """Return one element around words or around elements, all words escaped.

    Without `inside` it closes itself. ``class_`` stands for ``class``, ``text_anchor`` for
    ``text-anchor``.

    Examples
    --------
    >>> element("text", "p < 0.05", x=4, text_anchor="end")
    '<text x="4" text-anchor="end">p &lt; 0.05</text>'
    >>> element("svg", [element("circle", r=1)], aria_label='the "dot"')
    '<svg aria-label="the &#34;dot&#34;"><circle r="1"/></svg>'
    """
    written = "".join(
        [f' {_written(key)}="{_escaped(str(value))}"' for key, value in attributes.items()]
    )
    if inside is None:
        return Svg(f"<{name}{written}/>")
    pieces = [inside] if isinstance(inside, str) else inside
    return Svg(f"<{name}{written}>{''.join(map(_escaped, pieces))}</{name}>")


def unless_svg(value: object) -> object:
    """Return an `Svg` as it is and anything else as plain words, which will be escaped.

    Even a string that another library calls safe (it has ``__html__``) is plain words here: in a
    report every string is. Its hidden characters are written out, but for blanks and line ends.
    """
    if type(value) is Svg:
        return value
    text = str(value)
    return (
        text
        if text.isascii() and text.isprintable()
        else visible(text.replace("\r\n", "\n"), keep="\t\n")
    )


@cache
def _written(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _escaped(piece: str) -> Markup:
    return escape(unless_svg(piece))
