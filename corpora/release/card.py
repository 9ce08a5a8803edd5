"""The card of the model in the box, from what its steps wrote."""

from collections.abc import Mapping, Sequence
from typing import Any

from clinnlp.core.model_cards import facts, front_matter, score, table
from corpora.release.data import LICENCES, NAMED, NOTES, TYPED
from corpora.release.scores import LEAST_F1, SURE

__all__ = ["box_card"]

_HEAD = """\
# The model in the box

    import clinnlp

    note = clinnlp.pipeline()("Denies chest pain. Started lisinopril 10 mg daily.")

Finds mentions in English clinical notes. One encoder (MiniLM, 6 layers, 384 wide) with a head for
notes and one for each corpus of abstracts; weights in 8-bit integers, read back as the same
numbers, the SHA-256 of each file in `sha256.json`. `scripts/release-model` makes it from public
corpora; the same processor and threads give the same bytes."""

_LIMITS = """\
- **Not for use in care.** Not made, annotated or checked by clinicians.
- The notes it learned from are {n_notes} transcribed US dictations (MTSamples, before about 2010)
  and {n_typed} invented notes in the style of typed ones (`corpora/typed-train`), annotated by a
  general language model by one guideline (`corpora/mtsamples-notes`): another guideline has other
  boundaries, so look at relaxed F1 too. Names of medicines were also met in {n_named} invented
  lists, which say nothing of how notes use them.
- Which labels are on was decided by the development notes, which favours these; the test notes and
  the typed ones were scored once for each release, afterwards. Of the corpora of abstracts no test
  part was read.
- The heads of abstracts are about as good as the biomedical model alone; the table has both.
- Other countries, other specialties and other languages are worse; measure on your own notes.
- Mentions are whole words of the tokenizer, and none is discontinuous.
- It says nothing of who has a problem and whether: `clinnlp.pipeline` decides that by rules."""

_MEMORY = """\
The network has no output over words, so it cannot write text; its tokenizer is that of MiniLM, byte
for byte the vocabulary it had before. Config, tokenizer and records were searched for any run of
eight words of a training note: {n_runs} found. Whoever has a note and the model can guess whether
it taught: mean log probability of the likeliest tags, AUC {notes} on notes (train against
development) and {abstracts} on abstracts; 0.5 is a coin. All training text is public."""


def box_card(told: Mapping[str, Any], scores: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    """Return the card as Markdown.

    Parameters
    ----------
    told : mapping
        What the step ``data`` wrote: counts by corpus.
    scores : mapping
        What the steps ``score`` and ``test`` wrote.
    record : mapping
        ``clinnlp.json`` of the model.
    """
    off = list(record["off"])
    on = [label for label in record["labels"] if label not in off]
    parts = [
        front_matter(
            library_name="clinnlp",
            pipeline_tag="token-classification",
            language="en",
            license="cc0-1.0",
            tags=["clinnlp", "medical"],
        ),
        _HEAD,
        f"## Labels\n\n{_labels(on, off)}",
        "## Data\n\n" + table(_data(told)),
        f"## Clinical notes, test part\n\n{_scored(scores['test'][NOTES])}",
        f"## Typed notes\n\n`corpora/typed-notes`. {_scored(scores['test'][TYPED])}",
        f"## Clinical notes, development part\n\n{_scored(scores['int8'][NOTES])}",
        "## Corpora, development parts\n\n" + table(_corpora(scores)),
        f"## What a score is worth\n\n{_worth(scores)}",
        f"## Training text in the model?\n\n{_memory(scores)}",
        f"## Limits\n\n{_limits(told)}",
    ]
    return "\n\n".join(parts) + "\n"


def _limits(told: Mapping[str, Any]) -> str:
    kept = {f"n_{name}": told[name]["kept"] for name in (NOTES, TYPED, NAMED)}
    return _LIMITS.format(**kept)


def _labels(on: Sequence[str], off: Sequence[str]) -> str:
    return (
        f"On: {', '.join(on)}. Off until asked for (`clinnlp.pipeline(labels=[...])`): "
        f"{', '.join(off)}.\n\nA label is on where its strict F1 on the development notes is at "
        f"least {LEAST_F1}; labels of abstracts are off, since no notes are annotated with them. "
        "`DiseaseName` is the one label that NCBI's four kinds of disease became."
    )


def _data(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    keys = ("read", "dropped, in a development part", "dropped, in a test part", "kept")
    rows = [
        {"corpus": name, "licence": licence} | {key: told[name].get(key) for key in keys}
        for name, licence in LICENCES.items()
    ]
    n_silver = told["silver"].get("used", 0)
    silver = {"corpus": "other notes, labelled by the model itself", "licence": LICENCES[NOTES]}
    return [*rows, silver | dict.fromkeys(keys) | {"kept": n_silver}] if n_silver else rows


def _scored(each: Mapping[str, Any]) -> str:
    relaxed = {row["label"]: row for row in each["relaxed"]["rows"]}
    rows = [
        {
            "label": row["label"],
            "strict F1": _interval(row),
            "relaxed F1": _interval(relaxed[row["label"]]),
            "precision": row["precision"],
            "recall": row["recall"],
            "mentions": row["n_gold"],
        }
        for row in each["strict"]["rows"]
    ]
    return f"{each['n_notes']} notes, intervals by note.\n\n{table(rows)}"


def _interval(row: Mapping[str, Any]) -> str:
    return score({"value": row["f1"], "low": row["f1_low"], "high": row["f1_high"]})


def _corpora(scores: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "corpus": name,
            "strict F1": score(each["strict"]["all"]),
            "in 8 bits": scores["int8"][name]["strict"]["all"]["value"],
            "the biomedical model alone": _alone(scores, name),
        }
        for name, each in scores["float"].items()
    ]


def _alone(scores: Mapping[str, Any], name: str) -> Any:
    return scores["bio"][name]["strict"]["all"]["value"] if name in scores["bio"] else None


def _worth(scores: Mapping[str, Any]) -> str:
    rows = [
        {
            "text": name,
            "ECE": each["ece"],
            f"mentions scored >= {SURE}": each["sure"]["n"],
            "of them right": score(each["sure"]["share_right"]),
        }
        for name, each in (*scores["int8"].items(), *_tests(scores))
    ]
    return (
        "By kind of text, strictly right; calibrated on a tenth of the abstracts and of the "
        f"annotated notes, which the model was not taught.\n\n{table(rows)}"
    )


def _tests(scores: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(f"{name}, test", each) for name, each in scores["test"].items()]


def _memory(scores: Mapping[str, Any]) -> str:
    told = scores["memory"]
    auc = {name: f"{told[name]:.2f}" for name in ("notes", "abstracts")}
    return _MEMORY.format(n_runs=told["n_runs"], **auc) + "\n\n" + facts(scores.get("how", {}))
