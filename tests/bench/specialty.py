"""Note classes on mtsamples/specialty_folds.csv: fine-tuned BERT beside Complement NB and SVM.

scripts/bench specialty [--folds 0 1 2 3 4]: every fold is predicted by models that never saw it;
the scores are over all predicted texts, the intervals by bootstrap of texts. A fold that was
done before is read from out/specialty, so a long run can be spread out.
"""

import argparse
import hashlib
import json
import time

import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.naive_bayes import ComplementNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

import clinnlp
from clinnlp.metrics.labels import score_labels
from tests.bench import DATA, ROOT, record

OUT = ROOT / "out" / "specialty"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    args = parser.parse_args()
    table = texts()
    done = pd.concat([fold(table, k) for k in args.folds])
    for model in ("complement_nb", "linear_svm", "bert"):
        scores = score_labels(done["label"].tolist(), done[model].tolist())
        record("specialty", model=model, n=len(done), folds=args.folds,
               accuracy=str(scores.accuracy), macro_f1=str(scores.macro_f1))  # fmt: skip


def texts() -> pd.DataFrame:
    """Return text_id, label, fold and text of the 1,014 texts with one specialty."""
    notes = pd.read_csv(DATA / "mtsamples" / "mtsamples.csv.xz", keep_default_na=False)
    unique = notes["transcription"].drop_duplicates()
    by_id = {hashlib.sha256(t.encode()).hexdigest()[:16]: t for t in unique}
    table = pd.read_csv(DATA / "mtsamples" / "specialty_folds.csv")
    return table.assign(text=[by_id[i] for i in table["text_id"]])


def fold(table: pd.DataFrame, k: int) -> pd.DataFrame:
    """Return the predictions of every model on fold `k`."""
    path = OUT / f"fold{k}.csv"
    if path.is_file():
        return pd.read_csv(path)
    train, test = table[table["fold"] != k], table[table["fold"] == k]
    made = {"label": test["label"].to_numpy()}
    for name, model in {"complement_nb": ComplementNB(), "linear_svm": LinearSVC(C=0.5)}.items():
        flow = make_pipeline(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2), model
        )
        made[name] = flow.fit(train["text"], train["label"]).predict(test["text"])
    start = time.perf_counter()
    columns = {"text": "text", "id": "text_id", "label": "label"}
    classifier = clinnlp.fine_tune_classifier(
        clinnlp.from_pandas(train, **columns), out=OUT / f"model{k}",
        epochs=3, windows_per_note=1, max_tokens=256,
    )  # fmt: skip
    bare = clinnlp.from_pandas(test, text="text", id="text_id")
    predicted = classifier.batch(bare)
    made["bert"] = [note.labels[0] for note in predicted]
    seen = sum(n.coverage.n_seen for n in predicted), sum(n.coverage.n_total for n in predicted)
    print(json.dumps({"fold": k, "minutes": (time.perf_counter() - start) / 60, "tokens": seen}))
    result = pd.DataFrame(made)
    result.to_csv(path, index=False)
    return result


if __name__ == "__main__":
    main()
