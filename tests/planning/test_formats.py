"""Problems and schedules in files: the public formats, our own JSON there and back, and one sentence for what is none of them."""

import gzip
import io
import json
import re
import zipfile
from pathlib import Path

import pytest
from generators import CONTRADICTIONS, infeasible, planted, setup_shop, tardiness_shop
from hypothesis import given, settings
from hypothesis import strategies as st

from factolake.domain.job import Link, Mode, Placed, Problem
from factolake.planning.formats import FileRefused, problem_json, problem_of, read, read_schedule, schedule_json, schedule_of, steps
from factolake.planning.formats.own import to_plain
from factolake.planning.validator import Rule, faults

SHOP = "2 3\n0 4 1 2 2 5\n2 1 0 3 1 6\n"
REENTRANT = "# made by hand\n2 3\n0 4 1 2 0 5 -1 -1\n2 1 -1 -1\n"
FLEXIBLE = "2 2 1.5\n2 1 1 5 2 1 7 2 4\n1 2 1 3 2 9\n"
SETUPS = """
0 1 2
3 0 4
5 6 0
0 7 8
9 0 1
2 3 0
"""
PUBLIC_JSON = {
    "instance": "tiny",
    "format": "fajsp",
    "operations": [
        {"operation": 0, "option": 0, "machine": 0, "duration": 5},
        {"operation": 0, "option": 1, "machine": 2, "duration": 6},
        {"operation": 1, "option": 0, "machine": 1, "duration": 7},
        {"operation": 2, "option": 0, "machine": 0, "duration": 1},
        {"operation": 3, "option": 0, "machine": 0, "duration": 2},
    ],
    "precedences": [{"before": 0, "after": 1, "job": 0}, {"before": 2, "after": 1, "job": 0}],
}


@pytest.fixture
def written(tmp_path: Path):
    def write(text: str, name: str = "problem.txt") -> Path:
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        return file

    return write


def told(problem: Problem) -> list[tuple[int, list[tuple[int, int]], list[int]]]:
    return [(one.job, [(mode.machine, mode.duration) for mode in one.modes], [link.operation for link in one.after]) for one in problem.operations]


def test_a_job_shop_is_read_in_the_order_of_its_lines(written) -> None:
    problem = read(written(SHOP))
    assert (len(problem.jobs), len(problem.machines)) == (2, 3)
    assert told(problem) == [(0, [(0, 4)], []), (0, [(1, 2)], [0]), (0, [(2, 5)], [1]), (1, [(2, 1)], []), (1, [(0, 3)], [3]), (1, [(1, 6)], [4])]


@pytest.mark.parametrize(
    "text", [REENTRANT, REENTRANT.replace(" -1 -1", ""), " instance tiny 7\n+++\n" + REENTRANT, REENTRANT.replace("\n", "\r\n") + "\n\n"]
)
def test_jobs_come_back_to_machines_with_or_without_an_end_mark(written, text: str) -> None:
    assert told(read(written(text))) == [(0, [(0, 4)], []), (0, [(1, 2)], [0]), (0, [(0, 5)], [1]), (1, [(2, 1)], [])]


@pytest.mark.parametrize("first", ["2 2 1.5", "2 2", "2 2 2", "2.0 2.0 1.50"])
def test_flexible_text_counts_machines_from_one(written, first: str) -> None:
    problem = read(written(FLEXIBLE.replace("2 2 1.5", first)))
    assert told(problem) == [(0, [(0, 5)], []), (0, [(0, 7), (1, 4)], [0]), (1, [(0, 3), (1, 9)], [])]
    assert problem.setups == () and problem.machines[0].setups is None


def test_setup_times_are_a_matrix_a_machine_and_the_first_operation_needs_none(written) -> None:
    problem = read(written(FLEXIBLE + SETUPS))
    assert [machine.setups for machine in problem.machines] == [0, 1]
    assert [machine.family for machine in problem.machines] == [None, None]
    assert [one.family for one in problem.operations] == [0, 1, 2]
    assert problem.setups == (((0, 1, 2), (3, 0, 4), (5, 6, 0)), ((0, 7, 8), (9, 0, 1), (2, 3, 0)))
    # 0 and then 2 on machine 0: row 0, column 2
    early = (Placed(0, 0, 0, 5), Placed(1, 1, 5, 9), Placed(2, 0, 6, 9))
    assert [fault.rule for fault in faults(problem, early)] == [Rule.SETUP]
    assert faults(problem, (*early[:2], Placed(2, 0, 7, 10))) == ()


def test_public_json_gives_a_lonely_operation_a_job_of_its_own(written) -> None:
    problem = read(written(json.dumps(PUBLIC_JSON)))
    assert told(problem) == [(0, [(0, 5), (2, 6)], []), (0, [(1, 7)], [0, 2]), (0, [(0, 1)], []), (1, [(0, 2)], [])]
    assert (len(problem.jobs), len(problem.machines)) == (2, 3)


def test_a_file_may_be_packed_or_come_by_standard_input(tmp_path: Path, written, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = tmp_path / "shop.txt.gz"
    packed.write_bytes(gzip.compress(SHOP.encode()))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(SHOP.encode())))
    assert read(packed) == read("-") == read(written(SHOP))


def test_a_file_in_an_archive_is_named_after_a_colon_and_may_be_an_archive_itself(tmp_path: Path, written) -> None:
    inner, outer = tmp_path / "inner.txt", tmp_path / "many.zip"
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("short-1", REENTRANT)
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("folder/shop.txt", SHOP)
        archive.write(inner, "packed.txt")
    expected = read(written(REENTRANT))
    assert read(f"{outer}:packed.txt") == read(inner) == expected
    assert read(f"{outer}:folder/shop.txt") == read(written(SHOP))
    with pytest.raises(FileRefused, match=r"many.zip holds 2 files; say which as many.zip:MEMBER, for example folder/shop.txt"):
        read(outer)
    with pytest.raises(FileRefused, match=r"many.zip holds no 'shop.txt'; it holds 2 files, among them folder/shop.txt"):
        read(f"{outer}:shop.txt")


REFUSED = {
    "": "line 1: the file holds no numbers",
    "no numbers here": "line 1: the file holds no numbers",
    "7": "line 1: the first line has 1 values",
    "2 3\n0 4 1 2 2 5\n": "line 3: the file ends after 1 jobs and its first line says 2",
    "2 3\n0 4 1 2 2\n2 1 0 3 1 6\n": "line 2: job 0 has 5 values; give pairs of machine and duration",
    "2 3\n\n0 4 1 2 2 x\n2 1 0 3 1 6\n": "line 3: duration of operation 2 is 'x'; give a whole number, 0 to 1000000000000",
    "2 3\n0 4 1 2 2 -5\n2 1 0 3 1 6\n": "line 2: duration of operation 2 is '-5'",
    "2 3\n0 4 1 2 2 5.5\n2 1 0 3 1 6\n": "line 2: duration of operation 2 is '5.5'",
    "2 3\n0 4 1 2 2 5\n2 1 0 3 3 6\n": "line 3: machine of operation 2 is '3'; give a whole number, 0 to 2",
    "2 3\n0 4\n1 2\n2 5\n": "line 4: there are values after the last of 2 jobs",
    "2 x\n0 4\n1 2\n": "line 1: the number of machines is 'x'",
    "0 3\n": "line 1: the number of jobs is '0'",
    "2 2 1.5\n2 1 1 5 2 1 7 2\n1 2 1 3 2 9\n": "line 2: the line ends before a duration of operation 1",
    "2 2 1.5\n1 1 1 5\n1 2 1 3 3 9\n": "line 3: a machine of operation 0 is '3'; give a whole number, 1 to 2",
    "2 2 1.5\n1 1 1 5\n1 1 1 3 2\n": "line 3: '2' stands after the last of 1 operations",
    "2 2 1.5\n1 1 1 5\n1 0\n": "line 3: the number of options of operation 0 is '0'",
    FLEXIBLE + "0 1 2\n": "line 4: 1 lines follow the jobs from here; give 3 a machine, 6 in all, or none",
    FLEXIBLE + SETUPS.replace("3 0 4", "3 0"): "line 6: 2 setup times; give one for each of 3 operations",
    FLEXIBLE + SETUPS.replace("3 0 4", "3 0 y"): "line 6: a setup time is 'y'",
    '{"jobs": [}': "line 1 is not JSON",
    '{"jobs": [],\n "machines": ]}': "line 2 is not JSON",
    '{"jobs": [{}], "machines": [{}]}': "operations is missing; an object here needs jobs, operations, machines",
    '{"jobs": [{}], "machines": [{}], "operations": [{"job": 0, "modes": [{"machine": "saw", "duration": 1}]}]}': 'modes[0].machine is "saw"; give a',
    '{"jobs": [{"due": 1e99}], "machines": [{}], "operations": []}': "jobs[0].due is 1e+99; give a whole number",
    '{"jobs": [{"due": 9007199254740993}], "machines": [{}], "operations": []}': "jobs[0].due is 9007199254740993; give a whole number of",
    '{"jobs": [{"due": ' + "9" * 5000 + "}]}": "line 1 is not JSON",
    "2 3\n0 4 1 2 2 9999999999999\n2 1 0 3 1 6\n": "line 2: duration of operation 2 is '9999999999999'; give a whole number, 0 to 1000000000000",
    '{"jobs": [{}], "machines": [{}], "operations": [{"job": 0, "modes": [{"machine": 0}]}]}': "operations[0].modes[0].duration is missing",
    '{"jobs": [{"dua": 3}], "machines": [{}], "operations": []}': "jobs[0].dua is no field here; there are name, release, due, weight",
    '{"jobs": [{}], "machines": [{}], "operations": [{"job": 5, "modes": []}]}': "operation 0: job is 5 and there are 1; give 0 to 0",
    '{"jobs": [{"due": true}], "machines": [{}], "operations": []}': "jobs[0].due is true; give a whole number",
    '{"jobs": {}, "machines": [], "operations": []}': "jobs is {}; give a list",
    '{"operations": [{"operation": 0, "machine": 1}], "precedences": []}': "operations[0].duration is None; give a whole number",
    '{"operations": [{"operation": 1, "machine": 1, "duration": 1}], "precedences": []}': "there is no operation 0 and there are 1",
    '{"operations": [], "precedences": [{"before": 1, "after": 2, "job": 0}]}': "precedences[0] names operation 2 and there are 0",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_problem_is_refused_in_a_sentence_with_its_place(written, text: str) -> None:
    with pytest.raises(FileRefused) as refused:
        read(written(text))
    assert str(refused.value).startswith("problem.txt: ") and REFUSED[text] in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "problem.txt"
    file.write_bytes(b"2 3\n0 4\xff")
    with pytest.raises(FileRefused, match=r"line 2 is not text in UTF-8 \(byte 0xff\)"):
        read(file)
    file.write_bytes(b"PK\x03\x04 and no archive")
    with pytest.raises(FileRefused, match="no readable zip archive"):
        read(file)
    with pytest.raises(FileRefused, match="there is no such file"):
        read(tmp_path / "nothing.txt")
    with pytest.raises(FileRefused, match="is a folder; give a file in it"):
        read(tmp_path)
    file.write_bytes(gzip.compress(SHOP.encode())[:-9])
    with pytest.raises(FileRefused, match="is no readable gzip file"):
        read(file)


@given(st.text(alphabet='0123456789 -.\n#x{}[]":,', max_size=60))
@settings(max_examples=300)
def test_any_text_is_a_problem_or_a_refusal(text: str) -> None:
    from factolake.planning.formats.files import parsed

    try:
        assert isinstance(parsed(text, "any"), Problem)
    except FileRefused as error:
        assert str(error).startswith("any: ")


@given(st.integers(0, 10_000), st.sampled_from([(2, 1, 2), (4, 3, 3), (9, 5, 5)]), st.none() | st.sampled_from(sorted(CONTRADICTIONS)))
@settings(max_examples=60, deadline=None)
def test_a_problem_and_its_schedule_go_to_our_json_and_back(seed: int, size: tuple[int, int, int], contradiction: str | None) -> None:
    example = planted(seed, *size)
    problem = infeasible(seed, *size, contradiction).problem if contradiction else example.problem
    text = problem_json(problem)
    assert problem_of(json.loads(text)) == problem
    assert problem_json(problem_of(json.loads(text))) == text
    told_again = schedule_of(json.loads(schedule_json(example.schedule)), example.problem)
    assert (told_again.schedule, told_again.faults) == (example.schedule, ())
    by_steps = schedule_of({"schedule": to_plain(steps(example.problem, example.schedule))}, example.problem)
    assert (by_steps.schedule, by_steps.faults) == (example.schedule, ())


def test_larger_problems_go_there_and_back(written) -> None:
    for problem in (setup_shop(1, 100), tardiness_shop(1, 20, 5)):
        assert read(written(problem_json(problem), "shop.json")) == problem


def test_a_step_names_an_operation_by_its_place_in_its_job(written) -> None:
    problem = read(written(SHOP))
    entries = [{"note": "of another program", "job": 1, "operation": 2, "machine": 1, "start": 10, "end": 16.0}]
    file = written(json.dumps({"makespan": 16, "schedule": entries}), "schedule.json")
    assert read_schedule(file, problem).schedule == (Placed(5, 0, 10, 16),)


@pytest.mark.parametrize(
    ("entry", "rule", "says"),
    [
        ({"job": 2, "operation": 0, "machine": 0}, Rule.PLACED, "schedule[0]: job 2 is placed and the problem has 2, from 0"),
        ({"job": 1, "operation": 3, "machine": 0}, Rule.PLACED, "schedule[0]: operation 3 of job 1 is placed and the job has 3, from 0"),
        ({"job": 1, "operation": 1, "machine": 2}, Rule.MODE, "schedule[0]: operation 1 of job 1 is on machine 2; it may be on 0"),
        (
            {"job": 1, "operation": 1, "machine": 0, "mode": 2},
            Rule.MODE,
            "schedule[0]: operation 1 of job 1 is in mode 2, not one of machine 0; leave mode out",
        ),
    ],
)
def test_a_step_that_cannot_be_is_a_fault(written, entry: dict[str, int], rule: Rule, says: str) -> None:
    found = schedule_of({"schedule": [{**entry, "start": 0, "end": 3}]}, read(written(SHOP)))
    assert [(fault.rule, fault.says) for fault in found.faults] == [(rule, says)]
    assert found.schedule == ()


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({}, "schedule is None; give a list"),
        ({"schedule": [{"job": 0}]}, "schedule[0].operation is missing"),
        ({"schedule": [{"job": 0, "operation": 0.0, "machine": 0, "start": 0.5, "end": 4}]}, "schedule[0].start is 0.5; give a whole number"),
        ({"schedule": [{"operation": 0, "mode": 0, "start": 0}]}, "schedule[0].end is missing"),
    ],
)
def test_what_is_no_schedule_is_refused(written, document: dict[str, object], says: str) -> None:
    with pytest.raises(FileRefused) as refused:
        read_schedule(written(json.dumps(document), "schedule.json"), read(written(SHOP)))
    assert str(refused.value).startswith("schedule.json: ") and says in str(refused.value)


def test_several_modes_on_one_machine_are_told_apart_by_mode_or_duration() -> None:
    shop = planted(3, 6, 3, 4).problem
    number = next((n for n, one in enumerate(shop.operations) if len({mode.machine for mode in one.modes}) < len(one.modes)), None)
    assert number is not None
    modes = shop.operations[number].modes
    pair = next((a, b) for a in range(len(modes)) for b in range(len(modes)) if a < b and modes[a].machine == modes[b].machine)
    for mode in pair:
        placed = Placed(number, mode, 5, 5 + modes[mode].duration)
        (step,) = steps(shop, (placed,))
        assert step.mode == mode
        plain = {key: value for key, value in to_plain(step).items() if key != "mode"}
        assert schedule_of({"schedule": [plain]}, shop).schedule == (placed,)


def test_links_of_flexible_text_stay_within_the_job(written) -> None:
    problem = read(written("2 1 1\n1 1 1 5\n2 1 1 5 1 1 6\n"))
    assert [one.after for one in problem.operations] == [(), (), (Link(1),)]
    assert problem.operations[2].modes == (Mode(0, 6),)


def test_the_examples_of_the_document_are_what_it_says() -> None:
    text = (Path(__file__).parents[2] / "docs" / "reference" / "planning-files.md").read_text(encoding="utf-8")
    problem_text, schedule_text = re.findall(r"(?s)```json\n(.*?)```", text)
    problem = problem_of(json.loads(problem_text))
    told = schedule_of(json.loads(schedule_text), problem)
    assert (told.faults, faults(problem, told.schedule)) == ((), ())
    assert len(told.schedule) == len(problem.operations)
