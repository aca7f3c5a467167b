"""Copies of the rows that models were fitted on: a Parquet file each, beside the models in the registry's folder, named after the bundle's hash.

Tables go on and forget; from its copy a model can be fitted again, to the same bytes, and its input of today be compared with that of its training.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from factolake.errors import ModelRefused
from factolake.files import make_once
from models.timeseries.signals import Signals

_SECONDS, _REGIME, _RAN, _PRODUCTS = "seconds", "regime", "ran", b"factolake.products"
_VALUE = "value of "
"""Before the name of a signal: one may be called `seconds`."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a model was fitted on: rows as they were after all that is left out, and the products by the number of their regime."""

    signals: Signals
    products: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Minutes that are there to learn from."""
        return int(np.count_nonzero(self.signals.regimes >= 0))

    def content(self) -> bytes:
        """As a Parquet file; the same rows have the same bytes."""
        values = {f"{_VALUE}{name}": self.signals.values[:, place] for place, name in enumerate(self.signals.names)}
        ran = {} if self.signals.ran is None else {_RAN: self.signals.ran}
        rows = pa.table({_SECONDS: self.signals.seconds, _REGIME: self.signals.regimes, **ran, **values})
        sink = pa.BufferOutputStream()
        pq.write_table(rows.replace_schema_metadata({_PRODUCTS: json.dumps(self.products).encode()}), sink, compression="zstd")
        return bytes(sink.getvalue().to_pybytes())

    @classmethod
    def of(cls, content: bytes) -> "Fitted":
        """What `content` wrote. Raises ArrowException, KeyError or ValueError for anything else."""
        rows = pq.read_table(pa.BufferReader(content))
        names = [name for name in rows.column_names if name.startswith(_VALUE)]
        values = np.column_stack([rows[name].to_numpy() for name in names])
        ran = rows[_RAN].to_numpy() if _RAN in rows.column_names else None
        signals = Signals(tuple(name.removeprefix(_VALUE) for name in names), values, rows[_SECONDS].to_numpy(), rows[_REGIME].to_numpy(), ran)
        return cls(signals, tuple(json.loads(rows.schema.metadata[_PRODUCTS])))


def keep(folder: Path, name: str, digest: str, fitted: Fitted) -> str:
    """Keep the copy for the bundle `digest` of the model `name`; SHA-256 (hex) of the file. One that is there stays."""
    content = fitted.content()
    make_once(place_of(folder, name, digest), content)
    return hashlib.sha256(content).hexdigest()


def kept(folder: Path, name: str, digest: str) -> Fitted:
    """The copy of that bundle's rows. Raises ModelRefused where it is not there or cannot be read."""
    place = place_of(folder, name, digest)
    try:
        return Fitted.of(place.read_bytes())
    except (OSError, pa.ArrowException, KeyError, ValueError) as cause:
        raise ModelRefused(f"the rows that {name} was fitted on, {place}, cannot be read ({type(cause).__name__}); train it anew") from cause


def place_of(folder: Path, name: str, digest: str) -> Path:
    """Where the copy lies under the registry's `folder`."""
    return folder / "rows" / name / f"{digest}.parquet"
