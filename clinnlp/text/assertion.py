"""Assertion: whether a mention is negated, uncertain, hypothetical, historical, another person's.

One engine for five axes, after ConText. All cues of all axes are found in one scan of the
folded note; of overlapping phrases the longest stays. Then each sentence with mentions is swept
once from the left and once from the right: a cue opens its axis, a terminator closes it, and a
mention takes the state it meets. Sections open an axis at the start of their sentences (family
history: someone else), and the open axes of a sentence that ends in a colon reach into the list
items below it. The answers of a form decide for their own labels (see `clinnlp.text.forms`), and a
short clause that ends in a state holds by itself ("no fever, COPD stable"). Time is linear in the
text, the mentions and the cues.

Everything that belongs to a language stands in the tables.

Scores on the NegEx test kit (1,760 rows; clusters of reports that share a sentence are never
split), F1 with 95 % intervals by cluster, beside medSpaCy's ConText on the same rows:

- the half kept aside, scored once (880 rows): negation 0.965 [0.912, 0.990] against 0.927,
  difference 0.038 [0.010, 0.093]; historical 0.756 [0.433, 0.912] (51 positive) against 0.813,
  difference -0.058 [-0.247, 0.039]; hypothetical 0.759 [0.000, 0.903] (36) against 0.714. The
  tables grew after that, on unlabelled notes; the half was not scored again.
- the half the cues were tuned on, so no estimate for other notes: 0.996, 0.845, 0.929.

On NUBes (Spanish, samples 001-008; 001 and 002 were looked at) the words inside a scope of
negation are found with F1 0.771 [0.760, 0.782]. ``scripts/bench assertion`` measures all of them.

References
----------
Chapman et al., NegEx, J Biomed Inform 34(5), 2001. Harkema, Dowling, Thornblade and Chapman,
ConText, J Biomed Inform 42(5), 2009.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from clinnlp.core.notes import AXES, Assertion, Entity, Note, Section
from clinnlp.core.spans import Span
from clinnlp.text.assertion_cues import Cue, CueFinder, shipped_finder
from clinnlp.text.assertion_scopes import Hits, Open, State, Sweeps
from clinnlp.text.cues import CueRow, Prior, read_priors
from clinnlp.text.plain import PlainText, plain_text, reads_plain
from clinnlp.text.sentences import Sentences
from clinnlp.text.tables import data_path

__all__ = ["Assertions", "Reason"]

_NOTHING = Assertion(**dict.fromkeys(AXES, False))  # type: ignore[arg-type]


class Reason(NamedTuple):
    """Why an axis of a mention is true: `span` is the cue (None: a section without heading).

    `row` names the table, its line, the cell, and the source of the rule.
    """

    entity: str
    axis: str
    span: Span | None
    row: CueRow


class Assertions:
    """Pipe that sets the assertion of every mention of a note, whoever made it.

    All five axes are assessed; `Assertion.cues` holds, for each axis that is true, the span of
    the words that decided, which may be a section's heading. Sentences are computed where the
    note has none; section priors work where the note has sections.

    Parameters
    ----------
    tables : sequence of paths, optional
        TSV cue tables (see `clinnlp.text.cues`) in place of the language's own.
    language : str
        Whose tables: ``"en"`` or ``"es"``.
    priors : path, optional
        TSV of section priors: ``kind``, ``axis``, ``when`` (``always``, or only with a ``cue``).

    Examples
    --------
    >>> fever = Entity(id="T1", span=Span(7, 12), label="Problem")
    >>> note = Assertions()(Note(id="n", text="Denies fever.", entities=(fever,)))
    >>> note.entities[0].assertion.negated, note[note.entities[0].assertion.cues["negated"]]
    (True, 'Denies')
    """

    def __init__(
        self,
        tables: Sequence[str | Path] | None = None,
        *,
        language: str = "en",
        priors: str | Path | None = None,
    ) -> None:
        self._finder = CueFinder(tables) if tables else shipped_finder(language)
        self._priors = read_priors(priors or data_path("section_priors.tsv"))
        self._sentences = Sentences(language=language)

    @reads_plain
    def __call__(self, note: Note, /) -> Note:
        """Return the note with the assertion of each mention set anew."""
        if not note.entities:
            return note
        hits = self._hits(note)
        entities = tuple(
            _asserted(entity, found) for entity, found in zip(note.entities, hits, strict=True)
        )
        return note.with_(entities=entities)

    def explain(self, note: Note, /) -> list[Reason]:
        """Return why each axis of each mention is true: the cue, and the row that it matched.

        Examples
        --------
        >>> fever = Entity(id="T1", span=Span(7, 12), label="Problem")
        >>> (why,) = Assertions().explain(Note(id="n", text="Denies fever.", entities=(fever,)))
        >>> why.axis, why.span, why.row.table, why.row.source
        ('negated', Span(start=0, end=6), 'assertion_en.tsv', 'negex')
        """
        plain = plain_text(note.text)
        hits = self._hits(note if plain is None else plain.copied(note))
        return [
            Reason(entity.id, AXES[axis], _span(cue, plain), cue.row)
            for entity, found in zip(note.entities, hits, strict=True)
            for axis, cue in sorted(found.items())
        ]

    def _hits(self, note: Note) -> list[Hits]:
        """Return for each mention what decided each axis that is true."""
        sentences = note.sentences
        if sentences is None:
            sentences = self._sentences(note).sentences or ()
        mentions = [entity.span for entity in note.entities]
        cues, answers = self._finder.find(
            note.text, [span.start for span in mentions], [span.start for span in sentences]
        )
        sweeps = Sweeps(note.text, mentions, cues, self._finder.words)
        sweeps.read(sentences, _Sections(note.sections or (), self._priors).opened)
        sweeps.answer(answers, self._finder.row_of)
        return sweeps.hits


class _Sections:
    """The axes that the sections of a note open at the start of their sentences."""

    def __init__(self, sections: Sequence[Section], priors: Mapping[str, Sequence[Prior]]) -> None:
        self._sections, self._priors = sections, priors
        self._starts = [section.span.start for section in sections]

    def opened(self, start: int, cues: Sequence[Cue]) -> State:
        """Return what is open where a sentence begins that holds some cues."""
        k = bisect_right(self._starts, start)
        if not k or self._sections[k - 1].span.end <= start:
            return {}
        section = self._sections[k - 1]
        priors = self._priors.get(section.kind)
        if priors is None:
            return {}
        heading = section.heading or (-1, -1)
        return {
            prior.axis: Open(*heading, 0, prior.row, prior=True)
            for prior in priors
            if not prior.needs_cue or any(prior.axis in cue.work.opens for cue in cues)
        }


def _asserted(entity: Entity, found: Hits) -> Entity:
    if not found:
        made = _NOTHING
    else:
        made = Assertion(
            **{name: axis in found for axis, name in enumerate(AXES)},
            cues={
                AXES[axis]: span
                for axis, cue in sorted(found.items())
                if (span := _span(cue)) is not None
            },
        )
    return entity.asserted(made)


def _span(cue: Open, plain: PlainText | None = None) -> Span | None:
    if cue.end <= 0:
        return None
    span = Span(cue.start, cue.end)
    return span if plain is None else plain.back(span)
