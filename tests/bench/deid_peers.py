"""Presidio's recognisers by patterns alone, without a language model: run by `tests.bench.deid`.

Takes a file with a list of texts; prints the spans of each as [start, end, label]. Stands alone,
since it runs in an environment of its own.
"""

import json
import sys
import warnings
from pathlib import Path

LOWEST = 0.3  # score
MODELS = ("Spacy", "Stanza", "Transformers", "GLiNER")


def main() -> None:
    warnings.simplefilter("ignore")
    from presidio_analyzer import LocalRecognizer, RecognizerRegistry

    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    recognisers = [
        r
        for r in registry.recognizers
        if isinstance(r, LocalRecognizer) and not type(r).__name__.startswith(MODELS)
    ]
    print("recognisers:", ", ".join(sorted(r.name for r in recognisers)), file=sys.stderr)
    out = []
    for text in json.loads(Path(sys.argv[1]).read_text()):
        hits = (hit for r in recognisers for hit in r.analyze(text, r.supported_entities, None))
        out.append(sorted([h.start, h.end, h.entity_type] for h in hits if h.score >= LOWEST))
    print(json.dumps(out))


if __name__ == "__main__":
    main()
