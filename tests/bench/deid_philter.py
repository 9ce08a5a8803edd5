"""Philter's published filters (philter-lite, configuration "delta"): run by `tests.bench.deid`.

Takes a file with a list of texts; prints the spans of each that it would replace, as [start, end,
""]. Stands alone, since it runs in an environment of its own. Philter asks NLTK for the part of
speech of each word, from data that no package carries; here a word with a capital is a proper noun,
digits are a number, and all else a common noun.
"""

import importlib.util
import json
import re
import sys
import warnings
from pathlib import Path

RUN = re.compile(r"\*+")


def main() -> None:
    warnings.simplefilter("ignore")
    from philter_lite import detect_phi, load_filters, philter, transform_text_asterisk

    philter._get_pos = lambda text: [(word, part_of(word)) for word in philter._get_clean(text)]
    home = Path(importlib.util.find_spec("philter_lite").origin).parent
    filters = load_filters(str(home / "configs" / "philter_delta.toml"))
    out = []
    for text in json.loads(Path(sys.argv[1]).read_text()):
        kept, _, _ = detect_phi(text, filters)
        gone = transform_text_asterisk(text, kept)  # as long as the text
        out.append([[*m.span(), ""] for m in RUN.finditer(gone)])
    print(json.dumps(out))


def part_of(word: str) -> str:
    """Return the part of speech of a word by its letters."""
    return "CD" if word[:1].isdigit() else "NNP" if word[:1].isupper() else "NN"


if __name__ == "__main__":
    main()
