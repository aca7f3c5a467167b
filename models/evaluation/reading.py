"""Files of a set, read at the edge: what is damaged, or no numbers, becomes a sentence that names the file.

Which files a set has, and what its columns mean, is said by its benchmark.
"""

import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from models.evaluation.suite import DataDamaged
from models.timeseries.signals import Floats

UNREADABLE = (OSError, EOFError, ValueError, TypeError, KeyError, RecursionError, NotImplementedError, zlib.error, zipfile.BadZipFile)
"""What pandas, numpy and json raise at bytes they were not made for; memory and time are not their matter."""
SHOWN = 60
"""Letters of a value, or columns of a file, that a sentence repeats at most."""


def once(paths: Sequence[Path]) -> list[Path]:
    """The paths in their order without hidden ones, and without a `.gz` beside its unpacked file: that is the same recording."""
    there = set(paths)
    return [path for path in sorted(paths) if not path.name.startswith(".") and not (path.suffix == ".gz" and path.with_suffix("") in there)]


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Turn what libraries say of a file that is no `what` into `DataDamaged`."""
    try:
        yield
    except UNREADABLE as wrong:
        said = str(getattr(wrong, "strerror", None) or wrong).strip() or type(wrong).__name__
        raise DataDamaged(f"{path} cannot be read as {what}: {_short(said.splitlines()[0], 3 * SHOWN)}; give the file as it was published") from wrong


def table(path: Path, columns: Sequence[str] = (), separator: str = ",") -> pd.DataFrame:
    """The rows of a CSV file, gzipped or not, that has `columns`. Raises `DataDamaged`."""
    with reading(path, "CSV"):
        read = pd.read_csv(path, sep=separator, low_memory=False)
    missing = [name for name in columns if name not in read.columns]
    if missing:
        there = _short(", ".join(map(str, read.columns)), SHOWN)
        raise DataDamaged(f"{path} has no column {missing[0]}, but {there}; give the file as it was published")
    if read.empty:
        raise DataDamaged(f"{path} has a header and no rows; give the file as it was published")
    return read


def numbers(path: Path, read: pd.DataFrame) -> Floats:
    """All of a table's cells, rows x columns. Raises `DataDamaged` where one is no finite number."""
    values = np.column_stack([pd.to_numeric(read[name], errors="coerce").to_numpy(dtype=np.float64) for name in read.columns])
    for row, column in np.argwhere(~np.isfinite(values))[:1].tolist():
        seen = _short(repr(read.iloc[row, column]), SHOWN)
        raise DataDamaged(f"{path} has {seen} as {read.columns[column]} in row {row + 1}; it has to be a finite number")
    return values


def matrix(path: Path) -> Floats:
    """The blank-separated numbers of a text file, gzipped or not, rows x columns. Raises `DataDamaged`."""
    with reading(path, "rows of numbers"), warnings.catch_warnings():
        # An empty file is a warning to numpy; here it is a sentence below.
        warnings.simplefilter("ignore", UserWarning)
        values = np.loadtxt(path, dtype=np.float64, ndmin=2)
    if not values.size:
        raise DataDamaged(f"{path} is empty; give the file as it was published")
    for row, column in np.argwhere(~np.isfinite(values))[:1].tolist():
        raise DataDamaged(f"{path} has {values[row, column]} in row {row + 1}, column {column + 1}; it has to be a finite number")
    return values


def seconds(path: Path, read: pd.DataFrame, column: str) -> Floats:
    """Moments of a column as seconds since 1970; those without offset are taken as UTC. Raises `DataDamaged`."""
    moments = pd.to_datetime(read[column], errors="coerce", utc=True, format="ISO8601")
    for row in np.flatnonzero(moments.isna())[:1].tolist():
        seen = _short(repr(read[column].iloc[row]), SHOWN)
        raise DataDamaged(f"{path} has {seen} as {column} in row {row + 1}; it has to be a moment, as 2014-04-01 12:00:00")
    return np.asarray(moments.dt.as_unit("us").astype("int64").to_numpy() / 1e6)


def _short(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[:letters]}..."
