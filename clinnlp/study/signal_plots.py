"""Signals as pictures: a volcano of all rows, a forest of the first, a network of the pairs."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import overload

import numpy as np

from clinnlp.core.arrays import Floats
from clinnlp.core.counts import Estimate
from clinnlp.mine.rules import Rules
from clinnlp.mine.signals.interactions import Signals
from clinnlp.report.blocks import ForestPlot, NetworkPlot, ScatterPlot

__all__ = ["drug_event_plots", "interaction_plots", "rule_volcano"]

SignalPlot = ScatterPlot | ForestPlot | NetworkPlot

N_FOREST = 20
N_EDGES = 60
_SMALLEST_P = 1e-300  # drawn where a p is smaller


def interaction_plots(signals: Signals) -> list[SignalPlot]:
    """Return a volcano of Ω and p, a forest of Ω with its interval, and the network of calls."""
    if not len(signals):
        return []
    names = row_names(signals)
    called = np.flatnonzero(signals["signal"])
    blocks: list[SignalPlot] = [
        ScatterPlot(
            title="Volcano: interaction of drug pairs",
            names=names,
            x=signals["omega"],
            y=_minus_log10(signals["p_additive"]),
            marked=signals["signal"],
            x_label="Ω",
            y_label="−log10 p",
            marked_label=f"q < {signals.alpha:g}",
            x_level=0.0,
            caption="Ω compares what is reported with what the two drugs explain together; p is "
            "one-sided against additivity, the adjusted one where a pair was adjusted.",
        ),
        _forest(signals, names, ("omega", "omega025", "omega975"), "Ω, 95 % interval"),
    ]
    if len(called):
        shown = called[:N_EDGES]
        one, two, event = (
            map(signals.baskets.called, signals[name][shown].tolist()) for name in signals.keys
        )
        weight = signals["omega"][shown].tolist()
        blocks.append(
            NetworkPlot(
                title="Network of called pairs",
                edges=tuple(zip(one, two, event, weight, strict=True)),
                weight_label="Ω",
                caption="A line joins two drugs, its colour is the outcome, its width Ω.",
            )
        )
    return blocks


def drug_event_plots(signals: Signals) -> list[SignalPlot]:
    """Return a volcano of the relative reporting ratio and p, and a forest of EBGM."""
    if not len(signals):
        return []
    names = row_names(signals)
    return [
        ScatterPlot(
            title="Volcano: drug and outcome",
            names=names,
            x=signals["ic"],
            y=_minus_log10(signals["p"]),
            marked=signals["signal"],
            x_label="IC (log2, shrunk)",
            y_label="−log10 p",
            marked_label=f"q < {signals.alpha:g}",
            x_level=0.0,
            caption="IC compares what is reported with independence of drug and outcome; p is "
            "Fisher's, one-sided, or the adjusted one where larger.",
        ),
        _forest(signals, names, ("ebgm", "eb05", "eb95"), "EBGM, EB05 to EB95", ratio=True),
    ]


def rule_volcano(rules: Rules) -> list[ScatterPlot]:
    """Return a volcano of lift and Fisher's p over all rules found."""
    if not len(rules):
        return []
    names = _Names(len(rules), partial(_rule_name, rules))
    with np.errstate(divide="ignore"):
        log_lift = np.log2(rules["lift"])
    return [
        ScatterPlot(
            title="Volcano: co-occurrence",
            names=names,
            x=log_lift,
            y=_minus_log10(rules.p_fisher),
            marked=rules.significant,
            x_label="log2 lift",
            y_label="−log10 p",
            marked_label=f"q < {rules.alpha:g}",
            x_level=0.0,
        )
    ]


def row_names(signals: Signals) -> Sequence[str]:
    """Return each row in words, such as ``warfarin + ibuprofen → bleeding``, when asked for it."""
    return _Names(len(signals), partial(_signal_name, signals))


class _Names(Sequence[str]):
    """The names of rows, of which a page shows a few: each is made when it is asked for."""

    def __init__(self, n: int, name: Callable[[int], str]) -> None:
        self._n, self._name = n, name

    def __len__(self) -> int:
        return self._n

    @overload
    def __getitem__(self, k: int) -> str: ...
    @overload
    def __getitem__(self, k: slice) -> tuple[str, ...]: ...
    def __getitem__(self, k: int | slice) -> str | tuple[str, ...]:
        places = range(self._n)[k]
        return self._name(places) if isinstance(places, int) else tuple(map(self._name, places))


def _rule_name(rules: Rules, k: int) -> str:
    called = rules.baskets.called
    left, right = (
        " + ".join(map(called, sorted(side[k]))) for side in (rules.antecedents, rules.consequents)
    )
    return f"{left} → {right}"


def _signal_name(signals: Signals, k: int) -> str:
    *drugs, outcome = (signals.baskets.called(signals[name][k]) for name in signals.keys)
    return f"{' + '.join(drugs)} → {outcome}"


def _forest(
    signals: Signals,
    names: Sequence[str],
    columns: tuple[str, str, str],
    label: str,
    *,
    ratio: bool = False,
) -> ForestPlot:
    """Return the first rows with their intervals; a ratio gets a log axis around 1."""
    values = (signals[name][:N_FOREST].tolist() for name in columns)
    rows = tuple(
        (name, Estimate(value=v, low=low, high=high))
        for name, v, low, high in zip(names[:N_FOREST], *values, strict=True)
    )
    return ForestPlot(
        title=f"The first {len(rows)} by q",
        rows=rows,
        x_label=label,
        reference=1.0 if ratio else 0.0,
        log=ratio,
    )


def _minus_log10(p: Floats) -> Floats:
    return np.asarray(-np.log10(np.maximum(p, _SMALLEST_P)), np.float64)
