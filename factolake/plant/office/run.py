"""The office at work: a thread that hears what the line does and does what crew and ERP then do in FactoMES, one thing after the other."""

import queue
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event, Thread
from urllib.parse import quote

import structlog

from factolake.domain.clock import Clock
from factolake.domain.plant import PlantModel
from factolake.errors import ConfigError, SourceUnavailable
from factolake.files import make_once
from factolake.plant.line import Fact
from factolake.plant.office.asks import Ask
from factolake.plant.office.client import Answer, Client
from factolake.plant.office.crew import Crew, reason_of
from factolake.plant.office.deciding import PLANNER, decisions
from factolake.plant.office.erp import Books, ErpServer, Planner
from factolake.plant.office.people import ADMIN, Staff, accounts, hire
from factolake.plant.scenario import Scenario

RETRY_S = 1.0
STOPS_EVERY_S = 5.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OfficeOptions:
    """Where FactoMES is, the file with its setup code, the folder the office keeps its papers in, and the ERP's name, port and token."""

    url: str
    setup_code: Path
    folder: Path
    erp: str
    erp_port: int
    erp_token: str

    @property
    def password(self) -> str:
        """What opens the accounts of everybody at the plant; made on first use, readable only by this user."""
        file = self.folder / "password"
        make_once(file, secrets.token_urlsafe(9).encode())
        return file.read_text(encoding="utf-8")


class Office:
    """People and ERP of one line. `happened` never waits; what FactoMES refuses is told in the log and not tried again."""

    def __init__(self, options: OfficeOptions, model: PlantModel, line: str, scenario: Scenario, start: datetime, clock: Clock) -> None:
        self._options, self._clock, self._scenario, self._start = options, clock, scenario, start
        self._line, self._client = line, Client(options.url)
        self._crew = Crew(scenario, line, model.lines[line].machines, start)
        self._planner = Planner(options.erp, model, line, scenario, start)
        self._heard: queue.SimpleQueue[Sequence[Fact]] = queue.SimpleQueue()
        self._answers: dict[str, Answer] = {}
        self._staff = Staff({})
        self._is_busy = True
        self._stop = Event()
        self._erp = ErpServer(options.erp_port, options.erp_token, Books(options.folder / "erp.jsonl"))
        self._thread = Thread(target=self._work, name="office", daemon=True)
        self._thread.start()

    def happened(self, facts: Sequence[Fact]) -> None:
        """Tell the office what the line did."""
        if facts:
            self._heard.put(facts)

    @property
    def is_behind(self) -> bool:
        """Whether something that was heard is not done yet."""
        return self._is_busy or not self._heard.empty()

    def close(self) -> None:
        """Go home; what was heard and not yet done stays undone."""
        self._stop.set()
        self._thread.join()
        self._erp.close()

    def _work(self) -> None:
        try:
            if not self._again(self._open):
                return
            self._do(self._planner.first())
            while not self._stop.is_set():
                self._hear()
                self._again(self._explain_stops)
                self._again(self._decide_about_plans)
        except ConfigError as refused:
            _log.error("the plant's people cannot work in FactoMES", cause=str(refused))

    def _open(self) -> None:
        file = self._options.setup_code
        code = file.read_text(encoding="utf-8") if file.exists() else ""
        if not self._client.is_up():
            raise SourceUnavailable(f"FactoMES at {self._options.url} is not there yet")
        wanted = accounts(self._scenario.operator, self._options.erp, self._line)
        self._staff = hire(self._client, wanted, code, self._options.password, self._options.folder / "tokens.json", self._clock.now())
        _log.info("people are signed on to FactoMES", administrator=ADMIN, people=len(wanted))

    def _hear(self) -> None:
        """Do what is to be done about what was heard, for as long as something comes within `STOPS_EVERY_S`."""
        until = time.monotonic() + STOPS_EVERY_S
        while not self._stop.is_set() and time.monotonic() < until:
            try:
                facts = self._heard.get(timeout=RETRY_S)
            except queue.Empty:
                self._is_busy = False
                continue
            self._is_busy = True
            self._do(self._planner.happened(facts))
            self._do(self._crew.happened(facts))

    def _do(self, asks: Iterable[Ask]) -> None:
        for ask in asks:
            self._again(lambda ask=ask: self._ask(ask))  # type: ignore[misc]

    def _again(self, step: Callable[[], object]) -> bool:
        """Do `step`, again and again while FactoMES is away; False when the office closed meanwhile."""
        while not self._stop.is_set():
            try:
                step()
            except SourceUnavailable as away:
                _log.debug("FactoMES is away", cause=str(away))
                self._stop.wait(RETRY_S)
                continue
            return True
        return False

    def _ask(self, ask: Ask) -> None:
        found = {name: str(self._answers.get(key, {}).get(column, "")) for name, (key, column) in ask.answers.items()}
        status, said = self._client.ask(quote(ask.path.format(**found), safe="/%"), ask.body, ask.key, self._staff.tokens[ask.who])
        if status >= 400:
            _log.warning("FactoMES refuses", who=ask.who, asked=ask.key, status=status, cause=said.get("detail"))
            return
        self._answers[ask.key] = said
        if said.get("errors"):
            _log.warning("FactoMES refuses rows", asked=ask.key, errors=said["errors"])

    def _explain_stops(self) -> None:
        """Give the stops that ask for a reason the one the script has for them."""
        operator = self._scenario.operator
        found = self._client.read("/stops?state=current&asks_reason=true&reason_id=", self._staff.tokens[operator])
        stops = found["items"]
        assert isinstance(stops, list)
        for stop in stops:
            if not stop["is_open"]:
                self._explain(operator, stop)

    def _decide_about_plans(self) -> None:
        """Have the planner look at what planner software proposes."""
        found = self._client.read(f"/schedules?state=proposed&line_id={self._line}", self._staff.tokens[PLANNER])
        proposals = found["items"]
        assert isinstance(proposals, list)
        for ask in decisions(proposals, self._clock.now()):
            self._ask(ask)

    def _explain(self, operator: str, stop: Mapping[str, object]) -> None:
        reason = reason_of(self._scenario, self._start, stop)
        if reason is not None:
            self._ask(Ask(operator, f"/stops/{stop['stop_id']}/classify", f"why/{stop['stop_id']}", {"reason_id": reason}))
