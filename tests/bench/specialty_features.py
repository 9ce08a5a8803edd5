"""Note classes on mtsamples/specialty_folds.csv by what the notes are read as, one table.

scripts/bench specialty_features: naive Bayes, random forest and linear SVM on entities (concept by
assertion and section, found by a word list of DrugBank and the bundled vocabulary), on TF-IDF, on
both; and the fine-tuned classifiers of `scripts/bench specialty`, whose predictions are read from
the folders of out/ that it wrote. Same texts, same folds; every vectoriser is fitted on the
training folds alone. Settings are those of `scripts/bench specialty`, none was tuned here.
Intervals resample texts.
"""

import time

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfTransformer, TfidfVectorizer
from sklearn.naive_bayes import ComplementNB
from sklearn.svm import LinearSVC

import clinnlp
from clinnlp.core.notes import AXES
from clinnlp.core.vocab import Concept, Vocabulary, fold
from clinnlp.features.entities import item_of
from clinnlp.io.tables.vocabularies import read_vocabulary
from clinnlp.metrics.labels import score_labels
from tests.bench import DATA, ROOT, record
from tests.bench.specialty import texts

MODELS = {
    "complement_nb": ComplementNB(),
    "random_forest": RandomForestClassifier(200, random_state=0, class_weight="balanced"),
    "linear_svm": LinearSVC(),
}
SHORTEST = 4  # letters of a drug name that is looked up: shorter ones are words and units


def main() -> None:
    table = texts()
    start = time.perf_counter()
    entities = mentions(table)
    seconds = round(time.perf_counter() - start)
    made = {}
    for k in sorted(set(table["fold"])):
        train, test = (table["fold"] != k).to_numpy(), (table["fold"] == k).to_numpy()
        for name, (a, b) in matrices(table, entities, train, test).items():
            for model, estimator in MODELS.items():
                predicted = estimator.fit(a, table["label"][train]).predict(b)
                made.setdefault((name, model), []).extend(predicted)
        for path in (ROOT / "out").glob(f"specialty*/fold{k}.csv"):
            bert = pd.read_csv(path)
            if bert["label"].tolist() == table["label"][test].tolist():
                name = f"fine-tuned classifier, {path.parent.name}"
                made.setdefault(("text", name), []).extend(bert["bert"])
    gold = [label for _, part in table.groupby("fold") for label in part["label"]]
    record("specialty features", texts=len(gold), mentions=sum(map(len, entities)),
           seconds_of_extraction=seconds)  # fmt: skip
    for (name, model), predicted in made.items():
        if len(predicted) == len(gold):
            scores = score_labels(gold, predicted)
            record("specialty features", features=name, model=model, n=len(gold),
                   accuracy=str(scores.accuracy), macro_f1=str(scores.macro_f1))  # fmt: skip


def mentions(table: pd.DataFrame) -> list[list[str]]:
    """Return the features of each text: concept, with what is said of it and where it stands."""
    nlp = clinnlp.pipeline(vocabulary=vocabulary())
    notes = clinnlp.from_pandas(table, text="text", id="text_id")
    rows = clinnlp.entity_table(nlp.stream(notes))
    place = {text_id: k for k, text_id in enumerate(table["text_id"])}
    found: list[list[str]] = [[] for _ in range(len(table))]
    said = [next((a for a in AXES if rows[a][i] == 1), "") for i in range(len(rows))]
    columns = (rows["note"], rows["label"], item_of(rows).names, said, rows["section"])
    for note, label, item, axis, section in zip(*columns, strict=True):
        name = f"{label}:{item}"
        found[place[note]] += [name, f"{name} ({axis})", f"{name} in {section}"]
    return found


def vocabulary() -> Vocabulary:
    """Return the names and synonyms of DrugBank beside the bundled problems and drugs."""
    bundled = list(read_vocabulary(ROOT / "corpora" / "discharge-mini" / "vocabulary.csv"))
    known = {fold(name) for c in bundled for name in (c.name, *c.synonyms)}
    [path] = (DATA / "drugbank_vocabulary").glob("*.csv")
    drugs = []
    for row in pd.read_csv(path, keep_default_na=False).to_dict("records"):
        names = [row["Common name"], *row["Synonyms"].split(" | ")]
        names = [n for n in names if len(n) >= SHORTEST and n.isascii() and fold(n) not in known]
        known |= {fold(n) for n in names}
        if names:
            drugs.append(
                Concept(code=row["DrugBank ID"], name=names[0], system="drugbank",
                        synonyms=tuple(names[1:]), label="Drug")
            )  # fmt: skip
    return Vocabulary([*bundled, *drugs])


def matrices(table, entities, train, test):
    """Return training and test matrix per kind of features."""
    counts = [
        dict(zip(*np.unique(e, return_counts=True), strict=True)) if e else {} for e in entities
    ]
    vectors, weigh = DictVectorizer(), TfidfTransformer(sublinear_tf=True)
    e = [[c for c, used in zip(counts, side, strict=True) if used] for side in (train, test)]
    a, b = (
        weigh.fit_transform(vectors.fit_transform(e[0])),
        weigh.transform(vectors.transform(e[1])),
    )
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    x, y = words.fit_transform(table["text"][train]), words.transform(table["text"][test])
    both = sparse.hstack([x, a], format="csr"), sparse.hstack([y, b], format="csr")
    return {"entities": (a, b), "TF-IDF": (x, y), "TF-IDF and entities": both}


if __name__ == "__main__":
    main()
