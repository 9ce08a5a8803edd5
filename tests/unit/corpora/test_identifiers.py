"""Planted identifiers: each stands where its template says, and no list holds its names."""

import csv
import lzma

import pytest

from clinnlp.core.notes import check_note
from clinnlp.text.identifier_lexicon import Kind, lexicon
from clinnlp.text.identifiers import identifier_labels
from corpora.generate.halves import half_of
from corpora.generate.identifier_values import values
from corpora.generate.identifiers import STYLES, UNLISTED, plant_identifiers, templates

SENTENCE = "The abdomen was soft and not tender, and the wound was closed in layers. "


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    (folder / "mtsamples").mkdir()
    with lzma.open(folder / "mtsamples" / "mtsamples.csv.xz", "wt", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["transcription"])
        writer.writerows([[f"Case {'i' * k}. {SENTENCE * 12}"] for k in range(40)])
        writer.writerow([f"Seen by Dr. X on 1/2/2003. {SENTENCE * 12}"])
    return folder


def test_each_identifier_stands_where_it_is_said_to(folder):
    notes = list(plant_identifiers(folder, "build"))
    assert len({note.id for note in notes}) == len(notes) > 10
    assert {note.kind for note in notes} == set(STYLES)
    for note in notes:
        check_note(note)
        assert {e.label for e in note.entities} <= identifier_labels().keys()
        assert all(note[e.span] == note[e.span].strip() != "" for e in note.entities)
        assert "Dr. X" not in note.text
        assert "{" not in note.text


def test_the_same_seed_plants_the_same(folder):
    first, again, other = (list(plant_identifiers(folder, "build", seed=k)) for k in (1, 1, 2))
    assert first == again != other


def test_halves_share_no_template_and_both_hold_all_places():
    build, aside = templates("build"), templates("aside")
    for where in ("head", "body", "end"):
        assert build[where]
        assert aside[where]
        assert not set(build[where]) & set(aside[where])
        assert all(half_of(template) == "build" for template in build[where])


def test_halves_share_no_name(folder):
    build, aside = UNLISTED.half("build"), UNLISTED.half("aside")
    for kind in ("given", "family", "city"):
        ours, theirs = (set(getattr(names, kind)) for names in (build, aside))
        assert min(len(ours), len(theirs)) > 80
        assert not ours & theirs
    notes = list(plant_identifiers(folder, "aside", names=build))
    words = {
        w.lower() for n in notes for e in n.entities if e.label == "PLACE" for w in [n[e.span]]
    }
    assert words
    assert words <= {city.lower() for city in build.city}


@pytest.mark.parametrize("kind", ["given", "family", "city"])
def test_no_planted_name_stands_in_a_list_of_names(kind):
    kinds = lexicon("en").kinds
    listed = Kind.GIVEN | Kind.FAMILY | Kind.CITY
    assert len(values(kind)) > 200
    assert [name for name in values(kind) if kinds.get(name.lower(), 0) & listed] == []
