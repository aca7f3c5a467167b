"""The rows a model of a machine is fitted on: minutes of the named days, less what is not usual, of the signals that are there often enough."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from factolake.domain.plant import PlantModel
from factolake.lake.tables import Lake
from models.registry.bundle import Bundle
from models.timeseries.signals import CannotLearn, Signals
from models.timeseries.usable import MOSTLY, Grade, Graded, Stretch, graded, of_signals, without
from pipelines.signals.judged import seen_by
from pipelines.signals.leaving_out import Known
from pipelines.signals.pinned import Fitted
from pipelines.signals.reading import Minutes, Reader, offered
from pipelines.signals.rows import products_of, rows_of
from pipelines.signals.span import Days


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a machine's model may learn from: rows and products, which minutes were left out for what, the grade of each signal."""

    machine: str
    fitted: Fitted
    left_out: Mapping[str, int]
    grades: tuple[Graded, ...]
    minutes: Minutes
    stretches: tuple[Stretch, ...]

    @property
    def rows(self) -> int:
        """Minutes that are left to learn from."""
        return self.fitted.rows

    @property
    def told(self) -> str:
        """What was left out, in words."""
        minutes = [f"{count} min left out: {why}" for why, count in self.left_out.items()]
        poor = ", ".join(f"{one.name} {one.share:.1%}" for one in self.grades if one.grade is Grade.LOW)
        signals = [f"signals left out, with a value in so many of the minutes in which it ran: {poor}"] if poor else []
        return "; ".join([*minutes, *signals]) or "nothing was left out"

    def seen_by(self, bundle: Bundle) -> Signals:
        """The same minutes as another model sees them, less what is left out. Raises ModelRefused where it is none of a machine."""
        return without(seen_by(bundle, self.minutes), self.stretches)[0]


@dataclass(frozen=True, slots=True)
class Lessons:
    """The tables that lessons are made of, each as it was when this was made."""

    plant: PlantModel
    reader: Reader
    known: Known

    @classmethod
    def now(cls, lake: Lake, plant: PlantModel) -> "Lessons":
        """Of the newest versions. Raises ModelRefused before there are windows, TableDamaged."""
        return cls(plant, Reader.now(lake), Known.now(lake, plant))

    @property
    def versions(self) -> dict[str, int]:
        """Of each table that is read."""
        return {**self.reader.versions, **self.known.versions}

    def found(self, machine: str, days: Days, named: Iterable[date] = ()) -> Lesson:
        """What `machine` showed in `days`, but for those `named`, be it enough to learn from or nothing. Raises TableDamaged."""
        minutes, stretches = self.reader.minutes(machine, days), tuple(self.known.stretches(machine, days, named))
        products = products_of(minutes)
        whole = rows_of(minutes, [signal.name for signal in offered(self.plant, machine)], products)
        rows, left_out = without(whole, stretches)
        grades = graded(rows)
        kept = [one.name for one in grades if one.grade is not Grade.LOW]
        return Lesson(machine, Fitted(of_signals(rows, kept), products), left_out, grades, minutes, stretches)

    def of(self, machine: str, days: Days, named: Iterable[date] = ()) -> Lesson:
        """As `found`. Raises CannotLearn where there is nothing to learn from, TableDamaged."""
        lesson = self.found(machine, days, named)
        if not lesson.rows:
            ran = sum(lesson.left_out.values())
            seen = f"{lesson.minutes.regimes.num_rows} minutes have windows, in {ran} of them it ran for half a minute or more on one product"
            taken = "".join(f", {count} of those are left out: {why}" for why, count in lesson.left_out.items())
            raise CannotLearn(f"{machine} has no minute in {days} to learn from: {seen}{taken}; name other days")
        if not lesson.fitted.signals.names:
            raise CannotLearn(
                f"{machine} has no signal to learn from in {days}: of the minutes in which it ran {MOSTLY:.0%} need a value; {lesson.told}"
            )
        return lesson
