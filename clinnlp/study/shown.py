"""Notes and results made to be looked at, in a notebook or in a file."""

from collections.abc import Iterable, Sequence
from itertools import islice

from clinnlp.core.checks import check_at_least
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Note
from clinnlp.metrics.spans import SpanScores
from clinnlp.mine.rules import Rules
from clinnlp.mine.signals.interactions import Signals
from clinnlp.report.blocks import Block, Examples, ForestPlot, Paragraph
from clinnlp.report.notebook import Shown
from clinnlp.report.pictures import Picture, Plot
from clinnlp.study.risk_section import risk_plots
from clinnlp.study.risk_values import RiskStudy
from clinnlp.study.signal_plots import drug_event_plots, interaction_plots, rule_volcano
from clinnlp.study.tuning import Tuning, history_plot

__all__ = ["plots", "show"]


def show(
    notes: Note | Iterable[Note],
    *,
    show_text: bool = False,
    labels: Sequence[str] = (),
    max_notes: int = 10,
    max_chars: int = 10_000,
    title: str = "",
) -> Shown:
    """Return annotated notes as a report shows them, for a notebook to display or to save.

    Parameters
    ----------
    notes : Note or iterable of Note
        Only the first `max_notes` are read, and one more.
    show_text : bool
        Whether the text of the notes may appear, mentions highlighted with what is said of them.
        Off: a table of labels, offsets, axes and concepts, without a character of any note.
    labels : sequence of str
        Labels shown, in the order of their colours; all by default.
    max_notes : int
        Notes shown, at least 1; that there are more is said.
    max_chars : int
        Code points shown of each note, at least 1; how many more there are is said.
    title : str
        Heading of the page; by default it names the note, or how many there are.

    Returns
    -------
    Shown
        Displays itself; ``save("notes.html")`` writes a page that needs no network.

    Raises
    ------
    ArgumentError
        Something that is no note, or a limit below 1.

    Examples
    --------
    >>> import clinnlp
    >>> mini = clinnlp.example("discharge-mini")
    >>> note = next(iter(clinnlp.read_notes(mini / "dev.jsonl")))
    >>> clinnlp.show(note)
    Shown('Note dev-001', 1 block)
    >>> "<mark" in clinnlp.show(note)._repr_html_()
    False
    >>> "<mark" in clinnlp.show(note, show_text=True)._repr_html_()
    True
    """
    check_at_least(max_notes, 1, name="max_notes")
    check_at_least(max_chars, 1, name="max_chars")
    read = list(islice([notes] if isinstance(notes, Note) else notes, max_notes + 1))
    if strange := {type(note).__name__ for note in read if not isinstance(note, Note)}:
        raise ArgumentError(f"show takes notes, got {', '.join(sorted(strange))}")
    first = tuple(read[:max_notes])
    one = len(first) == 1
    blocks: list[Block] = [
        Examples(notes=first, labels=tuple(labels), show_text=bool(show_text), max_chars=max_chars)
    ]
    if len(read) > max_notes:
        blocks.append(
            Paragraph(text=f"The first {max_notes:,} notes; there are more.", tone="note")
        )
    named = title or (f"Note {first[0].id}" if one else f"{len(first)} notes")
    return Shown(title=named, blocks=tuple(blocks))


def plots(result: Rules | Signals | RiskStudy | SpanScores | Tuning) -> tuple[Picture, ...]:
    """Return the plots of a result: each displays itself in a notebook and can be saved.

    Parameters
    ----------
    result : Rules, Signals, RiskStudy, SpanScores or Tuning
        Of `mine_rules` (a volcano of lift and p), `mine_signals` and `mine_interactions` (volcano,
        forest, network of called pairs), `risk_study` (AUROC, ROC, precision and recall,
        calibration), `score_spans` (F1 by label) or `tune_ner` (score of each trial).

    Returns
    -------
    tuple of Picture
        Empty where the result has no row or no score. ``save("x.svg")`` or ``save("x.png")``
        writes one. Names of items and labels stand in them, never the text of a note beside.

    Raises
    ------
    ArgumentError
        Another kind of result.

    Examples
    --------
    >>> import clinnlp
    >>> notes = list(clinnlp.read_notes(clinnlp.example() / "dev.jsonl"))
    >>> (f1,) = clinnlp.plots(clinnlp.score_spans(notes, notes))
    >>> f1
    Picture('F1 by label')
    """
    return tuple(Picture(plot=plot) for plot in _plots(result))


def _plots(result: object) -> Sequence[Plot]:
    match result:
        case Rules():
            return rule_volcano(result)
        case Signals(keys=("drug", "outcome")):
            return drug_event_plots(result)
        case Signals():
            return interaction_plots(result)
        case RiskStudy():
            return risk_plots(result)
        case SpanScores():
            rows = tuple(result.label_f1.items())
            return [ForestPlot(title="F1 by label", rows=rows, x_label="F1")] if rows else []
        case Tuning():
            return [history_plot(result)]
    raise ArgumentError(
        "plots takes Rules, Signals, a RiskStudy, SpanScores or a Tuning, got "
        + type(result).__name__
    )
