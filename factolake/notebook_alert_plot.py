"""An alert as a picture: what its first signals did beside where they usually are, how much each took part, and the same of events that are alike."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from factolake.domain.alert import Contribution
from factolake.notebook_alerts import SIGNALS, Shown, unit
from factolake.notebook_score_plot import ALERT, broken, over_plant_time
from factolake.notebook_score_plot import SCORE as SIGNAL
from factolake.notebook_score_plot import THRESHOLD as NOTICED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

USUAL = "#009e73"
BRIDGED = timedelta(minutes=5)
"""A step longer than this is a gap: no line is drawn over it."""
HOUR = timedelta(hours=1)


def draw_alert(shown: Shown) -> "Figure":
    """Each of the first signals over plant time, with its usual band and the alert; beside them, how much each signal took part in the score."""
    from matplotlib import pyplot

    parts = _parts(shown)
    figure = pyplot.figure(figsize=(12, 1.8 + 1.75 * max(len(parts), 1)), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[3, 1])  # type: ignore[misc]
    rows = left.subplots(max(len(parts), 1), 1, sharex=True, squeeze=False)[:, 0]
    for axes, part in zip(rows, parts, strict=False):
        _draw_signal(axes, shown, part, shown.trend[part.signal])
        axes.set_ylabel(_named(part))
    over_plant_time(rows[-1], shown.zone)
    left.legend(*rows[0].get_legend_handles_labels(), loc="outside upper left", ncols=4, frameon=False)
    _draw_shares(right.subplots(), shown.alert.contributions)
    figure.suptitle(f"{shown.headline}\n{_status(shown)}", x=0.01, ha="left", fontsize=11)
    return figure


def draw_beside(shown: Shown, others: Sequence[Shown]) -> "Figure":
    """`shown` and what is alike, one beside the other, each over the hours since it began, with what people say of it. One scale a signal."""
    from matplotlib import pyplot

    events, parts = (shown, *others), _parts(shown)
    size = (3.2 + 3.0 * len(events), 1.7 + 1.7 * max(len(parts), 1))
    figure, grid = pyplot.subplots(max(len(parts), 1), len(events), figsize=size, sharey="row", squeeze=False, layout="constrained")
    for column, event in zip(grid.T, events, strict=True):
        for axes, part in zip(column, parts, strict=False):
            theirs = {one.signal: one for one in event.alert.contributions}
            means = event.trend[part.signal] if part.signal in event.trend else pd.Series(dtype=float)
            _draw_signal(axes, event, theirs.get(part.signal, part), means, since=event.alert.onset_ts)
        column[0].set_title(f"{event.alert.onset_ts.astimezone(event.zone):%Y-%m-%d %H:%M}\npeople say: {event.people_say}", fontsize=10)
        column[-1].set_xlabel("hours since it began")
    for axes, part in zip(grid[:, 0], parts, strict=False):
        axes.set_ylabel(_named(part))
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    figure.suptitle(f"{shown.alert.machine}: this alert, and events that are alike", x=0.01, ha="left", fontsize=11)
    return figure


def _parts(shown: Shown) -> tuple[Contribution, ...]:
    """What is drawn: the first signals that the lake has minutes of."""
    return tuple(one for one in shown.alert.contributions[:SIGNALS] if one.signal in shown.trend)


def _draw_signal(axes: "Axes", shown: Shown, part: Contribution, means: pd.Series, since: datetime | None = None) -> None:
    """Over plant time, or over the hours since `since`."""
    place = _places(since)
    end = shown.ended_ts or (means.index[-1].to_pydatetime() if len(means) else shown.alert.raised_ts)
    axes.axvspan(place(shown.alert.onset_ts), place(max(end, shown.alert.raised_ts)), color=ALERT, alpha=0.35, linewidth=0, label="the alert")
    if part.usual is not None:
        axes.axhspan(part.usual.low, part.usual.high, color=USUAL, alpha=0.18, linewidth=0, label="usual" + _product(shown))
    line = broken(means.dropna(), BRIDGED)
    axes.plot([place(ts) for ts in line.index], line, color=SIGNAL, linewidth=1.1, label="mean of each minute in which it ran")
    axes.axvline(place(shown.alert.raised_ts), color=NOTICED, linestyle="--", linewidth=1.4, label="noticed")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def _places(since: datetime | None) -> Callable[[datetime], float]:
    """Where a time is along the axis: in hours since `since`, or as matplotlib counts days."""
    from matplotlib.dates import date2num

    return date2num if since is None else lambda ts: (ts - since) / HOUR


def _draw_shares(axes: "Axes", parts: Sequence[Contribution]) -> None:
    """The largest share on top; what no signal is named for is the rest."""
    bars = [(one.label, one.share, SIGNAL) for one in parts]
    rest = 1 - sum(one.share for one in parts)
    if parts and rest >= 0.005:
        bars.append(("all others", rest, "#bdbdbd"))
    for place, (_, share, colour) in enumerate(reversed(bars)):
        axes.barh(place, share, height=0.6, color=colour)
        axes.annotate(f"{share:.0%}", (share, place), xytext=(4, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(bars)), [name for name, _, _ in reversed(bars)])
    axes.set_ylim(-0.6, max(len(bars), 4) - 0.4)
    axes.set_xlim(0, 1.18)
    axes.set_xticks([])
    axes.set_title("share of the score", fontsize=10)
    axes.spines[["top", "right", "bottom"]].set_visible(False)


def _named(part: Contribution) -> str:
    symbol = unit(part)
    return f"{part.label}\n({symbol})" if symbol else part.label


def _product(shown: Shown) -> str:
    product = shown.alert.regime.product
    return f" with {product}" if product else ""


def _status(shown: Shown) -> str:
    severity, state = shown.alert.severity.value, shown.state
    return f"severity {severity}, strength {shown.alert.strength:.1f} (1 is the threshold), {state}; people say: {shown.people_say}"
