"""One planning turn for one line: read the situation, build the problem, search, judge, publish. The old plan stays on any failure.

The part `planner` and Dagster both call `plan_line`; a lease lets one at a time in, and another one the plan of the night, which may take long and
must not keep a stop waiting. A turn takes its limit by the clock and some seconds at most: the search runs in processes that are ended then.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import structlog

from factolake.config import Settings, load_plant
from factolake.config.settings import PlannerSettings
from factolake.domain.clock import Clock
from factolake.domain.job import Placed, Plan, PlanStatus
from factolake.domain.plant import PlantModel
from factolake.errors import ConfigError, FactoLakeError, LeaseHeld, MissingDependency
from factolake.lake.leases import Lease
from factolake.lake.tables import Lake
from factolake.planning.building import Built, built
from models.planning.risk import History, robust
from models.registry import PLANS, Registry, Run
from pipelines.planning.asides import as_json, hindsight, short, ways_on
from pipelines.planning.causes import NIGHTLY, Cause
from pipelines.planning.past import history_of
from pipelines.planning.publishing import FAILED, Try, hash_of, keep, keep_asides, publish, shortened
from pipelines.planning.reading import current_schedule, has_open_proposal, situation_of
from pipelines.planning.record import Record
from pipelines.planning.standing import stand_ins, standing
from pipelines.planning.words import SAMPLES, explained, risks, summary

log = structlog.get_logger(__name__)
MEDIAN = 0.5
MOST_TOLD = 1900
"""FactoMES takes 2,000 characters of why there is a plan."""
Search = Callable[[Built, Mapping[str, object], Callable[[Plan], None], tuple[Placed, ...]], Plan]
"""What looks for a plan, by the settings of its preset as names and values, and tells each better one; from a plan to begin with, or none."""
MOST_COMPARED = 8
"""Plans that a robust choice is made of: the last ones found."""


@dataclass(frozen=True, slots=True)
class Planner:
    """The planner of one installation. `search` is replaced by tests; `registry` None keeps no runs."""

    lake: Lake
    plant: PlantModel
    settings: PlannerSettings
    clock: Clock
    lease_file: Path
    registry: Registry | None = None
    search: Search | None = None

    def plan_line(self, line: str, cause: Cause) -> Try | None:
        """Try to plan `line`; what came of it is in ops.plans. None where another planner is at work on this lake.

        Never raises for what a problem asks or a search does. Raises what the lake raises: then nothing was published.
        """
        night = self.lease_file.with_stem(f"{self.lease_file.stem}-{NIGHTLY}")
        try:
            with Lease(night if cause.trigger == NIGHTLY else self.lease_file).acquire():
                return self._turn(line, cause)
        except LeaseHeld:
            return None

    def _turn(self, line: str, cause: Cause) -> Try:
        now, began = self.clock.now(), time.monotonic()
        beside = f"-{NIGHTLY}" if cause.trigger == NIGHTLY else ""  # both may begin in one second
        plan_id = f"{line}-{now:%Y%m%dT%H%M%S}{beside}"
        blank = Try(plan_id, line, now, cause.trigger, cause.about, cause.why, "", settings=dict(self._wanted(cause)))
        try:
            tried = self._tried(blank, cause)
        except FactoLakeError:
            raise
        except Exception as error:  # whatever breaks while a plan is made, the plan before stays and people are told
            told = f"no plan, the one before stays: {type(error).__name__}: {str(error)[:300]}"
            tried = replace(blank, told=told)
        tried = replace(tried, seconds=time.monotonic() - began, told=shortened(tried.told, MOST_TOLD))
        if tried.is_published:
            publish(self.lake, tried, self.clock.now())
        keep(self.lake, tried, self.clock.now())
        if tried.is_published:
            tried = self._with_asides(tried, cause)
        say = log.info if tried.status in ("optimal", "feasible") else log.warning
        say("planned", line=line, trigger=cause.trigger, status=tried.status, published=len(tried.entries), told=tried.told)
        self._log(tried)
        return tried

    def _tried(self, blank: Try, cause: Cause) -> Try:
        record = Record(self.lake)
        based_on = current_schedule(record, blank.line)
        situation = situation_of(record, self.plant, blank.line, blank.started_ts, self.settings)
        made = built(situation)
        blank = replace(blank, based_on=based_on, operations=len(made.problem.operations), problem_hash=hash_of(made.problem))
        if not made.problem.operations:
            return replace(blank, status=PlanStatus.OPTIMAL.value, told="nothing to plan: no open operation")
        found: list[Plan] = []
        stands = standing(made)
        plan = (self.search or searched)(made, blank.settings, found.append, stands)
        blank = replace(blank, plan=plan, status=plan.status.value, settings={**blank.settings, **plan.settings})
        if not plan.schedule:
            return replace(blank, told=why_none(plan))
        record.refresh()
        if current_schedule(record, blank.line) != based_on or has_open_proposal(record, blank.line):
            return replace(blank, status=FAILED, about="", told="not proposed: another schedule was proposed or accepted meanwhile")
        history = history_of(record, self.plant, blank.line, blank.started_ts)
        plan = self._chosen(made, plan, found, history)
        rows = explained(made, plan)
        said = [summary(made, plan, rows, cause.why), stand_ins(record, made, plan.schedule, cause)]
        said += ["The schedule could also stay as it is."] * bool(stands and rows)
        return replace(blank, plan=plan, made=made, entries=rows, told=" ".join(filter(None, [*said, risks(made, plan, history)])))

    def _with_asides(self, tried: Try, cause: Cause) -> Try:
        """With what people read beside a plan that is published, kept once it is found; the plan stands whatever becomes of that."""
        if tried.made is None or tried.plan is None:
            return tried
        solve = short(self.search or searched, tried.made, self._wanted(cause))
        try:
            ways = as_json(ways_on(tried.made, tried.plan, solve))
            said = hindsight(Record(self.lake), self.plant, self.settings, tried.made, tried.plan, cause, solve)
        except Exception as error:
            log.warning("nothing is told beside the plan", line=tried.line, plan=tried.plan_id, cause=f"{type(error).__name__}: {error}")
            return tried
        if ways is None and said is None:
            return tried
        tried = replace(tried, ways=ways, hindsight=said)
        keep_asides(self.lake, tried, self.clock.now())
        return tried

    def _chosen(self, made: Built, plan: Plan, found: list[Plan], history: History) -> Plan:
        """The plan, or of those found on the way to it the one that costs least at the quantile that the settings ask for."""
        plans = [one for one in found if one.schedule][-MOST_COMPARED:]
        if self.settings.robust_quantile <= MEDIAN or not history.done or not plans:
            return plan
        plans = [plan, *plans[::-1]]  # of those that cost as much then the best one as planned
        place, _ = robust(made, [one.schedule for one in plans], history, quantile=self.settings.robust_quantile, samples=SAMPLES)
        best = plans[place]
        return plan if best is plan else replace(best, status=PlanStatus.FEASIBLE, bound=plan.bound, settings=plan.settings)

    def _wanted(self, cause: Cause) -> Mapping[str, object]:
        at = self.settings
        if cause.trigger == NIGHTLY:
            return {"preset": at.nightly_preset, "wall_s": at.nightly_seconds}
        return {"preset": at.preset, "wall_s": at.seconds, "threads": at.threads}

    def _log(self, tried: Try) -> None:
        if self.registry is not None:
            self.registry.log(PLANS, run_of(tried))


def planner_of(settings: Settings, clock: Clock) -> Planner:
    """The planner of an installation. Raises ConfigError for a plant file or preset that cannot be used, MissingDependency without the solvers."""
    check_solvers(settings.planner)
    lake = Lake(settings.lake_root)
    plant = load_plant(settings.plant_file)
    return Planner(lake, plant, settings.planner, clock, settings.run_dir / "planner.lease", Registry(settings.registry_dir))


def check_solvers(settings: PlannerSettings) -> None:
    """Raises MissingDependency where the extra `plan` is not installed, ConfigError for a preset that does not exist."""
    from models.planning.settings import InvalidSettings, preset

    for name in ("numba", "ortools"):
        if find_spec(name) is None:
            raise MissingDependency(f"{name} is not installed, and plans need it; install factolake with the extra `plan`")
    for key in ("preset", "nightly_preset"):
        try:
            preset(getattr(settings, key))
        except InvalidSettings as error:
            raise ConfigError("settings", f"planner.{key}", getattr(settings, key), str(error)) from error


def searched(made: Built, wanted: Mapping[str, object], tell: Callable[[Plan], None], start: tuple[Placed, ...]) -> Plan:
    """The judged plan of the portfolio, no worse than `start`."""
    from models.planning.settings import preset
    from models.planning.solve import solve

    changes = {name: value for name, value in wanted.items() if name != "preset"}
    return solve(made.problem, preset(str(wanted["preset"]), **changes), start=start, tell=tell)


def warm() -> None:
    """Keep a process of the search standing with its code compiled: the first time that takes a minute, which no plan after a stop has."""
    from models.planning.solve import warm_up

    warm_up(1, ("rich",))


def why_none(plan: Plan) -> str:
    """Why a search gave no plan, in words."""
    if plan.conflicts:
        return "no plan is possible, the one before stays: " + " ".join(conflict.says for conflict in plan.conflicts)
    failed = plan.settings.get("failed")
    causes = "; ".join(f"{name}: {cause}" for name, cause in failed.items()) if isinstance(failed, Mapping) else ""
    return f"no plan was found in the time given, the one before stays{': ' + causes if causes else ''}"


def run_of(tried: Try) -> Run:
    """The try as a run of the registry."""
    plan = tried.plan or Plan(PlanStatus.UNKNOWN)
    known = {
        "objective": plan.objective,
        "bound": plan.bound,
        "gap": plan.gap,
        "seconds": tried.seconds,
        "operations": tried.operations,
        "moved": len(tried.entries),
    }
    tags = {"plan_id": tried.plan_id, "line": tried.line, "trigger": tried.trigger, "status": tried.status, "problem": tried.problem_hash or ""}
    metrics = {name: float(value) for name, value in known.items() if value is not None}
    return Run(tried.plan_id, dict(tried.settings), metrics, tags, {"told.txt": tried.told})
