"""Everyday sentences with the right answers, where they lie beside this folder.

Held to be wrong or a matter of taste, and left: "Social history: smoker." and "Smoking: never" are
past, as ConText annotates habits; "fever resolved?" is in doubt; "any fever? no." is a no; "q8hrs
PRN" says how often at most.
"""

import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT

CASES = ROOT.parent / "shared" / "cases"
LEAST = {"assertion": 0.97, "medication": 0.97, "exposures": 0.97, "sentences": 1, "sections": 1}


@pytest.mark.skipif(not (CASES / "check.py").is_file(), reason="the everyday cases are not here")
def test_nearly_all_everyday_cases_are_right():
    done = subprocess.run(
        [sys.executable, CASES / "check.py"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    found = re.findall(r"(\w+)\.\w+: (\d+) of (\d+)", done.stdout)
    shares = {name: int(right) / int(of) for name, right, of in found}
    assert shares.keys() == LEAST.keys()
    assert {name: share for name, share in shares.items() if share < LEAST[name]} == {}
