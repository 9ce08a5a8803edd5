"""What may be copied, pickled, shared by threads, forked and sent to other processes, and how.

Every pipe of the text room, values, tables and errors. Those of the BERT room have a file of their
own, for they take a network: `tests/unit/bert/test_sharing.py`.
"""

import copy
import io
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import cloudpickle
import joblib
import pytest

from clinnlp.bert.loop import DivergedError
from clinnlp.core import errors
from clinnlp.core.notes import Note
from clinnlp.core.pipeline import Pipeline
from clinnlp.core.vocab import Concept, Vocabulary
from clinnlp.features.baskets import baskets
from clinnlp.features.entities import entity_table
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.notes.index import NoteIndex
from clinnlp.mine.rule_mining import mine_rules
from clinnlp.text.assertion import Assertions
from clinnlp.text.lookup import Lookup
from clinnlp.text.matcher import TermMatcher, fold_text
from clinnlp.text.normalise import Normalise
from tests.common.test_pipes import PIPES, TEXTS, WORDS, _note

ROOT = Path(__file__).parents[2]
MINI = ROOT / "corpora" / "discharge-mini"
NOTES = [_note(text) for text in TEXTS.values() if len(text) < 5000]
MORE = {
    "Lookup, misspelled and nested": Lookup(WORDS, fuzzy=0.8, nested=True, variants=False),
    "Normalise, misspelled": Normalise(WORDS, fuzzy=0.8),
    "Assertions in Spanish": Assertions(language="es"),
}
ALL = {**PIPES, **MORE}
ALL["all"] = Pipeline([*PIPES.values(), *MORE.values()])


def through_joblib(value):
    file = io.BytesIO()
    joblib.dump(value, file)
    file.seek(0)
    return joblib.load(file)


WAYS = {
    **{
        f"pickle {n}": lambda value, n=n: pickle.loads(pickle.dumps(value, n))
        for n in range(2, pickle.HIGHEST_PROTOCOL + 1)
    },
    "cloudpickle": lambda value: pickle.loads(cloudpickle.dumps(value)),
    "joblib": through_joblib,
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


PAIRS = [  # each pipe once, and all of them together in every way
    *((name, "pickle 2") for name in ALL),
    *(("all", way) for way in WAYS if way != "pickle 2"),
]


@pytest.mark.parametrize(("name", "way"), PAIRS)
def test_a_copy_of_a_pipe_answers_as_the_pipe(name, way):
    pipe, made = ALL[name], WAYS[way](ALL[name])
    assert type(made) is type(pipe)
    assert [made(note) for note in NOTES] == [pipe(note) for note in NOTES]


@pytest.mark.parametrize("pipe", ALL.values(), ids=ALL.keys())
def test_what_is_pickled_holds_nothing_of_notes_that_were_read(pipe):
    fresh = pickle.loads(pickle.dumps(pipe))
    before = pickle.dumps(fresh)
    for note in NOTES:
        fresh(note)
    assert len(pickle.dumps(fresh)) == len(before)


def test_what_is_pickled_is_names_and_no_automaton():
    names = [f"name {i} of {i * 7919 % 1000}" for i in range(3000)]
    concepts = [Concept(code=str(i), name=name) for i, name in enumerate(names)]
    lookup = Lookup(Vocabulary(concepts), variants=False)
    kept = pickle.dumps(lookup)
    assert b"ahocorasick" not in kept.lower()
    assert len(kept) < 3.5 * sum(map(len, names))  # once to find them, once to tell them
    text = f"{names[7]} and {names[2999]}"
    assert [e.concepts for e in pickle.loads(kept)(Note(id="n", text=text)).entities] == [
        ("7",), ("2999",),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "terms", [[], [""], ["  "], ["a\nb", "", "c\u2028d", "e\x1cf"], ["ab", "AB", "ab"]]
)
def test_odd_terms_keep_their_numbers(terms):
    text = fold_text(" ".join([*terms, "a b c d e f ab AB"]))
    for options in ({}, {"n_cased": 2}, {"common": ["ab", "c d"]}):
        matcher = TermMatcher(terms, **options)
        for way in WAYS.values():
            assert way(matcher).find(text) == matcher.find(text)


@pytest.fixture(scope="module")
def values():
    """Return values of all rooms, each with what tells that two of it are equal."""
    source = read_notes(MINI / "test.jsonl")
    notes = list(source)
    table = entity_table(notes)
    held = baskets(table, label="Drug", unit="note")
    rules = mine_rules(held, min_count=2)
    index = NoteIndex.build(source)
    return {
        "note": (notes[0], lambda note: note),
        "source": (source, list),
        "index": (index, lambda index: index.note_at(notes[-1].id)),
        "vocabulary": (WORDS, list),
        "table": (table, lambda table: list(map(repr, table.rows()))),
        "baskets": (held, lambda each: (each.matrix.toarray().tolist(), each.items)),
        "rules": (rules, lambda rules: rules.to_pandas().to_csv()),
    }


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
@pytest.mark.parametrize(
    "name", ["note", "source", "index", "vocabulary", "table", "baskets", "rules"]
)
def test_a_copy_of_a_value_equals_it(values, name, way):
    value, told = values[name]
    assert told(way(value)) == told(value)


def errors_of(kind):
    yield kind
    for each in kind.__subclasses__():
        if each.__module__ == errors.__name__:  # whatever rooms other tests have imported
            yield from errors_of(each)


@pytest.mark.parametrize("kind", [*errors_of(errors.ClinnlpError), DivergedError])
def test_an_error_crosses_to_another_process(kind):
    if kind is errors.MissingExtra:
        error = kind("pyspark", extra="spark")
    elif issubclass(kind, errors.DataError):
        error = kind("it must be one, got none", path="a.txt", line=3, note="n1")
    else:
        error = kind("it must be one, got none")
    made = pickle.loads(pickle.dumps(error))
    assert (type(made), str(made), vars(made)) == (kind, str(error), vars(error))


@pytest.mark.parametrize("pipe", ALL.values(), ids=ALL.keys())
def test_eight_threads_share_a_pipe(pipe):
    fresh = pickle.loads(pickle.dumps(pipe))  # whatever it makes when first needed is made by them
    wanted = [pipe(note) for note in NOTES]
    with ThreadPoolExecutor(8) as pool:
        rounds = [list(pool.map(fresh, NOTES * 2)) for _ in range(2)]
    assert rounds == [wanted * 2] * 2


def test_eight_threads_share_a_pipeline_in_batches():
    wanted = ALL["all"].batch(NOTES)
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(ALL["all"].batch, [NOTES] * 16))
    assert done == [wanted] * 16


@pytest.mark.parametrize("start", multiprocessing.get_all_start_methods())
def test_processes_however_started_answer_alike(start):
    context = multiprocessing.get_context(start)
    pipe = Pipeline([ALL["Lookup"], ALL["Assertions"], ALL["Medications"]])
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        assert list(pool.map(pipe, NOTES, chunksize=8)) == [pipe(note) for note in NOTES]


def test_loky_sends_pipes_made_in_a_notebook():
    here = Pipeline([lambda note: note.with_(kind="letter"), ALL["Lookup"]])
    done = joblib.Parallel(n_jobs=2)(joblib.delayed(here)(note) for note in NOTES[:6])
    assert done == [here(note) for note in NOTES[:6]]
