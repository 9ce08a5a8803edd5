"""Every line of corpora/assertion-cases and corpora/section-cases, parsed from its markup."""

import re
import tomllib
from pathlib import Path
from pprint import pformat

import pytest

from clinnlp.core.notes import AXES, Entity, Note
from clinnlp.core.spans import Span
from clinnlp.text.assertion import Assertions
from clinnlp.text.sections import Sections
from clinnlp.text.sentences import Sentences

CORPORA = Path(__file__).parents[3] / "corpora"
MENTION = re.compile(r"\[(?!\*)(?![xX ]\])([^\]|]+)(?:\|([a-z ]+))?\]")  # a box is none
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


def _files(pattern):
    paths = sorted(CORPORA.glob(pattern))
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.name)


def _cases(path):
    """Return the language of a file, and each of its cases by its line."""
    language = "es" if (path.name == "es.txt" or path.name.endswith(".es.txt")) else "en"
    lines = enumerate(path.read_text("utf-8").splitlines(), 1)
    return language, {
        f"{path.name}:{number}": line.replace("\\r", "\r").replace("¶", "\n")
        for number, line in lines
        if line and not line.startswith("#")
    }


def _wrong(path, answer):
    """Return the cases of a file that are answered otherwise: what was said, and what is right.

    `answer` gives both from the pipes of a language and a case.
    """
    language, cases = _cases(path)
    assert cases
    answers = {where: (case, *answer(PIPES[language], case)) for where, case in cases.items()}
    return {where: all_ for where, all_ in answers.items() if all_[1] != all_[2]}


def _parse(case, markup):
    """Return the text without its markup, and the span and the tag of each marked piece."""
    text, found, last = "", [], 0
    for match in markup.finditer(case):
        text += case[last : match.start()]
        found.append((Span(len(text), len(text) + len(match[1])), match[2] or ""))
        text, last = text + match[1], match.end()
    return text + case[last:], found


def _assertions(pipes, case):
    sections, sentences, assertions = pipes
    text, found = _parse(case, MENTION)
    assert found, case
    mentions = tuple(
        Entity(id=f"T{i}", span=span, label="Problem") for i, (span, _) in enumerate(found)
    )
    note = assertions(sentences(sections(Note(id="n", text=text, entities=mentions))))
    said = [{axis for axis in AXES if getattr(e.assertion, axis)} for e in note.entities]
    return said, [set(tag.split()) for _, tag in found]


@_files("assertion-cases/*.txt")
def test_assertions(path):
    wrong = _wrong(path, _assertions)
    assert not wrong, pformat(wrong)


@pytest.mark.parametrize("apostrophe", ["’", "‘", "ʼ", "`", "´", "′"])
def test_an_apostrophe_may_look_otherwise(apostrophe):
    n_cases = 0
    for path in sorted(CORPORA.glob("assertion-cases/*.txt")):
        language, cases = _cases(path)
        for case in (case for case in cases.values() if language == "en" and "'" in case):
            said, right = _assertions(PIPES["en"], case.replace("'", apostrophe))
            assert said == right, case
            n_cases += 1
    assert n_cases >= 5


def _headings(pipes, case):
    text, found = _parse(case, HEADING)
    note = pipes[0](Note(id="n", text=text))
    said = [(note[s.heading].lstrip("0123456789. "), s.kind) for s in note.sections]
    right = [(text[span.start : span.end].strip("0123456789. "), kind) for span, kind in found]
    return said, right


@_files("section-cases/headings*.txt")
def test_headings(path):
    wrong = _wrong(path, _headings)
    assert not wrong, pformat(wrong)


def _sentences(pipes, case):
    sections, sentences, _ = pipes
    note = sentences(sections(Note(id="n", text=case.replace(BREAK, ""))))
    return [note[s] for s in note.sentences], [p.strip(" \t\r\n,") for p in case.split(BREAK)]


@_files("section-cases/sentences*.txt")
def test_sentences(path):
    wrong = _wrong(path, _sentences)
    assert not wrong, pformat(wrong)


def test_a_case_that_is_answered_otherwise_is_told_by_its_line(tmp_path):
    path = tmp_path / "en.txt"
    path.write_text("# of two\nNo [fever|negated].\nNo [fever].\n")
    assert _wrong(path, _assertions) == {"en.txt:3": ("No [fever].", [{"negated"}], [set()])}


@pytest.mark.parametrize("name", ["assertion-cases", "section-cases"])
def test_the_card_counts_the_cases(name):
    card = tomllib.loads((CORPORA / name / "CARD.md").read_text("utf-8").split("+++")[1])
    files = CORPORA.glob(f"{name}/*.txt")
    assert card["n_cases"] == sum(len(_cases(path)[1]) for path in files)


def test_known_mentions_stay_unknown_to_the_tables_of_another_language():
    text, found = _parse("No [fever|negated].", MENTION)
    mention = Entity(id="T1", span=found[0][0], label="Problem")
    note = Note(id="n", text="Denies " + text, entities=(mention,))
    (entity,) = Assertions(language="es")(note).entities
    assert entity.assertion.cues == {}
