"""Where a job is best put into an order: all places at once (Taillard 1990), ties by idle time (Fernandez-Viagas and Framinan 2014)."""

import numpy as np

from models.planning.compiled import compiled
from models.planning.flow.arrays import Flow, Ints


@compiled
def _sweep(times: Ints, work: Ints, size: int, done: int, ends: Ints, is_back: bool) -> None:
    """Write ends of the first `size` jobs of `work` from place `done` on; machines and places from the back where `is_back`.

    Four machines at a time: the processor works on a job on the second of them while it is at the next job on the first.
    """
    machines = times.shape[0]
    for first in range(0, machines - machines % 4, 4):
        one, two, three, four = first, first + 1, first + 2, first + 3
        if is_back:
            one, two, three, four = machines - 1 - one, machines - 1 - two, machines - 1 - three, machines - 1 - four
        before, rows = ends[first], ends[first + 1 : first + 5]
        end_one, end_two, end_three, end_four = rows[0, done], rows[1, done], rows[2, done], rows[3, done]
        for place in range(done, size):
            job = work[size - 1 - place if is_back else place]
            end_one = np.int32(max(end_one, before[place + 1]) + times[one, job])
            end_two = np.int32(max(end_one, end_two) + times[two, job])
            end_three = np.int32(max(end_two, end_three) + times[three, job])
            end_four = np.int32(max(end_three, end_four) + times[four, job])
            rows[0, place + 1], rows[1, place + 1], rows[2, place + 1], rows[3, place + 1] = end_one, end_two, end_three, end_four
    for machine in range(machines - machines % 4, machines):
        own = times[machines - 1 - machine if is_back else machine]
        before, row = ends[machine], ends[machine + 1]
        end = row[done]
        for place in range(done, size):
            end = np.int32(max(end, before[place + 1]) + own[work[size - 1 - place if is_back else place]])
            row[place + 1] = end


@compiled
def look_both_ways(flow: Flow, size: int) -> int:
    """Write heads and tails of the first `size` jobs of `flow.work`, where they do not stand already; returns their makespan."""
    state = flow.state[0]
    _sweep(flow.times, flow.work, size, state.front, flow.heads, False)
    _sweep(flow.times, flow.work, size, state.back, flow.tails, True)
    state.front = state.back = size
    return int(flow.heads[flow.times.shape[0], size])


@compiled
def _makespans(times: Ints, size: int, heads: Ints, tails: Ints, job: int, ends: Ints, longest: Ints) -> None:
    """Write to `longest` the makespan with `job` put to each of the places up to `size`."""
    ends[: size + 1] = 0
    longest[: size + 1] = 0
    for machine in range(times.shape[0]):
        before, rest, own = heads[machine + 1], tails[times.shape[0] - machine], times[machine, job]
        for place in range(size + 1):
            end = np.int32(max(ends[place], before[place]) + own)
            ends[place] = end
            longest[place] = max(longest[place], np.int32(end + rest[size - place]))


@compiled
def _idle(times: Ints, order: Ints, size: int, heads: Ints, job: int, place: int) -> int:
    """How much longer machines wait around `place` once `job` is there."""
    idle, end, after = 0, heads[1, place] + times[0, job], 0
    if place < size:
        after = end + times[0, order[place]]
    for machine in range(1, times.shape[0]):
        free = heads[machine + 1, place]
        idle += max(0, end - free)
        end = max(end, free) + times[machine, job]
        if place < size:
            own = times[machine, order[place]]
            idle += max(0, after - end) - (heads[machine + 1, place + 1] - own - free)
            after = max(after, end) + own
    return idle


@compiled
def put_best(flow: Flow, size: int, job: int) -> None:
    """Put `job` where it makes the first `size` jobs of `flow.work` end first; the new makespan is in `flow.state`."""
    times, work, heads, longest = flow.times, flow.work, flow.heads, flow.longest
    look_both_ways(flow, size)
    _makespans(times, size, heads, flow.tails, job, flow.ends, longest)
    least, best, least_idle = longest[0], 0, -1
    for place in range(1, size + 1):
        if longest[place] > least:
            continue
        if longest[place] < least:
            least, best, least_idle = longest[place], place, -1
            continue
        if least_idle < 0:
            least_idle = _idle(times, work, size, heads, job, best)
        idle = _idle(times, work, size, heads, job, place)
        if idle < least_idle:
            best, least_idle = place, idle
    for place in range(size, best, -1):
        work[place] = work[place - 1]
    work[best] = job
    state = flow.state[0]
    state.makespan, state.front, state.back = least, best, size - best


@compiled
def take_out(flow: Flow, size: int, place: int) -> int:
    """Close the gap that the job at `place` of the first `size` of `flow.work` leaves; returns the job."""
    work, state = flow.work, flow.state[0]
    job = work[place]
    for one in range(place, size - 1):
        work[one] = work[one + 1]
    state.front, state.back = min(state.front, place), min(state.back, size - 1 - place)
    return int(job)
