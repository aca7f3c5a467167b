"""Models tried by hand: days judged as the watch would, settings and champion side by side, and what is kept."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from learnt_machine import MACHINE, MODEL, MONDAY, SIGNALS, TRAINED, LearntMachine

from factolake.domain.calendar import plant_zone
from factolake.errors import ModelRefused
from factolake.notebook_score_plot import draw_grades, draw_scores
from models.timeseries.machine.fit import MachineSettings
from models.timeseries.signals import CannotLearn
from pipelines.signals.learning import Lessons
from pipelines.signals.span import Days
from pipelines.studies.judging import side_by_side
from pipelines.studies.study import Study

WEDNESDAY = Days(TRAINED.last, TRAINED.last)
LEARN = Days(MONDAY, MONDAY + timedelta(days=1))


def study_of(machine: LearntMachine) -> Study:
    return Study(machine.trainer(), Lessons.now(machine.lake, machine.plant), plant_zone("Europe/Berlin"))


@pytest.fixture
def machine(tmp_path: Path) -> LearntMachine:
    made = LearntMachine(tmp_path)
    made.trained_days()
    return made


def test_the_champion_scores_to_the_bit_what_the_lake_has(machine: LearntMachine) -> None:
    machine.champion()
    machine.scoring().rescore([MACHINE], LEARN)
    study = study_of(machine)
    champion = study.champion(MACHINE)
    assert champion is not None
    assert champion.label == "champion, version 1"
    found, lake = study.score(champion, LEARN).minutes, machine.scores()
    assert np.array_equal(found["score"].to_numpy(), lake["score"].to_numpy(zero_copy_only=False).astype(float), equal_nan=True)
    assert found["why"].to_list() == lake["why"].to_pylist()
    assert str(found.index[0]) == "2026-03-02 01:00:00+01:00"


def test_a_day_off_its_ways_raises_one_alert_that_names_the_signal(machine: LearntMachine) -> None:
    machine.show(WEDNESDAY.first, off=3.0)
    study = study_of(machine)
    scored = study.score(study.fit(MACHINE, LEARN, label="new"), WEDNESDAY)
    (raised,) = scored.alerts.to_dict("records")
    assert (raised["state"], raised["first_signal"]) == ("open", "Vibration")
    assert scored.minutes.index[0] <= raised["since"] <= raised["noticed"]
    assert study.score(study.fit(MACHINE, LEARN), LEARN).alerts.empty


def test_models_stand_side_by_side_on_the_same_minutes(machine: LearntMachine) -> None:
    machine.show(WEDNESDAY.first, off=3.0)
    study = study_of(machine)
    shipped, wide = (study.fit(MACHINE, LEARN, MachineSettings(margin=margin), label=f"margin {margin}") for margin in (1.35, 10.0))
    scored = [study.score(one, WEDNESDAY) for one in (shipped, wide)]
    figures = side_by_side(*scored)
    assert list(figures.columns) == ["margin 1.35", "margin 10.0"]
    assert figures.loc["minutes judged"].nunique() == 1
    high = [int((one.minutes["score"] >= 1).sum()) for one in scored]
    assert figures.loc["minutes at the threshold or above"].to_list() == high
    assert high[0] > high[1]
    agrees = 1 - (high[0] - high[1]) / figures.loc["minutes judged"].iloc[0]
    assert figures.loc["agrees with margin 1.35"].to_list() == [1.0, pytest.approx(agrees)]
    with pytest.raises(CannotLearn, match=r"margin 1\.35 and margin 10\.0 cannot be compared"):
        side_by_side(scored[0], study.score(wide, LEARN))
    with pytest.raises(CannotLearn, match="L1-M2 has no minute in 2026-04-01 to 2026-04-01 to judge"):
        study.score(wide, Days(MONDAY.replace(month=4, day=1), MONDAY.replace(month=4, day=1)))


def test_too_few_days_are_refused_or_the_champions_rows_are_learnt_from(machine: LearntMachine) -> None:
    trained = machine.champion()
    few = LEARN.last + timedelta(days=5)
    machine.show(few, hours=2)
    study, days = study_of(machine), Days(few, few)
    with pytest.raises(CannotLearn, match="no regime has 90 whole rows"):
        study.fit(MACHINE, days)
    again = study.fit(MACHINE, days, otherwise=study.champion(MACHINE))
    assert "no regime has 90 whole rows" in again.told
    assert f"the rows that {MODEL} 1 learnt from" in again.told
    assert again.model.to_json() == machine.models.version(MODEL, trained.version).bundle.model.to_json()
    kept = study.keep(again, "eva")
    _, run = machine.runs.kept[-1]
    assert (kept.version, run.params["rows_of"], run.metrics["rows"]) == (2, f"{MODEL} 1", trained.metrics["rows"])


def test_what_is_kept_is_what_training_makes_of_the_same_days(machine: LearntMachine) -> None:
    machine.champion()
    study = study_of(machine)
    kept = study.keep(study.fit(MACHINE, LEARN, named=[MONDAY]), "eva")
    trained = machine.train(LEARN, [MONDAY])
    assert (kept.sha256, kept.metrics, kept.left_out) == (trained.sha256, trained.metrics, trained.left_out)
    assert machine.models.challenger(MODEL).bundle.created_by == "eva"
    champion = study.champion(MACHINE)
    assert champion is not None
    with pytest.raises(ModelRefused, match="champion, version 1 of L1-M2 is in the registry already"):
        study.keep(champion)


def test_grades_and_days_tell_what_there_is_to_learn_from(machine: LearntMachine) -> None:
    machine.show(MONDAY, signals=SIGNALS[:3])
    study = study_of(machine)
    grades = study.grades(TRAINED, [MACHINE, "L1-M1"])
    mine = grades[grades["machine"] == MACHINE].set_index("signal")
    assert (mine.loc["vibration", "grade"], mine.loc["motor_temp", "grade"]) == ("low", "high")
    assert mine.loc["vibration", "share"] == pytest.approx(2 / 3)
    assert set(grades[grades["machine"] == "L1-M1"]["share"]) == {0.0}
    days = study.days(MACHINE)
    assert days.loc[MONDAY].to_dict() == {"minutes": 720, "ran_h": pytest.approx(712 / 60), "products": "GBX-200"}


def test_the_pictures_name_models_alerts_and_what_was_not_judged(machine: LearntMachine) -> None:
    import matplotlib

    matplotlib.use("Agg")
    machine.show(WEDNESDAY.first, off=3.0)
    study = study_of(machine)
    scored = study.score(study.fit(MACHINE, LEARN, label="new"), WEDNESDAY)
    (axes,) = draw_scores(scored).axes
    assert axes.get_title(loc="left") == "L1-M2, new: 1 alert"
    assert {"score of each minute", "threshold", "noticed", "not judged"} <= set(axes.get_legend_handles_labels()[1])
    assert axes.get_xlabel() == "plant time, Europe/Berlin"
    assert axes.get_ylim()[1] > scored.minutes["score"].max()
    (cells,) = draw_grades(study.grades(LEARN, [MACHINE])).axes
    assert {"100%", "0%"} == {text.get_text() for text in cells.texts}
