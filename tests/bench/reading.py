"""What reading gives a recogniser: context, overlap, decoding, least scores: scripts/bench reading.

One model of `scripts/bench ner`, scored on bc5cdr dev read in different ways; nothing is trained.
Where the rest of a note does not count, scores and least scores are fitted anew for that, on the
same selection notes. `--only` names some ways.
"""

import argparse
from dataclasses import replace

import numpy as np

import clinnlp
from clinnlp.bert import predict
from clinnlp.bert.corpus import drop_overlap, split_selection
from clinnlp.bert.settings import TaggerSettings
from clinnlp.bert.store import load
from clinnlp.bert.tasks import TaggerTask
from clinnlp.core.notes import Note
from clinnlp.metrics.mentions import compare_spans
from clinnlp.text.sentences import Sentences
from tests.bench import DATA, ROOT, record
from tests.bench.ner import ids_of_test_parts, read


def greedy(log_p, lengths):
    """The likeliest tag of each word alone; an I that nothing begins becomes a B."""
    tags = log_p.argmax(1)
    starts = np.zeros(len(tags), bool)
    starts[np.cumsum(lengths)[:-1]] = True
    starts[:1] = True
    for i, tag in enumerate(tags):
        before = 0 if starts[i] else tags[i - 1]
        if tag and tag % 2 == 0 and before not in (tag - 1, tag):
            tags[i] = tag - 1
    return tags


def by_sentence(tagger, notes):
    """Every sentence read alone."""
    done = []
    for note in notes:
        pieces = Sentences()(note).sentences
        alone = [Note(id=str(i), text=note[s]) for i, s in enumerate(pieces)]
        found = [
            replace(e, id=f"S{i}-{e.id}", span=e.span.shift(s.start))
            for i, (s, part) in enumerate(zip(pieces, tagger.batch(alone), strict=True))
            for e in part.entities
        ]
        done.append(note.with_(entities=tuple(found)))
    return done


def for_itself(tagger):
    """The same model where the rest of a note does not count."""
    tested = ids_of_test_parts()
    dev = read("bc5cdr", 1)
    train = [n for n in drop_overlap(read("bc5cdr", 0), dev) if n.id not in tested]
    fit, selection = split_selection(train, tagger.settings["selection_fraction"])
    plain = replace(tagger, consistency=(), calibration={}, thresholds={})
    every = {"train": tagger.labels}
    task = TaggerTask(plain, {"train": fit[:1]}, {"train": selection}, every, TaggerSettings())
    sure = task.confidence()
    return replace(plain, calibration=sure.calibration, thresholds=sure.thresholds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", help="some of the ways, as printed")
    parser.add_argument("--model", default=str(ROOT / "out" / "models" / "bc5cdr-default-0"))
    args = parser.parse_args()
    tagger = load(args.model)
    gold = list(clinnlp.read_notes(DATA / "bc5cdr" / "CDR_DevelopmentSet.PubTator.txt"))
    bare = [note.with_(entities=(), relations=()) for note in gold]
    network, viterbi = tagger.network, predict.decode_words
    size, stride = network.max_tokens, network.stride
    usual = tagger.batch(bare)
    ways = {
        "as trained": (size, stride, viterbi),
        "stride 0": (size, 0, viterbi),
        "stride 128": (size, 128, viterbi),
        "windows of 128": (128, 32, viterbi),
        "greedy decoding": (size, stride, greedy),
    }
    for way, (network.max_tokens, network.stride, predict.decode_words) in ways.items():
        if args.only is None or way in args.only:
            tell(args, way, gold, tagger.batch(bare), usual)
    network.max_tokens, network.stride, predict.decode_words = ways["as trained"]
    others = {
        "sentence by sentence": lambda: by_sentence(tagger, bare),
        "no least score": lambda: replace(tagger, thresholds={}).batch(bare),
        "each place for itself": lambda: for_itself(tagger).batch(bare),
    }
    for way, found in others.items():
        if args.only is None or way in args.only:
            tell(args, way, gold, found(), usual)


def tell(args, way, gold, found, usual) -> None:
    gap = compare_spans(gold, found, usual, n_boot=300)
    f1 = clinnlp.score_spans(gold, found, n_boot=0).micro.f1
    record("reading", model=args.model.rsplit("/", 1)[-1], way=way, f1=round(f1, 4),
           less_as_trained=str(gap.difference), p=round(gap.p, 4))  # fmt: skip


if __name__ == "__main__":
    main()
