"""Interactions that drug labels state, by rules: scripts/bench interactions [--errors].

NLM's labels, gold mentions of drugs and classes: pairs of names that a label says interact, each
once a label, as `clinnlp mine labels` writes them; and pairs of mentions. The words were chosen on
the labels at even places, so the others are unseen.
"""

import argparse
import re
import zipfile
from collections.abc import Collection, Iterator
from xml.etree import ElementTree as ET

from clinnlp.core.notes import Entity, Note, Relation
from clinnlp.core.spans import Span
from clinnlp.text.interactions import StatedInteractions
from tests.bench import DATA, record

DRUGS = ("Drug", "Drug_Class", "Substance")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--errors", action="store_true", help="list the differences")
    args = parser.parse_args()
    rules, labels = StatedInteractions(drug_labels=DRUGS), list(read_labels())
    for part, name in ((labels[::2], "even, seen"), (labels[1::2], "odd, unseen")):
        for level in ("table", "mentions"):
            counts = [0, 0, 0]
            for notes in part:
                gold, found = set(), set()
                for note in notes:
                    gold |= pairs_of(note, note.relations, level)
                    made = rules(note.with_(relations=()))
                    denied = (r for r in made.relations if not r.attributes.get("negated"))
                    found |= pairs_of(note, denied, level)
                counts = [counts[0] + len(gold & found), counts[1] + len(found - gold),
                          counts[2] + len(gold - found)]  # fmt: skip
                if args.errors and level == "table":
                    for sign, pairs in (("missed", gold - found), ("false", found - gold)):
                        print(*(f"{sign} {sorted(pair)}" for pair in pairs), sep="\n")
            tp, fp, fn = counts
            precision, recall = tp / (tp + fp), tp / (tp + fn)
            f1 = 2 * tp / (2 * tp + fp + fn)
            record(
                "stated interactions", labels=f"{len(part)} {name}", pairs=level,
                precision=f"{precision:.3f}", recall=f"{recall:.3f}", f1=f"{f1:.3f}",
            )  # fmt: skip


def read_labels(labels: Collection[str] = DRUGS) -> Iterator[list[Note]]:
    """Yield the sentences of each label as notes, with its drugs and interacting pairs.

    A drug that is in no interaction has the label Biomedical_Entity.
    """
    with zipfile.ZipFile(DATA / "nlm_ddi_labels" / "nlm_ddi_labels.zip") as packed:
        for name in sorted(n for n in packed.namelist() if n.endswith(".xml")):
            root = ET.fromstring(packed.read(name))
            yield [note_of(sentence, labels) for sentence in root.iter("sentence")]


def note_of(sentence: ET.Element, labels: Collection[str]) -> Note:
    text, entities = sentence.get("text", ""), {}
    for one in sentence.iter("entity"):
        ends = [int(number) for number in re.findall(r"\d+", one.get("charOffset") or "")]
        name, label = one.get("id", ""), one.get("type", "")
        if label in labels and ends and max(ends) <= len(text) and ends[0] < ends[-1]:
            entities[name] = Entity(id=name, span=Span(ends[0], ends[-1]), label=label)
    pairs = [(p.get("e1"), p.get("e2")) for p in sentence.iter("pair") if p.get("ddi") == "true"]
    relations = [
        Relation(id=f"R{k}", label="interacts", roles={"drug": (a,), "other": (b,)})
        for k, (a, b) in enumerate(pairs)
        if a in entities and b in entities
    ]
    return Note(id=sentence.get("id", ""), text=text, entities=tuple(entities.values()),
                relations=tuple(relations), sentences=(Span(0, len(text)),))  # fmt: skip


def pairs_of(note: Note, relations, level: str) -> set[frozenset[str]]:
    called = {e.id: note.mention(e).lower() if level == "table" else f"{note.id} {e.id}"
              for e in note.entities}  # fmt: skip
    pairs = {frozenset(called[i] for (i,) in r.roles.values()) for r in relations}
    return {pair for pair in pairs if len(pair) == 2}


if __name__ == "__main__":
    main()
