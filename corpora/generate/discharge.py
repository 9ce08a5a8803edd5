"""``discharge-mini``: 185 synthetic discharge notes with entities, assertion and relations.

Train, dev and test hold different patients. About a third of the drugs and problems of the
lexicon is kept out of train, with all brand names and synonyms, so that a list of the words seen
in training cannot solve dev or test. `vocabulary.csv` covers a part of the names seen in train.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from clinnlp.core.files import atomic_write
from clinnlp.study.synthetic.dice import Dice
from clinnlp.study.synthetic.notes import compose, draw_style
from clinnlp.study.synthetic.rows import csv_text, json_lines
from clinnlp.study.synthetic.stories import Chooser, draw_facts, story_of
from clinnlp.study.synthetic.words import Term, drugs, lexicon, problems
from clinnlp.study.synthetic.writer import MARK, SLOT, phrases
from corpora.generate.discharge_card import discharge_card
from corpora.generate.discharge_case import draw_case

__all__ = ["DISCHARGE_SEED", "SPLITS", "discharge_notes", "held_out_codes", "write_discharge_mini"]

DISCHARGE_SEED = 20240229
SPLITS = {"train": 125, "dev": 30, "test": 30}  # notes
WORDS = (120, 260)  # fewest and most words of a note
P_HELD_OUT = 0.36  # share of the lexicon that train never sees
W_HELD_OUT = 1.7  # weight of a held-out term in dev and test, beside 1
P_VOCABULARY = 0.75  # share of the names of train in vocabulary.csv
FIRST_DAY = datetime(2023, 1, 2, 8)


def write_discharge_mini(folder: str | Path, *, seed: int = DISCHARGE_SEED) -> Path:
    """Write the corpus: train, dev and test as JSONL, a vocabulary, and its card.

    Parameters
    ----------
    folder : str or Path
        Made where missing; files of the same names are replaced.
    seed : int
        Equal seeds give equal bytes.

    Returns
    -------
    Path
        `folder`.

    Raises
    ------
    clinnlp.core.errors.RunError
        The disk is full or the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sorted(path.name for path in write_discharge_mini(folder).iterdir())
    ['CARD.md', 'dev.jsonl', 'test.jsonl', 'train.jsonl', 'vocabulary.csv']
    """
    folder = Path(folder)
    splits = {split: discharge_notes(split, seed=seed) for split in SPLITS}
    rows = _vocabulary(splits["train"], seed)
    files = {f"{split}.jsonl": json_lines(notes) for split, notes in splits.items()}
    files["vocabulary.csv"] = csv_text(("code", "system", "name", "synonyms", "label"), rows)
    files["CARD.md"] = discharge_card(splits, len(rows), seed=seed)
    for name, text in files.items():
        with atomic_write(folder / name) as handle:
            handle.write(text)
    return folder


def discharge_notes(split: str, *, seed: int = DISCHARGE_SEED) -> list[dict[str, object]]:
    """Return the notes of a split as JSON-ready mappings.

    Examples
    --------
    >>> discharge_notes("dev")[0]["id"]
    'dev-001'
    """
    held_out = held_out_codes(seed)
    weight = 0.0 if split == "train" else W_HELD_OUT
    return [
        _note(Chooser(Dice(f"{seed}/{split}/{number}"), held_out, weight), f"{split}-{number:03d}")
        for number in range(1, SPLITS[split] + 1)
    ]


def held_out_codes(seed: int = DISCHARGE_SEED) -> frozenset[str]:
    """Return the codes of the terms that train never sees.

    Terms that a phrase names outright, and the two drugs given by protocol, are never held out:
    they stand in the notes of every split.
    """
    dice = Dice(f"{seed}/held out")
    fixed = _fixed_codes()
    found: set[str] = set()
    groups: dict[str, list[str]] = {}
    for term in (*drugs(), *problems()):
        if term.code not in fixed:
            groups.setdefault(term.label + term.roles[:1], []).append(term.code)
    for codes in groups.values():
        found.update(dice.sample(codes, round(P_HELD_OUT * len(codes))))
    return frozenset(found)


def _note(chooser: Chooser, name: str) -> dict[str, object]:
    """Compose notes on one case until one has a fitting length."""
    dice, case = chooser.dice, draw_case(chooser)
    start = FIRST_DAY + timedelta(hours=dice.between(0, 365 * 24))
    end = (start + timedelta(days=dice.between(2, 9))).replace(hour=dice.between(10, 17))
    while True:
        story = story_of(case, chooser, facts=draw_facts(dice, when=end))
        writer = compose(dice, story, draw_style(dice))
        if WORDS[0] <= len(writer.text.split()) <= WORDS[1]:
            break
    return writer.record(
        id=name,
        patient=f"p-{name}",
        encounter=f"e-{name}",
        time=start.isoformat(),
        known=end.isoformat(),
        kind="discharge",
        labels=[case.illness.specialty],
    )


def _vocabulary(train: Iterable[Mapping[str, object]], seed: int) -> list[Sequence[str]]:
    """Return rows for a part of the concepts mentioned in train."""
    dice = Dice(f"{seed}/vocabulary")
    seen: set[str] = set()
    for note in train:
        for entity in note["entities"]:  # type: ignore[attr-defined]
            seen.update(entity["concepts"])
    rows: list[Sequence[str]] = []
    for code in sorted(seen):
        term = lexicon()[code]
        if dice.chance(P_VOCABULARY):
            system = "synthetic-rx" if term.label == "Drug" else "synthetic-dx"
            rows.append((term.code, system, term.name, "|".join(_listed(term)), term.label))
    return rows


def _listed(term: Term) -> tuple[str, ...]:
    """Return the synonyms of a row: abbreviations of two letters mean too many things."""
    return tuple(other for other in term.others if len(other) > 2)


def _fixed_codes() -> frozenset[str]:
    found = {"drug:heparin", "drug:enoxaparin"}
    for place in phrases().values():
        for phrase in place:
            for mark in MARK.finditer(phrase):
                slot = SLOT.fullmatch(mark["slot"] or "")
                if slot and slot["code"]:
                    found.add(slot["code"])
    return frozenset(found)
