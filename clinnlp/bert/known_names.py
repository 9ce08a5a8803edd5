"""Names that the training notes mark: where one stands again, it is likelier a mention.

A network that saw a name marked in training is still unsure of it where little stands around it.
So a model keeps the names of each label with the number of patients whose notes mark them, and
`clinnlp.bert.consistency` weighs that. Names of fewer than 5 patients could point to one of them
and are not kept; of corpora that are open to all they may be (``known_names=1``), which helps more:
of two models of 297 notes of BC5CDR train, F1 on 160 others was 0.836 and 0.826 without names,
0.839 and 0.826 with those of 5 notes or more, and 0.849 and 0.835 with all.

Names are compared word by word, as `name_key` gives them.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from clinnlp.bert.windows import TokenisedText
from clinnlp.core.errors import StoreError
from clinnlp.core.json_objects import read_json_object
from clinnlp.core.notes import Note

__all__ = ["Names", "learn_names", "name_key", "read_names", "word_keys", "write_names"]

Names = Mapping[str, Mapping[str, int]]  # label → name → patients whose notes mark it

_FILE = "names.json"
_MOST = 1 << 53  # patients, as JSON holds numbers


def name_key(words: Sequence[str]) -> str:
    """Return a name as names are compared: without case, but for words with two capitals.

    Those would be other words: "AIDS" and "aids".

    Examples
    --------
    >>> name_key(["Acute", "HIV", "infection"])
    'acute HIV infection'
    """
    return " ".join(_key(word, word.casefold()) for word in words)


def word_keys(text: str, words: TokenisedText) -> list[str]:
    """Return the words of a text without case, but for those with two capitals."""
    spans = zip(words.starts.tolist(), words.ends.tolist(), strict=True)
    low = text.casefold()
    if len(low) != len(text):  # a letter that becomes two, such as a sharp s
        return [name_key([text[a:b]]) for a, b in spans]
    return [_key(text[a:b], low[a:b]) for a, b in spans]


def _key(word: str, low: str) -> str:
    return low if low == word or sum(map(str.isupper, word)) < 2 else word


def learn_names(
    notes: Sequence[Note],
    texts: Iterable[TokenisedText],
    patients: Sequence[str],
    *,
    labels: Sequence[str],
    least: int,
) -> Names:
    """Return the names that the notes of at least `least` patients mark, by label.

    Parameters
    ----------
    notes : sequence of Note
    texts : iterable of TokenisedText
        Of the notes.
    patients : sequence of str
        Whose each note is.
    labels : sequence of str
        Those that are learned.
    least : int
        With 0 no name is kept, and no text is asked for.
    """
    if not least:
        return {}
    by: dict[str, dict[str, set[str]]] = {label: defaultdict(set) for label in labels}
    for note, text, patient in zip(notes, texts, patients, strict=True):
        for entity in note.entities:
            if entity.label in by and not entity.parts:
                a, b = text.words_of(entity.span)
                spans = zip(text.starts[a:b], text.ends[a:b], strict=True)
                by[entity.label][name_key([note.text[i:j] for i, j in spans])].add(patient)
    kept = {
        label: {name: len(who) for name, who in sorted(names.items()) if len(who) >= least}
        for label, names in by.items()
    }
    return {label: names for label, names in kept.items() if names}


def write_names(names: Names, folder: Path) -> None:
    """Write the names to the folder of a model; none are no file."""
    if names:
        text = json.dumps(names, indent=1, ensure_ascii=False) + "\n"
        (folder / _FILE).write_text(text, encoding="utf-8")


def read_names(folder: Path) -> Names:
    """Return what `write_names` wrote.

    Raises
    ------
    StoreError
        The file is damaged.
    """
    path = folder / _FILE
    if not path.is_file():
        return {}
    names = read_json_object(path)
    for found in names.values():
        whole = isinstance(found, dict) and all(
            type(n) is int and 0 < n < _MOST for n in found.values()
        )
        if not whole:
            raise StoreError(f"{path} must hold the names of each label with numbers of patients")
    return names
