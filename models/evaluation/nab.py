"""Numenta Anomaly Benchmark: every file is scored as a stream from its first row on, with one threshold for all files of a folder.

The threshold of a folder is the one which would have scored best on the other folders; its own labels have no say. With files of one folder
only, the threshold is the contender's own, score 1. Every contender keeps quiet for `QUIET_ROWS` after an alarm. How alarms are weighed is in
`models/metrics/nab.py`.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from models.evaluation.reading import numbers, once, reading, seconds, table
from models.evaluation.suite import OWN, Bar, DataDamaged, DataMissing, Figures, Fold
from models.metrics.nab import PROFILES, Judged, Marks, Windows, false_alarms_per_1000_rows, quiet_alarms, score
from models.timeseries.signals import Floats, Numbers, Signals
from models.timeseries.watch import WatchSettings

DEVELOPMENT = ("artificialNoAnomaly", "artificialWithAnomaly", "realAWSCloudwatch", "realTweets")
"""Folders on which the structure and the settings of ours, and the quiet period, were chosen."""
QUIET_ROWS = 150
THRESHOLDS = 80
"""How many are tried for a folder."""
GAUSSIAN_ROWS = 1000
"""History of the peer, as the benchmark's authors chose it for these files."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Where a record comes from, and its windows."""

    folder: str
    name: str
    windows: Windows


class NumentaAnomalyBenchmark:
    """The benchmark: an answer is a score for each row, higher is stranger; NaN is never an alarm."""

    name = "nab"
    folder = "nab"

    def folds(self, folder: Path, *, labels: bool = True) -> Iterator[Fold[Signals, Labelled]]:
        """A question for each file below `data`. Raises `DataMissing` and `DataDamaged`."""
        files = once([path for path in (folder / "data").glob("*/*.csv*") if path.name.endswith((".csv", ".csv.gz"))])
        if not files:
            raise DataMissing(f"{folder} holds no files data/*/*.csv or *.csv.gz; give the folder of the Numenta Anomaly Benchmark")
        windows = _labels(folder / "labels" / "combined_windows.json") if labels else {}
        for path in files:
            name = f"{path.parent.name}/{path.name.removesuffix('.gz')}"
            rows = table(path, ("timestamp", "value"))
            at_s, values = seconds(path, rows, "timestamp"), numbers(path, rows[["value"]])
            # The clock of one file goes back an hour; a stream's clock does not.
            seen = Signals(("value",), values, np.maximum.accumulate(at_s), np.zeros(len(values), dtype=np.int64))
            yield Fold(seen, Labelled(path.parent.name, name, _windows(path, at_s, windows[name])) if name in windows else None)

    def contenders(self) -> Mapping[str, Callable[[Signals], Floats]]:
        """Ours; a Gaussian over a window; and alarms by the clock, which tell what the score gives for no look at the data."""
        return {OWN: watch, "windowed-gaussian": windowed_gaussian, "by-the-clock": by_the_clock}

    def figures(self, judged: Sequence[tuple[Labelled, Floats]]) -> Figures:
        """The scores of the three profiles, each with thresholds of its own; windows found and false alarms are those of `standard`."""
        marks = [Marks.of(truth.windows) for truth, _ in judged]
        held_out = _held_out(judged, marks)
        standard = held_out["standard"]
        rates = false_alarms_per_1000_rows(standard)
        folders = dict.fromkeys(truth.folder for truth, _ in judged)
        of_folder = {folder: [place for place, (truth, _) in enumerate(judged) if truth.folder == folder] for folder in folders}
        return {
            **{name: score(held_out[name], profile) for name, profile in PROFILES.items()},
            "standard_but_development": score(
                [record for record, (truth, _) in zip(standard, judged, strict=True) if truth.folder not in DEVELOPMENT], PROFILES["standard"]
            ),
            "windows_found": float(sum(len(record.found) for record in standard)),
            "windows": float(sum(record.windows for record in standard)),
            "false_alarms_per_1000_rows": float(rates.mean()),
            "false_alarms_per_1000_rows_worst": float(rates.max()),
            **{f"standard {folder}": score([standard[place] for place in places], PROFILES["standard"]) for folder, places in of_folder.items()},
            **{f"false_alarms_per_1000_rows {folder}": float(rates[places].mean()) for folder, places in of_folder.items()},
        }

    def bars(self, figures: Mapping[str, Figures]) -> tuple[Bar, ...]:
        """The standard profile."""
        return (Bar("standard", figures[OWN]["standard"], at_least=60.0),)


BENCHMARK = NumentaAnomalyBenchmark()


def watch(seen: Signals) -> Floats:
    """Ours, with its settings as they come, and nothing seen before."""
    return WatchSettings().fresh(seen.names).scorer().score(seen).score


def windowed_gaussian(seen: Signals) -> Floats:
    """Peer: how many standard deviations a value is from the mean of the values before; 4 of them are score 1."""
    values = seen.values[:, 0]
    scores = np.full(len(values), np.nan)
    for row in range(1, len(values)):
        before = values[max(0, row - GAUSSIAN_ROWS) : row]
        scores[row] = abs(values[row] - before.mean()) / max(before.std(), 1e-6) / 4.0
    return scores


def by_the_clock(seen: Signals) -> Floats:
    """Peer: an alarm every so many quiet periods, 1, 2, 4 and so on by the threshold, whatever the values are. Score 1 is every eighth."""
    periods, rest = np.divmod(np.arange(len(seen.seconds)), QUIET_ROWS)
    return np.where((rest == 0) & (periods > 0), np.bitwise_and(periods, -periods) / 8.0, np.nan)


def alarms_of(scores: Floats, threshold: float) -> Numbers:
    """Rows in which an alarm begins."""
    return quiet_alarms(scores >= threshold, QUIET_ROWS)


def _held_out(judged: Sequence[tuple[Labelled, Floats]], marks: Sequence[Marks]) -> dict[str, list[Judged]]:
    """Every record by the threshold of its folder, for each profile."""
    thresholds = {folder: _thresholds(judged, marks, folder) for folder in {truth.folder for truth, _ in judged}}
    return {
        name: [mark.judged(alarms_of(scores, thresholds[truth.folder][name])) for (truth, scores), mark in zip(judged, marks, strict=True)]
        for name in PROFILES
    }


def _thresholds(judged: Sequence[tuple[Labelled, Floats]], marks: Sequence[Marks], folder: str) -> dict[str, float]:
    """For each profile the best of `THRESHOLDS` on all records but those in `folder`."""
    others = [(scores, mark) for (truth, scores), mark in zip(judged, marks, strict=True) if truth.folder != folder]
    pool = np.concatenate([np.empty(0), *(scores[mark.probation :] for scores, mark in others)])
    pool = pool[~np.isnan(pool)]
    if not len(pool) or not any(mark.windows for _, mark in others):
        return dict.fromkeys(PROFILES, 1.0)
    # From one row in 20 to one in 20,000 is above: more would be alarm without end, fewer none at all.
    tried = np.unique(np.quantile(pool, 1.0 - np.logspace(-1.3, -4.3, THRESHOLDS)))
    reached = [[mark.judged(alarms_of(scores, threshold)) for scores, mark in others] for threshold in tried]
    return {name: float(tried[int(np.argmax([score(records, profile) for records in reached]))]) for name, profile in PROFILES.items()}


def _labels(path: Path) -> dict[str, list[tuple[float, float]]]:
    """Windows in seconds by the name of a record; none where there is no such file. Raises `DataDamaged`."""
    if not path.exists():
        return {}
    with reading(path, "windows by file"):
        given = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(given, dict) or not all(isinstance(windows, list) for windows in given.values()):
            raise ValueError("it is no object with a list of windows for each file")
        return {name: sorted((_second(first), _second(last)) for first, last in windows) for name, windows in given.items()}


def _second(stamp: str) -> float:
    moment = datetime.fromisoformat(stamp)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _windows(path: Path, at_s: Floats, windows: Sequence[tuple[float, float]]) -> Windows:
    """A window begins and ends in the first row that has its time."""
    edges = []
    for window in windows:
        rows = [np.flatnonzero(at_s == edge) for edge in window]
        if not all(len(found) for found in rows):
            first, last = (datetime.fromtimestamp(edge, UTC).isoformat(sep=" ", timespec="seconds") for edge in window)
            raise DataDamaged(f"{path} has no row at {first} or none at {last}; a window begins and ends in rows of its file")
        edges.append((int(rows[0][0]), int(rows[1][0])))
    with reading(path, "a record of its windows"):
        return Windows(len(at_s), tuple(edges))
