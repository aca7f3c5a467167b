"""A kind of model that does what none may. It is on the list of kinds in the walled process alone: whoever opens it elsewhere does not know it."""

import json
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from shelves import bundle

from models.registry import kinds, trial
from models.registry.bundle import as_bytes
from models.timeseries.signals import Scores, Signals

FORKS = 8
Deed = Callable[[str], object]


def forks(_: str) -> None:
    for _ in range(FORKS):
        if os.fork() == 0:
            time.sleep(2)
            os._exit(0)


def never_ends(_: str) -> None:
    while True:
        pass


def raises(_: str) -> None:
    raise LookupError("it does\n\x1b[31mnot know")


DEEDS: dict[str, Deed] = {
    "nothing": lambda _: None,
    "socket": lambda _: socket.socket(),
    "thread": lambda _: threading.Thread(target=time.sleep, args=(1,)).start(),
    "fork": forks,
    "memory": lambda _: np.ones(1 << 30),
    "sleep": lambda _: time.sleep(60),
    "cpu": never_ends,
    "raise": raises,
    "exit": lambda _: os._exit(0),
    "read": lambda place: os.open(place, os.O_RDONLY),
    "write": lambda place: os.open(f"{place}.new", os.O_WRONLY | os.O_CREAT),
    "unlink": os.unlink,
    "signal": lambda pid: os.kill(int(pid), 0),
    "slow": lambda _: time.sleep(0.06),
}
ANSWERS = {"nan": np.nan, "below": -1.0, "inf": np.inf}


@dataclass(frozen=True)
class Hostile:
    """Does `deed` with `what` whenever it scores; or its deed is what it answers."""

    names: tuple[str, ...]
    deed: str
    what: str

    def scorer(self) -> Self:
        return self

    def score(self, signals: Signals) -> Scores:
        if self.deed in DEEDS:
            DEEDS[self.deed](self.what)
        rows = len(signals.seconds)
        answer = ANSWERS.get(self.deed, 0.5)
        return Scores(np.full(rows, answer), np.zeros(rows, dtype=np.int64), np.zeros(signals.values.shape))

    def to_json(self) -> dict[str, object]:
        return {"names": list(self.names), "deed": self.deed, "what": self.what}

    @classmethod
    def from_json(cls, data: dict[str, object]) -> Self:
        return cls(tuple(data["names"]), str(data["deed"]), str(data["what"]))  # type: ignore[arg-type]


def content(deed: str, what: str = "") -> bytes:
    """A bundle that holds one."""
    document = json.loads(as_bytes(bundle()))
    names = [signal["name"] for signal in document["signals"]]
    document.update(kind="hostile", regimes=[], parameters={"names": names, "deed": deed, "what": what})
    return json.dumps(document).encode()


def load(_: bytes) -> None:
    np.random.default_rng(0)


def tried(raw: bytes) -> str:
    kinds.KINDS["hostile"] = kinds.Kind(Hostile, lambda model: model.names, lambda _: (), lambda _: True)
    return trial.tried(raw)
