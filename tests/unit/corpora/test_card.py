"""The card of annotated notes says agreement where there is a second reading, else nothing."""

import hashlib
import json
import lzma
import tomllib

from corpora.annotated.card import annotated_card

TEXT = "No fever; cough for two days."


def written(folder, **readings):
    place = folder / "mtsamples"
    place.mkdir()
    with lzma.open(place / "mtsamples.csv.xz", "wt", encoding="utf-8", newline="") as handle:
        handle.write("medical_specialty,transcription\r\n" + f'Letters,"{TEXT}"\r\n')
    digest = hashlib.sha256(TEXT.encode()).hexdigest()
    sample = "place\tnote\tpart\tgroup\tspecialty\tn_words\tsha256\n"
    sample += f"0\tmt0\tdev\tmt0\tLetters\t6\t{digest}\n"
    (folder / "notes.tsv").write_text(sample, encoding="utf-8")
    for name, mentions in readings.items():
        line = json.dumps({"note": "mt0", "sha256": digest, "mentions": mentions})
        (folder / f"{name}.jsonl").write_text(line + "\n", encoding="utf-8")
    return annotated_card(folder, folder=folder, n_boot=10)


FEVER, COUGH = [3, 8, "Problem", "n"], [10, 15, "Problem", ""]


def test_counts_are_those_of_what_is_settled(tmp_path):
    text = written(tmp_path, mentions=[FEVER, COUGH])
    head = tomllib.loads(text.split("+++\n")[1])
    assert head["documents"] == {"train": 0, "dev": 1, "test": 0}
    assert head["entities"]["dev"]["Problem"] == 2
    assert head["assertion"]["dev"]["negated"] == 1
    assert "**Agreement**" not in text
    assert "Not annotated by clinicians" in text


def test_agreement_is_told_by_label_and_axis(tmp_path):
    text = written(tmp_path, mentions=[FEVER], reading_a=[FEVER, COUGH], reading_b=[FEVER])
    rows = [line for line in text.splitlines() if line.startswith(("| Problem", "| negated"))]
    assert rows[0].startswith("| Problem | 0.667 ")
    assert rows[0].endswith("| 1 | 1 | 0 |")
    assert rows[1].endswith("| 1.000 | 1 | 0 | 0 |")
