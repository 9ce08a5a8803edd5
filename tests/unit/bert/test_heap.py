"""What training in bfloat16 does for its memory, and float32 does not need."""

import os

import pytest
import torch

from clinnlp.bert import heap
from clinnlp.bert.loop import make_accelerator
from clinnlp.bert.settings import TaggerSettings


@pytest.mark.skipif(torch.cuda.is_available(), reason="speaks of CPUs")
@pytest.mark.parametrize(("bf16", "wanted"), [("on", "60"), ("off", None)])
def test_code_of_few_shapes_is_kept_where_training_is_in_bfloat16(
    bf16, wanted, tmp_path, monkeypatch
):
    monkeypatch.delenv(heap.VARIABLE, raising=False)
    make_accelerator(TaggerSettings(bf16=bf16), tmp_path)
    assert os.environ.pop(heap.VARIABLE, None) == wanted


def test_what_the_user_said_of_shapes_stays(monkeypatch):
    monkeypatch.setenv(heap.VARIABLE, "7")
    heap.keep_few_products()
    assert os.environ[heap.VARIABLE] == "7"
