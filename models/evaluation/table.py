"""Which benchmarks there are, by suite, and the table of one run over a folder of data.

Each benchmark is imported when it is asked for: their libraries take seconds to load.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from models.evaluation.suite import Benchmark, DataDamaged, DataMissing, Row, evaluated

SUITES: dict[str, dict[str, str]] = {
    "timeseries": {
        "skab-outlier": "skab:OUTLIER",
        "skab-change-point": "skab:CHANGE_POINT",
        "nab": "nab:BENCHMARK",
        "tep": "tep:BENCHMARK",
        "cwru": "cwru:BENCHMARK",
        "cmapss": "cmapss:BENCHMARK",
        "pronostia": "pronostia:BENCHMARK",
        "ai4i": "ai4i:BENCHMARK",
        "plant": "plant:BENCHMARK",
    }
}
"""By suite and name, the module under `models.evaluation` and the benchmark in it."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A benchmark that was not run, and why."""

    name: str
    why: str


def benchmark(suite: str, name: str) -> Benchmark[Any, Any, Any]:
    """One benchmark. Raises KeyError for a name that the suite has not."""
    module, _, what = SUITES[suite][name].partition(":")
    found: Benchmark[Any, Any, Any] = getattr(import_module(f"models.evaluation.{module}"), what)
    return found


def rows(suite: str, names: Iterable[str], data: Path, say: Callable[[str], None] = lambda name: None) -> Iterator[Row | LeftOut]:
    """Run benchmarks over the folder of all data, one after the other. `say` hears which one begins.

    What has no data, or damaged data, is left out by name.
    """
    for name in names:
        one = benchmark(suite, name)
        folder = data / one.folder
        say(name)
        try:
            yield evaluated(one, folder)
        except (DataMissing, DataDamaged) as why:
            yield LeftOut(name, str(why))
