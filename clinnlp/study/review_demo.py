"""A review project on the synthetic notes that come with the library, for a first try."""

import secrets
from pathlib import Path
from typing import NamedTuple

from clinnlp.core.files import check_writable
from clinnlp.core.modes import make_folder
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.tables.vocabularies import read_vocabulary
from clinnlp.review.database import Database, create_database, open_database
from clinnlp.review.people import add_user, set_password
from clinnlp.study.example import example
from clinnlp.study.pipeline import pipeline
from clinnlp.study.review_project import create_project
from clinnlp.study.review_settings import ReviewProjectSettings

__all__ = ["DEMO_USER", "DemoReview", "demo_review"]

DEMO_USER = "demo"
_STORE = "review.db"
_GUIDELINE = """# What to mark

These notes are made up. A word list has suggested **drugs** and **problems**; some are missing, and
some are wrong on purpose.

- A *Drug* is any name of a medicine, without its dose.
- A *Problem* is a disease or a complaint, also one that is denied: then it is *negated*.
"""


class DemoReview(NamedTuple):
    """An open store, and the password of its only person."""

    database: Database
    user: str
    password: str


def demo_review(out: Path) -> DemoReview:
    """Return a store below a folder, made where there is none, with a new password.

    Parameters
    ----------
    out : Path
        The store is ``review.db`` in it.
    """
    place = check_writable(out / _STORE)
    make_folder(out)
    password = secrets.token_urlsafe(12)
    if place.exists():
        database = open_database(place)
        with database.writing() as connection:
            set_password(connection, DEMO_USER, password)
        return DemoReview(database, DEMO_USER, password)
    corpus = example("discharge-mini")
    words = read_vocabulary(corpus / "vocabulary.csv")
    database = create_database(place)
    create_project(
        database,
        "discharge-mini",
        read_notes(corpus / "dev.jsonl"),
        settings=ReviewProjectSettings(),
        nlp=pipeline(vocabulary=words),
        vocabulary=words,
        guideline=_GUIDELINE,
        made_by={"vocabulary": "discharge-mini"},
    )
    with database.writing() as connection:
        add_user(connection, DEMO_USER, password, role="owner")
    return DemoReview(database, DEMO_USER, password)
