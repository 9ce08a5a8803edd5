"""Who stands behind a surrogate: only encrypted, only with its key."""

import stat

import pytest

from clinnlp.core.errors import DataError, RunError, StoreError
from clinnlp.study.deidentify.vault import make_vault_key, read_vault, write_vault


def test_a_vault_opens_with_its_key_alone(tmp_path):
    key, other, path = tmp_path / "key", tmp_path / "other", tmp_path / "vault"
    make_vault_key(key)
    make_vault_key(other)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    write_vault(path, key, {"Zebraperson": "x1"})
    assert b"Zebra" not in path.read_bytes()
    assert read_vault(path, key) == {"Zebraperson": "x1"}
    with pytest.raises(StoreError, match="must be a vault of this key"):
        read_vault(path, other)
    with pytest.raises(RunError, match="File exists"):
        make_vault_key(key)
    other.write_text("no key")
    with pytest.raises(DataError, match="a key of a vault must be 32 bytes") as caught:
        write_vault(path, other, {"Zebraperson": "x1"})
    assert "Zebra" not in str(caught.value)
