"""Medications: what a note says of how a drug is taken, linked to the drug's mention.

In each sentence with drugs one pattern, made from a table, finds amounts, forms, routes,
frequencies, durations, and words for "as needed", "for" and "started". A find belongs to the drug
before it, unless it leads to the next one ("2 mL of 0.25% Marcaine", "IV Versed", "aspirin and
1% lidocaine"). A brand in brackets shares the finds of its generic name, a list of drugs its
change and its indication. A line that begins with "Take" goes on with the drug above it; a line
such as "STOP taking:" speaks of the drugs below it.

What the text does not say is absent; a range keeps both ends; a taper stays a schedule. Where a
dose takes the place of another, all is said of the new one, and the old one is `dose_before`.

==================  ================================================================
attribute           what it holds
==================  ================================================================
dose                what is taken at once: "40 mg", "2 tablets", "10 units"
strength            what one unit holds, or a concentration: "50 mg" of "50 mg 2 tablets"
form, route         "tablets", "p.o."
frequency           "b.i.d.", "every 6-8 hours"
duration            "for 7 days"
prn                 True where it is taken as needed
indication          "pain" of "p.r.n. pain", "for pain"
change              start, stop, hold, increase, decrease or continue; none that depends on a
                    condition ("hold for SBP < 90"). Stopped is also what was failed, ran out, is
                    not taken or gave way to another; held what was paused, skipped or omitted
dose_before         "20 mg" of "increased from 20 mg to 40 mg", "20 mg -> 40 mg"
schedule            all steps, where the dose changes over the day or by a taper
dose_mg             milligrams at once
doses_per_day       1/7 for once a week
duration_days
daily_mg            milligrams per day; of a schedule over the day their sum; not if as needed
==================  ================================================================

The last four are numbers; a range has ``dose_mg_low`` and ``dose_mg_high`` in its place.

Where it says so, the axes of the drug's assertion are set too: negated by "not given", "declined",
"contraindicated", historical by "penicillin: rash", hypothetical by "resistant to" and "start if".
They are taken back where they are said of other words: "no bleeding on warfarin", "do not stop
aspirin", "no fever, start aspirin". So this pipe stands behind `Assertions`.

References
----------
The fields follow Uzuner, Solti and Cadag, J Am Med Inform Assoc 17(5), 2010 (i2b2 2009).
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from clinnlp.core.notes import Assertion, Attribute, Entity, Note
from clinnlp.core.spans import Span
from clinnlp.core.tables import CHANGES
from clinnlp.text.matcher import fold_keeping_length
from clinnlp.text.medication_axes import in_use, settled
from clinnlp.text.medication_gaps import line_of
from clinnlp.text.medication_links import Linked, linked
from clinnlp.text.medication_lists import listed
from clinnlp.text.medication_regimen import regimen
from clinnlp.text.medication_terms import language_terms, read_terms
from clinnlp.text.normalise import DRUG_LABELS
from clinnlp.text.plain import reads_plain
from clinnlp.text.sentences import Sentences

__all__ = ["Medications"]

_PAST = "past_medical_history"  # a kind of section whose drugs with a dose are current
N_CHARS = 160  # characters beyond a drug, or before the first one, in which finds are sought


class Medications:
    """Pipe that adds to drug mentions what the note says of how they are taken.

    An attribute that a mention already has is kept.

    Parameters
    ----------
    table : path, optional
        TSV with columns ``term``, ``field`` and ``value``, explained at the head of the English
        one, in place of the language's own.
    language : str
        Whose words: ``"en"`` or ``"es"``.
    drug_labels : tuple of str
        Labels of drug mentions.

    Examples
    --------
    >>> note = Note(
    ...     id="n",
    ...     text="Lasix 40 mg p.o. b.i.d. for 7 days",
    ...     entities=(Entity(id="T1", span=Span(0, 5), label="Drug"),),
    ... )
    >>> found = Medications()(note).entities[0].attributes
    >>> [found[k] for k in ("dose", "route", "frequency", "duration")]
    ['40 mg', 'p.o.', 'b.i.d.', 'for 7 days']
    >>> found["dose_mg"], found["doses_per_day"], found["daily_mg"], found["duration_days"]
    (40.0, 2.0, 80.0, 7.0)
    """

    def __init__(
        self,
        table: str | Path | None = None,
        *,
        language: str = "en",
        drug_labels: tuple[str, ...] = DRUG_LABELS,
    ) -> None:
        self._terms = read_terms(table) if table else language_terms(language)
        self._drug_labels = frozenset(drug_labels)
        self._sentences = Sentences(language=language)

    @reads_plain
    def __call__(self, note: Note, /) -> Note:
        """Return the note with the attributes of its drug mentions filled in."""
        drugs = [i for i, e in enumerate(note.entities) if e.label in self._drug_labels]
        if not drugs:
            return note
        drugs.sort(key=lambda i: note.entities[i].span)
        folded = fold_keeping_length(note.text)
        entities = list(note.entities)
        for start, end, group in self._passages(note, drugs, self._in_order(note), folded):
            read = self._read(note, folded, (start, end), [entities[i] for i in group])
            for i, drug in zip(group, read, strict=True):
                entities[i] = drug
        spans = [note.entities[i].span for i in drugs]
        for k, change in listed(self._terms, folded, spans).items():
            drug = entities[drugs[k]]
            entities[drugs[k]] = _filled(drug, {"change": change}, drug.assertion)
        return note.with_(entities=tuple(entities))

    def _in_order(self, note: Note) -> list[Span]:
        """Return the sentences of a note from the left, found here where it has none."""
        known = note.sentences
        return sorted((self._sentences(note).sentences or ()) if known is None else known)

    def _read(
        self, note: Note, folded: str, passage: tuple[int, int], drugs: Sequence[Entity]
    ) -> Iterator[Entity]:
        """Yield the drugs of a passage with what it says of them."""
        past = {s.heading for s in note.sections or () if s.kind == _PAST}
        told = linked(self._terms, folded, *passage, [drug.span for drug in drugs])
        said = settled(self._terms, folded, drugs, [f.change for f in told], passage[0])
        for drug, found, own in zip(drugs, told, said, strict=True):
            made = self._attributes(note, folded, found, drug.span)
            yield _filled(drug, made, in_use(self._terms, folded, own, drug.span, made, past))

    def _attributes(
        self, note: Note, folded: str, found: Linked, drug: Span
    ) -> dict[str, Attribute]:
        """Return what the finds that belong to a drug say of it."""
        change = found.change.value
        is_mixed = self._terms.is_combination(folded[drug.start : drug.end])
        made = regimen(
            found.items, self._terms, note.text, folded, change=change, is_mixed=is_mixed
        )
        if change in CHANGES:
            made["change"] = change
        if found.indication:
            made["indication"] = " ".join(note[found.indication].split())
        return made

    def _passages(
        self, note: Note, drugs: Sequence[int], sentences: Sequence[Span], folded: str
    ) -> Iterator[tuple[int, int, list[int]]]:
        """Yield ranges of text with the drugs in them, in text order.

        A range is a sentence with the ones after it that go on with its last drug, less what is
        too far from a drug.
        """
        starts = [sentence.start for sentence in sentences]
        k = 0
        while k < len(drugs):
            first = note.entities[drugs[k]].span
            at = bisect_right(starts, first.start) - 1
            begin = starts[at] if at >= 0 else first.start
            end = max(sentences[at].end, first.end) if at >= 0 else first.end
            if k:
                begin = self._own_line(folded, begin, first.start)
            group = [drugs[k]]
            k += 1
            while k < len(drugs) and note.entities[drugs[k]].span.start < end:
                group.append(drugs[k])
                k += 1
            last = max(note.entities[i].span.end for i in group)
            until = note.entities[drugs[k]].span.start if k < len(drugs) else len(folded)
            end = self._gone_on(sentences, at + 1, max(end, last), until, folded)
            yield max(begin, first.start - N_CHARS), min(end, last + N_CHARS), group

    def _gone_on(
        self, sentences: Sequence[Span], at: int, end: int, until: int, folded: str
    ) -> int:
        """Return the end of the sentences from `at` on that go on with the drug before them.

        Of one that the next drug stands in, at `until`, the lines above it.
        """
        while at < len(sentences) and sentences[at].start < until:
            start, stop = sentences[at].start, sentences[at].end
            stop = self._own_line(folded, start, until) if stop > until else stop
            if stop == start or not self._goes_on(folded, start, stop):
                break
            end = stop
            at += 1
        return end

    def _own_line(self, folded: str, start: int, drug: int) -> int:
        """Return where the line of a drug begins if the ones above it go on, else `start`."""
        line = line_of(folded, start, drug)
        return line if line > start and self._goes_on(folded, start, line) else start

    def _goes_on(self, folded: str, start: int, end: int) -> bool:
        """Return whether a sentence goes on with the drug before: "Take 1 daily", no heading."""
        if folded[start:end].rstrip().endswith(":"):
            return False
        return self._terms.takes.match(folded, start) is not None or self._terms.counts(
            folded, start, end
        )


def _filled(entity: Entity, found: dict[str, Attribute], said: Assertion) -> Entity:
    if said is entity.assertion and not found.keys() - entity.attributes.keys():
        return entity
    return replace(entity, attributes={**found, **entity.attributes}, assertion=said)
