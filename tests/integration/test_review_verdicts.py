"""Verdicts of people clean what was mined of faulty mentions, and cost no planted interaction.

In the notes of ``cohort-mini`` a word list finds the mentions. Faults of extraction are planted, of
the kind that extractors make: some words of the notes, each found wherever it stands by chance,
until 5 % of all mentions are false. A scripted owner goes through the rules as the page shows them,
most surprising first, and calls a rule that rests on a false word an artefact of that word.
"""

import csv
import json
import random
import re
from collections import Counter

import numpy as np
import pytest

from clinnlp.cli import main
from clinnlp.core.notes import Entity
from clinnlp.core.spans import Span, overlaps
from clinnlp.features.baskets import event_baskets
from clinnlp.features.entities import entity_table
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.record.events import read_events
from clinnlp.io.tables.mentions import write_entity_table
from clinnlp.mine.signals.interactions import mine_interactions
from clinnlp.review.database import create_database
from clinnlp.review.people import add_user
from clinnlp.review.projects import ProjectRules, add_notes, add_project
from clinnlp.review.verdicts import add_verdict, verdicts_of
from clinnlp.study.demo import compare
from clinnlp.study.example import example
from clinnlp.study.pipeline import pipeline
from clinnlp.study.review_rules import mined_rules
from clinnlp.study.synthetic import write_cohort_mini
from clinnlp.study.verdicts import read_verdicts, without_artefacts

pytestmark = pytest.mark.slow

SHARE = 0.05
N_VERDICTS = 30
N_RULES = 20  # at least, that rest on false mentions
N_CANDIDATES = 60  # words that go with what the notes are about
ALPHA = 0.05
WORD = re.compile(r"[a-z]{4,}")
LEAST, MOST = 0.04, 0.3  # share of the notes in which a word stands that is taken for a mention


def planted(notes, rng):
    """Return notes with false mentions, and the words that they are of."""
    n_wanted = round(SHARE / (1 - SHARE) * sum(len(note.entities) for note in notes))
    known = {note.mention(e).casefold() for note in notes for e in note.entities}
    found_in = Counter(w for note in notes for w in {m[0] for m in WORD.finditer(note.text)})
    n = len(notes)
    words = sorted(w for w, k in found_in.items() if LEAST * n <= k <= MOST * n)
    words = [word for word in words if not any(word in name for name in known)]
    words = going_with(notes, words)[:N_CANDIDATES]
    rng.shuffle(words)
    false, chosen, made = 0, {}, [list(note.entities) for note in notes]
    while false < n_wanted:
        word = words.pop()
        chosen[word] = rng.choice(["Drug", "Problem"])
        for k, note in enumerate(notes):
            for match in re.finditer(rf"\b{word}\b", note.text):
                span = Span(*match.span())
                if rng.random() < 0.7 and not any(overlaps(span, e.span) for e in made[k]):
                    made[k].append(Entity(id=f"F{false}", span=span, label=chosen[word]))
                    false += 1
    noted = [note.with_(entities=tuple(e)) for note, e in zip(notes, made, strict=True)]
    return noted, set(chosen), false


def going_with(notes, words):
    """Return words by how closely each goes with some mention, the closest first."""
    names = Counter(note.mention(e).casefold() for note in notes for e in note.entities)
    texts = [note.text for note in notes]
    there = [{note.mention(e).casefold() for e in note.entities} for note in notes]
    frequent = [name for name, n in names.items() if 20 <= n <= len(notes) / 2]
    has = np.array([[name in each for each in there] for name in frequent], float)
    said = np.array([[bool(re.search(rf"\b{word}\b", t)) for t in texts] for word in words], float)
    rows = np.concatenate([said, has])
    rows = rows - rows.mean(axis=1, keepdims=True)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    closeness = (rows[: len(words)] @ rows[len(words) :].T).max(axis=1)
    return [words[k] for k in np.argsort(-closeness)]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    write_cohort_mini(folder)
    nlp = pipeline(vocabulary=example() / "vocabulary.csv")
    return folder, list(nlp.stream(read_notes(folder / "notes.jsonl")))


def called(study, words):
    """Return the significant rules that rest on false words, of those that are shown."""
    return {
        study.sides(i)
        for i in study.kept()
        if study.rules.q_bh[i] < ALPHA and words & {*study.sides(i)[0], *study.sides(i)[1]}
    }


@pytest.mark.parametrize("seed", range(1))
def test_thirty_verdicts_clean_the_rules(cohort, tmp_path, seed):
    folder, notes = cohort
    noted, words, n_false = planted(notes, random.Random(seed))
    n_all = sum(len(note.entities) for note in noted)
    assert abs(n_false / n_all - SHARE) < 0.01
    database = create_database(tmp_path / "s.db")
    with database.writing() as connection:
        rules = ProjectRules(labels=("Drug", "Problem"))
        project = add_project(connection, "p", rules)
        add_notes(connection, project, noted)
        owner = add_user(connection, "owner", "correct horse", role="owner")
    study = mined_rules(database, project)
    before = called(study, words)
    assert len(before) >= N_RULES
    n_given = 0
    for _ in range(N_VERDICTS):
        with database.reading() as connection:
            verdicts = verdicts_of(connection, project)
        study = type(study)(rules=study.rules, notes=study.notes, verdicts=verdicts)
        sides = next((study.sides(i) for i in study.kept()
                      if words & {*study.sides(i)[0], *study.sides(i)[1]}), None)  # fmt: skip
        if sides is None:
            break
        (item, *_) = words & {*sides[0], *sides[1]}
        with database.writing() as connection:
            add_verdict(connection, project, owner, sides, "artefact", version=0, item=item)
        n_given += 1
    with database.reading() as connection:
        verdicts = verdicts_of(connection, project)
    study = type(study)(rules=study.rules, notes=study.notes, verdicts=verdicts)
    after = called(study, words)
    told = (len(words), len(before), n_given, len(after))
    assert len(after) <= 0.1 * len(before), told
    clean = create_database(tmp_path / "clean.db")
    with clean.writing() as connection:
        other = add_project(connection, "p", rules)
        add_notes(connection, other, notes)
    alone = mined_rules(clean, other)
    truth = {alone.sides(i): int(alone.rules.table.n_ab[i]) for i in range(len(alone.rules))}
    shown = {study.sides(i): int(study.rules.table.n_ab[i]) for i in study.kept()}
    assert {s: n for s, n in shown.items() if not words & {*s[0], *s[1]}} == truth
    check_interactions(folder, database, tmp_path, noted)


def check_interactions(folder, database, tmp_path, noted):
    """Check that no planted interaction is lost, and that `clinnlp mine` leaves out as much."""
    out = tmp_path / "verdicts.csv"
    assert main(["review", "verdicts", str(database.place), str(out)]) == 0
    judged = read_verdicts(out)
    signals = mine_interactions(event_baskets(read_events(folder / "events.csv"), unit="encounter"))
    kept, n_left = without_artefacts(signals, judged)
    plants = json.loads((folder / "truth.json").read_text())["interactions"]["plants"]
    found = [[v.found for v in compare(some, plants).rows] for some in (signals, kept)]
    assert found[0] == found[1]
    assert any("signal," in word for word in found[0])
    assert n_left == 0
    write_entity_table(entity_table(noted), tmp_path / "mentions.parquet")
    mine = ["mine", str(tmp_path / "mentions.parquet"), "--out", str(tmp_path / "mined")]
    assert main([*mine, "--verdicts", str(out)]) == 0
    with open(tmp_path / "mined" / "rules.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert rows
    assert not any({row["antecedents"], row["consequents"]} & judged.items for row in rows)
    assert "left out as artefacts" in (tmp_path / "mined" / "report.md").read_text()
