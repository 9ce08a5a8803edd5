"""What the page's own order saves: scripts/bench review_active [--seeds 0 1 2 3 4].

Simulated through the interface of the page, with an oracle that knows the gold: it takes notes from
the queue, judges them as the gold says, asks to learn, uses the new model (which orders what is
left, where the order is *uncertain*), and goes on. The goal is 95 % of the F1 that the page's
learning gives when the whole pool is judged; pool and test are drawn anew for each seed. A row per
round; one per seed with the documents and the words needed, read off between two rounds on a
straight line, and their ratios; at the end the mean ratios over the seeds with intervals (Student).

``--titles`` takes titles for documents, and ``--layers 2`` the first layers of the encoder, so that
five seeds fit into some minutes of a processor.
"""

import argparse
import json
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import torch
from scipy import stats

import clinnlp
from clinnlp.bert.encoders import find_encoder, load_model, load_tokenizer
from clinnlp.bert.store import load
from clinnlp.bert.tasks import tagged
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Note
from clinnlp.review.database import create_database
from clinnlp.review.forms import entity_to
from clinnlp.review.projects import ProjectRules, add_notes, add_project
from clinnlp.study.review_learn import check_learnable, is_held_out, learn, run_folder
from tests.bench import DATA, record
from tests.unit.service.review_world import Running

CORPORA = {
    "bc5cdr": ("bc5cdr/CDR_TrainingSet.PubTator.txt", ("Chemical", "Disease")),
    "ncbi": ("ncbi_disease/NCBIdevelopset_corpus.txt", None),
    "biored": ("biored/Train.PubTator", None),
}
PLACE = ("start", "end", "label", "parts", "concepts")
SHARE = 0.95


class Page(Running):
    """A served store with one project of the pool, and an owner who is the oracle."""

    def __init__(self, folder: Path, pool: list, how: str, seed: int, args) -> None:
        database = create_database(folder / "s.db")
        super().__init__(database, notes=pool[:1], settings={"slow_s": 60.0})
        self.learning: dict[int, threading.Thread] = {}
        self.review.teacher.start = self._start
        self.review.teacher._is_alive = lambda run: self.learning[run].is_alive()
        self._how = {"encoder": args.encoder, "overrides": {"epochs": args.epochs}}
        labels = tuple(sorted({e.label for note in pool for e in note.entities}))
        rules = ProjectRules(labels=labels, repeat_share=0.0, wrong_share=0.0,
                             uncertain_first=how == "uncertain", seed=seed)  # fmt: skip
        bare = [note.with_(entities=(), relations=()) for note in pool]
        with database.writing() as connection:
            self.project = add_project(connection, "pool", rules)
            add_notes(connection, self.project, bare)
        self.oracle = self.browser("owner")
        self.gold = {note.id: note for note in pool}
        self.path = f"/api/projects/{self.project.id}"

    def judge(self, n: int) -> list:
        """Judge up to `n` notes as the gold says, and return them."""
        done: list = []
        while len(done) < n:
            items = self.oracle.get(f"{self.path}/queue")["items"]
            left = [item for item in items if item["state"] == "open"]
            if not left:
                break
            for item in left[: n - len(done)]:
                self._judge(item)
                done.append(self.gold[item["title"]])
        return done

    def _judge(self, item: dict) -> None:
        task = self.oracle.get(f"/api/tasks/{item['task']}")
        actions = [{"do": "reject", "mention": m["id"]} for m in task["mentions"]]
        for k, entity in enumerate(self.gold[item["title"]].entities):
            made = {key: value for key, value in entity_to(entity).items() if key in PLACE}
            actions.append({"do": "add", "id": f"g{k}", **made})
        body = {"version": 0, "seconds": 1, "actions": [*actions, {"do": "done"}]}
        self.oracle.post(f"/api/tasks/{item['task']}/judgements", body)

    def _start(self, run: int) -> None:
        """Learn in a thread: a process for each round would take longer to start than to learn."""
        thread = threading.Thread(target=lambda: learn(self.database, run, **self._how))
        self.learning[run] = thread
        thread.start()

    def can_learn(self) -> bool:
        """Return whether enough is judged, of what is held out too."""
        try:
            return bool(check_learnable(self.database, self.project))
        except ArgumentError:
            return False

    def learn(self):
        """Learn, use the new model, and return it."""
        run = self.oracle.post(f"{self.path}/learn", status=202)["run"]
        while (shown := self.oracle.get(f"{self.path}/runs/{run}"))["state"] != "done":
            assert shown["state"] in ("waiting", "running"), shown
            time.sleep(1)
        self.oracle.post(f"{self.path}/runs/{run}/use")
        return load(run_folder(self.database, run))


def f1_of(tagger, test: list) -> float:
    return clinnlp.score_spans(test, tagged(tagger, test), n_boot=0).micro.f1


def needed(how: str, pool: list, test: list, goal: float, seed: int, args) -> tuple[float, float]:
    """Return documents and words until the goal is reached; all of them where it never is."""
    before = np.zeros(3)  # documents, words, F1
    with tempfile.TemporaryDirectory() as folder:
        page = Page(Path(folder), pool, how, seed, args)
        try:
            now = np.zeros(3)
            while added := page.judge(args.add):
                n_words = sum(len(note.text.split()) for note in added)
                now = np.array([before[0] + len(added), before[1] + n_words, 0])
                now[2] = f1_of(page.learn(), test) if page.can_learn() else 0.0
                record("review_active", how=how, seed=seed, n_documents=int(now[0]),
                       n_words=int(now[1]), f1=round(float(now[2]), 4))  # fmt: skip
                if now[2] >= goal:
                    part = (goal - before[2]) / (now[2] - before[2])
                    return tuple((before + part * (now - before))[:2])
                before = now
        finally:
            page.end()
            page.database.close()
    return tuple(before[:2])


def of_seed(seed: int, args) -> tuple[float, float]:
    """Return the ratios of documents and of words, uncertain to given."""
    notes = documents(args)
    order = np.random.default_rng(seed).permutation(len(notes)).tolist()
    n_test = round(args.test * len(notes))
    test, pool = ([notes[i] for i in some] for some in (order[:n_test], order[n_test:]))
    learned = [note for note in pool if note.entities and not is_held_out(bare(note), seed)]
    with tempfile.TemporaryDirectory() as folder:
        tagger = clinnlp.fine_tune_ner(learned, out=f"{folder}/whole", encoder=args.encoder,
                                      epochs=args.epochs)  # fmt: skip
        whole = f1_of(tagger, test)
    record("review_active", seed=seed, how="whole", n_documents=len(pool), f1=round(whole, 4))
    n = {how: needed(how, pool, test, SHARE * whole, seed, args) for how in ("uncertain", "given")}
    ratios = tuple(n["uncertain"][k] / n["given"][k] for k in range(2))
    record("review_active", seed=seed, documents_needed={how: round(n[how][0]) for how in n},
           words_needed={how: round(n[how][1]) for how in n},
           ratio_documents=round(ratios[0], 3), ratio_words=round(ratios[1], 3))  # fmt: skip
    return ratios


def documents(args) -> list:
    path, labels = CORPORA[args.corpus]
    notes = list(clinnlp.read_notes(DATA / path))
    made = [title(note) if args.titles else note for note in notes]
    kept = [note.with_(entities=tuple(e for e in note.entities if e.label in (labels or [e.label])))
            for note in made]  # fmt: skip
    return kept[: args.documents]


def title(note: Note) -> Note:
    end = note.text.index("\n")
    there = tuple(e for e in note.entities if e.pieces[-1].end <= end)
    return Note(id=note.id, text=note.text[:end], entities=there)


def bare(note: Note) -> Note:
    return note.with_(entities=(), relations=())


def small_encoder(n_layers: int, encoder: str, notes: list, folder: str) -> str:
    """Write an encoder of the first layers of another, and return where.

    Word pieces that stand in no note are left out; the notes are cut as before, since the longest
    piece that fits is still there.
    """
    source = find_encoder(encoder)
    model, tokenizer = load_model(source), load_tokenizer(source)
    used = set(tokenizer.all_special_ids)
    for note in notes:
        used |= set(tokenizer(note.text)["input_ids"])
    kept = sorted(used)
    model.encoder.layer = model.encoder.layer[:n_layers]
    words = torch.nn.Embedding.from_pretrained(model.embeddings.word_embeddings.weight[kept])
    model.embeddings.word_embeddings = words
    model.config.num_hidden_layers, model.config.vocab_size = n_layers, len(kept)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    path = Path(folder) / "tokenizer.json"
    said, new = json.loads(path.read_text("utf-8")), {old: k for k, old in enumerate(kept)}
    pieces = said["model"]["vocab"].items()
    said["model"]["vocab"] = {piece: new[old] for piece, old in pieces if old in new}
    for token in said["added_tokens"]:
        token["id"] = new[token["id"]]
    for token in said["post_processor"]["special_tokens"].values():
        token["ids"] = [new[old] for old in token["ids"]]
    path.write_text(json.dumps(said), "utf-8")
    again = load_tokenizer(folder)
    assert all(again.tokenize(note.text) == tokenizer.tokenize(note.text) for note in notes)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--corpus", choices=sorted(CORPORA), default="bc5cdr")
    parser.add_argument("--titles", action="store_true", help="documents are titles")
    parser.add_argument("--documents", type=int, help="of pool and test (default: all)")
    parser.add_argument("--test", type=float, default=0.2, help="share of the documents")
    parser.add_argument("--add", type=int, default=30, help="documents of a round")
    parser.add_argument("--epochs", type=int, help="of a round (default: as for all learning)")
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--layers", type=int, help="of the encoder, the first (default: all)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if args.layers:
            args.encoder = small_encoder(args.layers, args.encoder, documents(args), folder)
        ratios = np.array([of_seed(seed, args) for seed in args.seeds])
    mean, error = ratios.mean(axis=0), stats.sem(ratios, axis=0)
    reach = error * stats.t.ppf(0.975, len(ratios) - 1) if len(ratios) > 1 else error
    record("review_active", seeds=len(ratios), **{
        f"mean_ratio_{name}": f"{mean[k]:.3f} [{mean[k] - reach[k]:.3f}, {mean[k] + reach[k]:.3f}]"
        for k, name in enumerate(("documents", "words"))
    })  # fmt: skip


if __name__ == "__main__":
    main()
