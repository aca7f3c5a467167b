"""A genealogy as a drawing: boxes in columns by level, origins to the left, what was made of the lot to the right. Pure: rows in, places out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

BOX_W, BOX_H = 176, 52
GAP_X, GAP_Y = 56, 16
MARGIN = 8
_SHORT = 20

Tree = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Box:
    """One lot; `x`, `y` is its left upper corner (px)."""

    lot_id: str
    title: str
    line: str
    status: str
    x: int
    y: int
    is_root: bool


@dataclass(frozen=True, slots=True)
class Wire:
    """One use, as an SVG path from the right of a box to the left of another."""

    path: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes and wires on a ground of `width` x `height` px."""

    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    width: int
    height: int


def draw(backward: Tree, forward: Tree) -> Drawing:
    """The two trees of one lot (as `genealogy.tree` gives them) as one drawing, the lot in the middle."""
    columns: dict[int, list[dict[str, Any]]] = {}
    for sign, tree in ((-1, backward), (1, forward)):
        for lot in tree["lots"]:
            if sign > 0 or lot["level"] > 0:
                columns.setdefault(sign * int(lot["level"]), []).append(lot)
    tallest = max(len(lots) for lots in columns.values())
    order = {level: place for place, level in enumerate(sorted(columns))}
    boxes = {
        lot["lot_id"]: _box(lot, level, order[level], row, tallest - len(lots))
        for level, lots in sorted(columns.items())
        for row, lot in enumerate(lots)
    }
    ends = {(use["lot_id"], use["into_lot_id"]) for tree in (backward, forward) for use in tree["uses"]}
    wires = tuple(_wire(boxes[start], boxes[end]) for start, end in sorted(ends) if start in boxes and end in boxes)
    width = 2 * MARGIN + len(order) * BOX_W + (len(order) - 1) * GAP_X
    return Drawing(tuple(boxes.values()), wires, width, 2 * MARGIN + tallest * (BOX_H + GAP_Y) - GAP_Y)


def _box(lot: Mapping[str, Any], level: int, column: int, row: int, free_rows: int) -> Box:
    x = MARGIN + column * (BOX_W + GAP_X)
    y = MARGIN + row * (BOX_H + GAP_Y) + free_rows * (BOX_H + GAP_Y) // 2
    line = f"{_shortened(str(lot['material_id']))} · {lot['quantity']}"
    return Box(str(lot["lot_id"]), _shortened(str(lot["lot_id"])), line, str(lot["status"]), x, y, level == 0)


def _wire(start: Box, end: Box) -> Wire:
    x1, y1, x2, y2 = start.x + BOX_W, start.y + BOX_H // 2, end.x, end.y + BOX_H // 2
    bend = max(24, abs(x2 - x1) // 2)
    return Wire(f"M{x1} {y1} C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}")


def _shortened(text: str) -> str:
    return text if len(text) <= _SHORT else text[: _SHORT - 1] + "…"
