"""Medication attributes on written cases and on lines of mtsamples: scripts/bench medications.

F1 per field, given the drug mentions. A field is right where its words (blanks squeezed) or its
value are equal; an indication also where one holds the other. The part `held` of the lines was
not looked at while the engine was made.
"""

import argparse
import re
from collections import defaultdict

from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.text.medication import Medications
from clinnlp.text.sections import Sections
from clinnlp.text.sentences import Sentences
from tests.bench import ROOT, record

NAMES = {"freq": "frequency", "dur": "duration", "ind": "indication", "mg": "dose_mg",
         "day": "doses_per_day", "days": "duration_days", "daily": "daily_mg"}  # fmt: skip
CHANGES = ("start", "stop", "hold", "increase", "decrease", "continue")
WRITTEN = {"cases": "en", "plans": "en", "spanish": "es"}  # files of corpora/medication-cases
NUMBERS = ("dose_mg", "doses_per_day", "duration_days", "daily_mg")
WORDS = ("dose", "strength", "form", "route", "frequency", "duration", "prn", "indication",
         "schedule", "change")  # fmt: skip
_MARK = re.compile(r"\[(?P<drug>[^\]]+)\]|\{(?P<whose>[>=]?)(?P<name>\w+) |(?P<close>\})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--errors", action="store_true", help="list the differences")
    parser.add_argument("--parts", nargs="+", default=[*WRITTEN, "tuned", "held"])
    args = parser.parse_args()
    for part in args.parts:
        pipe = Medications(language=WRITTEN.get(part, "en"))
        pairs = list(written_cases(part) if part in WRITTEN else lines(part))
        counts, errors = compare(pairs, pipe)
        fields = {name: told(*counts[name]) for name in (*WORDS, *NUMBERS) if any(counts[name])}
        total = [sum(c[i] for c in counts.values()) for i in range(3)]
        record(f"medications, {part}", notes=len(pairs), all=told(*total), **fields)
        for error in errors if args.errors else ():
            print(*error)


def told(tp: int, fp: int, fn: int) -> str:
    """Return F1 with its counts."""
    return f"F1 {2 * tp / (2 * tp + fp + fn):.3f} ({tp} right, {fp} wrong, {fn} missed)"


def compare(pairs, pipe):
    """Return counts (right, wrong, missed) per field and the differences."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    errors = []
    for note, wanted in pairs:
        done = pipe(note)
        for entity, want in zip(done.entities, wanted, strict=True):
            got = values(entity.attributes)
            if "dose_before" in want:
                got |= {k: v for k, v in entity.attributes.items() if k == "dose_before"}
            for name in sorted(want.keys() | got.keys()):
                a, b = want.get(name), got.get(name)
                right = a == b or (name == "indication" and a and b and (a in b or b in a))
                counts[name][0] += bool(right)
                counts[name][1] += not right and b is not None
                counts[name][2] += not right and a is not None
                if not right:
                    errors.append((note.id, note[entity.span], name, "want", a, "got", b))
    return counts, errors


def values(attributes) -> dict:
    """Return attributes with each number as its ends."""
    out = {name: attributes[name] for name in WORDS if name in attributes}
    for name in NUMBERS:
        if name in attributes:
            out[name] = (round(attributes[name], 4),)
        elif f"{name}_low" in attributes:
            out[name] = tuple(round(attributes[f"{name}_{end}"], 4) for end in ("low", "high"))
    return out


def written_cases(part: str):
    """Yield each case of a file as a note with its drugs, and what is wanted of each."""
    path = ROOT / "corpora" / "medication-cases" / f"{part}.txt"
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line and line[0] != "#":
            yield case(line.replace("\\n", "\n"), f"{part}.txt:{number}")


def case(line: str, id: str):
    """Return a line of inline markup as a note, and what is wanted of each drug."""
    marked, *told = line.split("|")
    text, drugs, opened, at = "", [], [], 0
    wanted: dict[int, dict] = defaultdict(dict)
    for mark in _MARK.finditer(marked):
        text += marked[at : mark.start()]
        at = mark.end()
        if mark["drug"]:
            drugs.append(Span(len(text), len(text) + len(mark["drug"])))
            text += mark["drug"]
        elif mark["name"]:
            opened.append((mark["name"], len(text), mark["whose"]))
        else:
            name, start, whose = opened.pop()
            last = max(0, len(drugs) - 1)
            for k in {"": (last,), ">": (len(drugs),), "=": (last - 1, last)}[whose]:
                wanted[k].update(_marked(name, " ".join(text[start:].split())))
    text = (text + marked[at:]).rstrip()
    for k, said in enumerate(told):
        words = said.split()
        for name, value in zip(words[::2], words[1::2], strict=True):
            field = NAMES.get(name, name)
            wanted[k][field] = value if field == "change" else _ends(value)
    entities = tuple(Entity(id=f"T{i}", span=s, label="Drug") for i, s in enumerate(drugs))
    return Note(id=id, text=text, entities=entities), [wanted[k] for k in range(len(drugs))]


def _marked(name: str, words: str) -> dict:
    if name in CHANGES:
        return {"change": name}
    return {NAMES.get(name, name): True if name == "prn" else words}


def _ends(value: str) -> tuple[float, ...]:
    return tuple(round(float(end), 4) for end in value.split(".."))


def lines(part: str):
    """Yield each drawn note with the drugs of its drawn lines, and what is wanted of each."""
    from tests.bench.extract import distinct_notes

    texts = {note.id: note for note in distinct_notes()}
    path = ROOT / "corpora" / "mtsamples-medications" / "gold.tsv"
    drugs: dict[tuple[str, str, str], dict] = defaultdict(dict)
    for row in path.read_text(encoding="utf-8").splitlines()[1:]:
        note, of, line, drug, name, start, end, value = row.split("\t")
        if of == part and name != "line":
            text = texts[note].text[int(start) : int(end)] if start else ""
            drugs[note, line, drug][name] = (start and (int(start), int(end)), text, value)
    by_note: dict[str, list[dict]] = defaultdict(list)
    for (note, _, _), fields in drugs.items():
        by_note[note].append(fields)
    split = (Sections(), Sentences())
    for name, found in by_note.items():
        entities = tuple(
            Entity(id=f"T{i}", span=Span(*fields["drug"][0]), label="Drug")
            for i, fields in enumerate(found)
        )
        note = split[1](split[0](texts[name].with_(entities=entities)))
        yield note, [_wanted(fields) for fields in found]


def _wanted(fields) -> dict:
    out = {}
    for name, (_, text, value) in fields.items():
        if name in NUMBERS:
            out[name] = _ends(value)
        elif name == "prn":
            out[name] = True
        elif name != "drug":
            out[name] = value if name == "change" else " ".join(text.split())
    return out


if __name__ == "__main__":
    main()
