"""kill -9 anywhere in the watch: after the next start every alert is there once, also where landing took the readings away meanwhile."""

import json
import subprocess
import sys
from pathlib import Path

from watched_line import PLANT, WatchedLine, folded, story

EPISODE = ((15, 0.0), (30, 4.0), (75, 0.0))
CUT = 30
PLACES = ("watch.judged", "watch.kept", "watch.told", "watch.done")
CASES = [(place, False) for place in PLACES] + [("watch.judged", True), ("watch.told", True), ("watch.done", True)]
# Every run is a process of its own, forked from one that has loaded everything and touched nothing.
RUNS = f"""
import json, os, sys, threading
sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(PLANT.parents[1])!r}]
from pathlib import Path
from watched_line import WatchedLine, story
from factolake.crash import arm
from factolake.landing.run import run_landing

def run(what):
    child = os.fork()
    if child == 0:
        try:
            what()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def ends_of(line, place, lands):
    def killed():
        arm(place)
        line.watch()
    for piece in (records[:{CUT}], records[{CUT}:]):
        run(lambda: line.send(piece))
        yield run(killed)
        if lands:
            run(lambda: run_landing(line.settings, line.clock, threading.Event(), once=True))
        run(line.watch)

records = story(*{EPISODE!r})
print(json.dumps([list(ends_of(WatchedLine(Path(sys.argv[1]) / str(n)), *case)) for n, case in enumerate(json.loads(sys.argv[2]))]))
"""


def test_an_alert_is_there_once_wherever_the_watch_is_killed(tmp_path: Path) -> None:
    whole = WatchedLine(tmp_path / "whole")
    whole.send(story(*EPISODE))
    whole.watch()
    done = subprocess.run([sys.executable, "-c", RUNS, str(tmp_path), json.dumps(CASES)], capture_output=True, text=True, check=True, timeout=280)
    assert json.loads(done.stdout.splitlines()[-1]) == [[-9, -9]] * len(CASES), "the watch never came to one of these places"
    lines = [WatchedLine(tmp_path / str(number)) for number in range(len(CASES))]
    told = {case: folded([*line.told(), *line.landed()]) for case, line in zip(CASES, lines, strict=True)}
    assert told == dict.fromkeys(CASES, folded(whole.told())) and len(folded(whole.told())) == 2
