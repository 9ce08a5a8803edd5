import numpy as np
import pytest

from clinnlp.features.columns import Columns


@pytest.fixture(scope="session")
def table():
    """300 rows of 200 patients: a number and a category that tell, one of each that does not."""
    rng = np.random.default_rng(0)
    n = 300
    signal, noise = rng.normal(size=n), rng.normal(size=n)
    drug = rng.choice(["a", "b", "c"], n).astype(object)
    p = 1 / (1 + np.exp(-(1.5 * signal + 1.5 * (drug == "a") - 1)))
    y = (rng.random(n) < p).astype(int)
    patients = np.array([f"p{k % 200}" for k in range(n)])
    values = {"signal": signal, "noise": noise, "drug": drug}
    return Columns(patients=patients, values=values), y
