"""Every exit code by the real command in a real situation, with one sentence that says what to do."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from command_line import REPOSITORY, factolake
from mount_space import apart

from factolake.bus.spool_bus import Spool
from factolake.config import Settings
from factolake.domain.clock import SystemClock

Situation = tuple[Sequence[str], dict[str, object]]
"""The command's arguments, and what else `factolake` is run with."""


def a_jar_is_missing(home: Path) -> Situation:
    (home.parent / "spark.toml").write_text('engine = "spark"\n')
    return ("--conf", "spark.toml", "engine"), {"XDG_CACHE_HOME": str(home / "cache")}


def a_package_is_broken(home: Path) -> Situation:
    (home.parent / "broken").mkdir()
    (home.parent / "broken" / "duckdb.py").write_text('raise RuntimeError("built for another machine")\n')
    return ("sql", "select 1"), {"PYTHONPATH": f"{home.parent / 'broken'}:{REPOSITORY}"}


def the_disk_is_full(home: Path) -> Situation:
    settings = Settings(home=home)
    settings.lake_root.mkdir(parents=True)
    Spool(settings.spool_file, 1 << 20, SystemClock()).close()
    return ("land", "--once"), {"under": apart(settings.lake_root, ("-t", "tmpfs", "-o", "size=64k", "tmpfs"))}


def no_spool_yet(home: Path) -> Situation:
    return ("land", "--once"), {}


def a_wrong_setting(home: Path) -> Situation:
    (home.parent / "wrong.toml").write_text('engine = "duckdb"\n')
    return ("--conf", "wrong.toml", "refine", "--once"), {}


SITUATIONS: dict[int, tuple[Callable[[Path], Situation], str]] = {
    69: (a_jar_is_missing, "is missing; run `python -m factolake.lake.jars`, or use engine sail"),
    70: (a_package_is_broken, "a fault in FactoLake itself, RuntimeError: built for another machine; --debug shows where"),
    74: (the_disk_is_full, "the disk under the lake is full; free space there"),
    75: (no_spool_yet, "start `factolake edge`, which makes it"),
    78: (a_wrong_setting, "wrong.toml: engine is 'duckdb'; allowed: "),
}
ELSEWHERE = {0, 1, 2, 73, 130}
"""In test_cli."""


@pytest.mark.parametrize("code", SITUATIONS)
def test_a_situation_ends_with_its_code_and_one_sentence(home: Path, code: int) -> None:
    situation, says = SITUATIONS[code]
    arguments, how = situation(home)
    done = factolake(home, *arguments, **how)
    assert (done.returncode, done.stdout) == (code, "")
    # Not `sentence`: on a full disk delta-rs prints a panic of its own before it reports it.
    *_, last = done.stderr.splitlines()
    assert last.startswith("factolake: ") and says in last
    assert "Traceback" not in done.stderr and done.stderr.count("factolake: ") == 1


def test_the_codes_are_those_that_are_documented() -> None:
    text = (REPOSITORY / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    assert {int(code) for code in re.findall(r"(?m)^\| (\d+) \|", text)} == SITUATIONS.keys() | ELSEWHERE
