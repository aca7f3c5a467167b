"""Messages as they lie in the spool to readings of signals, judged and converted exactly as silver does it, without an engine.

Only what windows are made of is kept: process and setpoint signals, states and products. What silver refuses is counted. The same rules as columns of
an engine are in `factolake/refine/readings.py`; a test holds both to the same answers.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from factolake.domain.plant import PlantModel
from factolake.domain.reading_rules import ABSENT, F64_EXACT, NUMERAL, OLDEST
from factolake.domain.signals import FEATURED, Signal, SignalKind
from factolake.domain.units import UNITS, conversion

WORDS = (SignalKind.STATE, SignalKind.PRODUCT)
GOOD, UNCERTAIN, BAD = 0, 1, 2
QUALITIES = ("good", "uncertain", "bad")
_US = timedelta(microseconds=1)
_OLDEST_US = round(OLDEST.timestamp()) * 1_000_000
_NUMERAL = re.compile(NUMERAL)
_KNOWN_UNITS = frozenset((*UNITS, *(unit.symbol for unit in UNITS.values())))

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Texts = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Mapped:
    """Readings in the order of their messages, and how many were `refused`.

    `places` in the plant's signals; `ts_us` event time in microseconds since 1970, `gateway_us` when they came; `values` in the signal's unit, NaN
    where there is none; `texts` of states and products, None where there is none; `quality` GOOD, UNCERTAIN or BAD.
    """

    places: Ints
    ts_us: Ints
    gateway_us: Ints
    epoch: Ints
    seq: Ints
    idx: Ints
    values: Floats
    quality: Ints
    texts: Texts
    refused: int = 0

    def only(self, rows: Ints) -> "Mapped":
        """The readings at `rows`, in that order."""
        return Mapped(
            self.places[rows],
            self.ts_us[rows],
            self.gateway_us[rows],
            self.epoch[rows],
            self.seq[rows],
            self.idx[rows],
            self.values[rows],
            self.quality[rows],
            self.texts[rows],
            self.refused,
        )


class SignalMap:
    """What the tags of a plant mean."""

    def __init__(self, plant: PlantModel) -> None:
        self.signals = plant.signals
        self.machines = tuple(plant.machines)
        numbers = {machine: number for number, machine in enumerate(self.machines)}
        self.machine_of = np.array([numbers[signal.machine] for signal in plant.signals], dtype=np.int64)
        self._places: dict[tuple[str, str], list[int]] = {}
        for place, signal in enumerate(plant.signals):
            if signal.kind in (*FEATURED, *WORDS):
                self._places.setdefault((signal.source_id, signal.tag), []).append(place)
        lines = [conversion(one.source_unit, one.unit) if one.unit and one.source_unit else (1, 0) for one in plant.signals]
        self._factor, self._offset = (np.array([float(line[part]) for line in lines]) for part in (0, 1))
        self._low = np.array([-math.inf if one.low is None else one.low for one in plant.signals])
        self._high = np.array([math.inf if one.high is None else one.high for one in plant.signals])
        tolerances = [plant.sources[one.source_id].future_tolerance_s for one in plant.signals]
        self._tolerance_us = np.array([round(seconds * 1_000_000) for seconds in tolerances], dtype=np.int64)
        self._is_number = np.array([one.kind in FEATURED for one in plant.signals], dtype=np.bool_)

    def mapped(self, messages: pa.Table) -> Mapped:
        """Readings of `messages` (columns of bronze.readings that come from the source); a tag that several machines have is one for each."""
        rows, places, is_wrong_unit = self._placed(messages)
        taken = messages.take(pa.array(rows))
        number = self._is_number[places]
        texts = _texts(taken, ~number)
        raw, is_known = _numbers(taken, number)
        quality = _quality(taken, number)
        with np.errstate(over="ignore", invalid="ignore"):
            values = raw * self._factor[places] + self._offset[places]
        ts_us, is_stamped = _stamps(taken)
        gateway_us = _us(taken.column("gateway_ts"))
        kept = is_stamped & (ts_us >= _OLDEST_US) & (ts_us <= gateway_us + self._tolerance_us[places])
        judged = number & (quality != BAD)
        sound = ~is_wrong_unit & is_known & np.isfinite(raw) & np.isfinite(values) & (values >= self._low[places]) & (values <= self._high[places])
        found = np.flatnonzero(kept & (sound | ~judged))
        epoch, seq, idx = (_whole(taken.column(name)) for name in ("epoch", "seq", "idx"))
        values = np.where(judged, values, np.nan)
        texts[quality == BAD] = None
        return Mapped(places, ts_us, gateway_us, epoch, seq, idx, values, quality, texts, len(rows) - len(found)).only(found)

    def _placed(self, messages: pa.Table) -> tuple[Ints, Ints, Flags]:
        """Of each reading: the row of its message, the place of its signal, and whether the unit sent is another than the plant file says."""
        (sources, source), (tags, tag), (units, unit) = (_encoded(messages.column(name)) for name in ("source_id", "tag", "unit_raw"))
        kinds, kind = np.unique((source * (len(tags) + 1) + tag) * (len(units) + 1) + unit, return_inverse=True)
        places: list[list[int]] = []
        wrong: list[list[bool]] = []
        for code in kinds.tolist():
            pair, sent = divmod(code, len(units) + 1)
            from_source, named = divmod(pair, len(tags) + 1)
            found = self._places.get((str(sources[from_source]), str(tags[named])), [])
            places.append(found)
            wrong.append([_is_wrong_unit(self.signals[place], units[sent] if sent < len(units) else None) for place in found])
        counts = np.array([len(found) for found in places], dtype=np.int64)[kind]
        rows = np.repeat(np.arange(messages.num_rows, dtype=np.int64), counts)
        begins = np.cumsum([0, *(len(found) for found in places)])[:-1][kind] if places else np.empty(0, dtype=np.int64)
        within = np.arange(len(rows), dtype=np.int64) - np.repeat(np.cumsum(counts) - counts, counts)
        at = np.repeat(begins, counts) + within
        flat = np.array([place for found in places for place in found], dtype=np.int64)
        flat_wrong = np.array([one for found in wrong for one in found], dtype=np.bool_)
        return rows, flat[at], flat_wrong[at]


def _is_wrong_unit(signal: Signal, sent: str | None) -> bool:
    """Words that no unit is known by accuse nobody."""
    if sent is None or sent not in _KNOWN_UNITS or signal.source_unit is None:
        return False
    return sent not in (signal.source_unit, UNITS[signal.source_unit].symbol)


def _encoded(column: pa.ChunkedArray) -> tuple[Sequence[str], Ints]:
    """The different texts of a column, and of each row which it is; one past the last where it has none."""
    whole = pa.concat_arrays(column.chunks).dictionary_encode() if column.num_chunks else pa.array([], pa.string()).dictionary_encode()
    texts = whole.dictionary.to_pylist()
    return texts, np.asarray(pc.fill_null(whole.indices, len(texts)).to_numpy(zero_copy_only=False), dtype=np.int64)


def _whole(column: pa.ChunkedArray) -> Ints:
    return np.asarray(column.to_numpy(), dtype=np.int64)


def _us(column: pa.ChunkedArray) -> Ints:
    return _whole(column.cast(pa.int64()))


def _stamps(rows: pa.Table) -> tuple[Ints, Flags]:
    """Event time, and whether there is one."""
    stamp = pc.coalesce(rows.column("source_ts"), rows.column("server_ts")).cast(pa.int64())
    return _whole(pc.fill_null(stamp, 0)), np.asarray(pc.is_valid(stamp).to_numpy(), dtype=np.bool_)


def _numbers(rows: pa.Table, number: Flags) -> tuple[Floats, Flags]:
    """The number of each row, and whether it is one; texts are read where a number is wanted."""
    whole = [pc.cast(rows.column(f"value_{kind}"), pa.float64(), safe=False) for kind in ("i64", "u64")]
    truth = pc.cast(pc.cast(rows.column("value_bool"), pa.int8()), pa.float64())
    found = pc.coalesce(rows.column("value_f64"), *whole, truth)
    raw = np.array(pc.fill_null(found, math.nan).to_numpy(), dtype=np.float64)
    known = np.array(pc.is_valid(found).to_numpy(), dtype=np.bool_)
    texts = rows.column("value_text")
    for row in np.flatnonzero(number & ~known & np.asarray(pc.is_valid(texts).to_numpy(), dtype=np.bool_)).tolist():
        text = texts[row].as_py()
        if _NUMERAL.match(text):
            raw[row], known[row] = float(text), True
    return raw, known


def _quality(rows: pa.Table, number: Flags) -> Ints:
    """By the severity of the status; a number that the source says it does not have is as bad as a bad status."""
    severity = _whole(rows.column("status")) >> 30
    texts = pc.fill_null(pc.is_in(pc.utf8_upper(pc.utf8_trim(rows.column("value_text"), " ")), pa.array(ABSENT)), False)
    absent = number & np.asarray(texts.to_numpy(), dtype=np.bool_)
    nothing = np.asarray(pc.equal(rows.column("value_kind"), "null").to_numpy(), dtype=np.bool_)
    return np.where((severity >= 2) | absent | nothing, BAD, np.where(severity == 1, UNCERTAIN, GOOD)).astype(np.int64)


def _texts(rows: pa.Table, wanted: Flags) -> Texts:
    """The text of each row where one is wanted; a whole float is written as its number, so that a state sent as a float is found in its map."""
    texts = np.full(rows.num_rows, None, dtype=np.object_)
    places = np.flatnonzero(wanted)
    columns = [rows.column(f"value_{kind}").take(pa.array(places)).to_pylist() for kind in ("text", "i64", "u64", "bool", "f64")]
    for row, *values in zip(places.tolist(), *columns, strict=True):
        text, i64, u64, truth, f64 = values
        if text is not None:
            texts[row] = text
        elif i64 is not None or u64 is not None:
            texts[row] = str(i64 if i64 is not None else u64)
        elif truth is not None:
            texts[row] = "true" if truth else "false"
        elif f64 is not None:
            texts[row] = float_text(f64)
    return texts


def float_text(number: float) -> str:
    """A float as silver writes it.

    >>> float_text(3.0), float_text(2.5), float_text(float("-inf"))
    ('3', '2.5', '-Infinity')
    """
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return str(int(number)) if abs(number) <= F64_EXACT and number == math.floor(number) else str(number)
