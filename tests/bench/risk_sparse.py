"""Sparse codes: our models beside plain scikit-learn's on made-up patients, in one run.

scripts/bench risk_sparse [--patients 2000] [--models NAME ...] [--large] [--seed 0]

Each patient has some of 40 diseases. A disease shows itself by codes of its own, each of them in
some of its patients; most of a record is codes of no meaning, few of them frequent and most rare.
The outcome follows the diseases. Plain models take the counts of all codes, with scikit-learn's
own settings. `--large` is 100,000 patients with 5 million events of 2,000 codes, a fifth of them
with a value; three default models, without plain ones.
"""

import argparse
import resource
import time

import numpy as np
from scipy import sparse
from scipy.special import expit
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.svm import LinearSVC

from clinnlp.features.events import Cases
from clinnlp.features.matrix import PatientFeatures
from clinnlp.risk.crossfit import cross_fit
from clinnlp.risk.models import DEFAULT_MODELS, chosen_settings
from clinnlp.risk.splits import patient_folds, splits_of_folds
from tests.bench import record

FIVE = ("naive_bayes", "random_forest", "svm", "logistic", "boosting")
N_DISEASES, SHARE = 40, 0.1  # of patients who have each
EFFECT, BASE = 0.55, -1.3  # standard deviation of the log odds of a disease; those of nobody
PLAIN = {
    "random_forest": lambda: RandomForestClassifier(random_state=0),
    "logistic": lambda: LogisticRegression(max_iter=1000),
    "svm": lambda: LinearSVC(dual=False),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, help="2,000, or 100,000 with --large")
    parser.add_argument("--models", nargs="+")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    n = args.patients or (100_000 if args.large else 2_000)
    shape = {"n_codes": 2_000, "n_common": 10, "share_valued": 0.2} if args.large else {}
    cases, y = patients_of(n, seed=args.seed, **shape)
    splits = splits_of_folds(cases.patients, patient_folds(cases.patients, y))
    models = args.models or (DEFAULT_MODELS if args.large else FIVE)
    plain = {} if args.large else plain_aurocs(cases, y, splits)
    started, used = time.perf_counter(), time.process_time()
    fits = cross_fit(cases, y, splits, features=PatientFeatures(), models=chosen_settings(models))
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - used
    for name, made in fits.items():
        record("risk, sparse codes", model=name, patients=n, events=len(cases.case),
               codes=len(cases.codes), features=made.n_features[0], positive=int(y.sum()),
               auroc=round(float(np.mean(made.auroc_folds)), 4), plain=plain.get(name),
               seconds=round(made.seconds, 1))  # fmt: skip
    record("risk, sparse codes, all of these", models=list(fits), seconds=round(seconds, 1),
           cpu_seconds=round(cpu_seconds, 1), peak_gib=round(peak_gib(), 2))  # fmt: skip


def patients_of(
    n: int,
    *,
    n_codes: int = 10_000,
    n_common: int = 60,
    n_own: int = 20,
    shown: float = 0.5,
    share_valued: float = 0.0,
    seed: int = 0,
) -> tuple[Cases, np.ndarray]:
    """Return patients with their codes and outcomes.

    `n_common` codes of no meaning a patient, by a power law; each disease has `n_own` codes, of
    which a patient who has it shows a share `shown`.
    """
    rng = np.random.default_rng(seed)
    weight = 1 / np.arange(1, n_codes + 1)
    per_patient = rng.poisson(n_common, n)
    case = np.repeat(np.arange(n), per_patient)
    code = rng.choice(n_codes, size=len(case), p=weight / weight.sum())
    own = rng.permutation(n_codes)[: N_DISEASES * n_own].reshape(N_DISEASES, n_own)
    has = rng.random((n, N_DISEASES)) < SHARE
    who, which = np.nonzero(has)
    seen = rng.random((len(who), n_own)) < shown
    case = np.append(case, np.repeat(who, n_own)[seen.ravel()])
    code = np.append(code, own[which].ravel()[seen.ravel()])
    risk = has @ rng.normal(0, EFFECT, N_DISEASES)
    y = (rng.random(n) < expit(risk - risk.mean() + BASE)).astype(int)
    order = np.argsort(case, kind="stable")
    valued = rng.random(len(case)) < share_valued
    cases = Cases(
        patients=np.array([f"p{k}" for k in range(n)], dtype=object),
        index=np.full(n, "2024-01-01", "datetime64[s]"),
        age_years=np.full(n, np.nan),
        sex=np.full(n, None),
        case=case[order],
        code=code[order],
        days=-rng.uniform(1, 300, len(case)),
        value=np.where(valued, rng.normal(size=len(case)).round(2), np.nan),
        codes=tuple(f"k:c{k}" for k in range(n_codes)),
        concepts=tuple(f"c{k}" for k in range(n_codes)),
        n_excluded={},
        row=np.arange(len(case)),
        of_note=np.zeros(len(case), bool),
    )
    return cases, y


def plain_aurocs(cases: Cases, y: np.ndarray, splits) -> dict[str, float]:
    """Return the mean AUROC of scikit-learn's models over the same splits, on counts of codes."""
    shape = (len(cases), len(cases.codes))
    X = sparse.csr_matrix((np.ones(len(cases.case)), (cases.case, cases.code)), shape=shape)
    return {
        name: round(float(np.mean([scored(make(), X, y, split) for split in splits])), 4)
        for name, make in PLAIN.items()
    }


def scored(model, X: sparse.csr_matrix, y: np.ndarray, split) -> float:
    model.fit(X[split.train], y[split.train])
    tested = X[split.test]
    if hasattr(model, "decision_function"):
        return roc_auc_score(y[split.test], model.decision_function(tested))
    return roc_auc_score(y[split.test], model.predict_proba(tested)[:, 1])


def peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
