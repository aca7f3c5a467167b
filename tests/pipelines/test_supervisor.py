"""The supervisor with tiny children: restarts, gives up where a restart cannot help, stops in order, leaves nobody behind."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from factolake.domain.clock import SystemClock
from factolake.errors import ConfigError
from pipelines.part_logs import KEPT, MAX_BYTES, last_words, log_file, rotate
from pipelines.supervisor import PartSpec, Supervisor

WAITING = "import signal, sys; signal.sigwait({signal.SIGTERM}); print('bye', flush=True)"


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", textwrap.dedent(code))


def until(condition: Callable[[], object], supervisor: Supervisor | None = None, limit_s: float = 30.0) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        if supervisor:
            supervisor.tick()
        time.sleep(0.02)


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., tuple[Supervisor, list[str]]]]:
    made: list[Supervisor] = []

    def make(*specs: PartSpec, **options: object) -> tuple[Supervisor, list[str]]:
        told: list[str] = []
        supervisor = Supervisor(specs, tmp_path / "run", SystemClock(), told.append, **options)
        made.append(supervisor)
        supervisor.start()
        return supervisor, told

    yield make
    for supervisor in made:
        supervisor.stop()


def test_a_killed_part_is_restarted_and_the_restart_is_told(supervise, tmp_path):
    supervisor, told = supervise(PartSpec("edge", python(WAITING)))
    first = supervisor.parts["edge"].process.pid
    os.kill(first, signal.SIGKILL)
    until(lambda: supervisor.parts["edge"].restarts == 1 and supervisor.parts["edge"].state == "running", supervisor)
    assert supervisor.parts["edge"].process.pid != first
    assert "edge died (killed by SIGKILL" in told[0]
    published = json.loads((tmp_path / "run" / "up.json").read_text())
    assert published["parts"]["edge"]["restarts"] == 1
    assert published["parts"]["edge"]["pid"] == supervisor.parts["edge"].process.pid


def test_a_wrong_setting_is_not_tried_again_and_its_sentence_is_kept(supervise):
    code = f"import sys; print('factolake: conf/x.toml: port is 0', file=sys.stderr); sys.exit({ConfigError.exit_code})"
    supervisor, told = supervise(PartSpec("land", python(code)))
    until(lambda: supervisor.parts["land"].state == "failed", supervisor)
    for _ in range(5):
        supervisor.tick()
    assert supervisor.parts["land"].restarts == 0
    assert "stays down" in told[0] and "conf/x.toml: port is 0" in told[0]


def test_the_wait_between_restarts_grows(supervise):
    supervisor, told = supervise(PartSpec("sync", python("import sys; sys.exit(3)")))
    until(lambda: supervisor.parts["sync"].failures_in_row >= 3, supervisor)
    assert [sentence.rsplit(" in ", 1)[1] for sentence in told[:3]] == ["0.5 s", "1 s", "2 s"]


def test_parts_stop_upstream_first(supervise, tmp_path):
    order = tmp_path / "order"
    code = "import signal, sys; signal.sigwait({{signal.SIGTERM}}); open({!r}, 'a').write({!r} + ' ')"
    names = ("sync", "refine", "land", "edge", "plant")
    # the signal must not arrive before sigwait blocks it: let each child say that it is up
    ready = "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}); print('up', flush=True)\n"
    supervisor, _ = supervise(*(PartSpec(name, python(ready + code.format(str(order), name))) for name in names))
    until(lambda: all(last_words(tmp_path / "run", name) == "up" for name in names))
    supervisor.stop()
    assert order.read_text().split() == ["plant", "edge", "land", "refine", "sync"]


def test_landing_is_stopped_only_when_the_spool_is_drained(supervise):
    asked: list[bool] = []

    def drained() -> bool:
        asked.append(supervisor.parts["land"].process.poll() is None)
        return len(asked) >= 3

    supervisor, _ = supervise(PartSpec("land", python(WAITING)), drained={"land": drained})
    supervisor.stop()
    assert asked == [True, True, True]


def test_a_part_that_ignores_the_request_is_killed_after_its_grace(supervise, tmp_path):
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    supervisor, told = supervise(PartSpec("refine", python(stubborn), grace_s=0.3))
    until(lambda: last_words(tmp_path / "run", "refine") == "up")
    supervisor.stop()
    assert supervisor.parts["refine"].process.returncode == -signal.SIGKILL
    assert "did not end within 0.3 s" in told[0]


def is_gone(pid: int) -> bool:
    """Whether the process has ended, also when nobody has asked yet how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_children_of_a_part_go_with_it(supervise, tmp_path):
    code = """
    import subprocess, sys, signal
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # as it should be, whatever the process that runs the tests has made of it
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print(child.pid, flush=True)
    signal.pause()
    """
    supervisor, _ = supervise(PartSpec("dagster", python(code), grace_s=60))
    until(lambda: last_words(tmp_path / "run", "dagster").isdigit())
    child = int(last_words(tmp_path / "run", "dagster"))
    supervisor.stop()
    until(lambda: is_gone(child))
    assert is_gone(child) and supervisor.parts["dagster"].process.returncode == -signal.SIGTERM


def test_parts_end_when_the_supervisor_is_killed(tmp_path):
    part = "import sys; print('up', flush=True); sys.stdin.read(); open('gone', 'w').close()"
    parent = f"""
    import sys, time
    from pathlib import Path
    from factolake.domain.clock import SystemClock
    from pipelines.supervisor import PartSpec, Supervisor
    supervisor = Supervisor([PartSpec("edge", (sys.executable, "-c", {part!r}))], Path("run"), SystemClock(), print)
    supervisor.start()
    time.sleep(600)
    """
    process = subprocess.Popen(python(parent), cwd=tmp_path, env=dict(os.environ, PYTHONPATH=str(Path.cwd())))
    try:
        until(lambda: last_words(tmp_path / "run", "edge") == "up")
    finally:
        process.kill()
        process.wait()
    until(lambda: (tmp_path / "gone").exists())
    assert process.returncode == -signal.SIGKILL and last_words(tmp_path / "run", "edge") == "up"


def test_a_large_log_is_moved_aside_and_a_few_are_kept(tmp_path):
    path = log_file(tmp_path, "edge")
    path.parent.mkdir()
    for number in range(KEPT + 2):
        path.write_bytes(str(number).encode() * MAX_BYTES)
        rotate(tmp_path, "edge")
        assert path.stat().st_size == 0
    kept = sorted(entry.name for entry in path.parent.iterdir())
    assert kept == ["edge.log", "edge.log.1", "edge.log.2", "edge.log.3"]
    assert path.with_suffix(".log.1").read_bytes()[:1] == str(KEPT + 1).encode()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("one\nfactolake: the disk is full\n\n", "the disk is full"),
        ('{"event": "landed", "rows": 3}\n', "landed"),
        ("", "it said nothing"),
    ],
)
def test_last_words_are_the_error_or_the_event(tmp_path, text, words):
    path = log_file(tmp_path, "edge")
    path.parent.mkdir()
    path.write_text(text)
    assert last_words(tmp_path, "edge") == words


@pytest.mark.parametrize("set_by_hand", [None, "7"])
def test_a_part_starts_with_few_allocator_arenas_unless_the_environment_says_otherwise(supervise, tmp_path, monkeypatch, set_by_hand):
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    if set_by_hand:
        monkeypatch.setenv("MALLOC_ARENA_MAX", set_by_hand)
    supervise(PartSpec("land", python("import os, signal; print(os.environ['MALLOC_ARENA_MAX'], flush=True); signal.pause()")))
    until(lambda: last_words(tmp_path / "run", "land").isdigit())
    assert last_words(tmp_path / "run", "land") == (set_by_hand or "2")
