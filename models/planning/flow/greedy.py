"""Iterated greedy search over orders of jobs: a few are taken out, what is left is improved, and they are put back where they cost least.

Ruiz and Stuetzle (2007), improved after taking out as well as after putting back (Dubois-Lacoste, Pagnozzi and Stuetzle 2017). The first order is
that of Nawaz, Enscore and Ham (1983).
"""

import math

import numpy as np

from models.planning.compiled import compiled
from models.planning.flow.arrays import Flow
from models.planning.flow.insertion import look_both_ways, put_best, take_out
from models.planning.shop.moves import draw

OUT = 2
"""Jobs taken out at once (Dubois-Lacoste et al. 2017)."""
HEAT = 0.7
"""Temperature in tenths of the mean duration (the same)."""
ROUND = 40_000_000
"""Jobs times jobs times machines that improving an order may take: some 0.3 s, and in shops of up to 200 x 20 no limit."""


@compiled
def shuffle(flow: Flow, size: int) -> None:
    """Bring the first `size` of `flow.jobs` into an order drawn."""
    jobs = flow.jobs
    for one in range(size - 1, 0, -1):
        other = draw(flow.state, one + 1)
        jobs[one], jobs[other] = jobs[other], jobs[one]


@compiled
def improve(flow: Flow, size: int) -> None:
    """Put each of the first `size` jobs of `flow.work` to its best place, in an order drawn, until that makes nothing shorter or `ROUND` is spent."""
    jobs, work, state = flow.jobs, flow.work, flow.state
    jobs[:size] = work[:size]
    latest = look_both_ways(flow, size)
    for _ in range(ROUND // (size * size * len(flow.times) + 1) + 1):
        shuffle(flow, size)
        before = latest
        for one in range(size):
            place = 0
            while work[place] != jobs[one]:
                place += 1
            take_out(flow, size, place)
            put_best(flow, size - 1, jobs[one])
        latest = state[0].makespan
        if latest >= before:
            return


@compiled
def begin(flow: Flow, is_drawn: bool) -> None:
    """A first order: jobs with much work first, or in an order drawn, each put where it costs least; then improved."""
    jobs, state = flow.times.shape[1], flow.state[0]
    if is_drawn:
        flow.jobs[:] = np.arange(jobs)
        shuffle(flow, jobs)
    else:
        flow.jobs[:] = np.argsort(-flow.times.sum(axis=0), kind="mergesort")
    state.front = state.back = 0
    for size in range(jobs):
        put_best(flow, size, flow.jobs[size])
    improve(flow, jobs)
    flow.order[:] = flow.work
    state.now = state.best = state.makespan
    flow.best[:] = flow.work
    state.better_at = state.iteration


@compiled
def run(flow: Flow, stop: int, goal: int) -> None:
    """Go on up to iteration `stop`, or until the best makespan is `goal`."""
    state, jobs = flow.state[0], flow.times.shape[1]
    heat = HEAT * flow.times.mean() / 10
    out = min(OUT, jobs - 1)
    taken = np.zeros(out, np.int32)
    while state.iteration < stop and state.best > goal:
        state.iteration += 1
        flow.work[:] = flow.order
        state.front = state.back = 0
        for one in range(out):
            taken[one] = take_out(flow, jobs - one, draw(flow.state, jobs - one))
        improve(flow, jobs - out)
        for one in range(out):
            put_best(flow, jobs - out + one, taken[one])
        improve(flow, jobs)
        longer = state.makespan - state.now
        if longer <= 0 or (heat > 0 and draw(flow.state, 1 << 30) < math.exp(-longer / heat) * (1 << 30)):
            flow.order[:] = flow.work
            state.now = state.makespan
            if state.now < state.best:
                state.best, state.better_at = state.now, state.iteration
                flow.best[:] = flow.work
