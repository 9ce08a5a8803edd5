"""From notes to a project that people judge: suggestions, an order, concepts to choose from."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Note
from clinnlp.core.vocab import Vocabulary
from clinnlp.review.database import Database
from clinnlp.review.forms import sha256_of
from clinnlp.review.projects import Project, ProjectRules, add_concepts, add_notes, add_project
from clinnlp.study.review_settings import ReviewProjectSettings

if TYPE_CHECKING:
    from clinnlp.bert.predict import EntityTagger
    from clinnlp.core.pipeline import Pipeline

__all__ = ["create_project", "uncertain_first"]


def create_project(
    database: Database,
    name: str,
    notes: Iterable[Note],
    *,
    settings: ReviewProjectSettings,
    nlp: "Pipeline | None" = None,
    tagger: "EntityTagger | None" = None,
    vocabulary: Vocabulary | None = None,
    guideline: str = "",
    made_by: Mapping[str, str] | None = None,
) -> Project:
    """Return a new project of a store, with its notes.

    Parameters
    ----------
    database : Database
    name : str
    notes : iterable of Note
        All are held in memory.
    settings : ReviewProjectSettings
    nlp : Pipeline, optional
        Makes the suggestions, where the settings say so.
    tagger : EntityTagger, optional
        Whose labels may be given, and which chooses the order where the settings say so.
    vocabulary : Vocabulary, optional
        Concepts to choose from.
    guideline : str
        Markdown, shown beside each note.
    made_by : mapping, optional
        What tells `nlp` from others, as `clinnlp.study.extract.fingerprint` gives it.

    Raises
    ------
    ArgumentError
        No notes, no labels, or an order that needs a model where there is none.
    """
    given = list(_suggested(notes, settings, nlp))
    if not given:
        raise ArgumentError("a project must have notes, got none")
    if settings.order == "uncertain":
        given = _uncertain_first(given, tagger)
    rules = _rules(given, settings, tagger, vocabulary, guideline)
    if not rules.labels:
        raise ArgumentError("a project must have labels to give, got none; name --review-labels")
    made = sha256_of(dict(made_by)) if made_by and settings.suggest == "model" else ""
    with database.writing() as connection:
        project = add_project(connection, name, rules, model=made)
        add_notes(connection, project, given)
        if vocabulary is not None:
            names = ((c.code, c.system, word) for c in vocabulary for word in c.names)
            add_concepts(connection, project, names)
    return project


def _suggested(
    notes: Iterable[Note], settings: ReviewProjectSettings, nlp: "Pipeline | None"
) -> Iterable[Note]:
    if settings.suggest == "notes":
        return notes
    bare = (note.with_(entities=(), relations=(), labels=()) for note in notes)
    if settings.suggest == "none":
        return bare
    if nlp is None:
        raise ArgumentError("suggestions of a model must have a pipeline that makes them, got none")
    return nlp.stream(bare)


def uncertain_first(
    notes: Sequence[Note], tagger: "EntityTagger", *, judged: Sequence[Note] = ()
) -> list[Note]:
    """Return notes as `choose_next` orders them; those without words stand at the end.

    Parameters
    ----------
    notes : sequence of Note
    tagger : EntityTagger
    judged : sequence of Note
        Notes like these come late.
    """
    from clinnlp.bert.active import choose_next

    by_id = {note.id: note for note in notes}
    bare = [note.with_(entities=(), relations=()) for note in notes]
    chosen = choose_next(tagger, bare, max(len(notes), 1), annotated=judged)
    return [by_id.pop(choice.note.id) for choice in chosen] + list(by_id.values())


def _uncertain_first(notes: Sequence[Note], tagger: "EntityTagger | None") -> list[Note]:
    if tagger is None:
        raise ArgumentError("the order uncertain must have a model that is unsure, got none")
    return uncertain_first(notes, tagger)


def _rules(
    notes: Sequence[Note],
    settings: ReviewProjectSettings,
    tagger: "EntityTagger | None",
    vocabulary: Vocabulary | None,
    guideline: str,
) -> ProjectRules:
    labels = {entity.label for note in notes for entity in note.entities}
    if tagger is not None and settings.suggest == "model":
        labels |= set(tagger.labels) - set(tagger.off)
    labels |= {concept.label for concept in vocabulary or ()}
    links = {link.label for note in notes for link in note.relations}
    classes = {label for note in notes for label in note.labels}
    return ProjectRules(
        labels=_joined(settings.review_labels, labels),
        relation_labels=_joined(settings.relation_labels, links),
        relation_roles={one.label: tuple(one.roles) for note in notes for one in note.relations},
        note_labels=_joined(settings.note_labels, classes),
        guideline=guideline,
        n_annotators=settings.n_annotators,
        repeat_share=settings.repeat_share,
        wrong_share=settings.wrong_share,
        bare_share=settings.bare_share,
        uncertain_first=settings.order == "uncertain",
        hold_days=settings.hold_days,
        seed=settings.seed,
    )


def _joined(named: Any, found: Iterable[str]) -> tuple[str, ...]:
    """Return the words that were named, in their order, and behind them what else was found."""
    return tuple(dict.fromkeys((*(named or ()), *sorted(found))))
