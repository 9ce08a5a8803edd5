"""Mine which drugs stand together more often than chance, and show the notes behind each rule.

Worked example, on the gold mentions of the bundled synthetic notes:

    python scripts/mine_drug_rules.py corpora/discharge-mini/train.jsonl --label Drug --unit note

Negated, historical, hypothetical, uncertain mentions and those of relatives do not count, nor do
drugs that the notes say are stopped or held. Each rule has its exact counts, a Fisher p and a
Benjamini-Hochberg q over all candidate pairs.
"""

import argparse

import clinnlp


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("notes", help="annotated notes")
    parser.add_argument("--label", default="Drug", help="label of the mentions (default: Drug)")
    parser.add_argument("--unit", default="patient", choices=["note", "encounter", "patient"])
    parser.add_argument("--min-count", type=int, default=3, help="baskets with both (default: 3)")
    parser.add_argument("--top", type=int, default=10, help="rules to show (default: 10)")
    args = parser.parse_args()

    table = clinnlp.entity_table(clinnlp.read_notes(args.notes))
    sets = clinnlp.baskets(table, label=args.label, unit=args.unit)
    rules = clinnlp.mine_rules(sets, min_count=args.min_count)
    print(sets, rules)
    print(rules.to_pandas().head(args.top).to_string())
    for i in range(min(args.top, len(rules))):
        behind = rules.evidence(i)
        places = [f"{n}:{s}-{e}" for n, s, e in
                  zip(behind["note"], behind["start"], behind["end"], strict=True)]  # fmt: skip
        print(f"rule {i}: {', '.join(places[:6])}{' ...' if len(places) > 6 else ''}")


if __name__ == "__main__":
    main()
