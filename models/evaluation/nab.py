"""Numenta Anomaly Benchmark: every file is scored as a stream from its first row on, with one threshold for all files of a folder.

The threshold of a folder is the one which would have scored best on the other folders; its own labels have no say. With files of one folder
only, the threshold is the contender's own, score 1. Every contender keeps quiet for `QUIET_ROWS` after an alarm. How alarms are weighed is in
`models/metrics/nab.py`.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from models.evaluation.suite import OWN, Bar, DataMissing, Figures, Fold
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

    def folds(self, folder: Path) -> Iterator[Fold[Signals, Labelled]]:
        """A question for each file below `data`. Raises `DataMissing`."""
        files = sorted((folder / "data").glob("*/*.csv*"))
        if not files:
            raise DataMissing(f"{folder} holds no files data/*/*.csv or *.csv.gz; give the folder of the Numenta Anomaly Benchmark")
        labels = folder / "labels" / "combined_windows.json"
        windows: dict[str, list[list[str]]] = json.loads(labels.read_text(encoding="utf-8")) if labels.is_file() else {}
        for path in files:
            name = f"{path.parent.name}/{path.name.removesuffix('.gz')}"
            seconds, values = _record(path)
            # The clock of one file goes back an hour; a stream's clock does not.
            seen = Signals(("value",), values[:, None], np.maximum.accumulate(seconds), np.zeros(len(values), dtype=np.int64))
            yield Fold(seen, Labelled(path.parent.name, name, _windows(name, seconds, windows[name])) if name in windows else None)

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


def _record(path: Path) -> tuple[Floats, Floats]:
    rows = pd.read_csv(path)
    if not {"timestamp", "value"} <= set(rows.columns) or rows.empty:
        raise ValueError(f"{path.name} has columns {list(rows.columns)} and {len(rows)} rows; it has to have timestamp and value, and rows")
    return _seconds(rows["timestamp"].tolist()), rows["value"].to_numpy(dtype=np.float64)


def _seconds(stamps: Sequence[str]) -> Floats:
    return pd.to_datetime(pd.Series(stamps), utc=True, format="ISO8601").dt.as_unit("us").astype("int64").to_numpy() / 1e6


def _windows(name: str, seconds: Floats, windows: Sequence[Sequence[str]]) -> Windows:
    """A window begins and ends in the first row that has its time."""
    edges = []
    for first, last in sorted(map(tuple, windows)):
        rows = [np.flatnonzero(seconds == edge) for edge in _seconds([first, last])]
        if not all(len(found) for found in rows):
            raise ValueError(f"{name} has no row at {first} or none at {last}; a window begins and ends in rows of its file")
        edges.append((int(rows[0][0]), int(rows[1][0])))
    return Windows(len(seconds), tuple(edges))
