"""One look at every line, which both drivers take: the part `planner` every few seconds, Dagster when its sensor or schedule asks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from factolake.config import Settings
from factolake.domain.clock import Clock
from pipelines.planning.causes import REQUEST, Cause
from pipelines.planning.planner import Planner, planner_of
from pipelines.planning.publishing import Try
from pipelines.planning.watching import Watch


@dataclass(frozen=True, slots=True)
class Looker:
    """A planner and what tells it when to plan."""

    planner: Planner
    watch: Watch

    def waiting(self, wanted: Callable[[Cause], bool] = lambda _: True) -> dict[str, Cause]:
        """By line, why it is to be planned, of the causes `wanted`; nothing while planning is switched off. Raises what the lake raises."""
        if not self.planner.settings.enabled:
            return {}
        found = ((line, self.watch.cause_of(line, self.planner.clock.now(), wanted)) for line in self.planner.plant.lines)
        return {line: cause for line, cause in found if cause is not None}

    def look(self, is_over: Callable[[], bool] = lambda: False, wanted: Callable[[Cause], bool] = lambda _: True) -> Iterator[Try]:
        """Plan what asks for it by one of the causes `wanted`, line by line until `is_over`; gives each try. Raises what the lake raises."""
        for line, cause in self.waiting(wanted).items():
            tried = None if is_over() else self.planner.plan_line(line, cause)
            if tried is not None:
                yield tried

    def forced(self, why: str) -> Iterator[Try]:
        """Plan every line without an open proposal because a person says so; gives each try."""
        for line in self.planner.plant.lines:
            now = self.planner.clock.now()
            if not self.watch.has_proposal(line):
                tried = self.planner.plan_line(line, Cause(REQUEST, why, f"{REQUEST} by hand {now.isoformat()}"))
                if tried is not None:
                    yield tried


def looker(settings: Settings, clock: Clock) -> Looker:
    """Of an installation. Raises ConfigError, MissingDependency."""
    planner = planner_of(settings, clock)
    return Looker(planner, Watch(planner.lake, planner.plant, planner.settings))
