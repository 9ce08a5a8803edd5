r"""Text with its hidden characters made visible, for terminals, pages and messages.

An escape character in a label can clear a terminal or rename its window, a mark of direction can
turn an id around, and a line end can begin a line that looks like one of ours. What has no form of
its own is therefore written as Python writes it:

=====================================  ====================  =============
characters                             code points           shown
=====================================  ====================  =============
control characters, also line ends     0-1F, 7F-9F           ``\x1b``
marks and changes of direction         61C, 200E-200F,       ``\u202e``
                                       202A-202E, 2066-2069
what has no width, or fills a letter   AD, 34F, 115F-1160,   ``\u200b``
                                       180E, 200B, 2060-2064,
                                       3164, FEFF, FFA0, ...
joiners (200C, 200D) beside ASCII      they belong to words  ``\u200d``
                                       of some languages
variants (FE00-FE0F, E0100-E01EF)      they belong to signs  ``\ufe0f``
behind ASCII, but on keys              and to emoji
line and paragraph separators          2028-2029             ``\u2028``
lone surrogates                        D800-DFFF             ``\udcff``
=====================================  ====================  =============

References
----------
Unicode Technical Report 36, Unicode Security Considerations; Boucher and Anderson, Trojan Source:
Invisible Vulnerabilities, USENIX Security 2023.
"""

import re

__all__ = ["visible"]

_HIDDEN = (
    "\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U000e0000-\U000e007f"
)
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
_JOINERS = "\u200c\u200d"
_BOUND = f"{_JOINERS}\ufe00-\ufe0f\U000e0100-\U000e01ef"  # joiners and variants
_BASE = f"[^\x00-\x7f{_HIDDEN}{_BOUND}]"
_ALONE = (
    f"(?<![{_BOUND}])(?:(?<!{_BASE})[{_BOUND}]++(?!\u20e3)"  # but for keys such as 1 and #
    f"|[{_BOUND}]++(?<=[{_JOINERS}])(?!{_BASE}))"
)
_find = re.compile(f"[{_HIDDEN}]|{_ALONE}").sub


def visible(text: str, *, keep: str = "") -> str:
    r"""Return text in which every hidden character is written out, but for those to `keep`.

    Examples
    --------
    >>> print(visible("Drug\x1b[2J\nno problems found"))
    Drug\x1b[2J\nno problems found
    >>> visible("two\nlines", keep="\n") == "two\nlines"
    True
    """
    if text.isascii() and text.isprintable():  # nearly all
        return text
    return _find(lambda found: found[0] if found[0] in keep else _written(found[0]), text)


def _written(hidden: str) -> str:
    return "".join(_SHORT.get(sign) or _number(ord(sign)) for sign in hidden)


def _number(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
