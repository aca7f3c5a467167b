"""A process of its own for each search: its better plans come over a pipe as they are found, and it may be killed at any time.

The process is started anew (never forked: the caller may have threads), leads a process group with all that it starts, and ends with its caller.
`Worker` is the caller's side, `main` the process's. Which worker runs when, and what its plans are worth, is decided in `models.planning.solve`.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection, Pipe

import psutil

from factolake.domain.job import Placed, Plan, Problem

ENGINES = "models.planning"
TELL_EVERY_S = 0.2
# The judge takes about a second for so many operations several times over
OPERATIONS_JUDGED_A_SECOND = 2000


@dataclass(frozen=True, slots=True)
class Task:
    """A search to be done: by the first of `members` that fits; `seconds` of CPU (None: no limit, then `iterations` ends it)."""

    members: tuple[str, ...]
    problem: Problem
    seconds: float | None
    iterations: int | None
    seed: int
    start: tuple[Placed, ...] = ()
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Loading:
    """Engines to be loaded before anybody waits for them."""

    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """What a worker sends: a better plan, its last one (`is_last`), or why there is none (`fault`); `is_lost`: its process ended unasked."""

    member: str
    plan: Plan | None = None
    is_last: bool = False
    fault: str = ""
    is_lost: bool = False


class Worker:
    """A started process that does one task after another; `busy` from `give` until its last word."""

    def __init__(self, name: str = "planner") -> None:
        self.name = name
        self.busy = False
        self._waiting: deque[Said] = deque()
        self._ended = ""
        here, there = Pipe()
        # By import, not by -m: a task's class has to be the same on both sides
        command = [sys.executable, "-c", "import sys; from models.planning.worker import main; main(int(sys.argv[1]))", str(there.fileno())]
        # The parent's path, so that a checkout that is not installed runs its own code
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._process = subprocess.Popen(command, pass_fds=(there.fileno(),), start_new_session=True, env=environment, stdin=subprocess.DEVNULL)
        there.close()
        self.pipe: Connection[object, object] = here
        self._seen_cpu_s = 0.0
        self._counted_from_s = 0.0

    def count_anew(self) -> None:
        """CPU seconds from now on belong to another search."""
        self._counted_from_s += self.cpu_seconds()

    @property
    def pid(self) -> int:
        """The process's id, which is its group's as well."""
        return self._process.pid

    def give(self, task: Task | Loading) -> None:
        """Begin a task. A worker that is dead says so by `take`."""
        self.busy = True
        try:
            self.pipe.send(task)
        except OSError:
            self._end()

    def take(self) -> list[Said]:
        """What it has said since; the fault of a dead process is its last word."""
        said = []
        try:
            while self.busy and self.pipe.poll():
                word = self.pipe.recv()
                assert isinstance(word, Said)
                said.append(word)
                self.busy = not word.is_last
        except (EOFError, OSError):
            said.append(self._end())
        return said

    def cpu_seconds(self) -> float:
        """User and system time of the process and its children, the ended ones among them, since it was started or `count_anew`."""
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.pid)
            spent = 0.0
            for one in (process, *process.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    times = one.cpu_times()
                    spent += times.user + times.system + times.children_user + times.children_system
            self._seen_cpu_s = max(self._seen_cpu_s, spent)
        return self._seen_cpu_s - self._counted_from_s

    def memory_mib(self) -> float:
        """Resident memory of the process and its children, 0 once it is gone."""
        held = 0
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.pid)
            for one in (process, *process.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    held += one.memory_info().rss
        return held / 2**20

    def kill(self) -> None:
        """End the process and all that it started, at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=2)
        self.pipe.close()
        self.busy = False

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def _end(self) -> Said:
        self.busy = False
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=2)
        code = self._process.poll()
        how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"
        return Said(self.name, is_last=True, fault=f"its process {how}", is_lost=True)


class Telling:
    """Sends better plans, but not each of them: a large plan costs its receiver as much to judge as the engine to find a dozen more.

    What came too soon after another is sent when its time has come, unless a better one has taken its place.
    """

    def __init__(self, send: Callable[[Said], None], every_s: float) -> None:
        self._send, self._every_s = send, every_s
        self._waiting: Said | None = None
        self._sent_at = -every_s
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def better(self, said: Said) -> None:
        """Send a plan now or a little later."""
        with self._lock:
            self._waiting = said
            left = self._sent_at + self._every_s - time.monotonic()
            if left <= 0:
                self._flush()
            elif self._timer is None:
                self._timer = threading.Timer(left, self._late)
                self._timer.daemon = True
                self._timer.start()

    def end(self) -> None:
        """Nothing is sent from now on: the last word holds the best plan."""
        with self._lock:
            self._waiting = None

    def _late(self) -> None:
        with self._lock:
            self._timer = None
            self._flush()

    def _flush(self) -> None:
        if self._waiting is not None:
            self._sent_at = time.monotonic()
            self._send(self._waiting)
            self._waiting = None


def run(task: Task, send: Callable[[Said], None], began: float) -> Said:
    """Do a task in this process, whose CPU time from `began` on belongs to it.

    An engine's error becomes a fault: one engine's mistake must not cost the plan of another.
    """
    chosen = ""
    telling = Telling(send, TELL_EVERY_S + len(task.problem.operations) / OPERATIONS_JUDGED_A_SECOND)
    try:
        for member in task.members:
            engine = import_module(f"{ENGINES}.{member}")
            if engine.fits(task.problem):
                chosen = member
                break
        else:
            return Said("/".join(task.members), is_last=True, fault="it does not do this problem's constraints")
        # What loading took belongs to the task's time
        seconds = None if task.seconds is None else max(0.05, task.seconds - (time.process_time() - began))
        plan = engine.search(
            task.problem, seconds=seconds, iterations=task.iterations, seed=task.seed, start=task.start,
            tell=lambda better: telling.better(Said(chosen, better)), threads=task.threads,
        )  # fmt: skip
        return Said(chosen, plan, is_last=True)
    except MemoryError:
        return Said(chosen or task.members[0], is_last=True, fault="it ran out of memory")
    except Exception as problem:
        return Said(chosen or task.members[0], is_last=True, fault=f"it failed: {type(problem).__name__}: {problem}")
    finally:
        telling.end()


def load(loading: Loading) -> Said:
    """Load engines and their machine code; who cannot be loaded says so when it is asked to search."""
    for member in loading.members:
        with contextlib.suppress(Exception):
            import_module(f"{ENGINES}.{member}").warm_up()
    return Said("/".join(loading.members), is_last=True)


def main(handle: int) -> None:
    """Serve tasks from the pipe until the caller closes it or dies, then end with all that was started."""
    pipe: Connection[object, object] = Connection(handle)
    tasks: deque[Task | Loading] = deque()
    there_is_one = threading.Condition()

    def listen() -> None:
        try:
            while True:
                task = pipe.recv()
                assert isinstance(task, Task | Loading)
                with there_is_one:
                    tasks.append(task)
                    there_is_one.notify()
        finally:
            os.killpg(0, signal.SIGKILL)  # a search in native code looks at no flag; without a caller nobody wants its plan

    threading.Thread(target=listen, daemon=True).start()
    began = 0.0  # starting this process belongs to the first task
    while True:
        with there_is_one:
            there_is_one.wait_for(lambda: bool(tasks))
            task = tasks.popleft()
        pipe.send(run(task, pipe.send, began) if isinstance(task, Task) else load(task))
        began = time.process_time()
