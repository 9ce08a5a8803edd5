"""The card of ``mtsamples-notes``: counts and agreement from the committed files, then prose."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clinnlp.core.counts import Estimate
from clinnlp.core.notes import AXES, Note
from clinnlp.study.synthetic.cards import card
from corpora.annotated.agreement import Agreement, compare_readings
from corpora.annotated.form import LABELS
from corpora.annotated.stored import FOLDER, PARTS, READINGS, read_annotated, read_sample

__all__ = ["annotated_card"]

PROSE = """
# mtsamples-notes

Whole notes of MTSamples over 39 of its 40 specialties and document types, with every mention of a
Problem, Drug, Test, Procedure and part of the Anatomy, and for all but the last whether it is
negated, uncertain, hypothetical, historical or someone else's. Offsets, labels and the hash of the
text; no text of the notes is copied: read `mtsamples.csv.xz` beside it. A note whose text has
another hash is refused.

    from corpora.annotated.stored import read_annotated
    notes = read_annotated("../shared/data", part="dev")

**How the notes were drawn.** `notes.tsv`, by `python -m corpora.annotated draw`, from a seed and
before anything was annotated: 140 notes of 100 to 450 words and ten of 601 to 1,500. Quotas are
square roots of how many notes a specialty has, the rarest first, so that rare document types are
there; shares of specialties are therefore not those of the source. Notes of 100 to 450 words are 55
% of the source; shorter ones (5 %), and in test and dev all but ten longer ones, are not there, nor
autopsies. Of a group of near-duplicates (a fifth of the runs of five words of the shorter note
stand in the other) one note was drawn. Later the next notes in the same drawn order were added to
train alone, as the source has them: 550 of 100 to 450 words, then 160 of 451 to 700. `groups.tsv`
lists all such groups of the source: **what is trained or distilled on other MTSamples notes must
leave out the test and dev notes and their groups** (`corpora.annotated.stored.withheld_notes`).
Authors and templates are not told apart, so that notes of one author may stand in two parts.

**Parts.** `test` 40, `dev` 20 and the first 90 notes of `train` are dealt along the specialties;
the ten long notes are in all three. What train has besides was read later, for train alone. Test is
scored once, last. A mention or two of 10 test, 5 dev and 15 train notes stand in the tuned halves
of `mtsamples-judged`, `mtsamples-medications` and `mtsamples-word-lists`: figures of the rules on
this corpus are not quite unseen.

**How they were annotated.** By `GUIDELINE.md`, written after five notes outside the sample had been
read; each note was read as a whole and its mentions written in a plain form (`corpora/annotated`)
that is refused where a surface does not stand in the note or two overlap. Readers were to use no
model's output, word list or search. Three shared the first reading (`reading_a.jsonl`: places 0 to
59, 60 to 109, 110 to 149 of the sample); a fourth read places 0 to 44, all of test among them, and
was not to see the first (`reading_b.jsonl`). Where the two differ, the first reader of these notes
looked again with both in view and decided by the guideline; what that had left open was added to it
(what kind anticoagulation is, whose a newborn's findings are). `mentions.jsonl` is what counts:
settled for places 0 to 44, else the first reading, of which two notes of dev were made to agree
with what was settled. Places 150 on were read by fifteen more readers of the same kind, 40 or 50
notes each, once; what they found open was decided and added to the guideline after place 349. So
**train is read once**, and its boundaries are less even than those of test.

**By whom, and by whom not.** By a general language model that read the notes under the guideline.
**Not annotated by clinicians, nor checked by any.** All readers were one kind of model with one
detailed guideline and share their habits: the agreement below is an upper bound of what two people
would reach, and no measure of being right. Many boundaries are the guideline's choice (i2b2 2010
where it decides, its departures are listed), so that a system made for another one loses strict F1
here without being wrong; look at relaxed F1 beside it.

**Limits.** MTSamples are transcribed dictations of US practice before about 2010, with line ends
flattened to commas and names removed. Anatomy is the least sharp label: operative notes name parts
in every sentence. `historical` counts all that stands under past history, also what lasts.
{agreement}
Offsets, labels and guideline: CC0-1.0, as the notes (MTSamples, as published by clinspacy).
"""


def annotated_card(data: str | Path, *, folder: Path = FOLDER, n_boot: int = 1000) -> str:
    """Return the card.

    Parameters
    ----------
    data : str or Path
        The folder that holds ``mtsamples``.
    folder : Path
        The corpus.
    n_boot : int
        Resamples of notes for the intervals of agreement.
    """
    part_of = {row["note"]: row["part"] for row in read_sample(folder)}
    notes = read_annotated(data, folder=folder)
    parts = {part: [n for n in notes if part_of[n.id] == part] for part in PARTS}
    head: dict[str, Any] = {
        "name": "mtsamples-notes",
        "licence": "CC0-1.0",
        "version": "0.3.0",
        "language": "en",
        "made_by": "reading",
        "drawn": dict(Counter(part_of.values())),
        "documents": {part: len(found) for part, found in parts.items()},
        "words": {part: sum(len(n.text.split()) for n in found) for part, found in parts.items()},
        "entities": {part: _by_label(found) for part, found in parts.items()},
        "assertion": {part: _by_axis(found) for part, found in parts.items()},
    }
    agreement = ""
    if (folder / f"{READINGS['b']}.jsonl").exists():
        readings = [read_annotated(data, reading=name, folder=folder) for name in "ab"]
        agreement = _agreement(compare_readings(*readings, n_boot=n_boot))
    return card(head, PROSE.replace("{agreement}", agreement))


def _by_label(notes: Sequence[Note]) -> dict[str, int]:
    counts = Counter(entity.label for note in notes for entity in note.entities)
    return {label: counts[label] for label in LABELS}


def _by_axis(notes: Sequence[Note]) -> Mapping[str, int]:
    said = [entity.assertion for note in notes for entity in note.entities]
    return {axis: sum(bool(getattr(one, axis)) for one in said) for axis in AXES}


def _agreement(found: Agreement) -> str:
    """Return the section on agreement."""
    lines = [
        "",
        f"**Agreement** of the two readings over {found.strict.n_notes} notes, 95 % intervals by",
        "note: F1 of the mentions, strict (both ends equal) and relaxed (a character shared).",
        "",
        "| label | strict | relaxed | in both | first alone | second alone |",
        "|---|---|---|---|---|---|",
    ]
    for label, counts in found.strict.per_label.items():
        strict, relaxed = found.strict.label_f1[label], found.relaxed.label_f1[label]
        cells = [label, _told(strict), _told(relaxed), counts.tp, counts.fn, counts.fp]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    lines.append(f"| all | {_told(found.strict.f1)} | {_told(found.relaxed.f1)} | | | |")
    lines += [
        "",
        f"Axes, over the {found.n_paired} mentions that both have with one span and label:",
        "",
        "| axis | kappa | F1 of true | true in both | first alone | second alone |",
        "|---|---|---|---|---|---|",
    ]
    for axis, one in found.axes.items():
        f1 = f"{one.counts.f1:.3f}"
        cells = [axis, _told(one.kappa), f1, one.counts.tp, one.counts.fn, one.counts.fp]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join([*lines, ""])


def _told(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"
