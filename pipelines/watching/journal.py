"""Minutes of a machine that are over, kept for two days, for a model that begins anew: a line each in a file, so that one more costs one line."""

import json
import math
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

import numpy as np

from pipelines.watching.minutes import Minute

DAY_US = 86_400_000_000


def first_of(window_us: int) -> int:
    """From which minute on a model remembers when it judges the one at `window_us`: the UTC day before, from its beginning.

    >>> first_of(2 * DAY_US + 7) // DAY_US
    1
    """
    return (window_us // DAY_US - 1) * DAY_US


class Journal:
    """The minutes of one machine under `folder`; `names` are the signals of their means."""

    def __init__(self, folder: Path, machine: str, names: tuple[str, ...]) -> None:
        self._file = folder / f"{quote(machine, safe='')}.jsonl"
        self._names = names
        self.minutes: deque[Minute] = deque()

    def read(self, through_us: int) -> None:
        """Take up the minutes through the one at `through_us`; a line that was cut off, or is of other signals, is passed over."""
        lines = self._file.read_text(encoding="utf-8", errors="replace").splitlines() if self._file.exists() else []
        found = [minute for minute in (self._minute(line) for line in lines) if minute is not None and minute.window_us <= through_us]
        self.minutes = deque(self._remembered(found))
        self._rewrite()

    def add(self, minutes: Iterable[Minute]) -> None:
        """Minutes that follow; with a new day those that nobody remembers go."""
        added = list(minutes)
        if not added:
            return
        before = self.minutes[-1].window_us if self.minutes else added[0].window_us
        self.minutes.extend(added)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as file:
            file.writelines(self._line(minute) for minute in added)
        if first_of(added[-1].window_us) != first_of(before):
            self.minutes = deque(self._remembered(self.minutes))
            self._rewrite()

    def _remembered(self, minutes: Iterable[Minute]) -> list[Minute]:
        held = list(minutes)
        return [minute for minute in held if minute.window_us >= first_of(held[-1].window_us)] if held else []

    def _rewrite(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(".new")
        draft.write_text("".join(self._line(minute) for minute in self.minutes), encoding="utf-8")
        draft.replace(self._file)

    def _line(self, minute: Minute) -> str:
        means = {name: mean for name, mean in zip(self._names, minute.means.tolist(), strict=True) if not math.isnan(mean)}
        told = {"at": minute.window_us, "ran_s": minute.running_s, "product": minute.product, "means": means}
        return json.dumps(told, separators=(",", ":")) + "\n"

    def _minute(self, line: str) -> Minute | None:
        try:
            said = json.loads(line)
            means = np.array([said["means"].get(name, math.nan) for name in self._names], dtype=np.float64)
            return Minute(int(said["at"]), float(said["ran_s"]), said["product"], means)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
