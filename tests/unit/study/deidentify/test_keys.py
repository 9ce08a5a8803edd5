"""A key draws the same everywhere, lies where nobody else reads it, and is shown nowhere."""

import stat

import pytest

from clinnlp.core.errors import DataError, RunError
from clinnlp.study.deidentify.keys import Key, make_key, read_key


def test_a_draw_hangs_on_the_key_and_the_words_and_on_nothing_else():
    key = Key(b"k")
    assert key.draw("a", "b") % 10**9 == 83386936  # on every machine
    assert len({key.draw("ab"), key.draw("a", "b"), key.draw("b", "a"), key.draw("ab", "")}) == 4
    assert Key(b"other").draw("a", "b") != key.draw("a", "b")
    assert key.seal("a") == key.seal("a") != key.seal("b")
    assert len(key.seal("a")) == 32


def test_a_key_is_made_once_for_its_user_alone(tmp_path):
    path = tmp_path / "key"
    made = make_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key(path).draw("a") == made.draw("a")
    assert "key" not in repr(made).lower().replace("key()", "")
    with pytest.raises(RunError, match="File exists"):
        make_key(path)
    assert make_key(tmp_path / "other").draw("a") != made.draw("a")


def test_a_key_that_others_may_read_or_that_is_none_is_refused(tmp_path):
    path = tmp_path / "key"
    make_key(path)
    path.chmod(0o640)
    with pytest.raises(DataError, match="must be readable by its user alone"):
        read_key(path)
    path.chmod(0o600)
    path.write_text("secret words")
    with pytest.raises(DataError, match="must be 64 hex digits") as caught:
        read_key(path)
    assert "secret" not in str(caught.value)
