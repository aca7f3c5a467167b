"""Versions, tags and aliases by a model's name: what is asked of a store of models, and how MLflow answers it.

A store is not trusted: what it says is checked against signatures by `catalogue`. MLflow is asked for rows alone, never to load anything.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from factolake.errors import MissingDependency, RegistryUnavailable
from models.registry.door import opened

if TYPE_CHECKING:
    from models.registry.door import Client

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Shelved:
    """A version of a model as the store has it: `tags` and `aliases`."""

    version: int
    tags: Mapping[str, str]
    aliases: tuple[str, ...]


class Shelf(Protocol):
    """A store of versions. Every call raises RegistryUnavailable where the store does not answer."""

    def names(self) -> list[str]:
        """All models, by name."""
        ...

    def versions(self, name: str) -> list[Shelved]:
        """All versions of a model, the oldest first; none where there is no such model."""
        ...

    def add(self, name: str, place: Path, tags: Mapping[str, str]) -> int:
        """A new version with `tags`, its files in `place`; its number."""
        ...

    def tag(self, name: str, version: int, key: str, value: str) -> None:
        """Set a tag of a version."""
        ...

    def point(self, name: str, alias: str, version: int | None) -> None:
        """Let an alias name this version; None: no version."""
        ...


class MlflowShelf:
    """The store in MLflow's database in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._client: Client | None = None

    def names(self) -> list[str]:
        """All models, by name."""
        return sorted(self._asked(_all_names))

    def versions(self, name: str) -> list[Shelved]:
        """All versions of a model, the oldest first; none where there is no such model."""
        return self._asked(lambda client: _versions(client, name))

    def add(self, name: str, place: Path, tags: Mapping[str, str]) -> int:
        """A new version with `tags`, its files in `place`; its number."""
        return self._asked(lambda client: _added(client, name, place, tags))

    def tag(self, name: str, version: int, key: str, value: str) -> None:
        """Set a tag of a version."""
        self._asked(lambda client: client.set_model_version_tag(name, str(version), key, value))

    def point(self, name: str, alias: str, version: int | None) -> None:
        """Let an alias name this version; None: no version."""
        if version is None:
            self._asked(lambda client: client.delete_registered_model_alias(name, alias))
        else:
            self._asked(lambda client: client.set_registered_model_alias(name, alias, str(version)))

    def _asked(self, question: "Callable[[Client], Answer]") -> Answer:
        try:
            self._client = self._client or opened(self._folder)
            return question(self._client)
        except ImportError as cause:
            raise MissingDependency("the model registry needs MLflow; install the extra `registry`") from cause
        except Exception as cause:  # MLflow hands on whatever its database driver, migrations or files raise
            raise RegistryUnavailable(
                f"the model registry in {self._folder} does not answer: {type(cause).__name__} {str(cause)[:200]};"
                " see that its database is there and free"
            ) from cause


def _all_names(client: "Client") -> list[str]:
    page = client.search_registered_models()
    found = [str(model.name) for model in page]
    while page.token:
        page = client.search_registered_models(page_token=page.token)
        found += [str(model.name) for model in page]
    return found


def _versions(client: "Client", name: str) -> list[Shelved]:
    # A name is checked before it comes here and has no quote in it.
    found = [version for version in client.search_model_versions(f"name='{name}'", max_results=10_000)]
    aliases: dict[int, list[str]] = {}
    if found:
        for alias, version in client.get_registered_model(name).aliases.items():
            aliases.setdefault(int(version), []).append(alias)
    held = [Shelved(int(one.version), dict(one.tags), tuple(sorted(aliases.get(int(one.version), [])))) for one in found]
    return sorted(held, key=lambda one: one.version)


def _added(client: "Client", name: str, place: Path, tags: Mapping[str, str]) -> int:
    try:
        client.create_registered_model(name)
    except Exception as cause:  # MLflow's own class, which is not imported for a name
        if getattr(cause, "error_code", "") != "RESOURCE_ALREADY_EXISTS":
            raise
    return int(client.create_model_version(name, place.as_uri(), tags=dict(tags)).version)
