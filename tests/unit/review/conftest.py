"""Stores of both kinds, with people and notes."""

import pytest

from clinnlp.core.notes import Assertion, Entity, Note, Relation
from clinnlp.core.spans import Span
from clinnlp.review.database import create_database
from clinnlp.review.people import add_user
from clinnlp.review.projects import ProjectRules, add_notes, add_project
from tests import postgres

PASSWORD = "correct horse"
LABELS = ("Drug", "Problem")


@pytest.fixture(scope="session")
def postgres_server():
    why = postgres.missing()
    if why:
        pytest.skip(why)
    with postgres.running() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def place(request, tmp_path):
    if request.param == "sqlite":
        return tmp_path / "review.db"
    return request.getfixturevalue("postgres_server").new_database()


@pytest.fixture
def database(place):
    made = create_database(place)
    yield made
    made.close()


def note_of(k, text="Took aspirin 81 mg for chest pain. No fever 💊."):
    """Return a note with two suggestions."""
    drug, pain = text.index("aspirin"), text.index("chest pain")
    entities = (
        Entity(id="T1", span=Span(drug, drug + 7), label="Drug", score=0.9, concepts=("D1",)),
        Entity(
            id="T2", span=Span(pain, pain + 10), label="Problem", score=0.5,
            assertion=Assertion(negated=False, cues={"negated": Span(0, 4)}),
        ),
    )  # fmt: skip
    link = Relation(id="R1", label="Treats", roles={"drug": ("T1",), "problem": ("T2",)})
    return Note(
        id=f"n{k}", text=text, patient=f"p{k}", entities=entities, relations=(link,),
        sections=(), sentences=(Span(0, min(34, len(text))),),
    )  # fmt: skip


class World:
    """A store with a project of some notes, and people."""

    def __init__(self, database, n=3, names=("anna", "ben"), notes=None, **rules):
        self.database = database
        how = {"repeat_share": 0.0, "wrong_share": 0.0, "relation_labels": ("Treats",), **rules}
        with database.writing() as connection:
            self.project = add_project(
                connection, "p", ProjectRules(labels=LABELS, **how), model="m" * 64
            )
            add_notes(connection, self.project, notes or [note_of(k) for k in range(n)])
            self.users = {
                name: add_user(connection, name, PASSWORD, role=role)
                for name, role in zip(
                    (*names, "judge", "owner"),
                    (*["annotator"] * len(names), "adjudicator", "owner"),
                    strict=True,
                )
            }


@pytest.fixture(autouse=True, scope="session")
def _quick_hashes():
    """Hash passwords with little work; the parameters have a test of their own."""
    from argon2 import PasswordHasher

    from clinnlp.review import people

    before = people._hasher
    people._hasher = lambda: PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    yield
    people._hasher = before


@pytest.fixture
def world(database):
    return lambda **how: World(database, **how)
