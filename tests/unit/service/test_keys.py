"""A file of keys is private, or refused; a key is compared, and never shown."""

import os

import pytest

from clinnlp.core.errors import ArgumentError, DataError, RunError
from clinnlp.service.keys import RIGHTS, Keys, read_keys

GOOD, OTHER = "CANARYcanary" * 3, "another0" * 4


@pytest.fixture
def written(tmp_path):
    """Give a function that writes a file of keys and returns its path."""

    def write(text, mode=0o600):
        path = tmp_path / "keys"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path

    return write


def header(key, scheme="Bearer"):
    return f"{scheme} {key}".encode()


def test_a_key_may_ask_for_what_stands_behind_it_or_for_all(written):
    keys = read_keys(written(f"# of the lab\n\n{GOOD}\n{OTHER} metrics risk\r\n"))
    assert keys.rights_of(header(GOOD)) == set(RIGHTS)
    assert keys.rights_of(header(OTHER, "bearer")) == {"metrics", "risk"}


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"Bearer",
        b"Bearer ",
        header(GOOD[:-1]),
        header(GOOD + "x"),
        header(GOOD.lower()),
        header(GOOD, "Basic"),
        GOOD.encode(),
        b"Bearer \xff" + GOOD.encode(),
    ],
)
def test_anything_else_is_no_key(written, given):
    assert read_keys(written(GOOD)).rights_of(given) is None


def test_every_key_is_compared_whichever_it_is(written, monkeypatch):
    n_compared = []
    real = __import__("hmac").compare_digest
    monkeypatch.setattr(
        "clinnlp.service.keys.hmac.compare_digest", lambda a, b: n_compared.append(1) or real(a, b)
    )
    keys = read_keys(written(f"{GOOD}\n{OTHER}"))
    for given in (GOOD, OTHER, "none"):
        keys.rights_of(header(given))
    assert len(n_compared) == 6


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o700 | 0o010])
def test_a_file_that_others_may_use_is_refused(written, mode):
    with pytest.raises(ArgumentError, match="0600"):
        read_keys(written(GOOD, mode))


def test_a_file_of_another_user_is_refused(written, monkeypatch):
    path = written(GOOD)
    if os.geteuid() != 0:
        pytest.skip("needs root, who can give a file away")
    os.chown(path, 65534, -1)
    with pytest.raises(ArgumentError, match="belong"):
        read_keys(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# none\n",
        "CANARY\n",
        f"{GOOD}\n{GOOD}\n",
        f"{GOOD} CANARYright\n",
        b"\xff" * 40,
        f"{GOOD[:12]}\u00e9{GOOD}",
    ],
)
def test_a_file_that_holds_something_else_is_refused_without_showing_it(written, text):
    with pytest.raises(DataError) as caught:
        read_keys(written(text))
    assert "CANARY" not in str(caught.value)
    assert caught.value.__context__ is None


def test_no_file_no_keys(tmp_path):
    with pytest.raises(RunError, match="file that can be read"):
        read_keys(tmp_path / "none")
    with pytest.raises(RunError, match="file that can be read"):
        read_keys(tmp_path)


def test_keys_show_nothing(written):
    keys = read_keys(written(GOOD))
    assert isinstance(keys, Keys)
    assert repr(keys) == "Keys()"
    assert GOOD.encode() not in b"".join(keys.rights)
