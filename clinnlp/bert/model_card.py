"""The model card of a trained network: its README.md, made of what ``clinnlp.json`` holds."""

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from clinnlp.core.model_cards import facts, front_matter, score, table

__all__ = ["encoder_card", "model_card"]

_KINDS = {
    "ner": ("Recogniser of mentions", "token-classification"),
    "classification": ("Classifier of notes", None),
    "relations": ("Model of relations", None),
}
_LIMITS = """\
- Scores hold for notes like those that were scored. Their intervals cover that sample, drawn by
  patient or document, not another training.
- It was not tested for any use in care; check it on your own notes first.
- A long note is read in overlapping windows, and none is cut off.
- Weights may remember what they were trained on: a model of private notes is private."""
_GUESSES = """\
Mean loss per epoch, and mean log probability of the hidden words of notes kept out; 0 is best."""
_BESIDE = "Classifiers on the words around a pair, which learned from the same notes:"
_NOT_SCORED = "It was not scored: the training had no dev notes."


def model_card(record: Mapping[str, Any]) -> str:
    """Return the card of a model as Markdown.

    Parameters
    ----------
    record : mapping
        What `clinnlp.bert.learned.write_record` writes: task, labels, windows, settings, card.

    Examples
    --------
    >>> card = {"encoder": "minilm", "n_notes": 500, "best_epoch": 4}
    >>> windows = {"max_tokens": 384, "stride": 64}
    >>> text = model_card({"task": "ner", "labels": ["Drug"], "windows": windows, "card": card})
    >>> "# Recogniser of mentions: Drug" in text, "- notes: 500" in text
    (True, True)
    """
    card, labels = record["card"], record["labels"]
    kind, tag = _KINDS.get(record["task"], (str(record["task"]), None))
    parts = [
        front_matter(library_name="clinnlp", pipeline_tag=tag, tags=["clinnlp", "medical"]),
        f"# {kind}: {', '.join(labels)}",
        '    import clinnlp\n\n    model = clinnlp.load("this folder")',
        f"## Labels\n\n{facts(_labels(record))}",
        f"## Data and training\n\n{facts(_training(card, record['windows']))}",
        "## Scores\n\n" + "\n\n".join(_scores(card.get("dev"))),
        f"## Limits\n\n{_LIMITS}",
    ]
    return "\n\n".join(parts) + "\n"


def encoder_card(card: Mapping[str, Any]) -> str:
    """Return the card of an encoder that was taught the language of some notes."""
    epochs = [
        {"epoch": k, "loss": each.get("loss"), "score": each.get("score")}
        for k, each in enumerate(card.get("epochs", ()), 1)
    ]
    parts = [
        front_matter(library_name="clinnlp", pipeline_tag="fill-mask", tags=["clinnlp", "medical"]),
        "# Encoder, taught the language of notes",
        f"## Data and training\n\n{facts(_training(card, {}))}",
        f"## Scores\n\n{_GUESSES}\n\n{table(epochs)}",
        f"## Limits\n\n{_LIMITS}",
    ]
    return "\n\n".join(parts) + "\n"


def _labels(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return each label with its threshold, where it has one."""
    least, off = record.get("thresholds") or {}, record.get("off") or ()
    return {
        label: (
            f"given from a score of {least[label]:.3f}" if label in least else "likeliest label"
        )
        + (", off until asked for" if label in off else "")
        for label in record["labels"]
    }


def _training(card: Mapping[str, Any], windows: Mapping[str, Any]) -> dict[str, Any]:
    encoder = card.get("encoder")
    versions = card.get("versions") or {}
    return {
        "notes": card.get("n_notes"),
        "of them, for choosing the epoch": card.get("n_selection"),
        "characters": card.get("n_characters"),
        "tokens": card.get("n_tokens"),
        "mentions": card.get("n_mentions"),
        "mentions left out (overlapping or discontinuous)": card.get("n_dropped"),
        "pairs that were asked about": card.get("n_pairs"),
        "of them related": card.get("n_related"),
        "pairs cut, too far apart": card.get("n_cut"),
        "related pairs that are not learned": card.get("n_related_unread"),
        "encoder": encoder and PurePath(str(encoder)).name,
        "epochs": len(card.get("epochs") or ()) or None,
        "epoch that was kept": card.get("best_epoch") or None,
        "peak learning rate": card.get("learning_rate"),
        "tokens of a window": windows.get("max_tokens"),
        "tokens that windows share": windows.get("stride"),
        "versions": ", ".join(f"{k} {v}" for k, v in sorted(versions.items())) or None,
    }


def _scores(dev: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield the scores on dev, or on each of its corpora."""
    if not dev:
        yield _NOT_SCORED
        return
    if "n_notes" in dev:
        yield from _scored(dev)
        return
    for name, each in dev.items():
        yield f"### {PurePath(str(name)).name}"
        yield from _scored(each)


def _scored(dev: Mapping[str, Any]) -> Iterator[str]:
    estimates = {name: each for name, each in dev.items() if isinstance(each, Mapping)}
    estimates = {name: each for name, each in estimates.items() if "value" in each}
    said: dict[str, Any] = {"notes": dev["n_notes"], "match": dev.get("match")}
    said |= {name.replace("_", " "): score(each) for name, each in estimates.items()}
    said["interval"] = next((_interval(each) for each in estimates.values()), None)
    said["labels that train had not, counted as missed"] = ", ".join(dev.get("unseen", ())) or None
    yield facts(said)
    yield table(dev.get("rows", ()))
    rows = [
        {"beside": name.replace("_", " "), "f1": score(each["f1"]),
         "this model is better by": score(each["difference"])}
        for name, each in (dev.get("baselines") or {}).items()
    ]  # fmt: skip
    if rows:
        yield f"{_BESIDE}\n\n{table(rows)}"


def _interval(estimate: Mapping[str, Any]) -> str | None:
    level, method = estimate.get("level"), estimate.get("method")
    return f"{level:.0%}, {method}" if isinstance(level, float) else None
