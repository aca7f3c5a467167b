"""What scores when a newer champion is refused, the registry is away, or signals are others than those of the fit."""

from pathlib import Path

import pytest
from shelves import NAME, NOW, SIGNALS, MemoryShelf, approval, bundle, models_in

from factolake.errors import RegistryUnavailable
from models.registry.bundle import Signal
from models.registry.catalogue import Models
from models.registry.serving import Serving
from models.registry.shelf import Shelved


class Down(MemoryShelf):
    def versions(self, name: str) -> list[Shelved]:
        raise RegistryUnavailable("the model registry does not answer; see that its database is there and free")


def test_a_newer_champion_takes_over_and_the_same_one_stays_the_same_value(tmp_path: Path) -> None:
    models, _ = models_in(tmp_path)
    models.log_model(bundle(1))
    none = Serving.begin(models, NAME, SIGNALS)
    assert none.model is None and none.says == f"{NAME}: no model scores; model {NAME} has no champion; promote a version"
    models.promote(NAME, 1, approval(models, 1), NOW)
    first = none.renewed(models)
    assert first.model is not None and (first.model.version, first.refused, first.says) == (1, "", f"{NAME}: version 1 scores")
    assert first.renewed(models).model is first.model
    models.log_model(bundle(2))
    models.promote(NAME, 2, approval(models, 2), NOW)
    second = first.renewed(models)
    assert second.model is not None and second.model.version == 2


@pytest.mark.parametrize("is_held", [True, False])
def test_where_the_registry_does_not_answer_the_approved_model_scores_and_is_called_stale(tmp_path: Path, is_held: bool) -> None:
    models, _ = models_in(tmp_path)
    models.log_model(bundle(1))
    models.promote(NAME, 1, approval(models, 1), NOW)
    down = Models(tmp_path / "mlflow", tmp_path / "keys" / "models", Down())
    now = Serving.begin(models, NAME, SIGNALS).renewed(down) if is_held else Serving.begin(down, NAME, SIGNALS)
    assert now.model is not None and now.model.version == 1
    assert "does not answer" in now.refused and "keeps scoring" in now.says
    assert now.renewed(models).refused == ""


def test_a_model_never_scores_other_signals_than_it_was_fitted_on(tmp_path: Path) -> None:
    models, _ = models_in(tmp_path)
    models.log_model(bundle(1))
    models.promote(NAME, 1, approval(models, 1), NOW)
    now = Serving.begin(models, NAME, (SIGNALS[0], Signal("press.current", "mA")))
    assert now.model is None and "press.current in 'A', offered is 'mA'" in now.refused
