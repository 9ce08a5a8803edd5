"""Words per second of a peer, run by text.py in an environment that has it."""

import json
import logging
import sys
import time
import warnings
from pathlib import Path


def main() -> None:
    warnings.simplefilter("ignore")
    peer, folder = sys.argv[1], Path(sys.argv[2])
    texts = json.loads((folder / "notes.json").read_text())
    terms = json.loads((folder / "terms.json").read_text())
    nlp = negspacy(terms) if peer == "negspacy" else medspacy(terms, split=peer == "medspacy")
    n_words, mentions, best = sum(len(text.split()) for text in texts), 0, float("inf")
    nlp(texts[0])
    for _ in range(2):
        start = time.process_time()
        mentions = sum(len(nlp(text).ents) for text in texts)
        best = min(best, time.process_time() - start)
    print(json.dumps({"words_per_s": round(n_words / best), "mentions": mentions,
                      "pipes": nlp.pipe_names}))  # fmt: skip


def negspacy(terms):
    import spacy
    from negspacy.negation import Negex  # noqa: F401

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    ruler = nlp.add_pipe("entity_ruler", config={"phrase_matcher_attr": "LOWER"})
    ruler.add_patterns([{"label": label, "pattern": name} for name, label in terms])
    nlp.add_pipe("negex")
    return nlp


def medspacy(terms, *, split):
    import medspacy
    from medspacy.target_matcher import TargetRule

    logging.disable(logging.WARNING)
    enable = {"medspacy_target_matcher", "medspacy_context"} | (
        {"medspacy_pyrush"} if split else set()
    )
    nlp = medspacy.load(medspacy_enable=enable)
    if not split:
        nlp.add_pipe("sentencizer", first=True)
    matcher = nlp.get_pipe("medspacy_target_matcher")
    matcher.add([TargetRule(name, label) for name, label in terms])
    return nlp


if __name__ == "__main__":
    main()
