"""The only door to MLflow: a client of the SQLite store of this installation.

Nothing of it leaves the machine: telemetry is off before MLflow is loaded, and the store is a file. MLflow is loaded with the first call, which takes
seconds.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeAlias

    from mlflow import MlflowClient

    Client: TypeAlias = MlflowClient

SILENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}


def store_uri(folder: Path) -> str:
    """What `mlflow ui --backend-store-uri` takes."""
    return f"sqlite:///{folder.absolute() / 'mlflow.sqlite'}"


def opened(folder: Path) -> "Client":
    """A client of the store in `folder`, which is made where it is not there. Raises ImportError where MLflow is not installed."""
    os.environ.update(SILENT)
    from mlflow import MlflowClient

    folder.mkdir(parents=True, exist_ok=True)
    return MlflowClient(tracking_uri=store_uri(folder), registry_uri=store_uri(folder))
