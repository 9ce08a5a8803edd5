"""How far people agree: with each other, with themselves, and with suggestions that are wrong.

Between two people, and between a note and its repeat by one person: strict and relaxed F1 and
Cohen's kappa over tokens as ``clinnlp diff`` gives them; F1 and kappa of each label; kappa of each
axis of assertion over the mentions that both have at the same place under the same label. Intervals
resample notes. Seconds are of notes that are done, by whether suggestions were shown. Of the
suggestions that were wrong on purpose those count as accepted that stand in the note unchanged.

References
----------
Cohen, Educ Psychol Meas 1960; Hripcsak and Rothschild, JAMIA 2005 (F1 where kappa has no chance).
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from sqlalchemy import func, select

from clinnlp.core.arrays import Floats
from clinnlp.core.counts import Estimate, ratio
from clinnlp.core.notes import Entity, Note
from clinnlp.core.tokens import tokenize
from clinnlp.metrics.agreement import cohen_kappa, kappa_told
from clinnlp.metrics.intervals import bootstrap_draws, percentile_interval
from clinnlp.metrics.spans import score_spans
from clinnlp.review.corpus import TaskReading, note_of, task_readings
from clinnlp.review.database import Database
from clinnlp.review.forms import entity_from
from clinnlp.review.projects import Project
from clinnlp.review.tables import judgements, tasks

__all__ = [
    "Agreement",
    "AxisAgreement",
    "LabelAgreement",
    "PairAgreement",
    "SecondsSpent",
    "WrongAccepted",
    "agreement",
    "pair_agreement",
]

_NONE = "O"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelAgreement:
    """Agreement on one label: F1, and kappa over tokens of this label against all others."""

    label: str
    strict: Estimate
    relaxed: Estimate
    kappa: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisAgreement:
    """Agreement on one axis of assertion, over `n` mentions that both have."""

    axis: str
    n: int
    kappa: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class PairAgreement:
    """Agreement of two readings of the same notes."""

    first: str
    second: str
    n_notes: int
    strict: Estimate
    relaxed: Estimate
    kappa: Estimate | None
    labels: tuple[LabelAgreement, ...]
    axes: tuple[AxisAgreement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondsSpent:
    """Seconds of one person, on notes with or without suggestions."""

    person: str
    suggestions: bool
    n_notes: int
    n_mentions: int
    per_note: Estimate
    per_mention: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongAccepted:
    """Suggestions that were wrong on purpose: how many a person saw, how many he accepted."""

    person: str
    n_shown: int
    n_accepted: int
    share: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """All of a project."""

    between: tuple[PairAgreement, ...]
    within: tuple[PairAgreement, ...]
    seconds: tuple[SecondsSpent, ...]
    wrong: tuple[WrongAccepted, ...]

    def lines(self) -> Iterator[str]:
        """Yield what a terminal shows."""
        if not self.seconds:
            yield "no note is done yet, so there is nothing to compare"
        elif not (self.between or self.within):
            yield "no note is done by two people or twice yet, so there is no agreement"
        for pair in (*self.between, *self.within):
            yield from _lines_of(pair)
        for spent in self.seconds:
            how = "with" if spent.suggestions else "without"
            yield f"{spent.person}, {how} suggestions: {spent.n_notes} notes"
            mention = (
                f"a mention {spent.per_mention}" if spent.n_mentions else "no mention was kept"
            )
            yield f"  seconds a note {spent.per_note}, {mention}"
        for wrong in self.wrong:
            yield f"{wrong.person}: {wrong.n_shown} suggestions that were wrong on purpose"
            yield f"  accepted {wrong.n_accepted}, share {wrong.share}"


def _lines_of(pair: PairAgreement) -> Iterator[str]:
    same = pair.first == pair.second
    names = f"{pair.first} a second time" if same else f"{pair.first} and {pair.second}"
    yield f"{names}: {pair.n_notes} notes"
    if math.isnan(pair.strict.value):
        yield "  no mention in them, so F1 is not defined"
    else:
        yield f"  F1 {pair.strict} strict, {pair.relaxed} relaxed"
    yield f"  Cohen's kappa over tokens: {kappa_told(pair.kappa)}"
    for label in pair.labels:
        yield f"  {label.label}: F1 {label.strict} strict, kappa {kappa_told(label.kappa)}"
    for axis in pair.axes:
        yield f"  {axis.axis}, {axis.n} mentions: kappa {kappa_told(axis.kappa)}"


def agreement(database: Database, project: Project, *, n_boot: int = 1000) -> Agreement:
    """Return how far the people of a project agree, and how long they take.

    Parameters
    ----------
    database : Database
    project : Project
    n_boot : int
        Resamples of notes for the intervals; 0 gives none.
    """
    with database.reading() as connection:
        done = list(task_readings(connection, project))
        spent = select(judgements.c.task, func.sum(judgements.c.seconds))
        spent = spent.join(tasks, tasks.c.id == judgements.c.task)
        mine = spent.where(tasks.c.project == project.id).group_by(judgements.c.task)
        seconds = {row[0]: float(row[1]) for row in connection.execute(mine)}
    by: dict[tuple[str, str], list[TaskReading]] = defaultdict(list)
    for one in done:
        by[one.task["kind"], one.who].append(one)
    people = sorted(who for kind, who in by if kind == "first")
    pairs = [(a, b, by["first", a], by["first", b]) for a, b in combinations(people, 2)]
    again = [(who, who, by["first", who], by["repeat", who]) for who in people]
    axes = project.rules.axes
    return Agreement(
        between=tuple(_pairs(pairs, axes, n_boot)),
        within=tuple(_pairs(again, axes, n_boot)),
        seconds=tuple(_seconds(people, by, seconds, n_boot)),
        wrong=tuple(_wrong(people, by, n_boot)),
    )


def pair_agreement(
    first: str,
    second: str,
    ours: Sequence[Note],
    theirs: Sequence[Note],
    *,
    axes: Sequence[str],
    n_boot: int = 1000,
) -> PairAgreement:
    """Return the agreement of two readings of the same notes, in the same order.

    Parameters
    ----------
    first, second : str
        Whose they are.
    ours, theirs : sequence of Note
    axes : sequence of str
        Of assertion, that are compared.
    n_boot : int
    """
    strict = score_spans(ours, theirs, match="strict", n_boot=n_boot)
    relaxed = score_spans(ours, theirs, match="relaxed", n_boot=n_boot)
    rows = _token_rows(ours, theirs)
    groups = rows[2]

    def kappa(a: Sequence[str], b: Sequence[str], of: Sequence[str]) -> Estimate:
        return cohen_kappa(a, b, groups=of, n_boot=n_boot)

    labels = [
        LabelAgreement(
            label=label,
            strict=strict.label_f1[label],
            relaxed=relaxed.label_f1[label],
            kappa=kappa(_is(rows[0], label), _is(rows[1], label), groups),
        )
        for label in strict.label_f1
        if groups
    ]
    pairs = list(_same_place(ours, theirs))
    found = []
    for axis in axes if pairs else ():
        a = [str(getattr(mine.assertion, axis)) for mine, _, _ in pairs]
        b = [str(getattr(other.assertion, axis)) for _, other, _ in pairs]
        notes = [pair[2] for pair in pairs]
        found.append(AxisAgreement(axis=axis, n=len(pairs), kappa=kappa(a, b, notes)))
    return PairAgreement(
        first=first,
        second=second,
        n_notes=len(ours),
        strict=strict.f1,
        relaxed=relaxed.f1,
        kappa=kappa(rows[0], rows[1], groups) if groups else None,
        labels=tuple(labels),
        axes=tuple(found),
    )


def _pairs(
    sides: Iterable[tuple[str, str, list[TaskReading], list[TaskReading]]],
    axes: Sequence[str],
    n_boot: int,
) -> Iterator[PairAgreement]:
    for first, second, ours, theirs in sides:
        left, right = ({one.task["note"]: one for one in side} for side in (ours, theirs))
        both = [note for note in left if note in right]
        if both:
            notes = [[note_of(side[note]) for note in both] for side in (left, right)]
            yield pair_agreement(first, second, *notes, axes=axes, n_boot=n_boot)


def _token_rows(
    ours: Sequence[Note], theirs: Sequence[Note]
) -> tuple[list[str], list[str], list[str]]:
    rows: tuple[list[str], list[str], list[str]] = ([], [], [])
    for mine, other in zip(ours, theirs, strict=True):
        starts = [token.start for token in tokenize(mine.text)]
        rows[0].extend(_labels_at(starts, mine.entities))
        rows[1].extend(_labels_at(starts, other.entities))
        rows[2].extend([mine.id] * len(starts))
    return rows


def _is(labels: Sequence[str], label: str) -> list[str]:
    return [str(one == label) for one in labels]


def _labels_at(starts: Sequence[int], entities: Iterable[Entity]) -> list[str]:
    """Return the label at each place; of mentions that overlap, the longest one's."""
    found = dict.fromkeys(starts, _NONE)
    for entity in sorted(entities, key=lambda e: (sum(p.length for p in e.pieces), e.label)):
        for piece in entity.pieces:
            found.update({at: entity.label for at in range(piece.start, piece.end) if at in found})
    return [found[at] for at in starts]


def _same_place(
    ours: Sequence[Note], theirs: Sequence[Note]
) -> Iterator[tuple[Entity, Entity, str]]:
    for mine, other in zip(ours, theirs, strict=True):
        there = {(entity.label, entity.pieces): entity for entity in other.entities}
        for entity in mine.entities:
            pair = there.pop((entity.label, entity.pieces), None)
            if pair is not None:
                yield entity, pair, mine.id


def _seconds(
    people: Iterable[str],
    by: dict[tuple[str, str], list[TaskReading]],
    seconds: dict[int, float],
    n_boot: int,
) -> Iterator[SecondsSpent]:
    for who in people:
        every = [*by["first", who], *by["repeat", who]]
        for suggestions in (True, False):
            mine = [one for one in every if bool(one.task["given"].get("mentions")) == suggestions]
            if not mine:
                continue
            spent = [seconds.get(one.task["id"], 0.0) for one in mine]
            n_mentions = [len(one.reading.entities()) for one in mine]
            yield SecondsSpent(
                person=who,
                suggestions=suggestions,
                n_notes=len(mine),
                n_mentions=sum(n_mentions),
                per_note=_share(spent, [1] * len(mine), n_boot),
                per_mention=_share(spent, n_mentions, n_boot),
            )


def _wrong(
    people: Iterable[str], by: dict[tuple[str, str], list[TaskReading]], n_boot: int
) -> Iterator[WrongAccepted]:
    for who in people:
        mine = [one for one in by["first", who] if one.task["planted"]]
        if mine:
            shown = [len(one.task["planted"]) for one in mine]
            taken = [_n_taken(one) for one in mine]
            yield WrongAccepted(
                person=who,
                n_shown=sum(shown),
                n_accepted=sum(taken),
                share=_share(taken, shown, n_boot),
            )


def _n_taken(one: TaskReading) -> int:
    given = {made["id"]: entity_from(made) for made in one.task["given"]["mentions"]}
    return sum(
        one.reading.mentions[name].is_kept
        and _place(one.reading.mentions[name].entity) == _place(given[name])
        for name in one.task["planted"]
    )


def _place(entity: Entity) -> tuple[object, ...]:
    return entity.label, entity.pieces


def _share(parts: Sequence[float], wholes: Sequence[float], n_boot: int) -> Estimate:
    """Return the ratio of two sums over notes, its interval from resampling notes.

    It is ``nan`` where the second sum is 0.
    """
    counts = np.array([parts, wholes], np.float64)  # (2, n)

    def shares(weights: Floats) -> Floats:
        above, below = counts @ weights
        return np.array([ratio(above, below) if below else np.nan])  # of nothing there is no share

    value = float(shares(np.ones(counts.shape[1]))[0])
    if not n_boot:
        return Estimate(value=value, low=float("nan"), high=float("nan"))
    draws = bootstrap_draws(shares, counts.shape[1], n_boot=n_boot, seed=0)[:, 0]
    return percentile_interval(value, draws, level=0.95, unit="document")
