"""CP-SAT models as a practitioner writes them, to measure the engines against. Fixed: not tuned to an instance, and sharing nothing with the engines.

Each module has `solve_peer(problem, seconds_cpu, workers, seed)`, which gives (objective or None, bound, schedule).
"""
