"""Prices and power in CSV files: as spreadsheets and markets write them, and one sentence with the line for what cannot be read."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from factolake.domain.job import Job, Machine, Mode, Operation, Placed, Problem
from factolake.planning.formats import FileRefused, PlanClock, read_power, read_tariff

PROBLEM = Problem((Job(),), (Operation(0, (Mode(0, 5), Mode(2, 5))),), (Machine("oven"), Machine("0"), Machine()))
PLAN = (Placed(0, 0, 0, 5),)
BEGAN = datetime.fromisoformat("2026-10-25T01:30:00+02:00")


def written(folder: Path, content: str | bytes) -> str:
    file = folder / "given.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(file)


@pytest.mark.parametrize(
    "content",
    [
        "from,price_eur_kwh\n-60,0.25\n60,-0.5\n",
        "Price_EUR_kWh ; From\r\n0,25;-60\r\n\r\n-0,5;60.0\r\n;\r\n",
        b"\xef\xbb\xbffrom\tprice_eur_kwh\n-60\t2.5e-1\n60\t-.5",
        "from,price_eur_kwh\n2026-10-25T00:30:00+02:00,0.25\n2026-10-25T00:30:00Z,-0.5\n",
    ],
)
def test_prices_are_read_as_programs_and_markets_write_them(tmp_path: Path, content: str | bytes) -> None:
    assert read_tariff(written(tmp_path, content), PlanClock(60, BEGAN)) == ((-60, 0.25), (60, -0.5))


def test_hours_of_the_night_in_which_clocks_go_back_are_two(tmp_path: Path) -> None:
    content = "from,price_eur_kwh\n2026-10-25T01:00:00+02:00,1\n2026-10-25T02:00:00+02:00,2\n2026-10-25T02:00:00+01:00,3\n"
    clock = PlanClock(3600, BEGAN)
    assert [time for time, _ in read_tariff(written(tmp_path, content), clock)] == [-1800, 1800, 5400]
    assert clock.moment(5400) == datetime.fromisoformat("2026-10-25T02:00:00+01:00") and PlanClock().moment(1) is None
    assert clock.at(BEGAN + timedelta(seconds=1, microseconds=1)) is None and clock.moment(10**12) is None


def test_power_goes_by_name_and_by_place_where_there_is_none(tmp_path: Path) -> None:
    assert read_power(written(tmp_path, "machine,power_kw\n0,1.5\n2,0\noven,40\n"), PROBLEM, PLAN) == (40.0, 1.5, 0.0)
    assert read_power(written(tmp_path, "power_kw;machine\n40,5;oven\n"), PROBLEM, PLAN) == (40.5, 0.0, 0.0)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "given.csv: line 1: the columns are none; give a header of from and price_eur_kwh"),
        ("from,price_eur_mwh\n0,85\n", "line 1: the columns are from, price_eur_mwh; give a header of from and price_eur_kwh"),
        ("from,price_eur_kwh\n", "there is no price in it"),
        ("from,price_eur_kwh\n0,85\n", "line 2: price_eur_kwh is '85'; give EUR a kWh (85 a MWh are 0.085), a number from -20 to 20"),
        ("from,price_eur_kwh\n0,nan\n", "line 2: price_eur_kwh is 'nan'"),
        ("from,price_eur_kwh\n0,\n", "line 2: price_eur_kwh is ''"),
        ("from,price_eur_kwh\n0,0,25\n", "line 2 has 3 cells and the header 2; a decimal comma needs ; between cells"),
        ("from,price_eur_kwh\n60,0.1\n", "line 2: the first price begins at 60 and the plan at 0"),
        ("from,price_eur_kwh\n0,0.1\n\n60,0.1\n60,0.2\n", "line 5: from is 60, not after the line before"),
        ("from,price_eur_kwh\nnoon,0.1\n", "line 2: from is 'noon'; give a time of the plan (a whole number), or a moment with its offset"),
        ("from,price_eur_kwh\n0.5,0.1\n", "line 2: from is '0.5'; give a time of the plan"),
        ("from,price_eur_kwh\n2026-10-25T00:00,0.1\n", "line 2: from is '2026-10-25T00:00'; give a time of the plan"),
        ("from,price_eur_kwh\n2026-10-25T00:00:30Z,0.1\n", "line 2: 2026-10-25T00:00:30Z is between two times of the plan, of which an hour has 60"),
        ("from,price_eur_kwh\n" + "9" * 5000 + ",0.1\n", "line 2: from is '9999"),
        ('from,price_eur_kwh\n0,"0.1"x\n', "line 2 is no CSV: "),
        ("from,price_eur_kwh\n0,0.\x001\n", "line 2"),
        (b"from,price_eur_kwh\n0,0.1\xff\n", "line 2 is not text in UTF-8"),
    ],
)
def test_prices_that_cannot_be_read_are_refused_with_the_line(tmp_path: Path, content: str | bytes, says: str) -> None:
    with pytest.raises(FileRefused) as refused:
        read_tariff(written(tmp_path, content), PlanClock(60, BEGAN))
    assert says in str(refused.value) and str(refused.value).count("given.csv") == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("machine,power_kw\npress,3\n", "given.csv: line 2: machine is 'press', which there is not; there are oven, 0, 2"),
        ("machine,power_kw\noven,3\noven,3\n", "line 3: machine oven has a line already"),
        ("machine,power_kw\noven,-3\n", "line 2: power_kw is '-3'; give kW while it works, a number from 0 to 1e+06"),
        ("machine,power_kw\n2,3\n", "machine oven works in the plan and has no line; give its kW, or 0"),
    ],
)
def test_power_that_cannot_be_is_refused(tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(FileRefused) as refused:
        read_power(written(tmp_path, content), PROBLEM, PLAN)
    assert says in str(refused.value) and str(refused.value).count("given.csv") == 1


def test_a_moment_needs_the_beginning_of_the_plan_and_a_file_has_to_be_there(tmp_path: Path) -> None:
    moments = written(tmp_path, "from,price_eur_kwh\n2026-10-25T00:00Z,0.1\n")
    with pytest.raises(FileRefused, match="it is not known when the plan began; give --began"):
        read_tariff(moments, PlanClock())
    with pytest.raises(FileRefused, match=r"^[^:]*nothing\.csv: there is no such file"):
        read_tariff(str(tmp_path / "nothing.csv"), PlanClock())
