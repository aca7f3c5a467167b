"""Plans as pictures for notebooks: two schedules over each other, and how sure each due date is."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from factolake.domain.job import Placed
from factolake.planning.building import Built
from models.planning.risk import Risk

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Paul Tol's muted palette: told apart by people with any colour vision; an order keeps its colour in every picture.
COLOURS = ("#332288", "#88ccee", "#44aa99", "#117733", "#999933", "#ddcc77", "#cc6677", "#882255", "#aa4499")
_LIGHT = frozenset({"#88ccee", "#44aa99", "#999933", "#ddcc77", "#cc6677"})
_NAMED_FROM_H = 0.33
"""A bar shorter than this (hours) has no name on it."""
HOUR_S = 3600


def draw_plans(plans: Mapping[str, tuple[Built, tuple[Placed, ...]]], moved: frozenset[str] = frozenset()) -> "Figure":
    """One Gantt below the other, by name, over one axis of plant time. Closed time is hatched, operations in `moved` have a thick edge."""
    from matplotlib import pyplot
    from matplotlib.dates import DateFormatter

    rows = max(len(plan.problem.machines) for plan, _ in plans.values())
    figure, axes = pyplot.subplots(len(plans), 1, figsize=(12, len(plans) * (0.9 + 0.5 * rows)), sharex=True, layout="constrained", squeeze=False)
    for place, (name, (plan, schedule)) in zip(axes[:, 0], plans.items(), strict=True):
        _draw_plan(place, plan, schedule, moved)
        place.set_title(name, loc="left", fontsize=11)
    starts = [plan.seconds.beginning_ts for plan, _ in plans.values()]
    ends = [plan.moment(max(placed.end for placed in schedule)) for plan, schedule in plans.values()]
    zone = next(iter(plans.values()))[0].situation.zone
    axes[-1, 0].set_xlim(min(starts), max(ends))
    axes[-1, 0].xaxis.set_major_formatter(DateFormatter("%H:%M", tz=zone))  # type: ignore[no-untyped-call]
    axes[-1, 0].set_xlabel(f"plant time, {zone}")
    return figure


def draw_risks(plan: Built, found: Risk) -> "Figure":
    """Each order from its likely end (50 of 100 plays) to its late one (90 of 100), with its due date and how often that is missed."""
    from matplotlib import pyplot
    from matplotlib.dates import DateFormatter

    zone = plan.situation.zone
    due = {order.order_id: order.due_ts for order in plan.orders}
    dated = [one for one in found.orders if due[one.order_id] is not None]
    figure, axes = pyplot.subplots(figsize=(12, 1.2 + 0.42 * len(dated)), layout="constrained")
    for place, one in enumerate(reversed(dated)):
        colour = "#d55e00" if one.late is not None and one.late > 0.5 else "#e69f00" if one.late else "#009e73"
        axes.plot([one.p50_end_ts, one.p90_end_ts], [place, place], color=colour, linewidth=7, solid_capstyle="round")  # type: ignore[arg-type]
        axes.plot([due[one.order_id]], [place], marker="|", markersize=18, markeredgewidth=2.5, color="black")  # type: ignore[arg-type]
        axes.annotate(
            f"{one.late:.0%} late", (1.0, place), xycoords=("axes fraction", "data"), xytext=(6, 0), textcoords="offset points", va="center"
        )
    axes.set_yticks(range(len(dated)), [one.order_id for one in reversed(dated)])
    axes.set_ylim(-0.7, len(dated) - 0.3)
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M", tz=zone))  # type: ignore[no-untyped-call]
    axes.set_xlabel(f"end, from 50 to 90 of 100 plays; the upright line is the due date; plant time, {zone}")
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _draw_plan(axes: "Axes", plan: Built, schedule: tuple[Placed, ...], moved: frozenset[str]) -> None:
    names = [machine.name for machine in plan.problem.machines]
    last = max(placed.end for placed in schedule)
    for row, machine in enumerate(plan.problem.machines):
        for start, end in _closed(machine.windows, last):
            _bar(axes, plan, row, (start, end), height=0.9, color="white", edgecolor="#bbbbbb", hatch="////")
    for placed in schedule:
        _draw_bar(axes, plan, placed, names.index(plan.machine_of(placed)), moved)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_bar(axes: "Axes", plan: Built, placed: Placed, row: int, moved: frozenset[str]) -> None:
    operation = plan.operations[placed.operation]
    colour = COLOURS[plan.problem.operations[placed.operation].job % len(COLOURS)]
    edge = {"edgecolor": "black", "linewidth": 2.2} if operation.operation_id in moved else {"edgecolor": "white", "linewidth": 0.8}
    _bar(axes, plan, row, (placed.start, placed.end), height=0.72, color=colour, **edge)
    if placed.end - placed.start >= _NAMED_FROM_H * HOUR_S:
        words: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 7.5, "color": "black" if colour in _LIGHT else "white", "clip_on": True}
        axes.text(plan.moment((placed.start + placed.end) // 2), row, operation.operation_id, **words)  # type: ignore[arg-type]


def _bar(axes: "Axes", plan: Built, row: int, span: tuple[int, int], **look: Any) -> None:
    start, end = (plan.moment(time) for time in span)
    axes.barh(row, end - start, left=start, **look)  # type: ignore[arg-type]


def _closed(windows: tuple[tuple[int, int], ...] | None, until: int) -> list[tuple[int, int]]:
    """What the windows leave out, from 0 to `until`."""
    found, opens = [], 0
    for start, end in windows or ((0, until),):
        if opens < min(start, until):
            found.append((opens, min(start, until)))
        opens = end
    return [*found, (opens, until)] if opens < until else found
