"""CP-SAT run for so many CPU seconds of this process, whatever the number of workers and the load of the machine."""

import math
import os
import threading
import time

from ortools.sat.python import cp_model

from factolake.domain.job import Placed

Answer = tuple[int | None, int, tuple[Placed, ...]]


def solved(model: cp_model.CpModel, began_cpu: float, seconds_cpu: float, workers: int, seed: int) -> tuple[cp_model.CpSolver, bool, int]:
    """The solver after its time, whether it has a solution, and its bound.

    `began_cpu`: `time.process_time()` before the model was built, so that building counts. By the clock it may take twenty times what the workers
    need on cores of their own: only on a machine that does other work does that end it before its CPU seconds do.
    """
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = workers
    solver.parameters.random_seed = seed
    left = max(0.1, seconds_cpu - (time.process_time() - began_cpu))
    solver.parameters.max_time_in_seconds = 20 * left / min(workers, os.cpu_count() or 1)
    done = threading.Event()

    def guard() -> None:
        while not done.wait(0.02):
            if time.process_time() - began_cpu >= seconds_cpu:
                solver.stop_search()

    watcher = threading.Thread(target=guard, daemon=True)
    watcher.start()
    status = solver.solve(model)
    done.set()
    watcher.join()
    has_one = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    return solver, has_one, max(0, math.ceil(solver.best_objective_bound - 1e-6))
