"""Reports into files, whole or not at all."""

import hashlib

import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.report.html import render_html
from clinnlp.report.write import hash_lines, provenance, write_report


def test_one_file_by_suffix(samples, tmp_path):
    report = samples.report("plain")
    page = write_report(report, tmp_path / "deep" / "r.html")
    assert page.read_text(encoding="utf-8") == render_html(report)
    assert write_report(report, tmp_path / "r.md").read_text().startswith("# plain")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deep", "r.md"]


def test_a_folder_has_page_markdown_and_tables(samples, tmp_path):
    folder = write_report(samples.report("plain"), tmp_path / "out")
    names = sorted(p.name for p in folder.iterdir())
    assert names[-2:] == ["report.html", "report.md"]
    assert names[0] == "01-plain.csv"
    assert len(names) == 2 + 30
    assert b"\r\r\n" not in (folder / names[0]).read_bytes()


def test_another_suffix_is_refused_before_anything_is_written(samples, tmp_path):
    with pytest.raises(ArgumentError, match=r"got '\.docx'"):
        write_report(samples.report("plain"), tmp_path / "r.docx")
    assert not list(tmp_path.iterdir())


def test_provenance_names_versions_settings_and_files_but_no_folder_and_no_hash(tmp_path):
    file = tmp_path / "in.jsonl"
    file.write_bytes(b"x")
    made = provenance(
        seed=0, settings={"n": 1}, inputs=[file], packages=("numpy", "no-such-package-here")
    )
    assert made["seed"] == 0
    assert made["settings"] == {"n": 1}
    assert set(made["versions"]) == {"python", "numpy"}
    assert made["inputs"] == ["in.jsonl"]
    assert str(tmp_path) not in str(made)
    digest = hashlib.sha256(b"x").hexdigest()
    assert digest[:8] not in str(made)
    assert hash_lines([file]) == f"{digest}  in.jsonl\n"
