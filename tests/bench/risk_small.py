"""Small tables: our models beside plain scikit-learn's over the same folds, in one run.

scripts/bench risk_small [--tables NAME=CSV ...] [--models NAME ...] [--repeats 3] [--rank-alone]
                         [--reasons-alone] [--trees N] [--min-leaf N]

Breast cancer (Wisconsin, 569 rows) is scikit-learn's own. Others are given as CSV with a line of
names, numbers alone, and the outcome in the last column: heart failure (Chicco and Jurman 2020, 299
rows; its column ``time``, the length of follow-up, is left out) and Pima (768 rows) are on the web.
AUROC is the mean of 5 folds, over repeats with other folds; plain models have scikit-learn's own
settings behind a scaler. Differences are paired by fold; their 95 % interval counts that folds
share training rows (Nadeau and Bengio, Machine Learning 2003). `--rank-alone` leaves out
calibration, which keeps every ranking and takes most of the time, and reasons. Reasons: over two
seeds of a model, how far they are from adding up, and in how many of 100 cases the top one stays;
of those in which it is said to be clear; and where columns count as one whose rank correlation is
above 0.8. `--trees` and `--min-leaf` are those of the forest there; `--reasons-alone`: no more.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.special import expit
from scipy.stats import spearmanr, t
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from clinnlp.features.columns import ColumnFeatures, Columns
from clinnlp.risk.calibrate import log_odds
from clinnlp.risk.crossfit import cross_fit, fit_risk_model
from clinnlp.risk.explain import explain_cases
from clinnlp.risk.models import (
    MODELS,
    BoostingSettings,
    RandomForestSettings,
    chosen_settings,
    make_model,
)
from clinnlp.risk.splits import patient_folds, splits_of_folds
from tests.bench import record

PLAIN = {
    "naive_bayes": GaussianNB,
    "random_forest": lambda: RandomForestClassifier(random_state=0),
    "svm": LinearSVC,
    "logistic": lambda: LogisticRegression(max_iter=1000),
    "boosting": lambda: HistGradientBoostingClassifier(random_state=0),
    "mlp": lambda: MLPClassifier(random_state=0),
}
SEEDS = (0, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", nargs="*", default=[], metavar="NAME=CSV")
    parser.add_argument("--models", nargs="+", default=list(PLAIN), choices=list(MODELS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rank-alone", action="store_true")
    parser.add_argument("--reasons-alone", action="store_true")
    parser.add_argument("--trees", type=int)
    parser.add_argument("--min-leaf", type=int)
    args = parser.parse_args()
    forest = RandomForestSettings(n_trees=args.trees, min_leaf=args.min_leaf)
    told = {"random_forest": forest, "boosting": BoostingSettings()}
    cancer = load_breast_cancer()
    tables = {"breast cancer": (cancer.data, 1 - cancer.target)}
    tables |= {name: read(Path(path)) for name, path in (one.split("=") for one in args.tables)}
    for name, (X, y) in tables.items():
        if not args.reasons_alone:
            compare(name, X, y, args)
        for model in [] if args.rank_alone else told.keys() & set(args.models):
            reasons(name, X, y, model, told[model])


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    names = path.read_text().splitlines()[0].split(",")
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    kept = [k for k, column in enumerate(names[:-1]) if column != "time"]
    return table[:, kept], table[:, -1].astype(int)


def rows_of(X: np.ndarray) -> Columns:
    who = np.arange(len(X)).astype(str)
    return Columns(patients=who, values={f"x{j}": column for j, column in enumerate(X.T)})


def compare(name: str, X: np.ndarray, y: np.ndarray, args: argparse.Namespace) -> None:
    rows, ours, plain = rows_of(X), {m: [] for m in args.models}, {m: [] for m in args.models}
    for repeat in range(args.repeats):
        splits = splits_of_folds(rows.patients, patient_folds(rows.patients, y, seed=repeat))
        fitted = ranked if args.rank_alone else calibrated
        for model, aurocs in fitted(rows, y, splits, args.models).items():
            ours[model] += aurocs
        for model in args.models:
            plain[model] += [scored(PLAIN[model](), X, y, split) for split in splits]
    for model in args.models:
        more, low, high = difference(np.subtract(ours[model], plain[model]))
        record("risk, small tables", table=name, n=len(y), positive=int(y.sum()), model=model,
               auroc=round(float(np.mean(ours[model])), 4),
               plain=round(float(np.mean(plain[model])), 4), repeats=args.repeats,
               minus_plain=f"{more:.4f} [{low:.4f}, {high:.4f}]")  # fmt: skip


def calibrated(rows: Columns, y: np.ndarray, splits, models) -> dict[str, tuple[float, ...]]:
    fits = cross_fit(rows, y, splits, features=ColumnFeatures(), models=chosen_settings(models),
                     n_top=0)  # fmt: skip
    return {model: fit.auroc_folds for model, fit in fits.items()}


def ranked(rows: Columns, y: np.ndarray, splits, models) -> dict[str, list[float]]:
    """Return the AUROC in each fold of the models as they are before calibration."""
    found = {model: [] for model in models}
    for split in splits:
        features = ColumnFeatures().fit(rows.take(split.train))
        train, test = (features.transform(rows.take(at)) for at in (split.train, split.test))
        for model, (settings,) in chosen_settings(models).items():
            fitted = make_model(settings, n_rows=train.shape[0]).fit(train, y[split.train])
            found[model].append(roc_auc_score(y[split.test], log_odds(fitted, test)))
    return found


def difference(by_fold: np.ndarray) -> tuple[float, float, float]:
    """Return the mean of paired differences of 5 folds, repeated, with its interval."""
    n = len(by_fold)
    error = np.sqrt((1 / n + 1 / 4) * by_fold.var(ddof=1))  # a test fold is a quarter of training
    mean = by_fold.mean()
    return mean, *(mean + t.ppf([0.025, 0.975], n - 1) * error)


def scored(model, X: np.ndarray, y: np.ndarray, split) -> float:
    fitted = make_pipeline(StandardScaler(), model).fit(X[split.train], y[split.train])
    how = "decision_function" if hasattr(fitted, "decision_function") else "predict_proba"
    scores = getattr(fitted, how)(X[split.test])
    return roc_auc_score(y[split.test], scores if scores.ndim == 1 else scores[:, 1])


def reasons(name: str, X: np.ndarray, y: np.ndarray, model: str, settings) -> None:
    rows, at = rows_of(X), np.random.default_rng(0).choice(len(y), 100, replace=False)
    told, furthest = [], 0.0
    for seed in SEEDS:
        fitted = fit_risk_model(rows, y, features=ColumnFeatures(), settings=settings, seed=seed)
        told.append(explain_cases(fitted, rows, at, n=X.shape[1]))
        total = [c.base + c.others + sum(r.log_odds for r in c.reasons) for c in told[-1]]
        p = fitted.predict_proba(rows.take(at))[:, 1]
        furthest = max(furthest, float(np.abs(expit(total) - p).max()))
    same = np.array(
        [a.reasons[0].concept == b.reasons[0].concept for a, b in zip(*told, strict=True)]
    )
    leads = np.array([c.is_clear for c in told[0]])
    groups = connected_components(np.abs(spearmanr(X).statistic) > 0.8)[1]
    one, other = ([top_group(c.reasons, groups) for c in cases] for cases in told)
    record("risk, reasons", table=name, model=model, furthest_from_adding_up=furthest,
           trees=getattr(settings, "n_trees", None), min_leaf=settings.min_leaf,
           top_stays=round(float(same.mean()), 3),
           top_group_stays=round(float(np.mean(np.equal(one, other))), 3),
           leads=round(float(leads.mean()), 3),
           top_stays_where_it_leads=round(float(same[leads].mean()), 3))  # fmt: skip


def top_group(reasons, groups: np.ndarray) -> int:
    """Return the group of columns that adds or takes most together."""
    together = np.zeros(len(groups))
    for reason in reasons:
        together[groups[int(reason.concept[1:])]] += reason.log_odds
    return int(np.abs(together).argmax())


if __name__ == "__main__":
    main()
