"""A machine's time in one shift, piece by piece, in plain Python: what the explanation shows and what it checks gold against.

The Spark transforms compute the same elements for thousands of shifts; this computes one and keeps every piece. No Spark here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from factolake.domain.calendar import Segment, SegmentKind
from factolake.domain.states import MachineState, TimeClass, time_class

OUTSIDE = "outside"
_US = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A row of silver.state_hours, as far as time elements need it; `order_on_machine` is True where orders are not declared."""

    from_ts: datetime
    to_ts: datetime
    state: MachineState
    order_on_machine: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of one state within one kind of planned time; `element` is the time element it counts to, None for planned down time."""

    from_ts: datetime
    to_ts: datetime
    state: str
    segment: str
    element: str | None

    @property
    def duration_us(self) -> int:
        """Length in whole microseconds."""
        return (self.to_ts - self.from_ts) // _US


def pieces_of(stretches: Sequence[Stretch], segments: Sequence[Segment], from_ts: datetime, reach_to: datetime) -> list[Piece]:
    """Every piece of [from_ts, reach_to) up to the end of the last stretch, in order; what no stretch covers is unknown.

    Time outside the plan is listed only where the machine produced.
    """
    inside = [s for s in stretches if s.from_ts < reach_to and s.to_ts > from_ts]
    if not inside:
        return []
    horizon = min(reach_to, max(s.to_ts for s in inside))
    stamps = [stamp for s in inside for stamp in (s.from_ts, s.to_ts)] + [stamp for s in segments for stamp in (s.from_ts, s.to_ts)]
    edges = {from_ts, horizon} | {stamp for stamp in stamps if from_ts < stamp < horizon}
    pieces = [_piece(begin, end, inside, segments) for begin, end in pairwise(sorted(edges))]
    return _merged(piece for piece in pieces if piece.segment != OUTSIDE or piece.element is not None)


def elements_of(pieces: Iterable[Piece]) -> dict[str, int]:
    """The time elements of gold.oee_shift, in microseconds."""
    totals = dict.fromkeys(("pot_us", "pdot_us", "pbt_us", "apt_us", "aust_us", "adet_us", "adot_us", "unknown_us", "outside_plan_us"), 0)
    for piece in pieces:
        if piece.segment != OUTSIDE:
            totals["pot_us"] += piece.duration_us
        if piece.segment not in (OUTSIDE, SegmentKind.BUSY):
            totals["pdot_us"] += piece.duration_us
        if piece.element is not None:
            totals["pbt_us"] += piece.duration_us
            totals[piece.element] += piece.duration_us
            totals["outside_plan_us"] += piece.duration_us if piece.segment != SegmentKind.BUSY else 0
    return totals


def _piece(begin: datetime, end: datetime, stretches: Sequence[Stretch], segments: Sequence[Segment]) -> Piece:
    stretch = next((s for s in stretches if s.from_ts <= begin and end <= s.to_ts), None)
    segment = next((s.kind.value for s in segments if s.from_ts <= begin and end <= s.to_ts), OUTSIDE)
    state = MachineState.UNKNOWN if stretch is None else stretch.state
    kind = time_class(state, stretch is not None and stretch.order_on_machine)
    counts = segment == SegmentKind.BUSY or kind is TimeClass.APT
    return Piece(begin, end, state.value, segment, f"{kind.value}_us" if counts else None)


def _merged(pieces: Iterable[Piece]) -> list[Piece]:
    """Neighbours that differ only in time as one (silver cuts at every hour)."""
    merged: list[Piece] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        alike = last is not None and (last.state, last.segment, last.element) == (piece.state, piece.segment, piece.element)
        if last is not None and alike and last.to_ts == piece.from_ts:
            merged[-1] = Piece(last.from_ts, piece.to_ts, piece.state, piece.segment, piece.element)
        else:
            merged.append(piece)
    return merged
