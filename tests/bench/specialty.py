"""Note classes on mtsamples/specialty_folds.csv: the BERT classifier beside Complement NB and SVM.

scripts/bench specialty [--folds 0 1 2 3 4] [--out FOLDER]: every fold is predicted by models that
never saw it; the scores are over all predicted texts, the intervals by bootstrap of texts, that
of the difference paired. A fold that was done before is read from the folder, so a long run can
be spread out.
"""

import argparse
import hashlib
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.naive_bayes import ComplementNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

import clinnlp
from clinnlp.metrics.intervals import bootstrap_draws, percentile_interval
from clinnlp.metrics.labels import score_labels
from tests.bench import DATA, ROOT, record

COLUMNS = {"text": "text", "id": "text_id", "label": "label"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "specialty-head")
    args = parser.parse_args()
    table = texts()
    done = pd.concat([fold(table, k, args.out) for k in args.folds])
    for model in ("complement_nb", "linear_svm", "bert", "bert, the most of its windows"):
        scores = score_labels(done["label"].tolist(), done[model].tolist())
        record("specialty", model=model, n=len(done), folds=args.folds,
               accuracy=str(scores.accuracy), macro_f1=str(scores.macro_f1))  # fmt: skip
    for name, gain in gains(done["label"], done["bert"], done["linear_svm"]).items():
        record("specialty", what=f"{name} of bert minus linear_svm, paired", gain=str(gain))


def gains(gold, ours, theirs, n_boot=2000):
    """Return how much accuracy and macro F1 differ, with intervals over texts drawn for both."""
    names, gold = np.unique(gold, return_inverse=True)
    ours, theirs = (np.searchsorted(names, found) for found in (ours, theirs))

    def differences(weights):
        a, b = (scores_of(gold, found, weights, len(names)) for found in (ours, theirs))
        return a - b

    draws = bootstrap_draws(differences, len(gold), n_boot=n_boot, seed=0)
    values = differences(np.ones(len(gold)))
    return {
        name: percentile_interval(values[i], draws[:, i], unit="text")
        for i, name in enumerate(("accuracy", "macro F1"))
    }


def scores_of(gold, found, weights, n):
    counts = np.bincount(gold * n + found, weights, n * n).reshape(n, n)
    f1 = 2 * counts.diagonal() / (counts.sum(0) + counts.sum(1))
    return np.array([counts.trace() / counts.sum(), f1.mean()])


def texts() -> pd.DataFrame:
    """Return text_id, label, fold and text of the 1,014 texts with one specialty."""
    notes = pd.read_csv(DATA / "mtsamples" / "mtsamples.csv.xz", keep_default_na=False)
    unique = notes["transcription"].drop_duplicates()
    by_id = {hashlib.sha256(t.encode()).hexdigest()[:16]: t for t in unique}
    table = pd.read_csv(DATA / "mtsamples" / "specialty_folds.csv")
    return table.assign(text=[by_id[i] for i in table["text_id"]])


def fold(table: pd.DataFrame, k: int, out: Path) -> pd.DataFrame:
    """Return the predictions of every model on fold `k`."""
    path = out / f"fold{k}.csv"
    if path.is_file():
        return pd.read_csv(path)
    train, test = table[table["fold"] != k], table[table["fold"] == k]
    made = {"label": test["label"].to_numpy()}
    for name, model in {"complement_nb": ComplementNB(), "linear_svm": LinearSVC()}.items():
        flow = make_pipeline(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2), model
        )
        made[name] = flow.fit(train["text"], train["label"]).predict(test["text"])
    start = time.process_time()
    classifier = clinnlp.fine_tune_classifier(
        clinnlp.from_pandas(train, **COLUMNS), out=out / f"model{k}", max_tokens=256, stride=32
    )
    minutes = (time.process_time() - start) / 60
    notes = list(clinnlp.from_pandas(test, text="text", id="text_id"))
    predicted = classifier.batch(notes)
    made["bert"] = [note.labels[0] for note in predicted]
    of_most = replace(classifier, pooling="max").batch(notes)
    made["bert, the most of its windows"] = [note.labels[0] for note in of_most]
    seen = sum(n.coverage.n_seen for n in predicted), sum(n.coverage.n_total for n in predicted)
    print(json.dumps({"fold": k, "core minutes to train": minutes, "tokens": seen}))
    result = pd.DataFrame(made)
    result.to_csv(path, index=False)
    return result


if __name__ == "__main__":
    main()
