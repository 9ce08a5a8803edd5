"""What a search of settings leaves in its folder: settings to train with, its trials, a picture."""

from pathlib import Path

from clinnlp import __version__
from clinnlp.core.config import render_settings
from clinnlp.core.files import atomic_write
from clinnlp.core.visible import visible
from clinnlp.report.csvs import write_frame
from clinnlp.report.pictures import Picture
from clinnlp.study.tune_store import STORE
from clinnlp.study.tuning import SETTINGS_FILE, Tuning, history_plot

__all__ = ["forget_files", "settings_text", "write_files"]

_TRIALS, _PICTURE = "trials.csv", "history.svg"


def write_files(tuning: Tuning, encoder: str | Path) -> None:
    """Write ``best.toml``, ``trials.csv`` and ``history.svg``, each whole or not at all.

    Raises
    ------
    RunError
        The machine failed, for example a full disk.
    """
    import pandas as pd

    with atomic_write(tuning.folder / SETTINGS_FILE) as handle:
        handle.write(settings_text(tuning, encoder))
    rows = [
        {
            "trial": trial.number,
            "score": trial.score,
            "given_up": int(trial.given_up),
            "n_epochs": trial.n_epochs,
            "seconds": round(trial.seconds, 1),
            **trial.changed,
        }
        for trial in tuning.trials
    ]
    write_frame(pd.DataFrame(rows), tuning.folder / _TRIALS)
    Picture(plot=history_plot(tuning)).save(tuning.folder / _PICTURE)


def settings_text(tuning: Tuning, encoder: str | Path) -> str:
    """Return the best settings as TOML, and where they come from as comments.

    What the search varied is written whatever it is, of the rest what is not the default.
    """
    names = {name for trial in tuning.trials for name in trial.changed}
    best, first, n = tuning.best, tuning.trials[0], len(tuning.trials)
    head = (
        f"# clinnlp {__version__}: trial {best.number} of {n} of a search of settings.\n"
        f"# Selection score {best.score:.4f} on {tuning.n_selection} notes of train, that of the "
        f"start {first.score:.4f}.\n"
        "# The best of several scores is too high: score dev once, at the end, with\n"
        f"# clinnlp fine-tune {tuning.kind} TRAIN --encoder {visible(str(encoder))} --settings "
        f"{SETTINGS_FILE} --dev DEV --out MODEL\n"
    )
    return head + render_settings(tuning.settings, always=names)


def forget_files(folder: Path) -> None:
    """Remove what an earlier search left in a folder."""
    for name in (STORE, f"{STORE}-journal", SETTINGS_FILE, _TRIALS, _PICTURE):
        (folder / name).unlink(missing_ok=True)
