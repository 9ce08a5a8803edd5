"""Stated relations by rules: scripts/bench relations [--parts train dev] [--errors].

PHEE, gold mentions: `causes` between each drug and effect of an event, `treats` between each drug
and disorder of a treatment; strict precision, recall and F1 by label, and pairs a second. PHEE
gives a pair where the sentence says it in any way, the rules where their words stand there.
"""

import argparse
import time
from itertools import product

from clinnlp.core.notes import Entity, Note, Relation
from clinnlp.io.notes.corpora import read_notes
from clinnlp.metrics.relations import score_relations
from clinnlp.text.relations import StatedRelations
from tests.bench import DATA, record

LABELS = {"Drug": "Drug", "Effect": "Effect", "Disorder": "Disorder"}
DRUGS = ("Treatment.Drug", "Treatment.Combination.Drug")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", default=["train", "dev"], choices=["train", "dev"])
    parser.add_argument("--errors", action="store_true", help="list the differences")
    args = parser.parse_args()
    for part in args.parts:
        gold = [pairs_of(n) for n in read_notes(DATA / "phee" / "json" / f"{part}.json",
                                                format="phee-json")]  # fmt: skip
        rules = StatedRelations(problem_labels=("Effect", "Disorder"))
        start = time.process_time()
        found = [rules(note.with_(relations=())) for note in gold]
        spent = time.process_time() - start
        said = [note.with_(relations=tuple(map(told, note.relations))) for note in found]
        scores = score_relations(gold, said)
        record(
            "stated relations", part=part, notes=len(gold), notes_a_second=round(len(gold) / spent),
            **{label: f"P {p.precision:.3f} R {p.recall:.3f} F1 {p.f1:.3f} of {p.tp + p.fn}"
               for label, p in scores.per_label.items()},
        )  # fmt: skip
        if args.errors:
            differences(gold, said)


def pairs_of(note: Note) -> Note:
    """Return the note with its drugs, effects and disorders, and the pairs of its events."""
    labels = {e.id: LABELS[e.label] for e in note.entities if e.label in LABELS}
    pairs: set[tuple[str, str, str]] = set()
    for event in note.relations:
        drugs = [i for role in DRUGS for i in event.roles.get(role, ())]
        for label, role, other in (("causes", "Effect", "Effect"),
                                   ("treats", "Treatment.Disorder", "Disorder")):  # fmt: skip
            if label == "causes" and event.label != "Adverse_event":
                continue
            ends = [i for i in event.roles.get(role, ()) if labels.get(i) == other]
            pairs |= {(label, d, e) for d, e in product(drugs, ends) if labels.get(d) == "Drug"}
    entities = tuple(
        Entity(id=e.id, span=e.span, label=labels[e.id], parts=e.parts)
        for e in note.entities
        if e.id in labels
    )
    made = (link(f"R{k}", *pair) for k, pair in enumerate(sorted(pairs), 1))
    return note.with_(entities=entities, relations=tuple(made))


def link(name: str, label: str, drug: str, problem: str) -> Relation:
    return Relation(id=name, label=label, roles={"drug": (drug,), "problem": (problem,)})


def told(relation: Relation) -> Relation:
    drug, problem = (ids[0] for ids in relation.roles.values())
    return link(relation.id, relation.label, drug, problem)


def differences(gold: list[Note], found: list[Note]) -> None:
    for note, other in zip(gold, found, strict=True):
        of = {e.id: note.mention(e) for e in note.entities}
        right, said = (
            {(r.label, *(of[i] for (i,) in r.roles.values())) for r in n.relations}
            for n in (note, other)
        )
        for sign, pairs in (("missed", right - said), ("false", said - right)):
            for pair in sorted(pairs):
                print(sign, *pair, "|", note.text)


if __name__ == "__main__":
    main()
