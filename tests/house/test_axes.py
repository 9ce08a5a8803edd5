"""An assertion axis that is entered in `Assertion` reaches every place, or fails here by name."""

from dataclasses import fields

import numpy as np
import pytest

from clinnlp.core.notes import AXES, AXIS_SIGNS, Assertion, Entity, Note
from clinnlp.core.spans import Span
from clinnlp.core.tables import EntityTable, Outcome
from clinnlp.core.vocab import Concept, Vocabulary
from clinnlp.features.baskets import baskets
from clinnlp.features.entities import asserted, entity_table
from clinnlp.features.events import collect_cases
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.io.notes.spacy import EXTENSIONS, from_spacy, to_spacy
from clinnlp.io.tables.mentions import read_entity_table, write_entity_table
from clinnlp.metrics.assertion import score_assertions
from clinnlp.report.highlight import BADGES, badges
from clinnlp.text.assertion import Assertions
from clinnlp.text.cues import read_cues, read_priors
from clinnlp.text.lookup import Lookup
from clinnlp.text.tables import data_path

# from the class, not from AXES: also a field that somebody forgot to make an axis
WANTED = [f.name for f in fields(Assertion) if f.name != "cues"]
LANGUAGES = ("en", "es")
FORMATS = ("jsonl", "brat", "docbin", "omop")  # those that hold any axis; others have their own


def note_with(axis, *, value=True):
    """Return a note whose one mention has one axis assessed."""
    gout = Entity(id="T1", span=Span(3, 7), label="Problem", assertion=Assertion(**{axis: value}))
    return Note(id="7", text="no gout", patient="1", entities=(gout,))


@pytest.mark.parametrize("axis", WANTED)
class TestAnAxisIsEnteredIn:
    def test_the_tuple_of_axes(self, axis):
        assert axis in AXES
        assert list(AXES) == WANTED

    def test_the_values_of_an_assertion(self, axis):
        values = dict(zip(AXES, Assertion(**{axis: True}).axes, strict=True))
        assert values == dict.fromkeys(WANTED) | {axis: True}

    def test_the_badges_of_the_report(self, axis):
        assert list(BADGES) == WANTED
        (badge,) = badges(note_with(axis).entities[0])
        assert badge.meaning
        assert [other for other in WANTED if BADGES[other].sign == badge.sign] == [axis]
        assert AXIS_SIGNS[axis] == badge

    def test_the_columns_of_mentions(self, axis):
        flags = [name for name, kind in EntityTable.SCHEMA.items() if kind == "flag"]
        assert flags == [*WANTED, "prn"]
        table = entity_table([note_with(axis), note_with(axis, value=False)])
        assert table[axis].tolist() == [1, 0]
        assert all(table[other].tolist() == [-1, -1] for other in WANTED if other != axis)

    @pytest.mark.parametrize("suffix", [".csv", ".parquet"])
    def test_files_of_mentions(self, axis, suffix, tmp_path):
        path = tmp_path / f"mentions{suffix}"
        write_entity_table(entity_table([note_with(axis)]), path)
        assert read_entity_table(path)[axis].tolist() == [1]

    def test_the_filter_of_mentions_and_baskets(self, axis):
        table = entity_table([note_with(axis)])
        mask, counts = asserted(table)
        assert (mask.tolist(), counts.n_excluded[axis]) == ([False], 1)
        assert baskets(table, unit="note").n_excluded[axis] == 1

    def test_the_facts_of_patients(self, axis):
        known = np.array(["2024-01-01T08:00"], "datetime64[s]")
        note = note_with(axis).with_(known=known[0].item())
        outcome = Outcome(patients=np.array(["1"]), index=known + 60, values=np.array([1]))
        cases = collect_cases(outcome, entities=entity_table([note]), by_assertion=True)
        assert cases.codes == (f"note:Problem:gout ({axis})",)

    def test_the_scores_of_assertions(self, axis):
        scores = score_assertions([note_with(axis)], [note_with(axis)])
        assert list(scores) == WANTED
        assert scores[axis].tp == 1

    @pytest.mark.parametrize("format", FORMATS)
    def test_the_format(self, axis, format, tmp_path):
        for k, value in enumerate([True, False]):
            note = note_with(axis, value=value).with_(patient=None)
            path = tmp_path / f"{k}.{format}"
            write_notes([note], path, format=format)
            (read,) = read_notes(path, format=format)
            assert read.entities[0].assertion == note.entities[0].assertion

    def test_the_extensions_of_spacy(self, axis):
        spacy = pytest.importorskip("spacy")
        assert axis in EXTENSIONS
        doc = to_spacy(note_with(axis), spacy.blank("en").vocab)
        assert getattr(doc.ents[0]._, axis) is True
        assert from_spacy(doc).entities[0].assertion == Assertion(**{axis: True})

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_the_table_of_cues(self, axis, language):
        table = read_cues([data_path(f"assertion_{language}.tsv")])
        k = WANTED.index(axis)
        cues = [a for rows in table.actions for a in rows if (a.axis, a.kind) == (k, "cue")]
        assert cues, f"assertion_{language}.tsv needs a cue for the axis {axis!r}"

    def test_what_the_engine_assesses(self, axis):
        problems = Vocabulary([Concept(code="1", name="gout", label="Problem")])
        found = Lookup(problems)(Note(id="n", text="Gout."))
        assert getattr(Assertions()(found).entities[0].assertion, axis) is False


def test_the_priors_of_sections_speak_of_axes():
    priors = read_priors(data_path("section_priors.tsv"))
    assert {prior.axis for rows in priors.values() for prior in rows} <= set(range(len(WANTED)))
