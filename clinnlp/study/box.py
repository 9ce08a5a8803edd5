"""Which model reads: the one that was named, the one in the box, or none.

The model in the box lies in the installed package, is found without being loaded, and reads
English. It is taken where neither a model nor a word list is named. ``"default"`` names it, so
that a word list may stand beside it; ``"none"`` names no model, so that only what others have
found is read. A folder of such a name is given as a `Path`.

Beside it lies a tagger of identifiers, which reads only where ``"default"`` asks for it: the scores
of a network differ a little between processors, and what rules find does not.
"""

from importlib import resources
from pathlib import Path
from typing import Any

from clinnlp.core.errors import ArgumentError
from clinnlp.core.installed import needed

__all__ = ["BOX", "DEFAULT", "IDENTIFIERS", "NONE", "chosen_model", "chosen_tagger", "is_boxed"]

BOX = Path(str(resources.files("clinnlp"))) / "bert" / "data" / "notes"
IDENTIFIERS = BOX.parent / "identifiers"
DEFAULT, NONE = "default", "none"

_READS = "en"
_READERS = ("torch", "transformers", "accelerate", "safetensors")  # of models
_OTHERWISE = "name a model folder or a vocabulary, or make one by scripts/release-model"


def chosen_model(model: Any, vocabulary: Any = None, *, language: str = "en") -> Any:
    """Return the model that is meant: a folder or pipe, or None where there is none.

    Parameters
    ----------
    model : folder, pipe, {"default", "none"} or None
    vocabulary
        Where it is given, None means no model.
    language : str
        Of the notes.

    Raises
    ------
    ArgumentError
        The model in the box is meant, and is not there or does not read the language.
    MissingExtra
        It is meant, and what reads models is not installed.

    Examples
    --------
    >>> chosen_model("none") is None, chosen_model(None, ["aspirin"]) is None
    (True, True)
    >>> chosen_model("out/model")
    'out/model'
    """
    if isinstance(model, str) and model == NONE:
        return None
    if model is None and vocabulary is not None:
        return None
    if model is not None and not (isinstance(model, str) and model == DEFAULT):
        return model
    _check_language(language, otherwise=_OTHERWISE)
    if not is_boxed():
        raise ArgumentError(
            "a pipeline needs a model folder or a vocabulary where no model lies in the box, got "
            f"neither; {_OTHERWISE}"
        )
    needed(*_READERS)
    return BOX


def chosen_tagger(model: Any, *, language: str = "en") -> Any:
    """Return the tagger of identifiers that is meant: a folder, or None where there is none.

    Parameters
    ----------
    model : folder, "default" or None
    language : str
        Of the notes.

    Raises
    ------
    ArgumentError
        The tagger in the box is meant, and does not read the language or is not there.
    MissingExtra
        It is meant, and what reads models is not installed.

    Examples
    --------
    >>> chosen_tagger(None) is None, chosen_tagger("out/tagger")
    (True, 'out/tagger')
    """
    if not (isinstance(model, str) and model == DEFAULT):
        return model
    otherwise = "name the folder of one that clinnlp fine-tune ner wrote"
    _check_language(language, otherwise=otherwise)
    if not IDENTIFIERS.is_dir():
        raise ArgumentError(f"a tagger of identifiers must lie in the box, got none; {otherwise}")
    needed(*_READERS)
    return IDENTIFIERS


def is_boxed() -> bool:
    """Return whether a model lies in the box."""
    return BOX.is_dir()


def _check_language(language: str, *, otherwise: str) -> None:
    if language != _READS:
        raise ArgumentError(
            f"the model in the box reads notes in {_READS}, got {language!r}; {otherwise}"
        )
