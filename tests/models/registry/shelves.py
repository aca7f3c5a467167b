"""What the tests of the registry work with: a store of versions in memory, a fitted model, approvals."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

import numpy as np

from models.registry.approval import Approval, payload_of
from models.registry.bundle import Bundle, Signal
from models.registry.catalogue import Models
from models.registry.shelf import Shelved
from models.timeseries.pca import PcaSettings
from models.timeseries.signals import Signals

NAME = "line1.press.vibration"
NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
SIGNALS = (Signal("press.vibration", "mm/s"), Signal("press.current", "A"))


class MemoryShelf:
    """A store of versions; `rows` are tags by name and version, `aliases` versions by name and alias."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[int, dict[str, str]]] = {}
        self.aliases: dict[tuple[str, str], int] = {}
        self._lock = Lock()

    def names(self) -> list[str]:
        return sorted(self.rows)

    def versions(self, name: str) -> list[Shelved]:
        def of(version: int) -> tuple[str, ...]:
            return tuple(alias for (model, alias), pointed in self.aliases.items() if (model, pointed) == (name, version))

        return [Shelved(version, dict(tags), of(version)) for version, tags in self.rows.get(name, {}).items()]

    def add(self, name: str, place: Path, tags: Mapping[str, str]) -> int:
        with self._lock:
            held = self.rows.setdefault(name, {})
            held[len(held) + 1] = dict(tags)
            return len(held)

    def tag(self, name: str, version: int, key: str, value: str) -> None:
        self.rows[name][version][key] = value

    def point(self, name: str, alias: str, version: int | None) -> None:
        if version is None:
            self.aliases.pop((name, alias), None)
        else:
            self.aliases[name, alias] = version


def rows(seed: int, count: int = 400) -> Signals:
    noise = np.random.default_rng(seed).normal(size=(count, 2))
    values = np.column_stack([noise[:, 0], 2 * noise[:, 0] + 0.1 * noise[:, 1]])
    return Signals.of(tuple(signal.name for signal in SIGNALS), values)


def bundle(seed: int = 0, name: str = NAME) -> Bundle:
    model = PcaSettings(lags_rows=2, variance=0.8, false_share=0.05).fit(rows(seed))
    return Bundle(name, SIGNALS, model, 1.0, {"silver.readings": 41 + seed}, "0.9", NOW, "eva", {"f1": 0.8})


def approval(models: Models, version: int, name: str = NAME, by: str = "maria") -> Approval:
    digest = models.version(name, version).sha256
    return Approval(f"a-{version}-{by}", by, payload_of(name, version, digest), NOW)


def models_in(folder: Path) -> tuple[Models, MemoryShelf]:
    shelf = MemoryShelf()
    return Models(folder / "mlflow", folder / "keys" / "models", shelf), shelf
