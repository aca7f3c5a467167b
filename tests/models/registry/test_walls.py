"""A model is opened behind walls first: what one may not do is refused in a sentence there, and nothing of it happens here."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hostile_kinds import content
from shelves import NAME, NOW, SIGNALS, MemoryShelf, approval, bundle
from test_bundle import fitted
from test_hostile import signed

from factolake.errors import ModelRefused, RegistryUnavailable
from models.registry.bundle import as_bytes, of_bytes
from models.registry.catalogue import Models
from models.registry.keys import held_key
from models.registry.kinds import KINDS
from models.registry.serving import Serving
from models.registry.trial import TRIAL, Trial
from models.walled.asking import Walled
from models.walled.walls import Limits


@pytest.fixture(scope="module")
def walled() -> Iterator[Walled]:
    made = Walled("hostile_kinds:tried", Limits(memory_mib=512, cpu_s=1, wall_s=20.0), "load")
    yield made
    made.close()


def refusal(walled: Walled, deed: str, what: str = "") -> str:
    with pytest.raises(ModelRefused) as refused:
        Trial(walled).check(content(deed, what), deed, "press 2")
    said = str(refused.value)
    assert said.startswith("press 2 did not pass its trial: ") and said.isprintable() and len(said) < 700
    return said


@pytest.mark.parametrize(
    ("deed", "says"),
    [
        ("socket", "Too many open files"),
        ("thread", "can't start new thread"),
        ("fork", "Resource temporarily unavailable"),
        ("memory", "Unable to allocate 8.00 GiB"),
        ("cpu", "as one is after 1 s of CPU"),
        ("raise", "LookupError it does [31mnot know; register it anew"),
        ("exit", "ended without an answer; a model may neither open nor start anything"),
        ("nan", "it gave no number from 0 on for 97 of 97 rows"),
        ("below", "it gave no number from 0 on for 97 of 97 rows"),
        ("slow", "at most 50 are allowed; fit a smaller model"),
    ],
)
def test_what_no_model_may_do_is_refused_and_leaves_nothing_behind(walled: Walled, deed: str, says: str) -> None:
    said = refusal(walled, deed)
    # On a machine that has no time for it, one second of CPU takes longer than an answer is waited for.
    assert says in said or (deed == "cpu" and "had not ended after 20 s" in said)
    (keeper,) = (child for child in psutil.Process().children() if "hostile_kinds:tried" in child.cmdline())
    assert keeper.children(recursive=True) == []


def test_one_that_sleeps_for_ever_is_not_waited_for() -> None:
    impatient = Walled("hostile_kinds:tried", Limits(memory_mib=512, cpu_s=1, wall_s=1.0), "load")
    try:
        assert "it had not ended after 1 s" in refusal(impatient, "sleep")
    finally:
        impatient.close()
    assert not any("hostile_kinds:tried" in child.cmdline() and "1.0" in child.cmdline() for child in psutil.Process().children())


def test_files_and_other_processes_are_out_of_reach(walled: Walled, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("key", encoding="ascii")
    for deed in ("read", "write"):
        assert "Error" in refusal(walled, deed, str(secret))
    lacks = Trial(walled).check(content("nothing"), "nothing", "press 2")
    # Where the system lets nobody make namespaces, the limits alone are no wall against these two, and that is said.
    if not any("namespaces" in wall for wall in lacks):
        assert "FileNotFoundError" in refusal(walled, "unlink", str(secret)) or "PermissionError" in refusal(walled, "unlink", str(secret))
        assert "ProcessLookupError" in refusal(walled, "signal", str(os.getpid()))
        assert sorted(tmp_path.iterdir()) == [secret]


def test_infinity_is_a_score_for_it_is_taken_for_the_largest(walled: Walled) -> None:
    assert isinstance(Trial(walled).check(content("inf"), "inf", "press 2"), tuple)


def test_a_champion_that_misbehaves_is_not_opened_here_and_the_one_before_keeps_scoring(walled: Walled, tmp_path: Path) -> None:
    models = Models(tmp_path / "mlflow", tmp_path / "keys" / "models", MemoryShelf(), Trial(walled))
    for seed in (1, 2):
        models.log_model(bundle(seed))
    models.promote(NAME, 1, approval(models, 1), NOW)
    serving = Serving.begin(models, NAME, SIGNALS)
    models.promote(NAME, 2, approval(models, 2), NOW)
    signed(models, tmp_path, held_key(tmp_path / "keys" / "models"), content("socket"))
    now = serving.renewed(models)
    assert now.model is serving.model and "version 1 keeps scoring" in now.says and f"{NAME} 2 did not pass its trial" in now.refused


def test_every_kind_that_may_be_stored_passes() -> None:
    for kind in KINDS:
        assert isinstance(TRIAL.check(as_bytes(fitted(kind)), f"{kind} of this test", kind), tuple)


class Unasked(Walled):
    """Nobody is there to be asked."""

    def __init__(self) -> None:
        super().__init__("no_such_module:tried")


def test_what_passed_in_this_release_is_not_tried_again_by_another_process(tmp_path: Path) -> None:
    shelf, nobody = MemoryShelf(), Unasked()
    places = (tmp_path / "mlflow", tmp_path / "keys" / "models")
    Models(*places, shelf).log_model(bundle(1))
    other = Models(*places, shelf, Trial(nobody))
    digest = other.version(NAME, 1).sha256
    note = places[0] / "tried" / digest
    told = json.loads(note.read_bytes())
    assert list(other.lacks) == told["lacks"]
    for damaged in (json.dumps({**told, "lacks": ["a wall"]}).encode(), b"{}", b"\xff"):
        note.write_bytes(damaged)
        with pytest.raises(RegistryUnavailable, match=f"{NAME} 1 could not be tried: no process could be made for it"):
            other.version(NAME, 1)
    assert Models(*places, shelf).version(NAME, 1).sha256 == digest
    assert json.loads(note.read_bytes()) == told


def test_a_model_that_is_too_large_is_refused_before_anybody_tries_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.registry.trial.MOST_BYTES", 10)
    monkeypatch.setattr("models.registry.strict_json.MOST_BYTES", 10)
    models = Models(tmp_path / "mlflow", tmp_path / "keys" / "models", MemoryShelf(), Trial(Unasked()))
    with pytest.raises(ModelRefused, match="at most 10 are read, so fit a smaller model"):
        models.log_model(bundle(1))


def test_limits_that_are_none_are_refused() -> None:
    for changed, says in (({"memory_mib": 1}, "memory_mib is 1; give 16 to 65536"), ({"cpu_s": 0}, "cpu_s is 0"), ({"wall_s": 0.0}, "wall_s is 0.0")):
        with pytest.raises(ValueError, match=says):
            Limits(**changed)  # type: ignore[arg-type]


def test_hostile_kinds_are_no_kinds_here() -> None:
    with pytest.raises(ModelRefused, match="the kind of model 'hostile' is not known"):
        of_bytes(content("nothing"), "it")
