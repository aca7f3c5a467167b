"""A shift as a picture: what every machine did, and the good parts they made. Gaps are hatched, never drawn as idle."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from factolake.domain.states import MachineState

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette: told apart by people with any colour vision.
COLOURS = {
    MachineState.PRODUCING: "#009e73",
    MachineState.SETUP: "#56b4e9",
    MachineState.FAULT: "#d55e00",
    MachineState.STOPPED: "#cc79a7",
    MachineState.WAITING: "#f0e442",
    MachineState.STARVED: "#e69f00",
    MachineState.BLOCKED: "#0072b2",
    MachineState.NO_ORDER: "#bdbdbd",
    MachineState.PLANNED_STOP: "#7f7f7f",
    MachineState.UNKNOWN: "white",
}


def draw_shift(frame: pd.DataFrame, states: pd.DataFrame) -> "Figure":
    """The picture of `line.shift(...)` and the intervals of `line.states(...)`: states above, good parts since the start below."""
    from matplotlib import pyplot

    machines = list(dict.fromkeys(frame.columns.get_level_values("machine")))
    figure, (upper, lower) = pyplot.subplots(
        2, 1, figsize=(12, 2.6 + 0.55 * len(machines)), sharex=True, layout="constrained", height_ratios=[0.5 * len(machines), 3]
    )
    figure.suptitle(f"{frame.attrs['line']}, {frame.attrs['shift']}")
    _draw_states(upper, states, machines, frame)
    _draw_counts(lower, frame, machines)
    return figure


def _draw_states(axes: "Axes", states: pd.DataFrame, machines: list[str], frame: pd.DataFrame) -> None:
    from matplotlib.patches import Patch

    known = [(str(m), str(s), a, b) for m, s, a, b in states[["machine", "state", "from_ts", "to_ts"]].itertuples(index=False) if s != "unknown"]
    spans = [*known, *((machine, "unknown", start, end) for machine, start, end, _ in frame.attrs["gaps"])]
    for machine, state in sorted({(machine, state) for machine, state, _, _ in spans}):
        bars = [(start, end - start) for m, s, start, end in spans if (m, s) == (machine, state)]
        place = len(machines) - 1 - machines.index(machine)
        axes.broken_barh(bars, (place - 0.38, 0.76), facecolor=COLOURS[MachineState(state)], linewidth=0, **_hatch(state))
    axes.set_yticks(range(len(machines)), machines[::-1])
    axes.set_ylim(-0.6, len(machines) - 0.4)
    seen = [state for state in COLOURS if state in {state for _, state, _, _ in spans}]
    legend = [Patch(facecolor=COLOURS[state], label=state.value.replace("_", " "), **_hatch(state)) for state in seen]
    axes.legend(handles=legend, loc="lower left", bbox_to_anchor=(0, 1), ncols=max(1, len(legend)), frameon=False, borderaxespad=0.2)
    axes.spines[["top", "right"]].set_visible(False)


def _hatch(state: str) -> dict[str, Any]:
    """What makes a gap look like one."""
    return {"hatch": "////", "edgecolor": "#999999"} if state == MachineState.UNKNOWN else {}


def _draw_counts(axes: "Axes", frame: pd.DataFrame, machines: list[str]) -> None:
    from matplotlib.dates import DateFormatter

    zone = frame.index.tz  # type: ignore[attr-defined]
    ends: list[tuple[float, str, str]] = []
    for number, machine in enumerate(machines):
        good = frame[machine, "good"].astype("float64")
        # Where a minute is unobserved the line breaks: nobody knows when the parts were made.
        total = good.fillna(0).cumsum().where(good.notna())
        axes.step(frame.index, total, where="post", linewidth=1.6, color=f"C{number}")
        if total.notna().any():
            ends.append((float(total.max()), machine, f"C{number}"))
    _label_ends(axes, ends)
    axes.set_ylabel("good parts since start")
    axes.set_xlabel(f"plant time, {zone}")
    axes.set_ylim(bottom=0)
    axes.set_xlim(frame.index[0], frame.index[-1] + pd.Timedelta(minutes=1))
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M", tz=zone))  # type: ignore[no-untyped-call]
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def _label_ends(axes: "Axes", ends: list[tuple[float, str, str]]) -> None:
    """Each line's name and total at the right edge, moved apart so that no two lie on each other."""
    top = max((value for value, _, _ in ends), default=0.0) or 1.0
    below = -top
    for value, machine, colour in sorted(ends):
        below = max(value, below + 0.085 * top)
        place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "xytext": (6, 0), "textcoords": "offset points"}
        axes.annotate(f"{machine}  {value:.0f}", (1.0, below), va="center", color=colour, annotation_clip=False, **place)
