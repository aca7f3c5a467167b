"""The model that scores now: the newest champion that was verified. One that is refused changes nothing but what is said about it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from factolake.errors import FactoLakeError
from models.registry.bundle import Signal
from models.registry.catalogue import Verified


class Source(Protocol):
    """Where champions come from; `models.registry.catalogue.Models` is one."""

    def champion(self, name: str) -> Verified:
        """The champion. Raises FactoLakeError."""
        ...

    def last_good(self, name: str) -> Verified:
        """The newest approved champion that can be read. Raises FactoLakeError."""
        ...


@dataclass(frozen=True, slots=True)
class Serving:
    """`model`: what scores, None where none was ever verified: rows stay unscored. `refused`: why the newest champion does not; empty: it does."""

    name: str
    signals: tuple[Signal, ...]
    model: Verified | None = None
    refused: str = ""

    @classmethod
    def begin(cls, source: Source, name: str, signals: Sequence[Signal]) -> "Serving":
        """The champion of `name` for rows of `signals`; where it is refused, the newest approved one that is not."""
        return cls(name, tuple(signals)).renewed(source)

    def renewed(self, source: Source) -> "Serving":
        """With the present champion; where that is refused or the registry does not answer, with the model held, which then counts as stale."""
        try:
            found = source.champion(self.name)
            found.bundle.check_signals(self.signals)
        except FactoLakeError as refused:
            return replace(self, model=self.model or self._last_good(source), refused=str(refused))
        # The same version keeps the same value, so that who scores with it sees that nothing changed.
        is_held = self.model is not None and (self.model.version, self.model.sha256) == (found.version, found.sha256)
        return replace(self, model=self.model if is_held else found, refused="")

    @property
    def says(self) -> str:
        """In a sentence, what scores and why."""
        if self.model is None:
            return f"{self.name}: no model scores; {self.refused}"
        if self.refused:
            return f"{self.name}: version {self.model.version} keeps scoring; the champion is refused: {self.refused}"
        return f"{self.name}: version {self.model.version} scores"

    def _last_good(self, source: Source) -> Verified | None:
        try:
            found = source.last_good(self.name)
            found.bundle.check_signals(self.signals)
        except FactoLakeError:
            return None
        return found
