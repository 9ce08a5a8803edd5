"""medSpaCy's ConText with its own sentences, run by the interpreter that has medspacy.

Reads ``[text, start, end]`` as JSON lines, writes ``[negated, historical, hypothetical]``. Its
QuickUMLS dependency, which ConText does not use, is stubbed where it is not installed.
"""

import importlib.util
import json
import logging
import sys
import types


def main() -> None:
    if importlib.util.find_spec("quickumls") is None:
        package = types.ModuleType("quickumls")
        package.spacy_component = types.ModuleType("quickumls.spacy_component")
        package.spacy_component.SpacyQuickUMLS = object
        sys.modules |= {"quickumls": package, "quickumls.spacy_component": package.spacy_component}
    logging.disable(logging.WARNING)
    try:
        from loguru import logger

        logger.remove()
    except ImportError:
        pass
    import medspacy

    nlp = medspacy.load(medspacy_enable=["medspacy_pyrush", "medspacy_context"])
    for line in sys.stdin:
        text, start, end = json.loads(line)
        doc = nlp.make_doc(text)
        doc.ents = [doc.char_span(start, end, label="X", alignment_mode="expand")]
        for _, pipe in nlp.pipeline:
            doc = pipe(doc)
        said = doc.ents[0]._
        print(json.dumps([said.is_negated, said.is_historical, said.is_hypothetical]))


if __name__ == "__main__":
    main()
