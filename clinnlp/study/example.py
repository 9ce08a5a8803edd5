"""The corpora that come with the library, for a first try.

All are synthetic. `discharge-mini` lies in the installed package; `cohort-mini` is larger, and made
anew where it is asked for: equal seeds give equal files.
"""

from importlib import resources
from pathlib import Path

from clinnlp.core.checks import check_one_of
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.study.synthetic import write_cohort_mini

__all__ = ["EXAMPLES", "example"]

EXAMPLES = ("discharge-mini", "cohort-mini")


def example(name: str = "discharge-mini", *, out: str | Path | None = None) -> Path:
    """Return the folder of a synthetic corpus that comes with the library.

    Parameters
    ----------
    name : {"discharge-mini", "cohort-mini"}
        ``discharge-mini``: 185 annotated discharge notes (``train.jsonl``, ``dev.jsonl``,
        ``test.jsonl``) and their word list (``vocabulary.csv``). ``cohort-mini``: 5,000 patients
        with events, outcomes and 1,000 notes, in which interactions and risks are planted
        (``truth.json`` says which).
    out : str or Path, optional
        Where to write ``cohort-mini``, a few MB, in some seconds; files of the same names are
        replaced.

    Returns
    -------
    Path
        The folder; do not write into that of ``discharge-mini``.

    Raises
    ------
    ArgumentError
        No such corpus, or `out` is absent for one that is made, or given for one that lies there.
    DataError
        The installed package lacks it.

    Examples
    --------
    >>> import clinnlp
    >>> mini = clinnlp.example("discharge-mini")
    >>> sorted(path.name for path in mini.glob("*.jsonl"))
    ['dev.jsonl', 'test.jsonl', 'train.jsonl']
    >>> next(iter(clinnlp.read_notes(mini / "dev.jsonl"))).kind
    'discharge'
    """
    check_one_of(name, EXAMPLES, name="example")
    if name == "cohort-mini":
        if out is None:
            raise ArgumentError("out must name a folder for cohort-mini, which is made, got none")
        return write_cohort_mini(out)
    if out is not None:
        raise ArgumentError(f"out must be absent for {name}, which is installed, got a folder")
    package = Path(str(resources.files("clinnlp")))
    for folder in (package / "data" / name, package.parent / "corpora" / name):
        if folder.is_dir():
            return folder
    raise DataError(f"the bundled corpus {name!r} is not installed", path=package)
