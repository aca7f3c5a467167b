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
# # What is unusual, and a model for it
# Which signals of a machine are there often enough to learn from, its newest alert with all that belongs beside it, and a model that is fitted, tried
# on other days, compared and registered. Run it where FactoLake runs (`./dev demo` leaves a lake behind), or set `FACTOLAKE_HOME` to the data folder.

# %%
from IPython.display import display

from factolake.notebook_alert_plot import draw_alert, draw_beside
from factolake.notebook_alerts import alerts
from factolake.notebook_score_plot import draw_grades, draw_scores
from models.timeseries.machine.fit import MachineSettings
from pipelines.studies.judging import side_by_side
from pipelines.studies.study import Study, proposal, split

MACHINE = "L1-M2"

# %% [markdown]
# ## What there is to learn from
# Minutes by UTC day. Two weeks or more of running on each product are best.

# %%
study = Study.here()
days = study.days(MACHINE)
days.round(1)

# %% [markdown]
# Days to learn from, and days held back to judge by; where there are fewer than three, as after a demo, both are all of them.

# %%
learn, judge = split(days.index)
print(f"learn from {learn}, judge {judge}")

# %% [markdown]
# A signal is graded by the share of the running minutes that have a value: high from 99 %, medium from 90 %. A low one is left out of models.
# Minutes of stops, planned stops and alerts that people called true do not count.

# %%
figure = draw_grades(study.grades(learn))

# %% [markdown]
# ## An alert
# Those of the machine, the newest first, in plant time. Strength 1 is the model's threshold.

# %%
told = alerts()
told.table(MACHINE).head(10)

# %% [markdown]
# The newest one: what its signals did, where they usually are at that product, and the share of the score that each makes.
# `told.one("...")` takes any other by its id.

# %%
for shown in told.newest(MACHINE):
    print(shown.text)
    figure = draw_alert(shown)
    display(shown.signals.round(3))

# %% [markdown]
# What looked alike before, and what people said it was. A demo has no before.

# %%
for shown in told.newest(MACHINE):
    display(shown.similar)
    if others := told.beside(shown):
        figure = draw_beside(shown, others)

# %% [markdown]
# ## A model
# The champion is what scores the machine now, where there is one. A new model learns from the chosen days; where they are too few, as the shift of a
# demo is, from the rows that the champion learnt from. `named=[date(2026, 3, 17)]` leaves out days that were wrong in a way nobody recorded.

# %%
champion = study.champion(MACHINE)
fitted = study.fit(MACHINE, learn, label="as shipped", otherwise=champion)
print(fitted.told)

# %% [markdown]
# The held-back days as the watch would have judged them: the score of each minute, and the alerts it would have raised.

# %%
scored = study.score(fitted, judge)
figure = draw_scores(scored)

# %%
scored.alerts.round(2)

# %% [markdown]
# ## Other settings, and the champion
# `memory_rows`: over how many running minutes deviations are averaged. `margin`: how many times as strange as the strangest usual hours the
# threshold is. All on the same days.

# %%
settings = MachineSettings(memory_rows=15, margin=1.2)
other = study.fit(MACHINE, learn, settings, label="shorter memory, lower margin", otherwise=champion)
by_model = [study.score(model, judge) for model in (champion, fitted, other) if model]
side_by_side(*by_model).round(3)

# %%
figure = draw_scores(*by_model)

# %% [markdown]
# ## Keep it
# It is registered as challenger, with its run in MLflow (experiment `signals`) and a copy of the rows it learnt from. Each run of this cell makes
# a version. It scores nothing until somebody else approves it.

# %%
kept = study.keep(fitted)
print(kept.told)

# %% [markdown]
# The command that asks for that; write your own reason. FactoMES has to run, and shows it on *Approvals*.

# %%
print(proposal(kept, why="as often right as the champion, learnt from newer days"))
