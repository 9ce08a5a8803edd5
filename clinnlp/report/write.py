"""Reports into files, and where their numbers came from."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from clinnlp.core.errors import ArgumentError
from clinnlp.core.files import atomic_folder, atomic_write, file_sha256
from clinnlp.core.places import is_stream
from clinnlp.core.versions import package_versions
from clinnlp.report.blocks import Report
from clinnlp.report.csvs import csv_tables
from clinnlp.report.html import render_html
from clinnlp.report.markdown import render_markdown

__all__ = ["PACKAGES", "check_report_path", "hash_lines", "provenance", "write_report"]

PACKAGES = (
    "clinnlp",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "torch",
    "transformers",
    "accelerate",
    "scikit-learn",
    "mlxtend",
    "spacy",
)
_RENDER = {".html": render_html, ".htm": render_html, ".md": render_markdown}


def write_report(report: Report, path: str | Path) -> Path:
    """Write a report and return its path; nothing half-written is ever left.

    ``.html`` and ``.md`` give one file; a path without suffix gives a folder with
    ``report.html``, ``report.md`` and a CSV of every table and figure. A pipe or device without
    suffix, such as standard output, gets Markdown.

    Raises
    ------
    ArgumentError
        Another suffix, or a folder that holds no report.
    RunError
        The machine failed, for example a full disk.
    """
    path = check_report_path(path)
    if path.suffix or is_stream(path):
        text = _RENDER[path.suffix.lower() or ".md"](report)
        with atomic_write(path) as handle:
            handle.write(text)
    else:
        with atomic_folder(path, own=("report.html",)) as folder:
            for name, text in _files(report):
                (folder / name).write_text(text, encoding="utf-8", newline="")
    return path


def check_report_path(path: str | Path) -> Path:
    """Return where a report is to be written, or raise `ArgumentError` for another suffix."""
    path = Path(path)
    if path.suffix and path.suffix.lower() not in _RENDER:
        raise ArgumentError(
            f"a report must be written to .html, .md or a folder, got {path.suffix!r}"
        )
    return path


def provenance(
    *,
    settings: Mapping[str, Any] | None = None,
    seed: int | None = None,
    inputs: Iterable[str | Path] = (),
    packages: Iterable[str] = PACKAGES,
) -> dict[str, Any]:
    """Return versions, seed, settings and names of input files for `Report.provenance`.

    Files are named by their last path component only; packages that are not installed are left
    out. A page holds no hash of a file: whoever knew all of it but one patient could test whether
    that one is in it. `hash_lines` gives them, for a file that stays with the data.

    Examples
    --------
    >>> provenance(seed=7, packages=())["seed"]
    7
    """
    made: dict[str, Any] = {} if seed is None else {"seed": seed}
    made["versions"] = package_versions(packages)
    if settings:
        made["settings"] = dict(settings)
    names = [Path(path).name for path in inputs]
    return made | ({"inputs": names} if names else {})


def hash_lines(inputs: Iterable[str | Path]) -> str:
    """Return SHA-256 and name of each file, a line each, as ``sha256sum`` writes them."""
    return "".join(f"{file_sha256(path)}  {Path(path).name}\n" for path in inputs)


def _files(report: Report) -> Iterable[tuple[str, str]]:
    yield "report.html", render_html(report)
    yield "report.md", render_markdown(report)
    for k, (title, text) in enumerate(csv_tables(report), start=1):
        slug = re.sub(r"[^a-z0-9]+", "-", title.casefold()).strip("-")[:40] or "table"
        yield f"{k:02d}-{slug}.csv", text
