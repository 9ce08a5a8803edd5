"""What streams needs no more memory for four times as much of it."""

import pytest

from tests.bench import scale


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "share"), [("jsonl", 0.01), ("tiny", 0.1), ("columns", 0.25), ("results", 0.25)]
)
def test_memory_does_not_grow_with_the_notes(name, share, tmp_path):
    peaks = []
    for k, size in enumerate((share, 4 * share)):
        folder = tmp_path / str(k)
        folder.mkdir()
        _, command = scale.CASES[name](folder, size)
        peaks.append(scale.run(command).peak_mib)
    assert peaks[1] <= 1.2 * peaks[0], peaks


@pytest.mark.long
def test_a_table_that_is_held_whole_is_seen_to_grow(tmp_path):
    """A file of mentions is written at once, unlike a folder: the measure must tell."""
    peaks = []
    for k, share in enumerate((0.05, 0.4)):
        folder = tmp_path / str(k)
        folder.mkdir()
        _, command = scale.tiny_notes(folder, share)
        command[2] = str(folder / "out.csv")
        peaks.append(scale.run(command).peak_mib)
    assert peaks[1] > 1.2 * peaks[0], peaks
