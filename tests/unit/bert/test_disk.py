"""A disk that is full where weights or a tokenizer are written is told as everywhere else."""

import resource

import pytest

from clinnlp.bert.disk import system_errors
from clinnlp.core.errors import RunError


@pytest.fixture
def allowed():
    """Return a function that sets how many bytes a file may have, until the test ends."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda n_bytes: resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, limits[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("kind", ["tagger", "classifier"])
def test_a_model_that_does_not_fit_is_told_and_nothing_is_left(kind, request, tmp_path, allowed):
    pipe = request.getfixturevalue(kind)
    allowed(50_000)
    with pytest.raises(RunError, match=r"writing .*m failed: .*; nothing half-written") as caught:
        pipe.save(tmp_path / "m")
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert list(tmp_path.iterdir()) == []


def test_a_tokenizer_that_does_not_fit_is_an_error_of_the_system(tagger, tmp_path, allowed):
    allowed(2_000)
    with pytest.raises(OSError, match="File too large"), system_errors():
        tagger.network.tokenizer.save_pretrained(tmp_path)


def test_other_errors_pass():
    for error in (ValueError("os error 28 was met"), OSError(28, "full"), RuntimeError("x")):
        with pytest.raises(type(error)) as caught, system_errors():
            raise error
        assert caught.value is error
