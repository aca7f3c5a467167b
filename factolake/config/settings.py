"""Settings of one installation: where data lies, which engine, which ports. `conf/factolake.toml` plus two environment variables.

FACTOLAKE_CONF names another settings file, FACTOLAKE_HOME another data folder; nothing else is read from the environment.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from factolake.config.parse import Strict, parse, read_toml

DEFAULT_FILE = Path("conf/factolake.toml")
DEFAULT_HOME = Path(".factolake")
Part = Literal["plant", "edge", "land", "refine", "sync", "mes", "planner", "watch", "dagster", "engine"]
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
    address: str = Field(default="", pattern=r"^(https?://[^\s/]+)?$", description="how people reach FactoMES, for links in mails: https://mes.plant")
    mail_from: str = Field(default="", pattern=r"^([^\s@]+@[^\s@]+)?$", description="sender of alerts by e-mail; empty: none are sent")
    smtp_host: str = Field(default="", description="mail server that takes them")
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = Field(default="starttls", description="none: only to a server that asks for no password")
    smtp_user: str = Field(default="", description="whom the mail server knows; empty: nobody signs in there")
    smtp_password_file: Path | None = Field(default=None, description="file with that user's password")
    role: Literal["record", "follower"] = Field(default="record", description="follower: another MES owns orders, FactoMES mirrors them")
    incumbent: str = Field(default="", pattern=r"^([^\s/:]{2,64})?$", description="id of that MES, as its documents name it")

    @model_validator(mode="after")
    def _can_mail(self) -> Self:
        if bool(self.mail_from) != bool(self.smtp_host):
            raise ValueError("mail_from together with smtp_host; neither without the other")
        if bool(self.smtp_user) != (self.smtp_password_file is not None):
            raise ValueError("smtp_user together with smtp_password_file; neither without the other")
        if self.smtp_user and self.smtp_security == "none":
            raise ValueError("smtp_security starttls or tls beside smtp_user: a password is not sent in the clear")
        return self

    @model_validator(mode="after")
    def _follows_somebody(self) -> Self:
        if (self.role == "follower") != bool(self.incumbent):
            raise ValueError('role = "follower" together with incumbent, the id of the MES that owns the orders; neither without the other')
        return self


class ErpSettings(Strict):
    """The ERP beside FactoMES: what it is called in orders, and one door, files or HTTP."""

    system: str = Field(default="", pattern=r"^([^\s/:]{2,64})?$", description="id of the ERP as its orders name it; empty: there is none")
    folder: Path | None = Field(default=None, description="documents come and confirmations go as files in this folder")
    url: str = Field(default="", pattern=r"^(https?://\S+)?$", description="or: confirmations go to this address, and the ERP calls the API")
    token_file: Path | None = Field(default=None, description="file with the token that the ERP's address asks for")
    interval_s: float = Field(default=5.0, ge=0.5, le=3600)

    @model_validator(mode="after")
    def _one_door(self) -> Self:
        doors = [name for name, is_given in (("folder", self.folder is not None), ("url", bool(self.url))) if is_given]
        if self.system and len(doors) != 1:
            raise ValueError(f"one of folder and url for the ERP {self.system}; given: {' and '.join(doors) or 'none'}")
        if not self.system and doors:
            raise ValueError(f"system, the ERP's id, beside {doors[0]}")
        return self


class GateSettings(Strict):
    """Pages of other programs behind FactoMES's login."""

    pages: dict[str, str] = Field(default={}, description="name = address on this machine; Dagster is there without being named")

    @field_validator("pages")
    @classmethod
    def _on_this_machine(cls, pages: dict[str, str]) -> dict[str, str]:
        for name, address in pages.items():
            if not re.fullmatch(r"[a-z][a-z0-9_-]{0,30}", name) or not re.fullmatch(r"http://(127\.0\.0\.1|localhost|\[::1\]):\d{1,5}", address):
                raise ValueError(f'name = "http://127.0.0.1:PORT", the name in small letters; seen: {name} = "{address}"')
        return pages


class PlannerSettings(Strict):
    """When and how long plans are searched for, by the part `planner` and by Dagster."""

    enabled: bool = Field(default=True, description="false: nobody plans by itself, neither the part nor Dagster")
    interval_s: float = Field(default=5.0, ge=0.5, le=3600, description="from one look at what changed to the next")
    preset: str = Field(default="repair", pattern=r"^[a-z_]+$", description="how a plan after a stop or request is searched for")
    seconds: float = Field(default=30.0, ge=1, le=3600, description="limit of that search by the clock; its CPU seconds are the preset's")
    nightly_preset: str = Field(default="nightly", pattern=r"^[a-z_]+$", description="how the nightly plan is searched for")
    nightly_seconds: float = Field(default=900.0, ge=1, le=36_000, description="limit of that search by the clock")
    nightly_at: str = Field(default="02:30", pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$", description="plant time of the nightly plan; empty: none")
    threads: int = Field(default=1, ge=1, le=64, description="cores that a search after a stop may use")
    horizon_days: int = Field(default=7, ge=1, le=60, description="how far plans reach")
    frozen_min: float = Field(default=15.0, ge=0, le=1440, description="what is planned to start within this stays")
    repair_min: float = Field(default=60.0, ge=1, le=10_080, description="how long a machine stands where nobody estimates")
    robust_quantile: float = Field(default=0.5, ge=0.5, lt=1, description="plans are compared at this quantile of the past; 0.5: as planned")


class WatchSettings(Strict):
    """The part `watch`: models of the registry judge readings as they arrive."""

    enabled: bool = Field(default=True, description="false: `factolake up` leaves the part out, and it does nothing by itself")
    poll_ms: int = Field(default=50, ge=10, le=10_000, description="from one look into the spool to the next when nothing waits there")
    look_every_s: float = Field(default=60.0, ge=0.5, le=3600, description="from one look for new champions and verdicts to the next")
    checks_file: Path | None = Field(default=None, description="TOML file of [[check]]: what to look at first, by cause or signal")


class PromotionSettings(Strict):
    """Where people approve models: FactoMES's API, here or on another machine."""

    address: str = Field(default="", pattern=r"^(https?://[^\s/]+)?$", description="https://mes.plant; empty: FactoMES of this installation")
    token_file: Path | None = Field(default=None, description="file with the token that models are proposed with; who holds it asks, others approve")

    @model_validator(mode="after")
    def _no_token_in_the_clear(self) -> Self:
        if self.address.startswith("http://") and not re.fullmatch(r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", self.address):
            raise ValueError(f"https:// for an address that is not this machine's, since a token goes there; given: {self.address}")
        return self


class PortSettings(Strict):
    """Listening ports, loopback only."""

    dagster: int = Field(default=3000, ge=0, le=65535)
    mes: int = Field(default=8000, ge=0, le=65535)
    gate: int = Field(default=8001, ge=0, le=65535)
    spark_connect: int = Field(default=15002, ge=0, le=65535)
    thrift: int = Field(default=10000, ge=0, le=65535)


class Settings(Strict):
    """One installation."""

    home: Path = DEFAULT_HOME
    plant_file: Path = Path("conf/plant.toml")
    engine: str = Field(default="sail", pattern=r"^(sail|spark|sc://.+)$", description="sail, spark or sc://host:port")
    parts: tuple[Part, ...] = ("edge", "land", "refine", "sync", "watch", "dagster")
    spool: SpoolSettings = SpoolSettings()
    landing: LandingSettings = LandingSettings()
    refinery: RefinerySettings = RefinerySettings()
    mes: MesSettings = MesSettings()
    erp: ErpSettings = ErpSettings()
    gate: GateSettings = GateSettings()
    planner: PlannerSettings = PlannerSettings()
    watch: WatchSettings = WatchSettings()
    promotion: PromotionSettings = PromotionSettings()
    ports: PortSettings = PortSettings()

    @field_validator("home")
    @classmethod
    def _readable_by_all(cls, home: Path) -> Path:
        if set(str(home.absolute())) & UNREADABLE:
            raise ValueError(f"a folder whose path has none of {' '.join(sorted(UNREADABLE))}: Delta readers take them for something else")
        return home

    @property
    def wanted_parts(self) -> tuple[Part, ...]:
        """`parts` without those that are switched off."""
        return tuple(part for part in self.parts if part != "watch" or self.watch.enabled)

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
    def registry_dir(self) -> Path:
        """Runs of models and plans (MLflow), and the models themselves."""
        return self.home / "mlflow"

    @property
    def models_key_file(self) -> Path:
        """The key that models are signed with; not where MLflow's pages show files."""
        return self.home / "keys" / "models"

    @property
    def gate_pages(self) -> dict[str, str]:
        """Addresses of the pages behind the gate by name: Dagster's, and those of the settings."""
        return {"dagster": f"http://127.0.0.1:{self.ports.dagster}", **self.gate.pages}

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
