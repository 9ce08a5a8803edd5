"""Every line of corpora/assertion-cases and corpora/section-cases, parsed from its markup."""

import re
import tomllib
from pathlib import Path

import pytest

from clinnlp.core.notes import AXES, Entity, Note
from clinnlp.core.spans import Span
from clinnlp.text.assertion import Assertions
from clinnlp.text.sections import Sections
from clinnlp.text.sentences import Sentences

CORPORA = Path(__file__).parents[3] / "corpora"
MENTION = re.compile(r"\[(?!\*)([^\]|]+)(?:\|([a-z ]+))?\]")
HEADING = re.compile(r"\{([^}|]+)\|([a-z_]+)\}")
BREAK = "‖"
PIPES = {
    language: (
        Sections(language=language),
        Sentences(language=language),
        Assertions(language=language),
    )
    for language in ("en", "es")
}


def _cases(pattern):
    return [*_lines(pattern)]


def _lines(pattern):
    for path in sorted(CORPORA.glob(pattern)):
        language = "es" if (path.name == "es.txt" or path.name.endswith(".es.txt")) else "en"
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if line and not line.startswith("#"):
                case = line.replace("\\r", "\r").replace("¶", "\n")
                yield pytest.param(language, case, id=f"{path.name}:{number}")


def _parse(case, markup):
    """Return the text without its markup, and the span and the tag of each marked piece."""
    text, found, last = "", [], 0
    for match in markup.finditer(case):
        text += case[last : match.start()]
        found.append((Span(len(text), len(text) + len(match[1])), match[2] or ""))
        text, last = text + match[1], match.end()
    return text + case[last:], found


@pytest.mark.parametrize(("language", "case"), _cases("assertion-cases/*.txt"))
def test_assertions(language, case):
    sections, sentences, assertions = PIPES[language]
    text, found = _parse(case, MENTION)
    assert found
    mentions = tuple(
        Entity(id=f"T{i}", span=span, label="Problem") for i, (span, _) in enumerate(found)
    )
    note = assertions(sentences(sections(Note(id="n", text=text, entities=mentions))))
    said = [{axis for axis in AXES if getattr(e.assertion, axis)} for e in note.entities]
    assert said == [set(tag.split()) for _, tag in found]


@pytest.mark.parametrize("apostrophe", ["’", "‘", "ʼ", "`", "´", "′"])
def test_an_apostrophe_may_look_otherwise(apostrophe):
    sections, sentences, assertions = PIPES["en"]
    n_cases = 0
    for param in _cases("assertion-cases/*.txt"):
        language, case = param.values
        if language == "en" and "'" in case:
            text, found = _parse(case.replace("'", apostrophe), MENTION)
            mentions = tuple(
                Entity(id=f"T{i}", span=span, label="X") for i, (span, _) in enumerate(found)
            )
            note = assertions(sentences(sections(Note(id="n", text=text, entities=mentions))))
            said = [{axis for axis in AXES if getattr(e.assertion, axis)} for e in note.entities]
            assert said == [set(tag.split()) for _, tag in found], case
            n_cases += 1
    assert n_cases >= 5


@pytest.mark.parametrize(("language", "case"), _cases("section-cases/headings*.txt"))
def test_headings(language, case):
    text, found = _parse(case, HEADING)
    note = PIPES[language][0](Note(id="n", text=text))
    said = [(note[s.heading].lstrip("0123456789. "), s.kind) for s in note.sections]
    assert said == [
        (text[span.start : span.end].strip("0123456789. "), kind) for span, kind in found
    ]


@pytest.mark.parametrize(("language", "case"), _cases("section-cases/sentences*.txt"))
def test_sentences(language, case):
    sections, sentences, _ = PIPES[language]
    note = sentences(sections(Note(id="n", text=case.replace(BREAK, ""))))
    assert [note[s] for s in note.sentences] == [p.strip(" \t\r\n,") for p in case.split(BREAK)]


@pytest.mark.parametrize("name", ["assertion-cases", "section-cases"])
def test_the_card_counts_the_cases(name):
    card = tomllib.loads((CORPORA / name / "CARD.md").read_text("utf-8").split("+++")[1])
    assert card["n_cases"] == len(_cases(f"{name}/*.txt"))


def test_known_mentions_stay_unknown_to_the_tables_of_another_language():
    text, found = _parse("No [fever|negated].", MENTION)
    mention = Entity(id="T1", span=found[0][0], label="Problem")
    note = Note(id="n", text="Denies " + text, entities=(mention,))
    (entity,) = Assertions(language="es")(note).entities
    assert entity.assertion.cues == {}
