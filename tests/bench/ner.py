"""Fine-tune on real corpora and score their dev splits once: scripts/bench ner [--corpora ...].

Documents of the corpora's test parts are left out of training too (overlap_pmids.json), since
corpora overlap. Each run is one row of out/bench.jsonl per corpus; `--summary` prints mean and
spread over seeds.
"""

import argparse
import json
import re
import time
from dataclasses import replace

import numpy as np

import clinnlp
from clinnlp.bert.corpus import drop_overlap
from clinnlp.bert.settings import TaggerSettings
from clinnlp.core.config import settings_from
from clinnlp.metrics.mentions import mention_length, score_confidence, score_groups, seen_in
from tests.bench import DATA, ROOT, record

OPEN = {"known_names": 1}  # what all may do whose corpora are open
FILES = {
    "bc5cdr": ("bc5cdr/CDR_TrainingSet.PubTator.txt", "bc5cdr/CDR_DevelopmentSet.PubTator.txt"),
    "ncbi_disease": ("ncbi_disease/NCBItrainset_corpus.txt",
                     "ncbi_disease/NCBIdevelopset_corpus.txt"),
    "biored": ("biored/Train.PubTator", "biored/Dev.PubTator"),
}  # fmt: skip


def read(corpus: str, split: int) -> list:
    """Notes of a corpus; in NCBI the four kinds of disease are one label, of its own."""
    notes = clinnlp.read_notes(DATA / FILES[corpus][split], format="pubtator", number_repeated=True)
    if corpus != "ncbi_disease":
        return list(notes)
    return [
        note.with_(entities=tuple(replace(e, label="DiseaseName") for e in note.entities))
        for note in notes
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpora", nargs="+", default=["bc5cdr"], choices=list(FILES))
    parser.add_argument("--name", default="default", help="of the configuration, for the table")
    parser.add_argument("--out", default=str(ROOT / "out" / "models"))
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--notes", type=int, help="train on so many notes of each corpus, drawn")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="KEY=JSON", help="of TaggerSettings"
    )
    parser.add_argument("--refit", action="store_true", help="the model of that name, on all notes")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--summary", action="store_true", help="only print what was recorded")
    args = parser.parse_args()
    if args.summary:
        summary()
    else:
        run(args)


def run(args) -> None:
    dev = {name: read(name, 1) for name in args.corpora}
    train = {name: read(name, 0) for name in args.corpora}
    tested = ids_of_test_parts()
    kept = {
        name: [n for n in drop_overlap(notes, *dev.values()) if n.id not in tested]
        for name, notes in train.items()
    }
    n_dropped = {name: len(train[name]) - len(kept[name]) for name in train}
    if args.notes:
        kept = {name: drawn(notes, args.notes, args.seed) for name, notes in kept.items()}
    changed = {key: json.loads(value) for key, _, value in (one.partition("=") for one in args.set)}
    settings = settings_from(TaggerSettings, {**OPEN, **changed, "seed": args.seed})
    folder = f"{args.out}/{'+'.join(args.corpora)}-{args.name}-{args.seed}"
    how = {"settings": settings, "encoder": args.encoder}
    if args.refit:
        how = {"refit": clinnlp.load(folder)}
        folder, args.name = f"{folder}-refit", f"{args.name} refit"
    start = time.perf_counter()
    cpu = time.process_time()
    tagger = clinnlp.fine_tune_ner(
        kept if len(kept) > 1 else kept[args.corpora[0]], out=folder, resume=args.resume, **how
    )
    spent = {
        "minutes": round((time.perf_counter() - start) / 60, 1),
        "cpu_minutes": round((time.process_time() - cpu) / 60, 1),
    }
    for name, gold in dev.items():
        n_notes = {"n_notes": len(kept[name]), "n_dropped": n_dropped[name]}
        score(args, name, gold, kept[name], tagger, {**spent, **n_notes})


def ids_of_test_parts() -> set[str]:
    """Return the ids of documents that stand in a test part of any corpus."""
    listed = json.loads((DATA / "overlap_pmids.json").read_text())
    return {pmid for part in listed.values() for pmid in part}


def is_abbreviation(note, entity) -> str:
    """Return whether a mention is 2 to 7 capitals."""
    return "yes" if re.fullmatch(r"[A-Z]{2,7}", note[entity.span]) else "no"


def drawn(notes: list, n: int, seed: int) -> list:
    """Return n notes, drawn by the seed."""
    order = np.random.default_rng(seed).permutation(len(notes))[:n]
    return [notes[i] for i in sorted(order)]


def score(args, name, gold, train, tagger, more) -> None:
    labels = {e.label for note in train for e in note.entities}
    found = [
        note.with_(entities=tuple(e for e in note.entities if e.label in labels))
        for note in tagger.batch([note.with_(entities=(), relations=()) for note in gold])
    ]
    strict, relaxed = (clinnlp.score_spans(gold, found, match=m) for m in ("strict", "relaxed"))
    sure = score_confidence(gold, found)
    record(
        "ner", corpus=f"{name} dev", trained_on="+".join(args.corpora), name=args.name,
        seed=args.seed, f1=round(strict.f1.value, 4), f1_interval=str(strict.f1),
        relaxed=round(relaxed.f1.value, 4), **more,
        per_label={k: round(v.f1, 4) for k, v in strict.per_label.items()},
        ece=round(sure.ece, 4), brier=round(sure.brier, 4),
        by_seen={k: round(v.f1, 4) for k, v in score_groups(gold, found, seen_in(train)).items()},
        by_length={k: round(v.f1, 4) for k, v in score_groups(gold, found, mention_length).items()},
        by_abbreviation={
            k: round(v.f1, 4) for k, v in score_groups(gold, found, is_abbreviation).items()
        },
        settings=args.set, encoder=args.encoder, best_epoch=tagger.card["best_epoch"],
    )  # fmt: skip


def summary() -> None:
    """Print mean and spread over seeds; of a run that was repeated the last counts."""
    runs: dict[tuple, dict] = {}
    for line in (ROOT / "out" / "bench.jsonl").open():
        row = json.loads(line)
        if row["bench"] == "ner" and "trained_on" in row:
            runs.setdefault((row["corpus"], row["trained_on"], row["name"]), {})[row["seed"]] = row
    for key, rows in runs.items():
        f1, ece = (np.array([row[name] for row in rows.values()]) for name in ("f1", "ece"))
        print(*key, f"n={len(f1)} F1 {f1.mean():.4f} ({f1.min():.4f}-{f1.max():.4f})",
              f"ECE {ece.mean():.4f}")  # fmt: skip


if __name__ == "__main__":
    main()
