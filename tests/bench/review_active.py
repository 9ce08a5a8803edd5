"""What the page's own order saves: scripts/bench review_active [--seed 0].

Simulated through the interface of the page, with an oracle that knows the gold of bc5cdr train: it
takes notes from the queue, judges them as the gold says, asks to learn, uses the new model (which
orders what is left, where the order is *uncertain*), and goes on. A fifth of the documents is the
test; the goal is 95 % of the F1 of a model of the whole pool. A row per round, and one with the
documents needed, read off between two rounds on a straight line, and their ratio.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

import clinnlp
from clinnlp.bert.corpus import split_selection
from clinnlp.bert.store import load
from clinnlp.bert.tasks import tagged
from clinnlp.review.database import create_database
from clinnlp.review.forms import entity_to
from clinnlp.review.projects import ProjectRules, add_notes, add_project
from clinnlp.study.review_learn import run_folder
from tests.bench import DATA, record
from tests.unit.service.review_world import Running

LABELS = ("Chemical", "Disease")
PLACE = ("start", "end", "label", "parts", "concepts")


class Page(Running):
    """A served store with one project of the pool, and an owner who is the oracle."""

    def __init__(self, folder: Path, pool: list, how: str, args) -> None:
        database = create_database(folder / "s.db")
        super().__init__(database, notes=pool[:1], settings=how_to_learn(args))
        rules = ProjectRules(labels=LABELS, repeat_share=0.0, wrong_share=0.0,
                             uncertain_first=how == "uncertain", seed=args.seed)  # fmt: skip
        bare = [note.with_(entities=(), relations=()) for note in pool]
        with database.writing() as connection:
            self.project = add_project(connection, "pool", rules)
            add_notes(connection, self.project, bare)
        self.oracle = self.browser("owner")
        self.gold = {note.id: note for note in pool}
        self.path = f"/api/projects/{self.project.id}"

    def judge(self, n: int) -> int:
        """Judge up to `n` notes as the gold says, and return how many."""
        done = 0
        while done < n:
            items = self.oracle.get(f"{self.path}/queue")["items"]
            left = [item for item in items if item["state"] == "open"]
            if not left:
                return done
            for item in left[: n - done]:
                self._judge(item)
                done += 1
        return done

    def _judge(self, item: dict) -> None:
        task = self.oracle.get(f"/api/tasks/{item['task']}")
        actions = [{"do": "reject", "mention": m["id"]} for m in task["mentions"]]
        for k, entity in enumerate(self.gold[item["title"]].entities):
            made = {key: value for key, value in entity_to(entity).items() if key in PLACE}
            actions.append({"do": "add", "id": f"g{k}", **made})
        body = {"version": 0, "seconds": 1, "actions": [*actions, {"do": "done"}]}
        self.oracle.post(f"/api/tasks/{item['task']}/judgements", body)

    def learn(self):
        """Learn, use the new model, and return it."""
        run = self.oracle.post(f"{self.path}/learn", status=202)["run"]
        while (shown := self.oracle.get(f"{self.path}/runs/{run}"))["state"] != "done":
            assert shown["state"] in ("waiting", "running"), shown
            time.sleep(1)
        self.oracle.post(f"{self.path}/runs/{run}/use")
        return load(run_folder(self.database, run))


def how_to_learn(args) -> dict:
    return {"epochs": args.epochs, "encoder": args.encoder}


def f1_of(tagger, test: list) -> float:
    return clinnlp.score_spans(test, tagged(tagger, test), n_boot=0).micro.f1


def documents_needed(how: str, pool: list, test: list, goal: float, args) -> float:
    before = (0, 0.0)
    with tempfile.TemporaryDirectory() as folder:
        page = Page(Path(folder), pool, how, args)
        try:
            n = 0
            while added := page.judge(args.add):
                n += added
                f1 = f1_of(page.learn(), test)
                record("review_active", how=how, seed=args.seed, n_documents=n, f1=round(f1, 4))
                if f1 >= goal:
                    return round(
                        before[0] + (n - before[0]) * (goal - before[1]) / (f1 - before[1])
                    )
                before = (n, f1)
        finally:
            page.end()
    return float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--add", type=int, default=30, help="documents of a round")
    parser.add_argument("--epochs", type=int, default=4, help="of a round")
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--documents", type=int, help="of the pool and the test (default: all)")
    args = parser.parse_args()
    notes = list(clinnlp.read_notes(DATA / "bc5cdr" / "CDR_TrainingSet.PubTator.txt"))
    pool, test = split_selection(notes[: args.documents], 0.2)
    order = np.random.default_rng(args.seed).permutation(len(pool)).tolist()
    pool = [pool[i] for i in order]
    with tempfile.TemporaryDirectory() as folder:
        tagger = clinnlp.fine_tune_ner(
            pool, out=f"{folder}/whole", seed=args.seed, **how_to_learn(args)
        )
        whole = f1_of(tagger, test)
    record("review_active", seed=args.seed, how="whole", n_documents=len(pool), f1=round(whole, 4))
    needed = {
        how: documents_needed(how, pool, test, 0.95 * whole, args) for how in ("uncertain", "given")
    }
    record("review_active", seed=args.seed, documents_needed=needed,
           ratio=round(needed["uncertain"] / needed["given"], 3))  # fmt: skip


if __name__ == "__main__":
    main()
