"""What the model in the box finds in real notes: the second part of the demonstration."""

from collections import Counter
from collections.abc import Iterable

from clinnlp.core.notes import Note
from clinnlp.report.blocks import Column, ReportSection, TableBlock
from clinnlp.study.pipeline import pipeline
from clinnlp.study.report_sections import corpus_section, examples_section

__all__ = ["read_by_box"]

_N_SHOWN = 2  # notes
_N_NAMES = 15  # of a label


def read_by_box(notes: Iterable[Note], *, show_text: bool) -> tuple[tuple[ReportSection, ...], str]:
    """Return what the model in the box finds, as sections of a report and as one line.

    Parameters
    ----------
    notes : iterable of Note
        Mentions that they hold are left out.
    show_text : bool
        Whether the report may show the notes, and names that stand in them.

    Raises
    ------
    ArgumentError
        No model lies in the box.
    """
    read = list(pipeline("default").stream(n.with_(entities=(), relations=()) for n in notes))
    counts = Counter(entity.label for note in read for entity in note.entities)
    each = ", ".join(f"{n} {label}" for label, n in counts.most_common())
    line = (
        f"In {len(read)} real notes the model in the box found {counts.total()} mentions: {each}."
    )
    sections = [corpus_section("Real notes, as the model in the box reads them", read)]
    if show_text:
        sections.append(ReportSection(title="Names found most often", blocks=(_names(read),)))
        sections.append(examples_section(read[:_N_SHOWN], show_text=True))
    return tuple(sections), line


def _names(notes: Iterable[Note]) -> TableBlock:
    """Return the names of each label that stand in most notes as present and the patient's own."""
    found: dict[str, Counter[str]] = {}
    for note in notes:
        present = {
            (e.label, note[e.span].casefold()) for e in note.entities if not any(e.assertion.axes)
        }
        for label, name in present:
            found.setdefault(label, Counter())[name] += 1
    rows = tuple(
        {"label": label, "name": name, "notes": n}
        for label, names in sorted(found.items())
        for name, n in sorted(names.items(), key=lambda item: (-item[1], item[0]))[:_N_NAMES]
    )
    return TableBlock(
        title="Present, and the patient's own",
        rows=rows,
        columns=("label", "name", Column(key="notes", kind="count")),
    )
