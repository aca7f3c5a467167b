"""The watch: readings of the spool become alerts of the spool, beside landing, whatever stops, fills up or goes away."""

import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from watched_line import FAULT, MACHINE, PLANT, T0, NoShelf, WatchedLine, bundle, folded, promoted, story, words

from factolake.config import load_plant
from factolake.landing.run import run_landing
from models.registry.catalogue import Models
from pipelines.watching.champions import Champions
from pipelines.watching.part import run_watch
from pipelines.watching.running import KEEP_EVERY, folder_of, watching
from pipelines.watching.standing import Figures, Standing, judge_watch
from pipelines.watching.state import read_memory

EPISODE = ((15, 0.0), (30, 4.0), (75, 0.0))
RAISED_BY = 30
"""Minutes of the episode after which its alert is raised."""


def kept_place(line: WatchedLine) -> int:
    memory = read_memory(folder_of(line.settings) / "memory.json")
    assert memory is not None
    return memory.place.offset


def test_an_episode_is_raised_and_closed_with_its_words(tmp_path: Path) -> None:
    line = WatchedLine(tmp_path)
    line.send(story(*EPISODE))
    line.watch()
    raised, *rest, closed = line.told()
    assert (raised["what"], closed["what"], raised["subject"], raised["alert_id"]) == ("raised", "closed", MACHINE, closed["alert_id"])
    alert, text = raised["alert"], raised["words"]
    assert isinstance(alert, dict) and alert["path"] == "acme/bremen/assembly/L1/L1-M1" and alert["onset_ts"] == "2026-03-10T06:15:00Z"
    assert alert["contributions"][0]["signal"] == "vibration" and alert["model"] == {"name": "signals.l1-m1", "version": "1"}
    assert isinstance(text, dict) and text["en"].startswith("L1-M1: unusual behaviour") and "Vibration" in text["de"]
    assert {event["what"] for event in rest} <= {"worsened"} and (closed["alert"], closed["words"]) == (None, None)
    assert not [event for event in line.told() if event["key"][0] != "watch"]  # type: ignore[index]


@pytest.mark.parametrize("cut", [1, 26, 31])
def test_a_restart_anywhere_tells_the_same(tmp_path: Path, cut: int) -> None:
    whole, parts = WatchedLine(tmp_path / "whole"), WatchedLine(tmp_path / "parts")
    records = story(*EPISODE)
    whole.send(records)
    whole.watch()
    for piece in (records[:cut], records[cut : cut + 1], records[cut + 1 :]):
        parts.send(piece)
        parts.watch()
    assert folded(parts.told()) == folded(whole.told())


def test_a_machine_that_stands_or_makes_nothing_known_is_not_judged(tmp_path: Path) -> None:
    line = WatchedLine(tmp_path)
    records = story((40, 4.0))
    line.send([words(0, T0 - timedelta(seconds=5), FAULT), *records[1:]])
    line.watch()
    assert line.told() == []


def test_readings_of_a_new_session_that_repeats_itself_count_once(tmp_path: Path) -> None:
    once, twice = WatchedLine(tmp_path / "once"), WatchedLine(tmp_path / "twice")
    records = story(*EPISODE)
    once.send(records)
    again = story(*EPISODE, epoch=2)
    twice.send([record for pair in zip(records, again, strict=True) for record in pair])
    for line in (once, twice):
        line.watch()
    first, second = (read_memory(folder_of(line.settings) / "memory.json") for line in (once, twice))
    assert first is not None and second is not None and folded(once.told()) == folded(twice.told()) != []
    assert first.machines[MACHINE].judged == second.machines[MACHINE].judged


def test_what_landing_took_away_first_is_read_from_bronze(tmp_path: Path) -> None:
    line, beside = WatchedLine(tmp_path / "line"), WatchedLine(tmp_path / "beside")
    records = story(*EPISODE)
    for piece in (records[:20], records[20:]):
        line.send(piece)
        beside.send(piece)
        run_landing(line.settings, line.clock, threading.Event(), once=True)
        line.watch()
        beside.watch()
    assert line.spool().first_offset() > len(records)
    memory = read_memory(folder_of(line.settings) / "memory.json")
    assert memory is not None and memory.missed == 0
    run_landing(line.settings, line.clock, threading.Event(), once=True)
    assert folded(line.landed()) == folded(beside.told()) != []


def test_what_was_gone_too_long_ago_is_counted_and_judging_goes_on(tmp_path: Path) -> None:
    line = WatchedLine(tmp_path)
    records = story((10, 0.0), (90, 4.0))
    line.send(records[:8])
    line.watch()
    last = line.send(records[8:12])
    line.spool().release(last)
    line.clock.advance(3 * 3600)
    line.send([*records[12:20], words(500, T0 + timedelta(minutes=19, seconds=30)), *records[20:]])
    line.watch()
    memory = read_memory(folder_of(line.settings) / "memory.json")
    assert memory is not None and memory.missed == 4
    assert [event["what"] for event in line.told()][:1] == ["raised"]


def test_a_full_spool_holds_the_alert_and_not_the_watch(tmp_path: Path) -> None:
    line = WatchedLine(tmp_path)
    records = story(*EPISODE)
    size = sum(len(record.value) for record in records[:RAISED_BY])
    line.send(records[:RAISED_BY])
    full = line.settings.model_copy(update={"spool": line.settings.spool.model_copy(update={"max_mib": 1})})
    with watching(full, line.clock, threading.Event(), is_alone=True, models=line.models) as process:
        spool = line.spool()
        padding = (1 << 20) - size - 100
        spool.append(
            [type(records[0])("records", "x", b"x" * padding, {"schema": "filler/1", "source_id": "x", "epoch": "1", "seq": "0", "count": "1"})]
        )
        process.run(threading.Event(), once=True)
        memory = read_memory(folder_of(line.settings) / "memory.json")
        assert line.told() == [] and memory is not None and [one.machine for one in memory.waiting] == [MACHINE]
        assert memory.place.offset == RAISED_BY + 1
        spool.release(RAISED_BY + 1)
        line.clock.advance(2)
        process.run(threading.Event(), once=True)
    assert [event["what"] for event in line.told()] == ["raised"]


def test_what_nobody_waits_for_is_kept_every_few_seconds(tmp_path: Path) -> None:
    line = WatchedLine(tmp_path)
    records, places = story((15, 0.0)), []
    with watching(line.settings, line.clock, threading.Event(), is_alone=True, models=line.models) as process:
        for first in (0, 5, 10):
            line.send(records[first : first + 5])
            process.step()
            places.append(kept_place(line))
        line.clock.advance(KEEP_EVERY.total_seconds())
        process.step()
        places.append(kept_place(line))
    assert places == [5, 5, 5, 15]


def test_another_spool_is_read_from_its_beginning(tmp_path: Path) -> None:
    line = WatchedLine(tmp_path)
    records = story(*EPISODE)
    line.send(records[:5])
    line.watch()
    for file in line.settings.spool_file.parent.iterdir():
        file.unlink()
    line.send(records[5:])
    line.watch()
    assert [event["what"] for event in line.told()] == ["raised", "closed"]


def test_a_new_champion_ends_what_the_one_before_began(tmp_path: Path) -> None:
    line = WatchedLine(tmp_path)
    records = story(*EPISODE)
    line.send(records[:RAISED_BY])
    line.watch()
    promoted(line.settings, line.models, bundle(far=4.0))
    line.send(records[RAISED_BY : RAISED_BY + 5])
    line.watch()
    raised, closed = line.told()
    assert (raised["what"], closed["what"], closed["alert_id"]) == ("raised", "closed", raised["alert_id"])


def test_without_the_registry_the_last_approved_model_judges(tmp_path: Path) -> None:
    line = WatchedLine(tmp_path)
    line.send(story(*EPISODE))
    line.watch(Models(line.settings.registry_dir, line.settings.models_key_file, NoShelf()))
    assert [event["what"] for event in line.told()] == ["raised", "closed"]


def test_champions_are_looked_up_only_after_a_promotion(tmp_path: Path) -> None:
    line = WatchedLine(tmp_path, has_model=False)
    champions = Champions(line.settings, load_plant(PLANT), line.models)
    assert not champions.look() and not line.shelf.asked
    promoted(line.settings, line.models, bundle())
    assert champions.look() and champions.servings[MACHINE].says == "signals.l1-m1: version 1 scores"
    asked = line.shelf.asked
    assert not champions.look() and line.shelf.asked == asked
    promoted(line.settings, line.models, bundle(far=1.0))
    assert champions.look() and champions.servings[MACHINE].says == "signals.l1-m1: version 2 scores"


IDLE = """
import sys, threading
from pathlib import Path
from factolake.config import Settings
from factolake.domain.clock import SystemClock
from pipelines.watching.part import run_watch
run_watch(Settings(home=Path(sys.argv[1]), plant_file=Path(sys.argv[2])), SystemClock(), threading.Event(), once=True)
print(*sorted({"mlflow", "numpy", "pyarrow", "deltalake", "models"} & set(sys.modules)))
"""


def test_without_a_champion_nothing_is_loaded_or_made(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", IDLE, str(tmp_path), str(PLANT)], capture_output=True, text=True, check=True, cwd=PLANT.parents[1])
    assert "no model has been promoted yet" in done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "" and not list(tmp_path.iterdir())


def test_switched_off_it_does_nothing_and_up_leaves_it_out(tmp_path: Path) -> None:
    line = WatchedLine(tmp_path)
    off = line.settings.model_copy(update={"watch": line.settings.watch.model_copy(update={"enabled": False})})
    line.send(story(*EPISODE))
    run_watch(off, line.clock, threading.Event(), once=True)
    assert line.told() == [] and "watch" not in off.wanted_parts and "watch" in line.settings.wanted_parts


def test_a_memory_that_is_no_memory_is_said_and_begun_anew(tmp_path: Path) -> None:
    line = WatchedLine(tmp_path)
    line.send(story(*EPISODE))
    file = folder_of(line.settings) / "memory.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"form": 1, "place": 7}')
    line.watch()
    assert [event["what"] for event in line.told()] == ["raised", "closed"]


@pytest.mark.parametrize(
    ("figures", "models", "state", "said"),
    [
        (Figures(1, 0, 0, 0, 3), ("m: version 1 scores",), "healthy", "1 machines are watched"),
        (Figures(1, 2, 0, 0, 0), (), "degraded", "2 events wait"),
        (Figures(1, 0, 9, 0, 0), (), "healthy", "9 records were gone"),
        (Figures(1, 0, 0, 0, 0), ("m: no model scores; it is broken",), "degraded", "it is broken"),
    ],
)
def test_doctor_says_what_the_watch_does_and_missed(figures: Figures, models: tuple[str, ...], state: str, said: str) -> None:
    finding = judge_watch(Standing(T0, models, figures))
    assert (finding.state, finding.name) == (state, "watch") and said in finding.cause
