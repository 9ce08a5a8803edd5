"""From a sample and a seed to a mutated input: one to three damages to its files or their names."""

import hashlib
import json
from collections.abc import Mapping
from random import Random

from tests.fuzz import packed
from tests.fuzz.forms import cells, is_json, is_xml, json_value, xml_piece
from tests.fuzz.mutators import BYTES, WORDS, Mutator
from tests.fuzz.samples import Sample

__all__ = ["mutated"]

_LARGE = 2**23  # what has grown so large is left as it is
_TRIES = 8
_SHARE_OF_NAMES = 0.1  # of damages that are about which files there are
_ABOUT_INSIDE: tuple[tuple[tuple[str, ...], tuple[Mutator, ...]], ...] = (
    ((".zip", ".skops"), (packed.zipped,)),
    ((".gz", ".xz"), (packed.unpacked_and_back,)),
    ((".spacy",), (packed.docbin,)),
    ((".parquet",), (packed.parquet,)),
    ((".safetensors",), (packed.safetensors,)),
)


def mutated(sample: Sample, rng: Random, others: Mapping[str, Sample]) -> Sample:
    """Return a sample with one to three damages."""
    made = Sample(sample.main, dict(sample.files))
    for _ in range(rng.choice((1, 1, 2, 3))):
        if rng.random() < _SHARE_OF_NAMES:
            made = _other_files(made, rng, others)
        elif made.files:
            name = rng.choice(sorted(made.files))
            made.files[name] = _other_bytes(name, made.files[name], rng, others)
    return _with_own_hash(made, rng)


def _other_bytes(name: str, data: bytes, rng: Random, others: Mapping[str, Sample]) -> bytes:
    if len(data) > _LARGE:
        return data
    inside = next((fits for ends, fits in _ABOUT_INSIDE if name.endswith(ends)), ())
    kinds = _kinds(data, inside)
    for _ in range(_TRIES):
        made = rng.choice(rng.choice(kinds))(data, rng, _some_file(rng, others))
        if made is not None and made != data:
            return made
    return data


def _kinds(data: bytes, inside: tuple[Mutator, ...]) -> list[tuple[Mutator, ...]]:
    """Return the groups of mutators that fit, from which one is drawn, each as likely."""
    if inside:
        return [BYTES, inside, inside]
    text: tuple[Mutator, ...] = ()
    if is_json(data):
        text = (json_value,)
    elif is_xml(data):
        text = (xml_piece,)
    else:
        text = (cells,)
    return [BYTES, WORDS, text]


def _some_file(rng: Random, others: Mapping[str, Sample]) -> bytes:
    files = others[rng.choice(sorted(others))].files
    return files[rng.choice(sorted(files))] if files else b""


def _other_files(sample: Sample, rng: Random, others: Mapping[str, Sample]) -> Sample:
    """Return a sample that lacks a file, has one twice, or one packed or of another kind."""
    files, main = dict(sample.files), sample.main
    if not files:
        return sample
    name = rng.choice(sorted(files))
    what = rng.randrange(6)
    if what == 0 and name != main:
        del files[name]
    elif what == 1:
        files[f"{name}.{rng.choice(('bak', 'txt', 'sidecar.jsonl', 'part'))}"] = files[name]
    elif what == 2:
        files[name] = _some_file(rng, others)
    elif what == 3:
        other = rng.choice(sorted(files))
        files[name], files[other] = files[other], files[name]
    elif what == 4 and len(files[name]) < _LARGE:
        suffix, content = packed.pack(files.pop(name), rng)
        files[name + suffix] = content
        main = name + suffix if name == main else main
    elif name != main:
        files[rng.choice((name.upper(), name.lower(), f"sub/{name}", f"\u202e{name}"))] = files.pop(
            name
        )
    return Sample(main, files)


def _with_own_hash(sample: Sample, rng: Random) -> Sample:
    """Return a risk model whose card mostly names the hash of its file, as an attacker's would."""
    card, model = (sample.files.get(name) for name in ("card.json", "model.skops"))
    if card is None or model is None or rng.random() < 0.1:
        return sample
    try:
        record = json.loads(card)
        record["model_sha256"] = hashlib.sha256(model).hexdigest()
        sample.files["card.json"] = json.dumps(record).encode("utf-8", "surrogatepass")
    except (ValueError, TypeError, RecursionError):
        pass
    return sample
