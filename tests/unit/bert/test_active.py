"""Choosing notes to annotate: doubtful ones, no near copies, none that is done."""

import numpy as np
import pytest

from clinnlp.bert.active import choose_next
from clinnlp.cli import main
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Note
from clinnlp.io.notes.corpora import read_notes, write_notes

from .conftest import TRAIN

NEW = [
    Note(id="odd", text="kwxq zzv fnord of the blarg , vorpal ; snark"),
    Note(id="twin", text="kwxq zzv fnord of the blarg , vorpal ; snark !"),
    Note(id="other", text="quux jabber 77 wock and tove"),
    Note(id="none", text=""),
]
KNOWN = [Note(id=f"k{n.id}", text=n.text) for n in TRAIN]


def test_what_the_tagger_does_not_know_comes_first(tagger):
    chosen = choose_next(tagger, [*KNOWN, *NEW], 3)
    assert chosen[0].note.id in {"odd", "twin", "other"}
    assert chosen[0].doubt > np.median([c.doubt for c in choose_next(tagger, KNOWN, 8)])


def test_a_near_copy_is_not_picked_next(tagger):
    picked = [c.note.id for c in choose_next(tagger, NEW, 2)]
    assert set(picked) != {"odd", "twin"}
    assert "none" not in [c.note.id for c in choose_next(tagger, NEW, 9)]


def test_what_is_annotated_is_never_picked_and_its_like_is_late(tagger):
    chosen = choose_next(tagger, NEW, 9, annotated=[Note(id="done", text=NEW[0].text)])
    assert [c.note.id for c in chosen] == ["other", "twin"]
    assert chosen[1].novelty < 0.3


def test_it_is_deterministic_and_keeps_text_and_offers_mentions(tagger):
    twice = [choose_next(tagger, [*KNOWN, *NEW], 11) for _ in range(2)]
    assert twice[0] == twice[1]
    assert any(c.note.entities for c in twice[0])
    texts = {n.id: n.text for n in [*KNOWN, *NEW]}
    assert all(c.note.text == texts[c.note.id] for c in twice[0])


def test_nothing_to_choose_from_and_no_number(tagger):
    assert choose_next(tagger, [], 3) == []
    with pytest.raises(ArgumentError, match="n must be at least 1"):
        choose_next(tagger, NEW, 0)


def test_the_command_writes_notes_to_correct(tagger_folder, classifier_folder, tmp_path, capsys):
    write_notes([*KNOWN, *NEW[:3]], tmp_path / "n.jsonl")
    command = ["next", str(tmp_path / "n.jsonl"), str(tmp_path / "todo.jsonl"), "--n", "2"]
    assert main([*command, "--model", str(tagger_folder)]) == 0
    assert capsys.readouterr().out.count("doubt") == 2
    assert len(list(read_notes(tmp_path / "todo.jsonl"))) == 2
    assert main([*command, "--model", str(classifier_folder)]) == 2
    assert "must be a recogniser" in capsys.readouterr().err
