"""A control chart as a drawing: points, centre line, limits, and each point that completes a broken rule marked. Pure: numbers in, places out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from factolake.mes.pages.scales import Scale, short, spread, ticks

WIDTH, HEIGHT = 960, 260
LEFT, RIGHT, TOP, BOTTOM = 64, 144, 20, 32
TITLES = {
    "xbar": "Means of the samples",
    "r": "Ranges of the samples",
    "s": "Standard deviations of the samples",
    "individuals": "Single values",
    "mr": "Moving ranges",
    "p": "Share that failed",
}
RULES = {
    1: "beyond a limit",
    2: "a run on one side of the centre",
    3: "a run that only rises or falls",
    4: "a run that goes up and down in turn",
    5: "two of three beyond two sigma",
    6: "four of five beyond one sigma",
    7: "a run within one sigma",
    8: "a run outside one sigma",
}
"""What each of Nelson's rules says of the points."""
_LABEL_GAP = 14
_X_LABELS = 6


@dataclass(frozen=True, slots=True)
class Mark:
    """One point at `x`, `y` (px); `rules` are the broken rules that it is part of, in words, empty for a quiet one."""

    x: float
    y: float
    check: Mapping[str, Any]
    value: str
    lower: str
    upper: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """A text at a place (px)."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class ControlChart:
    """What is drawn on a ground of `width` x `height` px. Lines are SVG paths."""

    kind: str
    title: str
    line: str
    upper: str
    lower: str
    centre: str
    marks: tuple[Mark, ...]
    values: tuple[Label, ...]
    limits: tuple[Label, ...]
    times: tuple[tuple[float, Mapping[str, Any]], ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT

    @property
    def out(self) -> tuple[Mark, ...]:
        """The points that break a rule."""
        return tuple(mark for mark in self.marks if mark.rules)


def draw(chart: Mapping[str, Any], checks: Sequence[Mapping[str, Any]]) -> ControlChart:
    """One chart of `charting.plan_charts` with its checks, oldest first; a moving range begins with the second check."""
    points, behind = chart["points"], len(checks) - len(chart["points"])
    everything = [*points, *chart["lower"], *chart["upper"], chart["centre"]]
    y = Scale(*spread(min(everything), max(everything), 0.08), HEIGHT - BOTTOM, TOP)
    x = Scale(0, max(len(points) - 1, 1), LEFT + 12, WIDTH - RIGHT - 12)
    broken: dict[int, list[int]] = {}
    for signal in chart["signals"]:
        for index in signal["indices"]:
            broken.setdefault(index, []).append(signal["rule"])
    marks = tuple(
        Mark(
            x(i), y(value), checks[i + behind], short(value), short(chart["lower"][i]), short(chart["upper"][i]),
            tuple(RULES[rule] for rule in sorted(set(broken.get(i, ())))),
        )
        for i, value in enumerate(points)
    )  # fmt: skip
    every = max(1, -(-len(marks) // _X_LABELS))
    named = (("upper limit", chart["upper"][-1]), ("centre", chart["centre"]), ("lower limit", chart["lower"][-1]))
    return ControlChart(
        chart["kind"], TITLES.get(chart["kind"], chart["kind"]),
        line="M" + " L".join(f"{mark.x} {mark.y}" for mark in marks),
        upper=_steps([y(value) for value in chart["upper"]], x), lower=_steps([y(value) for value in chart["lower"]], x),
        centre=f"M{LEFT} {y(chart['centre'])} H{WIDTH - RIGHT}",
        marks=marks, values=tuple(Label(y(value), short(value)) for value in ticks(y.low, y.high, 5)),
        limits=_apart([Label(y(value), f"{name} {short(value)}") for name, value in named]),
        times=tuple((mark.x, mark.check) for mark in marks[::every]),
    )  # fmt: skip


def _steps(heights: Sequence[float], x: Scale) -> str:
    """A limit as a line with a step half way between two points of different limits."""
    path = f"M{LEFT} {heights[0]}"
    for i, (before, after) in enumerate(pairwise(heights)):
        if after != before:
            path += f" H{x(i + 0.5)} V{after}"
    return f"{path} H{WIDTH - RIGHT}"


def _apart(labels: Sequence[Label]) -> tuple[Label, ...]:
    """The labels from the top down, each at least a line below the one before."""
    placed: list[Label] = []
    for label in sorted(labels, key=lambda each: each.at):
        lowest = placed[-1].at + _LABEL_GAP if placed else label.at
        placed.append(Label(max(label.at, lowest), label.text))
    return tuple(placed)
