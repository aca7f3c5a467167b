"""Runs: what was tried, with what, and what came of it. A run that cannot be kept is a warning, for what it tells of is done already."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from models.registry.door import opened, store_uri

if TYPE_CHECKING:
    from models.registry.door import Client

PLANS = "plans"
"""Experiment of the planner's runs."""
MOST_TEXT = 5_000
"""MLflow refuses parameters and tags that are longer than some thousand characters."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Run:
    """What is kept of a run: `params` it was made with, `metrics` it reached, `tags` it is found by, `texts` as files by name."""

    name: str
    params: Mapping[str, object] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


class Registry:
    """The runs under `folder`: the database `mlflow.sqlite` and the files beside it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._client: Client | None = None
        self._experiments: dict[str, str] = {}

    @property
    def uri(self) -> str:
        """What `mlflow ui --backend-store-uri` takes."""
        return store_uri(self._folder)

    def log(self, experiment: str, run: Run) -> str | None:
        """Keep `run`; its id, None where it could not be kept, which the log tells."""
        try:
            return self._keep(experiment, run)
        except ImportError:
            _log.warning("a run is not kept", run=run.name, cause="MLflow is not installed; install the extra `registry`")
        except Exception as error:  # whatever MLflow or its store raises, the work itself is done
            _log.warning("a run is not kept", run=run.name, cause=f"{type(error).__name__}: {str(error)[:300]}")
        return None

    def _keep(self, experiment: str, run: Run) -> str:
        client = self._open()
        number = self._experiments.get(experiment) or self._experiment(client, experiment)
        made = client.create_run(number, tags={name: text[:MOST_TEXT] for name, text in run.tags.items()}, run_name=run.name)
        key = str(made.info.run_id)
        for name, value in run.params.items():
            client.log_param(key, name, str(value)[:MOST_TEXT])
        for name, number_ in run.metrics.items():
            client.log_metric(key, name, number_)
        for name, text in run.texts.items():
            client.log_text(key, text, name)
        client.set_terminated(key)
        return key

    def _open(self) -> "Client":
        if self._client is None:
            self._client = opened(self._folder)
        return self._client

    def _experiment(self, client: "Client", name: str) -> str:
        found = client.get_experiment_by_name(name)
        # A location of its own: MLflow's default would be a folder where the process happens to stand.
        key = found.experiment_id if found is not None else client.create_experiment(name, (self._folder.absolute() / "files" / name).as_uri())
        self._experiments[name] = str(key)
        return str(key)
