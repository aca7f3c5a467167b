# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A shift is planned, a machine breaks, the plan is mended
# Seven orders over five machines, planned at noon. At 13:05 the press breaks: what is done then, which operations move and why, what it would have
# been worth to know earlier, and how sure each due date is. Everything is made here; no lake and no FactoMES are needed.

# %%
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from factolake.domain.order import OperationState
from factolake.planning.building import built, current, entries
from factolake.planning.changes import change_report
from factolake.planning.explaining import late_orders
from factolake.planning.reacting import choices, counterfactual, interrupted, outcomes
from factolake.planning.situation import Alternative, Order, OrderOperation, Situation, WorkUnit
from factolake.planning.what_if import kpis, side_by_side
from models.planning import rich
from models.planning.exact.energy import Tariff, cheaper, kwh_by_step
from models.planning.pictures import draw_plans, draw_risks
from models.planning.risk import Done, History, Repair, risk
from models.planning.solve import Settings, solve

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, 2, hour, minute, tzinfo=BERLIN)


# %% [markdown]
# ## The plant at noon
# Ten hours with a break. Turning can be done on two machines, the second one is slower; pressing by hand at the bench as well, which takes twice as
# long. Set-up takes ten minutes between two materials.

# %%
OPEN = ((at(12), at(18)), (at(18, 30), at(22)))
MACHINES = ("turn-1", "turn-2", "press", "bench", "pack")
ORDERS = {"PO-1": ("shaft", 60, 15), "PO-2": ("hub", 80, 17), "PO-3": ("shaft", 90, 18), "PO-4": ("ring", 50, 17), "PO-5": ("hub", 70, 16)}
ORDERS |= {"PO-6": ("ring", 80, 20), "PO-7": ("shaft", 60, 21)}

orders = tuple(Order(key, "L1", material, quantity, at(due)) for key, (material, quantity, due) in ORDERS.items())
operations = tuple(
    OrderOperation(f"{order.order_id}.{number}", order.order_id, number, machine, planned_run_s=run_s, planned_setup_s=600, alternatives=others)
    for order in orders
    for number, machine, run_s, others in (
        (10, "turn-1", 30, (Alternative("turn-2", 36),)),
        (20, "press", 36, (Alternative("bench", 75),)),
        (30, "pack", 20, ()),
    )
)
machines = tuple(WorkUnit(name, "L1", OPEN) for name in MACHINES)
noon = Situation(at(12), orders, operations, machines, zone=BERLIN)

# %% [markdown]
# ## The plan
# `solve` searches in a process of its own, and gives nothing that the judge of plans does not let pass. `bound`: no plan is better than that.
# The first time on a machine the search is compiled, which takes about half a minute.


# %%
rich.warm_up()


def search(problem):
    return solve(problem, Settings(seconds=None, iterations=20_000, members=("own",), seed=1))


plant = built(noon)
plan = search(plant.problem)
assert plan.schedule, plan.conflicts
print(f"{plan.status}, objective {plan.objective}, bound {plan.bound}, gap {plan.gap:.0%}")
[late.says for late in late_orders(plant, plan.schedule)]

# %% [markdown]
# ## 13:05, the press breaks
# Until then everything went as planned. Maintenance says at 13:06 that it takes until 15:00.


# %%
def as_planned(operation, planned, now):
    """The operation at `now`, when everything goes as planned."""
    start, end = planned.planned_start_ts, planned.planned_end_ts
    placed = replace(operation, equipment=planned.machine, planned_start_ts=start, planned_end_ts=end)
    if placed.equipment != operation.equipment:
        other = next(each for each in operation.alternatives if each.equipment == placed.equipment)
        back = Alternative(operation.equipment, operation.planned_run_s)
        placed = replace(placed, planned_run_s=other.planned_run_s, alternatives=(back,))
    quantity = ORDERS[operation.order_id][1]
    if end <= now:
        return replace(placed, state=OperationState.COMPLETED, good=quantity, actual_start_ts=start, actual_end_ts=end)
    if start < now:
        made = min(int((now - start).total_seconds() / placed.planned_run_s), quantity)
        return replace(placed, state=OperationState.RUNNING, good=made, actual_start_ts=start)
    return placed


rows = {row.operation_id: row for row in entries(plant, plan.schedule)}
stop, known, repaired = at(13, 5), at(13, 6), at(15)
broken = tuple(replace(unit, down_since_ts=stop, repaired_ts=repaired) if unit.equipment == "press" else unit for unit in machines)
then = replace(noon, now_ts=known, machines=broken, operations=tuple(as_planned(each, rows[each.operation_id], stop) for each in operations))
[each.operation_id for each in interrupted(then)]

# %% [markdown]
# What is on the press waits for it, its rest is made at the bench, or it ends with what it made. Each way on has its plan.

# %%
ways = outcomes(choices(then, interrupted(then)[0].operation_id), search) if interrupted(then) else ()
told = [(way.choice.says, ", ".join(way.kpis.late_orders) or "none", way.kpis.makespan_s / 3600) for way in ways if way.kpis is not None]
pd.DataFrame(told, columns=["what is done", "late orders", "plan ends (h)"]).round(1)

# %% [markdown]
# ## What moves, and why
# Suppose that the operation waits. What runs on healthy machines, and what is about to begin, stays; the rest follows the press.

# %%
mended = built(then)
repair = search(mended.problem)
assert repair.schedule, repair.conflicts
report = change_report(mended, current(mended), repair.schedule)
print(report.says)
told = [
    (change.operation_id, mended.told(change.before.start) if change.before else "", mended.told(change.after.start), change.why)
    for change in report.changes
]
pd.DataFrame(told, columns=["operation", "before", "after", "why"])

# %%
moved = frozenset(change.operation_id for change in report.changes)
figure = draw_plans({"Planned at 12:00": (plant, plan.schedule), "Mended at 13:06": (mended, repair.schedule)}, moved)

# %% [markdown]
# Why orders are late now, from their end back.

# %%
for late in late_orders(mended, repair.schedule)[:2]:
    print(late.says)
    for reason in late.reasons[:4]:
        print("   ", reason.says)

# %% [markdown]
# ## What its energy costs, and when it would cost less
# Prices by the hour and what each machine draws while it works are made up. Machines, sequences and people stay, and no order gets later.
# This is a proposal only: nothing is written, people decide. `factolake plan energy` does the same with files.

# %%
PRICES_EUR_KWH = (0.34, 0.36, 0.27, 0.14, 0.11, 0.16, 0.29, 0.38, 0.24)
POWER_KW = {"turn-1": 11, "turn-2": 9, "press": 28, "bench": 2, "pack": 4}
tariff = Tariff.by_hours(PRICES_EUR_KWH, began=mended.seconds.at(at(13)))
power_kw = [POWER_KW[machine.name] for machine in mended.problem.machines]
shift = cheaper(mended.problem, repair.schedule, power_kw, tariff)
print(f"EUR: {shift.says}; it saves {shift.before - shift.cost:.2f}. A proposal only: the plan stays as it is.")
pairs = [(before, after) for before, after in zip(repair.schedule, shift.schedule, strict=True) if before.start != after.start]
told = [(mended.operations[b.operation].operation_id, mended.machine_of(b), mended.told(b.start), mended.told(a.start)) for b, a in pairs]
pd.DataFrame(told, columns=["operation", "machine", "starts", "could start"])

# %%
kwh = {name: kwh_by_step(mended.problem, one, power_kw, tariff) for name, one in (("mended", repair.schedule), ("shifted", shift.schedule))}
hours = pd.DataFrame(kwh, index=[f"{hour}:00\n{price} EUR" for hour, price in enumerate(PRICES_EUR_KWH, 13)])
bars = hours.plot.bar(figsize=(12, 3), rot=0, ylabel="kWh", xlabel="hour, and price of a kWh")

# %% [markdown]
# ## Had it been known at noon
# The same search from noon, with the stop in it.

# %%
told_early = replace(noon, machines=tuple(replace(u, closed_spans=((stop, repaired),)) if u.equipment == "press" else u for u in machines))
worth = counterfactual("the stop", told_early, then, search)
print(worth.says)
lines = side_by_side({"planned": kpis(plant, plan.schedule), "mended": worth.later, "known at noon": worth.earlier})
pd.DataFrame({f"{line.name} ({line.unit})" if line.unit else line.name: line.values for line in lines}).T.round(1)

# %% [markdown]
# ## How sure each due date is
# The mended plan is played through a thousand times, with durations and repairs as they were before: here a made-up history in which work takes up to
# a fifth longer than planned, and repairs half as long or twice as long as estimated.

# %%
done = tuple(Done(machine, "", 1000, 1000 * (0.95 + 0.25 * n / 19)) for machine in MACHINES for n in range(20))
repairs = tuple(Repair("press", 6900 * share) for share in (0.5, 0.7, 0.8, 0.9, 1.0, 1.0, 1.1, 1.3, 1.6, 2.0))
sure = risk(mended, repair.schedule, History(done, repairs), samples=1000, seed=1)
told = [(one.order_id, f"{one.late:.0%}", *(f"{ts.astimezone(BERLIN):%H:%M}" for ts in (one.p50_end_ts, one.p90_end_ts))) for one in sure.orders]
pd.DataFrame(told, columns=["order", "late", "half end by", "90 of 100 end by"])

# %%
chances = draw_risks(mended, sure)
