"""A report as one self-contained HTML page.

Style and script are inlined, nothing is fetched: a content security policy forbids it, and
allows only the one script whose hash it names, so that not even an escaping fault could run
another. The page is complete without script; with it, tables sort and filter.

The page is written by the templates beside this file, one per kind of block. They escape every
value they are given, in words and in attributes; a plot's own `Svg` is the one exception.
"""

import base64
import hashlib
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from clinnlp.report.blocks import Block, Report
from clinnlp.report.markup import unless_svg
from clinnlp.report.views import groups, parts

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["render_html", "render_piece"]


def render_html(report: Report) -> str:
    """Return the report as one HTML page that needs no network and no other file.

    Every string of the report is escaped; note text appears only where an `Examples` block says
    `show_text`.
    """
    templates = _templates()
    script = templates.get_template("page.js").render()
    script_hash = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = templates.get_template("page.html")
    return page.render(report=report, parts=parts(report), script_hash=script_hash)


def render_piece(blocks: Iterable[Block]) -> str:
    """Return blocks as a piece of HTML for a notebook: escaped as on a page, and without script."""
    return _templates().get_template("notebook.html").render(groups=groups(blocks))


@cache
def _templates() -> "Environment":
    """Return the templates of the package: a name that is not given is an error, not a gap."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("clinnlp.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=unless_svg,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
