"""The asker's side: a question to a walled process, and what came of it. Whatever happens there, here is an answer or a sentence."""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe

from models.walled.walls import Limits

LOADING_S = 120.0
"""How long the keeper may take to load its modules: on a busy machine seconds."""

SLACK_S = 120.0
"""How long a keeper may take beside the time of the answer: it may have to make machine code."""

_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Answer:
    """`said`: what the function returned. `fault`: why it returned nothing (empty: it did). `unasked`: for nobody could be asked.

    `lacks`: walls that this system did not let the walled process have.
    """

    said: str
    fault: str = ""
    lacks: tuple[str, ...] = ()
    unasked: bool = False


class Walled:
    """Puts questions to `target` (`module:function`, from bytes to a text), each to a walled process with `limits`. One at a time; threads wait.

    `loading` names a function of that module that is given each question before the walls, to load what its answer takes; it must not open it.
    """

    def __init__(self, target: str, limits: Limits | None = None, loading: str = "") -> None:
        self._target, self._limits, self._loading = target, limits or Limits(), loading
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection[object, object] | None = None

    def ask(self, question: bytes) -> Answer:
        """The answer. A keeper that ended since, for nobody asked, is started anew."""
        with self._lock:
            if self._process is not None and self._process.poll() is not None:
                self._end()
            try:
                return self._asked(question)
            except (OSError, EOFError) as cause:
                self._end()
                return Answer("", f"no process could be made for it ({type(cause).__name__} {cause})", unasked=True)

    def close(self) -> None:
        """End the keeper."""
        with self._lock:
            self._end()

    def _asked(self, question: bytes) -> Answer:
        pipe = self._pipe or self._begun()
        pipe.send_bytes(question)
        if not pipe.poll(SLACK_S + self._limits.wall_s):
            raise TimeoutError(f"nothing came back within {SLACK_S + self._limits.wall_s:g} s")
        told = json.loads(pipe.recv_bytes())
        return Answer(_line(told["said"]), _line(told["fault"]), tuple(told["lacks"]))

    def _begun(self) -> "Connection[object, object]":
        here, there = Pipe()
        limits = self._limits
        told = (str(there.fileno()), str(limits.memory_mib), str(limits.cpu_s), str(limits.wall_s), self._target, self._loading)
        # One thread: a fork takes no other along. By import path, and never from the folder that somebody happens to be in.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-P", "-m", "models.walled.keeper", *told]
        with there:
            self._process = subprocess.Popen(
                command, pass_fds=(there.fileno(),), start_new_session=True, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
            )
        self._pipe = here
        if not here.poll(LOADING_S):
            raise TimeoutError(f"it was not there after {LOADING_S:g} s")
        here.recv_bytes()
        return here

    def _end(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._pipe = self._process = None


def _line(text: str) -> str:
    """As one line that can be shown: it was written by whoever is behind the walls."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())[:_LONGEST]
