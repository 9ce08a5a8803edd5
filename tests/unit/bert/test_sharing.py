"""Taggers and classifiers as `tests/common/test_sharing.py` has other pipes: copied and shared."""

import copy
import io
import multiprocessing
import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import cloudpickle
import joblib
import pytest
import torch

from clinnlp.bert.export import export_onnx
from clinnlp.bert.fast.packed import has_fast_int8
from clinnlp.bert.store import load
from clinnlp.core.notes import Note
from clinnlp.core.pipeline import Pipeline
from clinnlp.core.vocab import Concept, Vocabulary
from clinnlp.text.lookup import Lookup

from .conftest import FLOAT32, TRAIN

ROOT = Path(__file__).parents[3]
NOTES = [
    *(note.with_(entities=()) for note in TRAIN),
    Note(id="special", text="Started [SEP] aspirin [CLS] [MASK] for chest pain. " * 9),  # as text
    Note(id="empty", text=""),
]


def through_joblib(value):
    file = io.BytesIO()
    joblib.dump(value, file)
    file.seek(0)
    return joblib.load(file)


WAYS = {
    **{
        f"pickle {n}": lambda value, n=n: pickle.loads(pickle.dumps(value, n)) for n in (2, 3, 4, 5)
    },
    "cloudpickle": lambda value: pickle.loads(cloudpickle.dumps(value)),
    "joblib": through_joblib,
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


@pytest.fixture(scope="module")
def pipes(tagger, classifier, tagger_folder, tmp_path_factory):
    """Return every kind of learned pipe by name."""
    made = {"tagger": tagger, "classifier": classifier}
    words = Vocabulary([Concept(code="D1", name="started")])
    made["in a pipeline"] = Pipeline([tagger, Lookup(words), classifier])
    made["small batches"] = load(tagger_folder, tokens_per_batch=64, **FLOAT32)
    if has_fast_int8():
        made["int8"] = load(tagger_folder, device="cpu", int8=True)
    folder = tmp_path_factory.mktemp("exported") / "onnx"
    export_onnx(load(tagger_folder, device="cpu", **FLOAT32), folder)
    made["exported"] = load(folder)
    return made


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_copy_of_a_learned_pipe_answers_as_it(pipes, way):
    drawn = torch.random.get_rng_state()
    for pipe in pipes.values():
        made = way(pipe)
        assert repr(made) == repr(pipe)
        assert made.batch(NOTES) == pipe.batch(NOTES)
    assert torch.equal(torch.random.get_rng_state(), drawn)  # no random numbers are taken


def test_a_copy_goes_its_own_way(tagger):
    made = pickle.loads(pickle.dumps(tagger))
    kept = [p.clone() for p in tagger.network.model.parameters()]
    with torch.no_grad():
        for p in made.network.model.parameters():
            p.zero_()
    assert all(map(torch.equal, tagger.network.model.parameters(), kept))
    assert made.network.tokens_per_batch == tagger.network.tokens_per_batch
    assert made.network.precision == tagger.network.precision


def test_eight_threads_share_a_learned_pipe(pipes):
    for pipe in pipes.values():
        wanted = pipe.batch(NOTES)
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(pipe.batch, [NOTES] * 16)) == [wanted] * 16
            assert list(pool.map(pipe, NOTES * 4)) == [pipe(note) for note in NOTES] * 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
def test_a_forked_process_answers_alike(pipes):
    pipes = {name: pipe for name, pipe in pipes.items() if name != "exported"}  # has own threads
    wanted = {name: pipe.batch(NOTES) for name, pipe in pipes.items()}
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    child = context.Process(
        target=lambda: there.send({name: pipe.batch(NOTES) for name, pipe in pipes.items()})
    )
    child.start()
    there.close()  # so that a child that dies is heard
    assert here.recv() == wanted
    child.join()


@pytest.mark.slow
@pytest.mark.parametrize("start", ["spawn", "forkserver"])
def test_processes_that_start_anew_answer_alike(pipes, start):
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(start)) as pool:
        for pipe in pipes.values():
            assert pool.submit(pipe.batch, NOTES).result() == pipe.batch(NOTES)


@pytest.mark.slow
def test_loky_sends_a_learned_pipe(pipes):
    for pipe in pipes.values():
        (done,) = joblib.Parallel(n_jobs=2)([joblib.delayed(pipe.batch)(NOTES)])
        assert done == pipe.batch(NOTES)


READING = """
import sys, torch
from clinnlp.bert.store import load
from clinnlp.io.notes.corpora import read_notes
notes = [note.with_(entities=()) for note in read_notes(sys.argv[2])][:8]
pipe = load(sys.argv[1], device="cpu", bf16="off")
for note in [*pipe.batch(notes), *map(pipe, notes)]:
    print(note.id, note.labels, note.coverage,
          [(e.span, e.label, round(e.score, 5)) for e in note.entities])
"""

TRAINING = """
import hashlib, sys
from pathlib import Path
from clinnlp.bert.pretrain import pretrain
from clinnlp.bert.train import fine_tune_classifier, fine_tune_ner
from tests.unit.bert.conftest import LABELLED, QUICK, TRAIN
how = {**QUICK, "epochs": 2, "encoder": sys.argv[1], "tokens_per_batch": 40}
out = Path(sys.argv[2])
fine_tune_ner(TRAIN, out=out / "a", **how)
fine_tune_classifier(LABELLED, out=out / "b", tune_encoder=True, **how)
how.pop("stride")
pretrain(TRAIN, out=out / "c", **{**how, "max_tokens": 12})
for name in "abc":
    print(hashlib.sha256((out / name / "model.safetensors").read_bytes()).hexdigest())
"""


def said(code, *argv, **variables):
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, argv)],
        cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, **variables},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_readings_do_not_depend_on_threads_and_hashes(tagger_folder, classifier_folder):
    notes = ROOT / "corpora" / "discharge-mini" / "test.jsonl"
    for folder in (tagger_folder, classifier_folder):
        each = {
            said(READING, folder, notes, OMP_NUM_THREADS=threads, PYTHONHASHSEED=seed)
            for threads, seed in (("1", "0"), ("2", "1"), ("4", "2"))
        }
        assert len(each) == 1


@pytest.mark.slow
def test_trainings_do_not_depend_on_hashes(encoder, tmp_path):
    each = {said(TRAINING, encoder, tmp_path / seed, PYTHONHASHSEED=seed) for seed in "012"}
    assert len(each) == 1
