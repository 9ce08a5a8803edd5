"""Section headers of mts_dialog from the dialogue alone: scripts/bench headers.

Trained on the training set, scored once on the validation set, beside TF-IDF and a linear SVM.
"""

import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

import clinnlp
from clinnlp.metrics.labels import score_labels
from tests.bench import DATA, ROOT, record


def main() -> None:
    train, dev = (rows(name) for name in ("TrainingSet", "ValidationSet"))
    svm = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2), LinearSVC(C=0.5)
    )
    found = {"linear_svm": svm.fit(train["dialogue"], train["header"]).predict(dev["dialogue"])}
    columns = {"text": "dialogue", "id": "id"}
    classifier = clinnlp.fine_tune_classifier(
        clinnlp.from_pandas(train, label="header", **columns), out=ROOT / "out" / "headers"
    )
    answers = classifier.batch(list(clinnlp.from_pandas(dev, **columns)))
    found["bert"] = [note.labels[0] for note in answers]
    for model, labels in found.items():
        scores = score_labels(dev["header"].tolist(), list(labels))
        record("headers", model=model, n=len(dev), accuracy=str(scores.accuracy),
               macro_f1=str(scores.macro_f1))  # fmt: skip


def rows(name: str) -> pd.DataFrame:
    """Return the dialogues and headers of one split."""
    table = pd.read_csv(DATA / "mts_dialog" / f"MTS-Dialog-{name}.csv", keep_default_na=False)
    return table.assign(
        id=[f"{name}{i}" for i in table.index],
        header=table["section_header"].str.strip().str.upper(),
    )


if __name__ == "__main__":
    main()
