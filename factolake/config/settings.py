"""Settings of one installation: where data lies, which engine, which ports. `conf/factolake.toml` plus two environment variables.

FACTOLAKE_CONF names another settings file, FACTOLAKE_HOME another data folder; nothing else is read from the environment.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from factolake.config.parse import Strict, parse, read_toml

DEFAULT_FILE = Path("conf/factolake.toml")
DEFAULT_HOME = Path(".factolake")
UNREADABLE = frozenset("[]\\^|%")
"""delta-rs fails on a path with one of these, or reads %20 in it as a space."""


class SpoolSettings(Strict):
    """The store-and-forward file between gateway and landing."""

    max_mib: int = Field(default=2048, ge=1, description="size limit; when full sources wait or losses are counted")


class LandingSettings(Strict):
    """How often and how much landing commits, and how often it tidies."""

    trigger_ms: int = Field(default=1000, ge=50, le=60_000)
    max_rows: int = Field(default=65_536, ge=1)
    compact_every_s: int = Field(default=60, ge=1)
    checkpoint_every_s: int = Field(default=600, ge=10)
    reopen_every_commits: int = Field(default=50, ge=1)
    ledger_every_s: int = Field(default=3600, ge=1)
    scrub_every_s: int = Field(default=86_400, ge=60, description="every data file is read and compared with its checksum this often")


class RefinerySettings(Strict):
    """The loop over the refinements."""

    interval_s: float = Field(default=3.0, ge=0.1, le=3600, description="from the start of one pass to the start of the next")
    dagster_report_every_s: int = Field(default=60, ge=1)
    max_memory_mib: int = Field(default=1500, ge=1000, description="above this the refinery starts itself anew between two passes")


class MesSettings(Strict):
    """The MES database gold is synced to, and FactoMES on it."""

    url: str = Field(default="", description="SQLAlchemy URL; empty means SQLite in the data folder")
    interval_s: float = Field(default=2.0, ge=0.1, le=3600)
    listen: str = Field(default="127.0.0.1", description="address FactoMES listens on; another than a loopback one needs a certificate")
    certificate: Path | None = Field(default=None, description="PEM file; FactoMES speaks HTTPS then")
    certificate_key: Path | None = Field(default=None, description="PEM file of its private key")
    hosts: tuple[str, ...] = Field(default=("127.0.0.1", "localhost"), description="names FactoMES answers to in the address bar")
    webhook_hosts: tuple[str, ...] = Field(default=(), description="hosts, or host:port, that webhooks may be sent to; empty: none")


class PortSettings(Strict):
    """Listening ports, loopback only."""

    dagster: int = Field(default=3000, ge=0, le=65535)
    mes: int = Field(default=8000, ge=0, le=65535)
    spark_connect: int = Field(default=15002, ge=0, le=65535)
    thrift: int = Field(default=10000, ge=0, le=65535)


class Settings(Strict):
    """One installation."""

    home: Path = DEFAULT_HOME
    plant_file: Path = Path("conf/plant.toml")
    engine: str = Field(default="sail", pattern=r"^(sail|spark|sc://.+)$", description="sail, spark or sc://host:port")
    parts: tuple[Literal["plant", "edge", "land", "refine", "sync", "mes", "dagster", "engine"], ...] = ("edge", "land", "refine", "sync", "dagster")
    spool: SpoolSettings = SpoolSettings()
    landing: LandingSettings = LandingSettings()
    refinery: RefinerySettings = RefinerySettings()
    mes: MesSettings = MesSettings()
    ports: PortSettings = PortSettings()

    @field_validator("home")
    @classmethod
    def _readable_by_all(cls, home: Path) -> Path:
        if set(str(home.absolute())) & UNREADABLE:
            raise ValueError(f"a folder whose path has none of {' '.join(sorted(UNREADABLE))}: Delta readers take them for something else")
        return home

    @property
    def lake_root(self) -> Path:
        """Folder of the Delta tables."""
        return self.home / "lake"

    @property
    def spool_file(self) -> Path:
        """The spool's SQLite file."""
        return self.home / "spool" / "spool.sqlite"

    @property
    def run_dir(self) -> Path:
        """Locks, process states and logs."""
        return self.home / "run"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own folder; there only once `factolake dagster` was started."""
        return self.home / "dagster"

    @property
    def mes_dir(self) -> Path:
        """FactoMES's own files: secret key, audit key, seals; the SQLite database where that is used."""
        return self.home / "mes"

    @property
    def mes_url(self) -> str:
        """SQLAlchemy URL of the MES database."""
        return self.mes.url or f"sqlite:///{self.mes_dir / 'mes.sqlite'}"


def data_folder(environ: Mapping[str, str] | None = None) -> Path:
    """The data folder when no settings file names one: FACTOLAKE_HOME, else `.factolake`."""
    environ = os.environ if environ is None else environ
    return Path(environ.get("FACTOLAKE_HOME") or DEFAULT_HOME)


def load_settings(file: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Settings of this installation.

    From `file`, else FACTOLAKE_CONF, else `conf/factolake.toml` inside the data folder if there (the demo puts it there), else
    `conf/factolake.toml` of the working folder if there, else the defaults. Raises ConfigError naming file, key, value and what is
    allowed. Relative paths count from the working folder.
    """
    environ = os.environ if environ is None else environ
    named = file or (Path(environ["FACTOLAKE_CONF"]) if environ.get("FACTOLAKE_CONF") else None)
    installed = data_folder(environ) / DEFAULT_FILE
    path = named or (installed if installed.exists() else DEFAULT_FILE)
    data = read_toml(path) if named or path.exists() else {}
    if environ.get("FACTOLAKE_HOME"):
        data["home"] = environ["FACTOLAKE_HOME"]
    return parse(Settings, data, path)
