"""Blocks of a report in a notebook: they display themselves, and can be saved as a page."""

from dataclasses import dataclass
from pathlib import Path

from clinnlp.report.blocks import Block, Report, ReportSection
from clinnlp.report.html import render_piece
from clinnlp.report.write import write_report

__all__ = ["Shown"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Shown:
    """Something made to be looked at: a notebook displays it, `save` writes it as a page.

    Parameters
    ----------
    title : str
    blocks : tuple of Block

    Examples
    --------
    >>> from clinnlp.report.blocks import Paragraph
    >>> shown = Shown(title="Aside", blocks=(Paragraph(text="p < 0.05"),))
    >>> shown
    Shown('Aside', 1 block)
    >>> "p &lt; 0.05" in shown._repr_html_()
    True
    """

    title: str
    blocks: tuple[Block, ...]

    def __repr__(self) -> str:
        n = len(self.blocks)
        return f"Shown({self.title!r}, {n} block" + "s" * (n != 1) + ")"

    def _repr_html_(self) -> str:
        return render_piece(self.blocks)

    def save(self, path: str | Path) -> Path:
        """Write a page (``.html``, or Markdown by ``.md``) and return its path.

        Raises
        ------
        ArgumentError
            Another suffix.
        RunError
            The machine failed, for example a full disk.
        """
        section = ReportSection(title=self.title, blocks=self.blocks)
        return write_report(Report(title=self.title, blocks=(section,)), path)
