"""The registry on MLflow's own SQLite store, through the commands that people use."""

import ast
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest
from shelves import NAME, NOW, approval, bundle
from typer.testing import CliRunner

from factolake.config import Settings
from factolake.contracts.formats.arrow import fit
from factolake.contracts.silver_mes import MODEL_PROMOTIONS
from factolake.errors import ConfigError, ModelRefused, RegistryUnavailable
from factolake.lake.tables import Lake
from models.registry.approval import payload_of
from models.registry.catalogue import CHALLENGER, CHAMPION, Models
from models.registry.shelf import MlflowShelf
from pipelines.cli import app


def test_nothing_but_a_client_is_taken_from_mlflow() -> None:
    package = Path(__file__).parents[3] / "models"
    taken = [
        ast.unparse(node)
        for file in package.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Import, ast.ImportFrom)) and "mlflow" in ast.unparse(node)
    ]
    assert set(taken) == {"from mlflow import MlflowClient"}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("FACTOLAKE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return Settings(home=tmp_path)


@pytest.fixture
def run(settings: Settings) -> Callable[..., dict[str, object]]:
    def command(*arguments: str) -> dict[str, object]:
        done = CliRunner().invoke(app, ["models", *arguments, "--json"])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        found: dict[str, object] = json.loads(done.stdout)
        return found

    return command


@pytest.mark.slow
def test_models_are_promoted_shown_and_rolled_back_by_command(settings: Settings, run: Callable[..., dict[str, object]], tmp_path: Path) -> None:
    models = Models(settings.registry_dir, settings.models_key_file)
    assert [models.log_model(bundle(1)), models.log_model(bundle(2)), models.log_model(bundle(3, "line2.fan"))] == [1, 2, 1]
    document = tmp_path / "approval.json"
    for version in (1, 2):
        shown = run("show", NAME)["versions"]
        assert isinstance(shown, list)
        payload = shown[version - 1]["payload_sha256"]
        said = {"approval_id": f"P-{version}", "approved_by": "maria", "approved_ts": NOW.isoformat(), "payload_sha256": payload}
        document.write_text(json.dumps(said))
        promoted = run("promote", NAME, str(version), "--approved-by", "maria", "--approval", str(document))
        assert (promoted["version"], promoted["by"], promoted["approval_source"]) == (version, "maria", "document")
    with pytest.raises(ConfigError, match=r"--approved-by is 'otto'; allowed: 'maria', whom .*approval\.json names"):
        run("promote", NAME, "1", "--approved-by", "otto", "--approval", str(document))
    with pytest.raises(ModelRefused, match="was used before"):
        run("rollback", NAME, "--by", "otto") and run("promote", NAME, "2", "--approved-by", "maria", "--approval", str(document))
    assert run("list") == [
        {"name": NAME, "versions": 2, "champion": 1, "challenger": 2, "refused": 0},
        {"name": "line2.fan", "versions": 1, "champion": None, "challenger": 1, "refused": 0},
    ]
    history = run("show", NAME)["history"]
    assert isinstance(history, list)
    assert [(entry["action"], entry["version"], entry["by"]) for entry in history] == [
        ("promote", 1, "maria"),
        ("promote", 2, "maria"),
        ("rollback", 1, "otto"),
    ]
    # As another process would, with a client of its own.
    assert Models(settings.registry_dir, settings.models_key_file).champion(NAME).version == 1
    third, fourth = models.log_model(bundle(4)), models.log_model(bundle(5))
    wanted = [(version, approval(models, version)) for version in (third, fourth)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda one: Models(settings.registry_dir, settings.models_key_file).promote(NAME, one[0], one[1], NOW), wanted))
    aliases = {alias: one.version for one in MlflowShelf(settings.registry_dir).versions(NAME) for alias in one.aliases}
    assert aliases == {CHAMPION: models.history(NAME)[-1].version, CHALLENGER: fourth}
    assert models.champion(NAME).version == aliases[CHAMPION]


def told_by_factomes(settings: Settings, *approved: tuple[int, str, str]) -> None:
    """Rows of silver.model_promotions: version, hash, proposal."""
    table, lake = MODEL_PROMOTIONS.table, Lake(settings.lake_root)
    rows = [
        {
            **{name: number for name in ("promotion_id", "seq", "idx", "epoch")},
            **{name: NOW for name in ("approved_ts", "changed_ts", "created_ts", "as_of")},
            **{"model_name": NAME, "model_version": version, "sha256": digest, "payload_sha256": payload_of(NAME, version, digest)},
            **{"proposal_id": proposal, "requested_by": "eva", "approved_by": "maria", "changed_by": "eva", "version": 1},
            **{"last_action": "model_promotion.create", "source_id": "factomes", "created_month": NOW.date().replace(day=1), "removed_ts": None},
        }
        for number, (version, digest, proposal) in enumerate(approved, start=1)
    ]
    lake.ensure(table)
    lake.open(table).append(fit(table, pa.Table.from_pylist(rows)), {})


@pytest.mark.slow
def test_what_factomes_approved_is_entered_by_command(settings: Settings, run: Callable[..., dict[str, object]]) -> None:
    models = Models(settings.registry_dir, settings.models_key_file)
    for seed in (1, 2, 3):
        models.log_model(bundle(seed))
    with pytest.raises(ModelRefused, match=r"holds no approval of line1\.press\.vibration 1"):
        run("promote", NAME, "1", "--from-mes")
    held = {version: models.version(NAME, version).sha256 for version in (1, 2, 3)}
    told_by_factomes(settings, (1, held[1], "a" * 32), (2, held[2], "b" * 32), (3, held[1], "c" * 32))
    promoted = run("promote", NAME, "1", "--from-mes")
    assert (promoted["by"], promoted["approval_id"], promoted["approval_source"]) == ("maria", "a" * 32, "factomes")
    done = CliRunner().invoke(app, ["models", "promote-approved", "--json"])
    told = json.loads(done.stdout)
    assert ([one["version"] for one in told["entered"]], told["overtaken"], done.exit_code) == ([2], [], 1)
    assert [(one["version"], "have exactly this version approved" in one["why"]) for one in told["refused"]] == [(3, True)]
    assert models.champion(NAME).version == 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--from-mes", "--approved-by", "maria"), "--approved-by is 'maria'; allowed: nothing beside --from-mes"),
        (("--from-mes", "--approval", "a.json"), "--approval is 'a.json'; allowed: nothing beside --from-mes"),
        (("--approved-by", "maria"), "--approval is missing; allowed: --from-mes, or"),
        ((), "--approved-by is missing; allowed: --from-mes, or"),
    ],
)
def test_an_approval_comes_from_factomes_or_from_a_document(run: Callable[..., dict[str, object]], given: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        run("promote", NAME, "1", *given)


@pytest.mark.slow
def test_a_broken_database_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "mlflow.sqlite").write_bytes(b"no database" * 500)
    with pytest.raises(RegistryUnavailable, match="does not answer"):
        MlflowShelf(tmp_path).names()


def test_an_approval_that_cannot_be_read_is_named(run: Callable[..., dict[str, object]], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--approval is .*nowhere\.json.*No such file"):
        run("promote", NAME, "1", "--approved-by", "maria", "--approval", "nowhere.json")
    (tmp_path / "large.json").write_bytes(b" " * 70_000)
    with pytest.raises(ConfigError, match="a file of at most 65536 bytes"):
        run("promote", NAME, "1", "--approved-by", "maria", "--approval", "large.json")
