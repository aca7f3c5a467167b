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
# # The first line
# One shift of one line, minute by minute: what every machine did, what it counted, and where nobody knows.
# Run it where FactoLake runs (`./dev demo` leaves a lake behind), or set `FACTOLAKE_HOME` to the data folder.

# %%
from factolake.notebook import line
from factolake.notebook_plot import draw_shift

# %%
first = line("L1")
first.shifts()

# %% [markdown]
# Two lines to a frame. Rows are minutes in the plant's time, columns are machine and value; units come along.

# %%
shift = first.shifts()[-1]
frame = first.shift(shift, signals=["motor_temp"])
frame.head()

# %%
frame.attrs["units"]

# %% [markdown]
# Minutes nobody observed are marked as such. They are not zero and not idle, and the list says why.

# %%
frame.attrs["gaps"]

# %% [markdown]
# States as bars (hatched: unknown) and good parts as steps.

# %%
figure = draw_shift(frame, first.states(shift))

# %% [markdown]
# Share of the known time each machine spent producing, and the good parts of the shift.

# %%
known = frame.xs("coverage", axis=1, level="what")
producing = frame.xs("state", axis=1, level="what").eq("producing")
summary = (known.where(producing, 0).sum() / known.sum()).rename("producing").to_frame()
summary["good"] = frame.xs("good", axis=1, level="what").sum()
summary["coverage"] = known.mean()
summary.round(3)
