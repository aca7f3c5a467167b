"""The trial of a bundle: it is opened and scores a few rows in a walled process (`models.walled`) before this process opens it.

A bundle has no code, and its kinds are our own. The walls are for what a kind does with numbers nobody thought of: memory without end, a row that
takes minutes, scores that are none; and for a kind with native code, some day.
"""

import statistics
import time
from contextlib import suppress
from functools import cache
from importlib import import_module

import numpy as np

from factolake.errors import ModelRefused, RegistryUnavailable
from models.contract import Scorer
from models.registry.bundle import Bundle, of_bytes
from models.registry.strict_json import MOST_BYTES
from models.timeseries.guarded import CannotScore, scores_of
from models.timeseries.machine.following import warm_up
from models.timeseries.signals import Signals, Unscored
from models.timeseries.windows import ewma
from models.walled.asking import Answer, Walled

MOST_ROW_MS = 50.0
"""A machine has a row a minute, and a plant hundreds of machines on one core."""
BLOCK_ROWS, SINGLE_ROWS = 64, 33
_MOST_REGIMES = 8
_LIMIT_S = 20.0
_EPOCH_S, _STEP_S = 1_767_225_600.0, 60.0


class Trial:
    """Tries each content once; what passed stays so as long as this process lives."""

    def __init__(self, walled: Walled) -> None:
        self._walled = walled
        self._passed: dict[str, tuple[str, ...]] = {}

    def check(self, content: bytes, digest: str, what: str) -> tuple[str, ...]:
        """Walls that this system did not let the trial of `content` have, which has the hash `digest`.

        What is too large is not tried: its reader refuses it unread. Raises ModelRefused where it cannot be opened or does not score, and
        RegistryUnavailable where no trial could be made.
        """
        if digest in self._passed or len(content) > MOST_BYTES:
            return self._passed.get(digest, ())
        answer = self._walled.ask(content)
        if answer.unasked:
            raise RegistryUnavailable(f"{what} could not be tried: {answer.fault}; it is opened only after its trial")
        why = answer.said or _faulty(answer)
        if why:
            raise ModelRefused(f"{what} did not pass its trial: {why}")
        self._passed[digest] = answer.lacks
        return answer.lacks


def load(content: bytes) -> None:
    """Before the walls, behind which nothing can be opened: what numpy and our kinds load when they are first used, machine code among it.

    A library that is not installed is missed by the models that need it.
    """
    for name in ("numpy.fft", "numpy.linalg", "numpy.random"):
        import_module(name)
    for kind, first_use in _FIRST_USES.items():
        if f'"kind":"{kind}"'.encode() in content:
            with suppress(ImportError):
                first_use()


@cache
def _filters() -> None:
    ewma(np.zeros((1, 1)), np.zeros(1), 0.5)


_FIRST_USES = {"canonical": _filters, "level": _filters, "machine": cache(warm_up), "moves": _filters}


def tried(content: bytes) -> str:
    """In the walled process: why a bundle is refused, empty where it is not."""
    try:
        return why_unfit(of_bytes(content, "it"))
    except (ModelRefused, CannotScore) as refused:
        return str(refused)


def why_unfit(bundle: Bundle) -> str:
    """Why a model cannot be let near a machine: by rows of its own signals, a block first, then one by one as they come from a machine."""
    signals, scorer = rows_for(bundle), bundle.model.scorer()
    with np.errstate(all="ignore"):
        first = scores_of(scorer, signals.rows(0, BLOCK_ROWS), _LIMIT_S)
        timed = [_timed(scorer, signals.rows(row, row + 1)) for row in range(BLOCK_ROWS, BLOCK_ROWS + SINGLE_ROWS)]
    failed = int(np.count_nonzero(first.why == Unscored.MODEL_FAILED)) + sum(is_failed for _, is_failed in timed)
    if failed:
        return f"it gave no number from 0 on for {failed} of {BLOCK_ROWS + SINGLE_ROWS} rows that it called scored; fit it anew"
    row_ms = statistics.median(taken_s for taken_s, _ in timed) * 1000
    return f"a row takes it {row_ms:.0f} ms, at most {MOST_ROW_MS:g} are allowed; fit a smaller model" if row_ms > MOST_ROW_MS else ""


def rows_for(bundle: Bundle) -> Signals:
    """Rows such as machines send them: of each regime, near 0 and far from it, one without a value, one at rest and one of an unknown regime."""
    rows, names = BLOCK_ROWS + SINGLE_ROWS, tuple(signal.name for signal in bundle.signals)
    values = np.random.default_rng(0).normal(size=(rows, len(names))) * np.where(np.arange(rows) % 16 < 8, 1.0, 1000.0)[:, None]
    known = np.array(bundle.regimes[:_MOST_REGIMES] or (0,), dtype=np.int64)
    regimes = known[np.arange(rows) * len(known) // rows]
    values[40, 0], regimes[50], regimes[60] = np.nan, -1, max(bundle.regimes, default=0) + 1
    return Signals(names, values, _EPOCH_S + _STEP_S * np.arange(rows, dtype=np.float64), regimes)


def _timed(scorer: Scorer, row: Signals) -> tuple[float, bool]:
    began_s = time.perf_counter()
    why = scores_of(scorer, row, _LIMIT_S).why
    return time.perf_counter() - began_s, bool(why[0] == Unscored.MODEL_FAILED)


def _faulty(answer: Answer) -> str:
    return f"{answer.fault}; a model may neither open nor start anything, and has so much memory and time" if answer.fault else ""


TRIAL = Trial(Walled("models.registry.trial:tried", loading="load"))
"""Of this process: whoever opens models in it shares what passed."""
