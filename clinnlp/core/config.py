"""Settings: one frozen dataclass per thing, from TOML, from a mapping, and back.

Unknown keys are refused by naming the valid ones; the same dataclass makes the command-line
flags, its field comments in ``metadata["help"]`` the help.
"""

import json
import tomllib
import types
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from clinnlp.core.checks import check_file
from clinnlp.core.errors import ArgumentError, DataError, instead_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = [
    "mapping_of",
    "option",
    "read_settings",
    "render_settings",
    "settings_from",
    "settings_to",
]

S = TypeVar("S", bound="DataclassInstance")


def option(default: Any, help: str) -> Any:
    """Return a dataclass field with a default and a line of help that names unit and range."""
    return field(default=default, metadata={"help": help})


def mapping_of(pairs: Sequence[str] | None, name: str) -> dict[str, str]:
    """Return ``name=column`` pairs as a mapping; `name` is what they are called in an error.

    Raises
    ------
    ArgumentError
        A word that is no such pair.

    Examples
    --------
    >>> mapping_of(["patient=subject_id"], "columns")
    {'patient': 'subject_id'}
    """
    split = [pair.partition("=") for pair in pairs or ()]
    wrong = [key for key, sign, column in split if not (key and sign and column)]
    if wrong:
        raise ArgumentError(f"{name} must be name=column pairs, got {wrong[0]!r}")
    return {key: column for key, _, column in split}


def settings_from(kind: type[S], values: Mapping[str, Any], *, path: Path | None = None) -> S:
    """Return the settings dataclass `kind` filled from a mapping.

    Raises
    ------
    DataError
        An unknown key or a value of the wrong type, naming the file where there is one.
    """
    hints = get_type_hints(kind)
    names = [f.name for f in fields(kind) if f.init]
    unknown = sorted(set(values) - set(names))
    if unknown:
        raise DataError(
            f"settings must be among {', '.join(names)}, got {', '.join(unknown)}", path=path
        )
    made = {key: _coerce(value, hints[key], key, path) for key, value in values.items()}
    with instead_of((ArgumentError, TypeError), lambda error: DataError(str(error), path=path)):
        return kind(**made)


def read_settings(kind: type[S], path: str | Path) -> S:
    """Return the settings in a TOML file.

    Raises
    ------
    DataError
        Not TOML, unknown keys, or wrong types.
    """
    path = check_file(path)
    refusal = DataError("settings must be valid TOML in UTF-8", path=path)
    with instead_of((tomllib.TOMLDecodeError, UnicodeDecodeError), refusal):
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    return settings_from(kind, values, path=path)


def settings_to(settings: "DataclassInstance") -> dict[str, Any]:
    """Return the settings as plain values for JSON."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(settings).items()}


def render_settings(settings: "DataclassInstance", *, always: Collection[str] = ()) -> str:
    """Return the settings as TOML that `read_settings` reads: those that are not the defaults.

    Parameters
    ----------
    settings : settings dataclass
    always : collection of str
        Fields that are written whatever they are, but for None, which TOML has not.

    Examples
    --------
    >>> from clinnlp.study.settings import ExtractSettings
    >>> print(render_settings(ExtractSettings(on_error="skip"), always=("part_size",)), end="")
    on_error = "skip"
    part_size = 2000
    """
    lines = []
    for f in fields(settings):
        value = getattr(settings, f.name)
        if value is not None and (f.name in always or value != f.default):
            lines.append(f"{f.name} = {_toml(value)}\n")
    return "".join(lines)


def _toml(value: Any) -> str:
    if isinstance(value, str):  # JSON's words but for DEL, which TOML wants escaped
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _coerce(value: Any, hint: Any, key: str, path: Path | None) -> Any:
    options = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    for kind in options:
        if _fits(value, kind):
            return _as(value, kind)
    wanted = " or ".join(map(_described, options))
    raise DataError(f"setting {key!r} must be {wanted}, got {type(value).__name__}", path=path)


def _fits(value: Any, kind: Any) -> bool:
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        return value in parts
    if origin is tuple:  # TOML has lists only
        return isinstance(value, list | tuple) and all(isinstance(one, parts[0]) for one in value)
    if isinstance(value, bool):  # to Python it is a whole number too
        return kind is bool
    if kind is float and isinstance(value, int):
        return True
    return origin is None and isinstance(kind, type) and isinstance(value, kind)


def _as(value: Any, kind: Any) -> Any:
    if get_origin(kind) is tuple:
        return tuple(value)
    return float(value) if kind is float and isinstance(value, int) else value


def _described(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, get_args(kind)))}"
    if get_origin(kind) is tuple:
        return f"a list of {get_args(kind)[0].__name__}"
    return "absent" if kind is type(None) else str(getattr(kind, "__name__", kind))
