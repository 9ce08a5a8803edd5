"""Mutated inputs of every reader: refused in a sentence or read, and never a word of a note.

The seeds are fixed; ``python -m tests.fuzz`` runs others. Two hundred inputs of the two thousand
are in CI.
"""

import sys
from random import Random

import pytest

from tests.fuzz.harness import Report, Worker, plan, run
from tests.fuzz.inputs import mutated
from tests.fuzz.models import MODELS, write_models
from tests.fuzz.planted import CAUGHT, LOST
from tests.fuzz.readers import READERS
from tests.fuzz.samples import CANARIES, load_samples, write_samples
from tests.fuzz.worker import has_canary

HOMES = {"tests.fuzz.readers:READERS": (READERS, write_samples, 0.85),
         "tests.fuzz.models:MODELS": (MODELS, write_models, 0.15)}  # fmt: skip


@pytest.mark.parametrize(
    "n", [pytest.param(200, marks=pytest.mark.slow), pytest.param(2_000, marks=pytest.mark.long)]
)
def test_mutated_inputs_are_read_or_refused(n, tmp_path, capsys):
    report = Report()
    for home, (targets, write, share) in HOMES.items():
        samples = tmp_path / home.rpartition(":")[2]
        samples.mkdir()
        write(samples)
        report += run(plan(targets, round(share * n)), samples, targets=home)
    with capsys.disabled():
        sys.stdout.write(f"\n{report.figures()}\n")
    assert report.n_inputs == n
    assert report.ends["read"] > n / 10, "the damages must leave something to read"
    assert not report.faults, "\n".join(report.lines())


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples")
    write_samples(folder)
    return folder


def test_every_reader_has_samples_and_they_hold_words(samples):
    known = load_samples(samples)
    for target in READERS.values():
        assert any(name.startswith(target.samples) for name in known)
    with_words = [s for s in known.values() if any(has_canary(_text(b)) for b in s.files.values())]
    assert len(with_words) > len(known) / 2
    assert all(word == word.lower() for word in CANARIES)


def _text(content):
    return content.decode("latin-1")


def test_a_seed_gives_the_same_input_and_another_seed_another(samples):
    known = load_samples(samples)
    made = [mutated(known["jsonl-full"], Random(seed), known) for seed in (1, 1, *range(2, 30))]
    assert made[0] == made[1]
    assert len({str(one) for one in made}) > 20
    assert known == load_samples(samples), "a sample itself stays as it is"


def test_a_smaller_plan_is_within_a_larger_one():
    assert set(plan(READERS, 100)) < set(plan(READERS, 1_000))
    assert {name for name, _ in plan(READERS, 200)} == set(READERS)


@pytest.fixture(scope="module")
def worker(samples):
    with Worker(samples, "tests.fuzz.planted:PLANTED", most_seconds=2, asleep=4) as one:
        yield one


@pytest.mark.parametrize("faulty", CAUGHT)
def test_a_faulty_reader_is_caught(faulty, worker):
    outcome = worker.ask(faulty.__name__, 0)
    assert [fault for fault in outcome["faults"] if CAUGHT[faulty] in fault], outcome


def test_a_reader_without_fault_is_let_pass(worker):
    outcome = worker.ask("fine", 0)
    assert (outcome["end"], outcome["faults"]) == ("read", [])


@pytest.mark.slow
@pytest.mark.parametrize("faulty", LOST)
def test_a_reader_that_takes_its_process_along_is_caught(faulty, worker):
    report = Report()
    report.add(worker.ask(faulty.__name__, 0))
    assert [fault for fault in report.faults[0]["faults"] if LOST[faulty] in fault]


@pytest.mark.slow
def test_a_reader_that_takes_much_memory_is_caught(samples):
    # In the time of an input, and not the little of the test before: memory is slow to get here
    with Worker(samples, "tests.fuzz.planted:PLANTED") as worker:
        report = Report()
        report.add(worker.ask("_takes_memory", 0))
    assert [fault for fault in report.faults[0]["faults"] if "memory above" in fault]
