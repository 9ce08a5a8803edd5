"""Who stands behind a surrogate: kept only where it is asked for, and only encrypted (Fernet).

References
----------
Fernet: AES-128-CBC and HMAC-SHA256, https://github.com/fernet/spec
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clinnlp.core.checks import check_file
from clinnlp.core.errors import DataError, MissingExtra, RunError, StoreError, instead_of
from clinnlp.core.files import atomic_write

__all__ = ["make_vault_key", "read_vault", "write_vault"]

_FORM = "a key of a vault must be 32 bytes in URL-safe base64, got something else"


def make_vault_key(path: str | Path) -> None:
    """Make a new key of a vault in a file that only its user may read (mode 0600).

    Raises
    ------
    RunError
        The file is there already, or cannot be written.
    """
    raw = _fernet().generate_key()
    with instead_of(OSError, lambda error: RunError(f"writing {path} failed: {error.strerror}")):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(raw + b"\n")


def write_vault(path: str | Path, key: str | Path, surrogates: Mapping[str, str]) -> None:
    """Write what stands for whom, encrypted.

    Parameters
    ----------
    path : path
    key : path
        Of `make_vault_key`, kept apart from the output.
    surrogates : mapping of str to str
        Patient to surrogate.

    Raises
    ------
    DataError
        The key is no such key.
    MissingExtra
        The package cryptography is not installed.
    """
    sealed = _opened(key).encrypt(json.dumps(dict(surrogates)).encode())
    with atomic_write(path, "wb") as file:
        file.write(sealed)


def read_vault(path: str | Path, key: str | Path) -> dict[str, str]:
    """Return what stands for whom: patient to surrogate.

    Raises
    ------
    StoreError
        The vault was not written with this key, or is damaged.
    DataError
        The key is no such key.
    """
    raw = check_file(path).read_bytes()
    opened = _opened(key)
    from cryptography.fernet import InvalidToken

    wrong = StoreError(f"{path} must be a vault of this key, got another, or a damaged one")
    with instead_of((InvalidToken, ValueError), wrong):
        found: dict[str, str] = json.loads(opened.decrypt(raw))
    return found


def _opened(key: str | Path) -> Any:
    raw = check_file(key).read_bytes().strip()
    with instead_of(ValueError, DataError(_FORM, path=key)):
        return _fernet()(raw)


def _fernet() -> Any:
    with instead_of(ModuleNotFoundError, MissingExtra("cryptography", extra="deid")):
        from cryptography.fernet import Fernet
    return Fernet
