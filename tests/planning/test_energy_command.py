"""`factolake plan energy`: costs as counted unit by unit from the files themselves, a schedule that the judge passes, and one sentence for junk."""

import csv
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from generators import planted
from typer.testing import CliRunner

from factolake.planning.formats import problem_json, schedule_json
from pipelines.cli import app

REPOSITORY = Path(__file__).parents[2]
PLANT = {
    "jobs": [{"name": "PO-1"}, {"name": "PO-2"}, {"name": "PO-3", "due": 420}, {"name": "PO-4"}],
    "operations": [
        {"job": 0, "modes": [{"machine": 0, "duration": 90}], "name": "hardening"},
        {"job": 1, "modes": [{"machine": 0, "duration": 60}], "name": "hardening"},
        {"job": 2, "modes": [{"machine": 1, "duration": 120}], "is_splittable": True},
        {"job": 3, "modes": [{"machine": 1, "duration": 60}]},
    ],
    "machines": [{"name": "oven", "batch": 2}, {"name": "saw", "windows": [[0, 100], [130, 600]]}],
}
STEPS = [(0, 0, 0, 90), (1, 0, 0, 90), (2, 1, 40, 190), (3, 1, 400, 460)]
"""Job, machine, start, end; each job has one operation."""
TARIFF = "from,price_eur_kwh\n0,0.30\n120,0.10\n240,0.20\n360,0.40\n"
MOMENTS = "from;price_eur_kwh\n2026-03-02T06:00+01:00;0,30\n2026-03-02T08:00+01:00;0,10\n2026-03-02T10:00+01:00;0,20\n2026-03-02T12:00+01:00;0,40\n"
POWER = "machine,power_kw\noven,40\nsaw,6\n"
FILES = ("plant.json", "schedule.json", "--tariff", "tariff.csv", "--power", "power.csv", "--hour", "60")


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    keys = ("job", "machine", "start", "end")
    schedule = [{"operation": 0, **dict(zip(keys, step, strict=True))} for step in STEPS]
    for name, content in (("plant.json", json.dumps(PLANT)), ("schedule.json", json.dumps({"schedule": schedule}))):
        (tmp_path / name).write_text(content, encoding="utf-8")
    for name, content in (("tariff.csv", TARIFF), ("moments.csv", MOMENTS), ("power.csv", POWER)):
        (tmp_path / name).write_text(content, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACTOLAKE_HOME", str(tmp_path))
    return tmp_path


def told(*arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["plan", "energy", *arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def counted(folder: Path, schedule: list[Mapping[str, int]], hour: int) -> tuple[float, float]:
    """(EUR, kWh) of a schedule by each unit of time in which a machine works, from the files alone; what is done at once is done once."""
    texts = [(folder / name).read_text(encoding="utf-8") for name in ("plant.json", "tariff.csv", "power.csv")]
    problem = json.loads(texts[0])
    prices = [(int(row["from"]), float(row["price_eur_kwh"])) for row in csv.DictReader(texts[1].splitlines())]
    power = {row["machine"]: float(row["power_kw"]) for row in csv.DictReader(texts[2].splitlines())}
    busy = {(step["machine"], time) for step in schedule for time in range(step["start"], step["end"])}
    cost = kwh = 0.0
    for number, time in busy:
        machine = problem["machines"][number]
        if any(opens <= time < closes for opens, closes in machine.get("windows") or [[0, time + 1]]):
            kwh += power[machine["name"]] / hour
            cost += power[machine["name"]] / hour * [price for begins, price in prices if begins <= time][-1]
    return cost, kwh


def test_work_moves_to_cheap_hours_and_the_new_schedule_is_valid(plant: Path) -> None:
    answer = told(*FILES)
    assert (answer["cost_before"], answer["cost"], answer["saved"], answer["kwh"], answer["is_best"]) == (22.8, 8.5, 14.3, 78.0, True)
    assert [(row["from"], row["price_eur_kwh"], row["kwh_before"], row["kwh"]) for row in answer["prices"]] == [
        (0, 0.3, 66.0, 0.0),
        (120, 0.1, 6.0, 71.0),
        (240, 0.2, 0.0, 7.0),
        (360, 0.4, 6.0, 0.0),
    ]
    assert [(row["job"], row["start_before"], row["end_before"]) for row in answer["shifted"]] == [
        (0, 0, 90),
        (1, 0, 90),
        (2, 40, 190),
        (3, 400, 460),
    ]
    (plant / "new.json").write_text(json.dumps(answer), encoding="utf-8")
    judged = CliRunner().invoke(app, ["plan", "validate", "plant.json", "new.json"])
    assert (judged.exit_code, judged.stdout.split(";")[0]) == (0, "valid")
    again = told(FILES[0], "new.json", *FILES[2:])
    assert (again["cost_before"], again["cost"], again["shifted"], again["schedule"]) == (8.5, 8.5, [], answer["schedule"])


def test_prices_by_moment_are_the_same_and_the_table_names_what_moves(plant: Path) -> None:
    by_moment = (*FILES[:3], "moments.csv", *FILES[4:], "--began", "2026-03-02T05:00:00Z")
    assert told(*by_moment) == told(*FILES)
    shown = CliRunner().invoke(app, ["plan", "energy", *by_moment], catch_exceptions=False)
    lines = shown.stdout.splitlines()
    assert lines[0] == "The energy of the work costs 8.50 in place of 22.80; 4 operations start at another time and no order is later."
    assert lines[1].startswith("EUR, for 78.0 kWh; 60 units of time are an hour. A proposal: the schedule is as it was")
    assert any(line.split()[:4] == ["PO-1", "hardening", "oven", "2026-03-02T05:00:00.000000Z"] for line in lines)


@pytest.mark.parametrize(("seed", "jobs"), [(4, 6), (7, 12), (11, 12)])
def test_costs_are_those_counted_unit_by_unit_from_the_files(plant: Path, seed: int, jobs: int) -> None:
    example = planted(seed, jobs, 4, 3)
    (plant / "plant.json").write_text(problem_json(example.problem), encoding="utf-8")
    (plant / "schedule.json").write_text(schedule_json(example.schedule), encoding="utf-8")
    end = max(placed.end for placed in example.schedule)
    (plant / "tariff.csv").write_text("from,price_eur_kwh\n" + "".join(f"{time},{time * 7 % 5 / 10 - 0.1:.1f}\n" for time in range(0, end, 8)))
    (plant / "power.csv").write_text("machine,power_kw\n" + "".join(f"{m.name},{3 + 2 * n}\n" for n, m in enumerate(example.problem.machines)))
    answer = told(*FILES[:6], "--hour", "8")
    before = [
        {"machine": example.problem.operations[one.operation].modes[one.mode].machine, "start": one.start, "end": one.end} for one in example.schedule
    ]
    assert counted(plant, before, 8) == pytest.approx((answer["cost_before"], answer["kwh"]), abs=2e-6)
    assert counted(plant, answer["schedule"], 8) == pytest.approx((answer["cost"], answer["kwh"]), abs=2e-6)
    assert answer["saved"] == pytest.approx(answer["cost_before"] - answer["cost"], abs=2e-6) and answer["saved"] >= 0
    assert [sum(row[name] for row in answer["prices"]) for name in ("kwh_before", "kwh")] == pytest.approx([answer["kwh"]] * 2, abs=1e-4)


def test_prices_that_end_long_before_the_plan_are_told(plant: Path) -> None:
    (plant / "tariff.csv").write_text("from,price_eur_kwh\n-60,0.2\n0,0.3\n60,0.1\n", encoding="utf-8")
    answer = told(*FILES)
    assert answer["notes"] == ["the price of the last line, from 60, is taken for all the rest of the plan, to 460; give prices that reach as far"]
    assert [row["from"] for row in answer["prices"]] == [0, 60]
    (plant / "tariff.csv").write_text("from,price_eur_kwh\n0,0.3\n60,0.1\n460,0.5\n", encoding="utf-8")
    answer = told(*FILES)
    assert answer["notes"] == [] and [row["from"] for row in answer["prices"]] == [0, 60]


def test_a_plan_without_work_costs_nothing(plant: Path) -> None:
    (plant / "plant.json").write_text('{"jobs": [], "operations": [], "machines": []}', encoding="utf-8")
    (plant / "schedule.json").write_text('{"schedule": []}', encoding="utf-8")
    (plant / "power.csv").write_text("machine,power_kw\n", encoding="utf-8")
    answer = told(*FILES)
    assert (answer["cost"], answer["kwh"], answer["schedule"], answer["is_best"], answer["notes"]) == (0, 0, [], True, [])


@pytest.mark.parametrize(
    ("changed", "code", "says"),
    [
        (
            {"tariff.csv": "from,price\n0,1\n"},
            1,
            "factolake: tariff.csv: line 1: the columns are from, price; give a header of from and price_eur_kwh",
        ),
        ({"power.csv": "machine,power_kw\noven,40\n"}, 1, "factolake: power.csv: machine saw works in the plan and has no line"),
        ({"schedule.json": '{"schedule": []}'}, 1, "breaks a rule of its problem: operation 0 (hardening) of job 0 (PO-1) is placed"),
        ({"plant.json": "{"}, 1, "factolake: plant.json: line 1 is not JSON"),
        ({"--began": "2026-03-02T06:00"}, 2, "--began is 2026-03-02T06:00; give a moment with its offset"),
        ({"--hour": "0"}, 2, "--hour"),
    ],
)
def test_junk_is_refused_in_one_sentence(plant: Path, changed: dict[str, str], code: int, says: str) -> None:
    for name, content in changed.items():
        if not name.startswith("--"):
            (plant / name).write_text(content, encoding="utf-8")
    options = [word for name, value in changed.items() if name.startswith("--") for word in (name, value)]
    program = "import sys, pipelines.cli as cli\ntry:\n    cli.main()\nfinally:\n    print(*{'pyomo', 'numpy', 'highspy'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program, "plan", "energy", *FILES, *options],
        env={"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (code, "\n"), done.stderr
    assert says in " ".join(done.stderr.replace("│", " ").split()) and "Traceback" not in done.stderr


def test_cheaper_starts_that_break_a_rule_are_never_shown(plant: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from factolake.domain.job import Placed, Problem
    from models.planning.exact import energy

    def wrong(problem: Problem, schedule: tuple[Placed, ...], *_: object, **__: object) -> energy.Cheaper:
        return energy.Cheaper(schedule[:-1], 1.0, 2.0, (0,), is_best=True)

    monkeypatch.setattr(energy, "cheaper", wrong)
    with pytest.raises(RuntimeError, match="the cheaper starts break a rule and are not shown: "):
        CliRunner().invoke(app, ["plan", "energy", *FILES, "--json"], catch_exceptions=False)
