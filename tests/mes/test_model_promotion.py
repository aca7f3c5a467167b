"""The whole way of a model: proposed by command over HTTP, approved and executed, by outbox and lake to the registry, champion there."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import numpy as np
import pytest
from approving import approve, execute
from django.db import connections
from django.utils import timezone
from record_plant import person

from factolake.bus.spool_bus import Spool
from factolake.config import load_plant
from factolake.config.settings import LandingSettings, PromotionSettings, Settings
from factolake.contracts.silver_mes import MODEL_PROMOTIONS
from factolake.domain.action import ActorKind, Role
from factolake.domain.clock import SystemClock
from factolake.errors import ConfigError, ModelRefused, SourceUnavailable
from factolake.lake.engine import Engine
from factolake.lake.tables import Lake
from factolake.landing.bronze import BronzeTables
from factolake.landing.land import Landing
from factolake.mes.approvals.models import Proposal
from factolake.mes.people.models import ApiToken
from factolake.mes.project.wsgi import application
from factolake.mes.sync.run import Sync
from factolake.refine.mes_changes import CHANGES
from factolake.refine.mes_tables import refinement_of
from factolake.refine.plant_model import record_plant
from factolake.refine.runner import Runner
from models.registry.approved import enter_all, newest
from models.registry.bundle import Bundle, Signal
from models.registry.catalogue import Models, Verified
from models.registry.comparison import Comparison
from models.timeseries.pca import PcaSettings
from models.timeseries.signals import CannotLearn, Signals
from pipelines.promotion.approved import promotions_in
from pipelines.promotion.evidence import evidence_of
from pipelines.promotion.factomes import FactoMes, factomes_of
from pipelines.promotion.proposing import propose

PLANT = Path(__file__).parents[2] / "conf" / "plant.toml"
NAME = "signals.l1-m2"


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        super().process_request_thread(request, client_address)
        connections.close_all()


class Silent(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def address(sqlite_record: str) -> Iterator[str]:
    """FactoMES listening on this machine; `scientist` has a token for proposals alone."""
    person("scientist", Role.ENGINEER, "")
    person("engineer2", Role.ENGINEER, "")
    ApiToken.objects.filter(person_id="scientist").update(actions="proposal.create")
    with make_server("127.0.0.1", 0, application, Server, Silent) as server:
        running = threading.Thread(target=server.serve_forever, daemon=True)
        running.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        running.join()


def of_machine(seed: int) -> Bundle:
    noise = np.random.default_rng(seed).normal(size=(400, 2))
    model = PcaSettings(lags_rows=2, variance=0.8, false_share=0.05).fit(Signals.of(("press.force", "press.way"), noise))
    signals = (Signal("press.force", "kN"), Signal("press.way", "mm"))
    return Bundle(NAME, signals, model, 1.0, {"silver.features_window": 41}, "0.9", timezone.now(), "eva", {"f1": 0.8})


def no_rows(_: Verified, __: Verified) -> Comparison:
    raise CannotLearn("there are no minutes yet")


def decided(proposal: dict[str, Any]) -> None:
    """Approved by another engineer, and executed."""
    at = timezone.now() + timedelta(seconds=2)
    approve("engineer2", proposal, at=at)
    execute(proposal, "scientist", at=at + timedelta(seconds=1))


def to_the_lake(lake: Lake, record: str, sail: Engine, root: Path) -> None:
    clock = SystemClock()
    spool, tables = Spool(root / "spool.sqlite", 1 << 26, clock), BronzeTables(lake, root / "run", 50)
    sync = Sync(lake, record, clock, spool)
    while sync.step().sent:
        pass
    landing = Landing(spool, tables, LandingSettings(), clock)
    landing.start()
    while landing.step().records:
        pass
    for part in (tables, sync, spool):
        part.close()
    plant = load_plant(PLANT)
    record_plant(lake, plant, clock)
    for refinement in (CHANGES, refinement_of(MODEL_PROMOTIONS)):
        Runner(lake, sail, plant, clock).run(refinement)


@pytest.mark.slow
def test_a_model_that_was_proposed_and_approved_becomes_champion_once(address: str, sqlite_record: str, sail: Engine, tmp_path: Path) -> None:
    models, lake, now = Models(tmp_path / "mlflow", tmp_path / "keys" / "models"), Lake(tmp_path / "lake"), timezone.now()
    for seed in (1, 2):
        models.log_model(of_machine(seed))
    candidate, factomes = models.version(NAME, 2), FactoMes(address, "fmes_scientist")
    asked = propose(factomes, candidate, evidence_of(models, candidate, no_rows), "fewer false alerts", now)
    with pytest.raises(ModelRefused, match=f"is proposed already .by scientist, proposal {asked['proposal_id']}. and pending; have it approved"):
        propose(factomes, candidate, {}, "again", now)
    stored = Proposal.objects.get()
    assert stored.reason == f"promote {NAME} version 2 (hash {candidate.sha256[:12]}): fewer false alerts"
    assert "there are no minutes yet" not in stored.evidence and "has no champion" in stored.evidence
    assert not promotions_in(lake)
    decided(asked)
    to_the_lake(lake, sqlite_record, sail, tmp_path)
    held = newest(promotions_in(lake), NAME, 2).approval
    assert (held.approval_id, held.approved_by, held.source) == (asked["proposal_id"], "engineer2", "factomes")
    (entry,) = enter_all(models, promotions_in(lake), timezone.now()).entered
    assert (entry.version, entry.sha256, entry.by, entry.approval_source) == (2, candidate.sha256, "engineer2", "factomes")
    assert models.champion(NAME).version == 2
    models.promote(NAME, 1, newest_of(models, lake, factomes, sqlite_record, sail, tmp_path), timezone.now())
    with pytest.raises(ModelRefused, match=f"approval {held.approval_id} was used before"):
        models.promote(NAME, 2, held, timezone.now())
    assert models.champion(NAME).version == 1


def newest_of(models: Models, lake: Lake, factomes: FactoMes, record: str, sail: Engine, root: Path) -> Any:
    """The approval of version 1, proposed while version 2 is champion."""
    candidate = models.version(NAME, 1)
    told = evidence_of(models, candidate, no_rows)
    assert (str(told["champion"])[:9], told["comparison"]) == ("version 2", "not made: there are no minutes yet")
    decided(propose(factomes, candidate, told, "back to the old one", timezone.now()))
    to_the_lake(lake, record, sail, root)
    return newest(promotions_in(lake), NAME, 1).approval


def test_what_factomes_refuses_is_one_sentence(address: str) -> None:
    model = of_machine(1)
    candidate = Verified(1, "ab" * 32, model)
    with pytest.raises(ConfigError, match=r"promotion\.token_file is 'one that FactoMES does not know'"):
        propose(FactoMes(address, "fmes_stranger"), candidate, {}, "why", timezone.now())
    with pytest.raises(ModelRefused, match=r"refuses POST /proposals with 403: viewer may not proposal\.create"):
        propose(FactoMes(address, "fmes_viewer"), candidate, {}, "why", timezone.now())
    with pytest.raises(ModelRefused, match=r"refuses POST /proposals with 422: .*reason"):
        propose(FactoMes(address, "fmes_scientist"), candidate, {}, "why" * 1000, timezone.now())
    with pytest.raises(ModelRefused, match="refuses GET /nothing with 404"):
        FactoMes(address, "fmes_scientist").rows("nothing")
    assert not Proposal.objects.exists()


def test_an_agent_may_propose_and_its_approver_is_a_person(address: str) -> None:
    person("trainer", Role.PLANNER, "", ActorKind.AGENT)
    asked = propose(FactoMes(address, "fmes_trainer"), Verified(1, "ab" * 32, of_machine(1)), {}, "drift", timezone.now())
    assert (asked["requested_by_id"], asked["state"], asked["minimum"]) == ("trainer", "pending", 1)


def test_an_address_where_nobody_listens_is_worth_another_try() -> None:
    with pytest.raises(SourceUnavailable, match=r"FactoMES at http://127\.0\.0\.1:9 does not answer"):
        FactoMes("http://127.0.0.1:9", "x").rows("proposals")


def test_the_token_comes_from_a_file_and_goes_nowhere_in_the_clear(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"promotion\.token_file is missing"):
        factomes_of(Settings(home=tmp_path))
    file = tmp_path / "token"
    settings = Settings(home=tmp_path, promotion=PromotionSettings(token_file=file))
    with pytest.raises(ConfigError, match="FileNotFoundError"):
        factomes_of(settings)
    file.write_text("fmes_secret\n")
    found = factomes_of(settings)
    assert (found.address, found.token, "secret" in repr(found)) == ("http://127.0.0.1:8000", "fmes_secret", False)
    for allowed in ("https://mes.plant", "http://127.0.0.1:8000", "http://[::1]:8000"):
        assert PromotionSettings(address=allowed).address == allowed
    for wrong in ("http://mes.plant", "http://127.0.0.1.evil.example", "ftp://mes.plant"):
        with pytest.raises(ValueError, match=r"address|https"):
            PromotionSettings(address=wrong)
