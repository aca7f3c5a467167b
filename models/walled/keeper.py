"""The process that makes a walled one for each question, so that what is loaded for an answer is loaded once: it forks, and has one thread.

A question goes to a child that parts itself from everything (`walls.apart`) and watches over a child of its own, which is walled in, answers, and is
killed when its time is over. `main` serves one asker over a pipe and ends with it, or when nobody has asked for a while.
"""

import json
import os
import select
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NoReturn

from models.walled.walls import Limits, addresses_in_use, apart, enter

IDLE_S = 60.0
MOST_QUESTION = 64 << 20
MOST_ANSWER = 4096
MOST_OPEN = 1024
"""The keeper is started with its pipe alone, so the numbers of what it has open are small."""
Answering = Callable[[bytes], str]


def main(handle: int, limits: Limits, target: str, loading: str) -> None:
    """Serve questions from the pipe `handle`; `target` is `module:function`, `loading`: see `Walled`."""
    pipe: Connection[object, object] = Connection(handle)
    name, _, function = target.partition(":")
    module = import_module(name)
    answering: Answering = getattr(module, function)
    load: Callable[[bytes], None] = getattr(module, loading) if loading else lambda _: None
    hollow, nowhere = _hollow(), os.open(os.devnull, os.O_RDWR)
    try:
        pipe.send_bytes(b"ready")
        while pipe.poll(IDLE_S):
            question = pipe.recv_bytes(MOST_QUESTION)
            load(question)
            pipe.send_bytes(json.dumps(_asked(answering, question, limits, hollow, nowhere)).encode())
    except (EOFError, OSError):
        return


def _hollow() -> int:
    """A handle of an empty folder that no path leads to and nothing can be put into."""
    place = tempfile.mkdtemp()
    handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    Path(place).rmdir()
    return handle


def _asked(answering: Answering, question: bytes, limits: Limits, hollow: int, nowhere: int) -> dict[str, object]:
    """What the watching child says: `lacks`, and `said` or `fault`."""
    addresses = addresses_in_use()
    reading, writing = os.pipe()
    watching = os.fork()
    if watching == 0:
        _ended(lambda: _tell(writing, json.dumps(_watched(answering, question, limits, hollow, nowhere, addresses))))
    os.close(writing)
    told = b""
    while piece := os.read(reading, MOST_ANSWER):
        told += piece
    os.close(reading)
    os.waitpid(watching, 0)
    return dict(json.loads(told)) if told else {"lacks": [], "said": "", "fault": "the process that watches over it was killed"}


def _watched(answering: Answering, question: bytes, limits: Limits, hollow: int, nowhere: int, addresses: int) -> dict[str, object]:
    lacks = apart(hollow)
    reading, writing = os.pipe()
    walled = os.fork()
    if walled == 0:
        for standard in range(3):
            os.dup2(nowhere, standard)
        os.dup2(writing, 3)
        os.closerange(4, MOST_OPEN)
        os.setsid()
        _ended(lambda: _tell(3, _answered(answering, question, limits, addresses)))
    os.close(writing)
    told, is_late = _heard(reading, time.monotonic() + limits.wall_s)
    os.kill(walled, signal.SIGKILL)
    _, status = os.waitpid(walled, 0)
    said = told[1:].decode("utf-8", "replace")
    fault = f"it had not ended after {limits.wall_s:g} s" if is_late else ""
    if not fault and not told:
        fault = _ending(status, limits)
    if not fault and told[:1] != b"=":
        fault = said or "it said nothing"
    return {"lacks": list(lacks), "said": "" if fault else said, "fault": fault}


def _answered(answering: Answering, question: bytes, limits: Limits, addresses: int) -> str:
    """In the walled process: an answer after `=`, or after `!` why there is none."""
    try:
        enter(limits, addresses)
        return f"={answering(question)}"
    except MemoryError:
        return f"!it asked for more than {limits.memory_mib} MiB of memory"
    except BaseException as problem:
        return f"!it failed: {type(problem).__name__} {problem}"


def _heard(reading: int, until_s: float) -> tuple[bytes, bool]:
    """What comes up to the end, and whether the time was over before."""
    told = b""
    while len(told) < MOST_ANSWER:
        ready, _, _ = select.select([reading], [], [], max(0.0, until_s - time.monotonic()))
        if not ready:
            return told, True
        piece = os.read(reading, MOST_ANSWER)
        if not piece:
            break
        told += piece
    return told[:MOST_ANSWER], False


def _ending(status: int, limits: Limits) -> str:
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if number in (signal.SIGXCPU, signal.SIGKILL):
        return f"it was ended without an answer, as one is after {limits.cpu_s} s of CPU"
    return f"it was ended by {signal.Signals(number).name}" if number else "it ended without an answer"


def _tell(writing: int, text: str) -> None:
    raw = text.encode("utf-8", "replace")
    while raw:
        raw = raw[os.write(writing, raw) :]


def _ended(work: Callable[[], None]) -> NoReturn:
    """A forked process that does its work and nothing else: no cleaning up that belongs to its parent."""
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    main(int(sys.argv[1]), Limits(int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])), sys.argv[5], sys.argv[6])
