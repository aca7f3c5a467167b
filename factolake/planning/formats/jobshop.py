"""Job shops as text: `jobs machines`, then a line a job of `machine duration` pairs in the order of its operations, machines from 0.

Industrial instances (Da Col and Teppan 2019) end each job with -1 -1 and come back to machines. Flow shops are written the same way, every job over
machines 0, 1, 2 ... in this order. They are read as job shops of that form: that all machines work in the same order of jobs (permutation) is not
demanded, so a plan may be shorter than the best permutation.
"""

from factolake.domain.job import Job, Link, Machine, Mode, Operation, Problem
from factolake.planning.formats.lines import Line, header, job_lines, whole
from factolake.planning.formats.refusal import FileRefused


def jobshop_text(lines: list[Line]) -> Problem:
    """The job shop that `lines` describe. Raises FileRefused."""
    jobs, machines = header(lines, 2)
    operations: list[Operation] = []
    for job, (number, values) in enumerate(job_lines(lines, jobs)):
        if values[-2:] == ["-1", "-1"]:
            values = values[:-2]
        if len(values) % 2:
            raise FileRefused(f"line {number}: job {job} has {len(values)} values; give pairs of machine and duration")
        for place in range(0, len(values), 2):
            machine = whole(number, values[place], f"machine of operation {place // 2}", 0, machines - 1)
            duration = whole(number, values[place + 1], f"duration of operation {place // 2}")
            after = (Link(len(operations) - 1),) if place else ()
            operations.append(Operation(job, (Mode(machine, duration),), after))
    if len(lines) > jobs + 1:
        raise FileRefused(f"line {lines[jobs + 1][0]}: there are values after the last of {jobs} jobs; take them away")
    return Problem((Job(),) * jobs, tuple(operations), (Machine(),) * machines)
