"""The registry on MLflow's own SQLite store, through the commands that people use."""

import ast
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from shelves import NAME, NOW, approval, bundle
from typer.testing import CliRunner

from factolake.config import Settings
from factolake.errors import ConfigError, ModelRefused, RegistryUnavailable
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
