"""What a report is made of: frozen blocks that hold finished numbers and words.

A block computes nothing and knows no format; `render_html`, `render_markdown` and `render_csv`
turn it into one. Every string in a block is plain text: renderers escape it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from numpy.typing import ArrayLike

from clinnlp.core.counts import Estimate
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Note

__all__ = [
    "BarPlot",
    "Block",
    "Column",
    "CurvePlot",
    "Examples",
    "Facts",
    "ForestPlot",
    "NetworkPlot",
    "Paragraph",
    "Report",
    "ReportSection",
    "ScatterPlot",
    "Series",
    "TableBlock",
    "Verdict",
    "Verdicts",
    "columns_of",
]

Kind = Literal["auto", "text", "count", "ratio", "percent", "p", "code"]
Tone = Literal["plain", "note", "warning"]
TableRow = Mapping[str, Any]

_WORDS = {name.lower(): name for name in ("TP", "FP", "FN", "F1", "AUROC", "AUPRC", "Brier", "ID")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """A paragraph of plain text; a "note" or a "warning" is set apart."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Tiles of a name and a value, such as the size of a corpus.

    Values are numbers, strings or an `Estimate`.
    """

    pairs: tuple[tuple[str, Any], ...]
    title: str = ""
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """How one column of a table is headed and written.

    Parameters
    ----------
    key : str
        Key of the rows.
    title : str
        Heading; by default the key with blanks for underscores and known short forms in capitals.
    kind : str
        "count" (1,234), "ratio" (0.123), "percent" (12.3 %), "p" (a probability of a test),
        "code" (fixed width), "text", or "auto" by the type of each value.
    digits : int
        Decimals of a ratio or a percentage.
    low, high : str
        Keys of both ends of an interval, written behind the value.
    help : str
        One line shown when pointing at the heading.
    """

    key: str
    title: str = ""
    kind: Kind = "auto"
    digits: int = 3
    low: str = ""
    high: str = ""
    help: str = ""

    @property
    def heading(self) -> str:
        """Title, or the key made readable."""
        if self.title:
            return self.title
        words = " ".join(_WORDS.get(word, word) for word in self.key.split("_"))
        return words[0].upper() + words[1:] if len(words) > 2 and words[1] != " " else words


@dataclass(frozen=True, slots=True, kw_only=True)
class TableBlock:
    """A table whose rows a reader can sort.

    Parameters
    ----------
    title : str
    columns : tuple of Column or str
        Columns shown, in order; a string is the column of that key. Empty: those of the rows,
        intervals ``x, x_low, x_high`` joined.
    rows : tuple of mapping
        Plain values by key; a cell may be an `Estimate`.
    caption : str
        What the table says, in plain words.
    max_rows : int
        Rows shown in HTML and Markdown; CSV holds all of `rows`.
    n_rows : int, optional
        Rows of the whole table, where `rows` are only its beginning.
    whole : str
        Where the whole table stands, for a page that shows its beginning.
    """

    title: str
    rows: tuple[TableRow, ...]
    columns: tuple[Column | str, ...] = ()
    caption: str = ""
    max_rows: int = 200
    n_rows: int | None = None
    whole: str = "the CSV table"

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", tuple(self.rows))
        keys = {key for row in self.rows for key in row}
        for column in self.shown:
            missing = {column.key, column.low, column.high} - keys - {""}
            if self.rows and missing:
                raise ArgumentError(
                    f"columns of table {self.title!r} must be keys of its rows, "
                    f"got {', '.join(sorted(missing))}"
                )

    @property
    def n_all(self) -> int:
        """Rows of the whole table."""
        return len(self.rows) if self.n_rows is None else self.n_rows

    @property
    def shown(self) -> tuple[Column, ...]:
        """Columns in full."""
        if not self.columns:
            return columns_of(self.rows)
        return tuple(c if isinstance(c, Column) else Column(key=c) for c in self.columns)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """One curve: points, and for error bars both ends of an interval of each y."""

    name: str
    x: ArrayLike
    y: ArrayLike
    low: ArrayLike | None = None
    high: ArrayLike | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePlot:
    """Curves in one frame; `x_range` and `y_range` default to those of the data.

    `diagonal` draws the line y = x (chance, or perfect calibration); `level` a horizontal line
    (prevalence).
    """

    title: str
    series: tuple[Series, ...]
    x_label: str
    y_label: str
    diagonal: bool = False
    level: float | None = None
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestPlot:
    """Estimates with intervals under one another, on a common axis.

    `reference` draws a vertical line (1 for a ratio, 0 for a difference); `log` makes the axis
    logarithmic, for ratios.
    """

    title: str
    rows: tuple[tuple[str, Estimate], ...]
    x_label: str = ""
    reference: float | None = None
    log: bool = False
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BarPlot:
    """Horizontal bars of values that are at least 0."""

    title: str
    bars: tuple[tuple[str, float], ...]
    x_label: str = ""
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScatterPlot:
    """Named points in a frame, some of them marked, as in a volcano plot.

    `x_level` and `y_level` draw a vertical and a horizontal line (no effect; the level of a call).
    Points whose x or y is not finite are left out of the picture and stay in the table. Only a few
    of the names are drawn, so `names` may be a sequence that makes each when it is asked for.
    """

    title: str
    names: Sequence[str]
    x: ArrayLike
    y: ArrayLike
    marked: ArrayLike
    x_label: str
    y_label: str
    marked_label: str = ""
    x_level: float | None = None
    y_level: float | None = None
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPlot:
    """Pairs of names, drawn as lines between points on a circle.

    Each edge: two names, what joins them (its colour), and a weight above 0 (its width).
    """

    title: str
    edges: tuple[tuple[str, str, str, float], ...]
    weight_label: str = "weight"
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Annotated notes: highlighted text with `show_text`, else ids and offsets only.

    Parameters
    ----------
    notes : tuple of Note
    title : str
    labels : tuple of str
        Labels shown, in the order of their colours; all by default.
    show_text : bool
        Whether note text may appear. Off: no character of any note is rendered.
    max_chars : int
        Code points of each note shown.
    """

    notes: tuple[Note, ...]
    title: str = ""
    labels: tuple[str, ...] = ()
    show_text: bool = False
    max_chars: int = 1500
    caption: str = ""

    @property
    def shown_labels(self) -> tuple[str, ...]:
        """`labels`, or every label of the notes in alphabetical order."""
        found = {entity.label for note in self.notes for entity in note.entities}
        return self.labels or tuple(sorted(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One statement of a known truth, what was found, and whether that is right."""

    name: str
    truth: str
    found: str
    right: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """What was planted beside what was found."""

    title: str
    rows: tuple[Verdict, ...]
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSection:
    """A heading and what stands under it; sections may hold sections."""

    title: str
    blocks: "tuple[Block, ...]"


Block = (
    ReportSection
    | Paragraph
    | Facts
    | TableBlock
    | CurvePlot
    | ForestPlot
    | ScatterPlot
    | NetworkPlot
    | BarPlot
    | Examples
    | Verdicts
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A whole report.

    Parameters
    ----------
    title : str
    summary : str or tuple of str
        The findings, one sentence or two each, the most important first.
    blocks : tuple of Block
    provenance : mapping of str to value or mapping
        Versions, seeds, settings, hashes of inputs; a nested mapping becomes a group.

    Examples
    --------
    >>> report = Report(title="Drugs", summary=("Two drugs.",), blocks=(
    ...     ReportSection(title="Corpus", blocks=(Facts(pairs=(("notes", 3),)),)),))
    >>> from clinnlp.report.markdown import render_markdown
    >>> print(render_markdown(report).splitlines()[0])
    # Drugs
    """

    title: str
    summary: str | tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    subtitle: str = ""

    @property
    def findings(self) -> tuple[str, ...]:
        """The sentences of the summary."""
        lines = (self.summary,) if isinstance(self.summary, str) else self.summary
        return tuple(line for line in lines if line)


def columns_of(rows: Sequence[TableRow] | Iterable[TableRow]) -> tuple[Column, ...]:
    """Return the columns of plain rows, ``x, x_low, x_high`` joined to one with its interval.

    Examples
    --------
    >>> [(c.key, c.low) for c in columns_of([{"f1": 0.8, "f1_low": 0.7, "f1_high": 0.9, "n": 3}])]
    [('f1', 'f1_low'), ('n', '')]
    """
    keys = list(dict.fromkeys(key for row in rows for key in row))
    ends = {k: (f"{k}_low", f"{k}_high") for k in keys if {f"{k}_low", f"{k}_high"} <= set(keys)}
    hidden = {end for pair in ends.values() for end in pair}
    return tuple(
        Column(key=k, kind=_kind(k), low=ends.get(k, ("", ""))[0], high=ends.get(k, ("", ""))[1])
        for k in keys
        if k not in hidden
    )


def _kind(key: str) -> Kind:
    if key.startswith("n_") or key == "n":
        return "count"
    return "p" if key in ("p", "q") or key.endswith(("_p", "_q")) else "auto"
