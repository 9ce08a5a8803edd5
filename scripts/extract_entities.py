"""Extract entities with their assertion from notes, by a model, a word list, or both.

Worked example, with the bundled word list and no model:

    python scripts/extract_entities.py corpora/discharge-mini/test.jsonl out/entities.csv \
        --vocabulary corpora/discharge-mini/vocabulary.csv

With a model from scripts/finetune_ner.py add `--model out/models/discharge`. One row per mention:
note, label, offsets, text, concept, negated, uncertain, hypothetical, historical, experiencer.
"""

import argparse

import clinnlp
from clinnlp.io.tables.mentions import write_entity_table


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("notes", help="notes: JSONL, PubTator, BRAT, CoNLL, CSV or Parquet")
    parser.add_argument("out", help="table to write: .csv or .parquet")
    parser.add_argument("--model", help="model folder")
    parser.add_argument("--vocabulary", help="word list with a column name")
    args = parser.parse_args()

    nlp = clinnlp.pipeline(args.model, vocabulary=args.vocabulary)
    bare = (note.with_(entities=(), relations=()) for note in clinnlp.read_notes(args.notes))
    table = clinnlp.entity_table(nlp.stream(bare))
    write_entity_table(table, args.out)
    negated = int((table["negated"] == 1).sum())
    print(f"{len(table)} mentions, {negated} of them negated: {args.out}")


if __name__ == "__main__":
    main()
