"""What models say of a machine as pictures: how much there is to learn from, and scores over time with the threshold and the alerts they raise.

Who makes scores is `pipelines/studies`.
"""

from dataclasses import dataclass
from datetime import timedelta, tzinfo
from itertools import pairwise
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette, as in `notebook_plot`: told apart by people with any colour vision.
SCORE, THRESHOLD, ALERT, UNJUDGED = "#0072b2", "#d55e00", "#f0e442", "#999999"
GRADES = {"high": "#009e73", "medium": "#f0e442", "low": "#d9d9d9"}
GAP = timedelta(minutes=15)
"""So long unjudged is hatched; a machine waits for its neighbours now and then for a minute."""
HIGHEST = 1.5
"""The scale reaches to here at least, so that the threshold is never at its edge."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What the model called `label` says of each minute of `machine`.

    `minutes` by plant time: `score`, 0 is usual and 1 the threshold, NaN where it was not judged, and `why`. `alerts` that it raises: `since`,
    `noticed` and `over` (NaT: it is open), and what they are.
    """

    label: str
    machine: str
    minutes: pd.DataFrame
    alerts: pd.DataFrame


def draw_grades(grades: pd.DataFrame) -> "Figure":
    """Signals by machine: the share of running minutes that have a value, coloured by grade. Columns: machine, signal, share, grade, learn_h."""
    from matplotlib import pyplot
    from matplotlib.patches import Patch, Rectangle

    machines, signals = list(dict.fromkeys(grades["machine"])), sorted(set(grades["signal"]))
    size = (3.0 + 1.15 * len(machines), 1.6 + 0.27 * len(signals))
    figure, axes = pyplot.subplots(figsize=size, layout="constrained")
    for row in grades.to_dict("records"):
        across, down, grade = machines.index(row["machine"]), signals.index(row["signal"]), row["grade"]
        axes.add_patch(Rectangle((across - 0.48, down - 0.45), 0.96, 0.9, facecolor=GRADES[grade], linewidth=0))
        axes.text(across, down, f"{row['share']:.0%}", ha="center", va="center", fontsize=8, color="white" if grade == "high" else "black")
    hours = grades.groupby("machine")["learn_h"].first()
    axes.set_xticks(range(len(machines)), [f"{machine}\n{hours[machine]:.1f} h" for machine in machines])
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(signals)), signals)
    axes.set_xlim(-0.55, len(machines) - 0.45)
    axes.set_ylim(len(signals) - 0.5, -0.5)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    legend = [Patch(facecolor=colour, label=grade) for grade, colour in GRADES.items()]
    figure.legend(
        handles=legend,
        loc="outside lower left",
        ncols=3,
        frameon=False,
        title="grade, by the share of running minutes that have a value",
        alignment="left",
    )
    return figure


def draw_scores(*scored: Scored) -> "Figure":
    """Scores over plant time, one model below the other on the same scales; what no model judged for long is hatched, never drawn as usual."""
    from matplotlib import pyplot

    figure, grid = pyplot.subplots(
        len(scored), 1, figsize=(12, 1.3 + 2.1 * len(scored)), sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    rows = grid[:, 0]
    for axes, one in zip(rows, scored, strict=True):
        _draw_score(axes, one)
    top = max((one.minutes["score"].max() for one in scored), default=HIGHEST)
    rows[0].set_ylim(0, max(HIGHEST, 1.08 * top if top == top else HIGHEST))
    at = scored[0].minutes.index
    rows[-1].set_xlim(at[0], at[-1])
    over_plant_time(rows[-1], at.tz)  # type: ignore[attr-defined]
    handles = {name: handle for axes in rows for handle, name in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=5, frameon=False)
    return figure


def broken(line: pd.Series, longest: timedelta) -> pd.Series:
    """With a missing value in each gap longer than `longest`, so that a line drawn of it breaks there."""
    gaps = [before + longest for before, after in pairwise(line.index) if after - before > longest]
    return line.reindex(line.index.union(gaps))


def _draw_score(axes: "Axes", scored: Scored) -> None:
    score = broken(scored.minutes["score"].dropna(), GAP)
    for since, until in _unjudged(scored.minutes):
        axes.axvspan(_place(since), _place(until), facecolor="none", edgecolor=UNJUDGED, hatch="////", alpha=0.5, linewidth=0, label="not judged")
    for one in scored.alerts.to_dict("records"):
        over = scored.minutes.index[-1] if pd.isna(one["over"]) else one["over"]
        axes.axvspan(_place(one["since"]), _place(over), color=ALERT, alpha=0.4, linewidth=0, label="alert, since it began")
        axes.axvline(_place(one["noticed"]), color=THRESHOLD, linestyle=":", linewidth=1.6, label="noticed")
    axes.plot(score.index, score, color=SCORE, linewidth=0.8, label="score of each minute")
    axes.axhline(1.0, color=THRESHOLD, linestyle="--", linewidth=1.2, label="threshold")
    count = len(scored.alerts)
    axes.set_title(f"{scored.machine}, {scored.label}: {count or 'no'} alert{'' if count == 1 else 's'}", loc="left", fontsize=11)
    axes.set_ylabel("score")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def _place(at: pd.Timestamp) -> float:
    from matplotlib.dates import date2num

    return float(date2num(at))  # type: ignore[no-untyped-call]


def _unjudged(minutes: pd.DataFrame) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """Stretches longer than `GAP` without a score, from one judged minute to the next and at both ends."""
    times = [minutes.index[0], *minutes["score"].dropna().index, minutes.index[-1]]
    return [(before, after) for before, after in pairwise(times) if after - before > GAP]


def over_plant_time(axes: "Axes", zone: tzinfo) -> None:
    """Days and clock times of `zone` along the axis."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(tz=zone)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=zone))  # type: ignore[no-untyped-call]
    axes.set_xlabel(f"plant time, {zone}")
