"""Beside the hot path: a thread that looks every minute for new champions and at the past, and lays both ready. Loading them takes seconds."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from factolake.config import Settings
from factolake.domain.clock import Clock
from factolake.domain.plant import PlantModel
from factolake.errors import FactoLakeError
from factolake.lake.tables import Lake
from models.registry.catalogue import Models
from models.registry.serving import Serving
from pipelines.watching.champions import Champions
from pipelines.watching.past import LakePast, Past

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class News:
    """Models by machine, and the past; one value, so that nobody sees half of it."""

    servings: Mapping[str, Serving] = field(default_factory=dict)
    past: Past = field(default_factory=Past)


class Scout:
    """Looks again and again; `news` is what it found last."""

    def __init__(self, settings: Settings, plant: PlantModel, clock: Clock, models: Models | None = None) -> None:
        self._champions = Champions(settings, plant, models)
        self._past = LakePast(Lake(settings.lake_root), settings.watch.checks_file)
        self._clock, self._every_s = clock, settings.watch.look_every_s
        self._said: tuple[str, ...] = ()
        self._broken: BaseException | None = None
        self.news = News()

    def look(self) -> None:
        """One look. What cannot be read is said once and asked again the next time; what is known stays."""
        servings, past = self.news.servings, self.news.past
        try:
            if self._champions.look():
                servings = self._champions.servings
            past = self._past.read(self._clock.now()) if servings else past
        except FactoLakeError as error:
            self._say((str(error),))
        else:
            self._say(tuple(serving.says for serving in servings.values()))
        self.news = News(servings, past)

    def run(self, stop: threading.Event) -> None:
        """Look until `stop`."""
        try:
            while not stop.wait(self._every_s):
                self.look()
        except Exception as error:
            self._broken = error

    @property
    def lacks(self) -> tuple[str, ...]:
        """Walls that a model's trial could not have on this system."""
        return self._champions.lacks

    def check(self) -> None:
        """Raises what ended the thread: without it nobody would see a new model."""
        if self._broken is not None:
            raise self._broken

    def _say(self, sentences: tuple[str, ...]) -> None:
        for sentence in sentences:
            if sentence not in self._said:
                _log.info(sentence)
        self._said = sentences
