"""Promotions that FactoMES approved are entered once, in their order, and never over what was decided later."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from shelves import NAME, NOW, approval, bundle, models_in

from factolake.errors import ModelRefused
from models.registry.approval import FACTOMES, payload_of
from models.registry.approved import Outcome, Promotion, enter_all, newest
from models.registry.catalogue import Models

LATER = NOW + timedelta(days=1)


def registry(folder: Path, versions: int = 3) -> Models:
    models, _ = models_in(folder)
    for seed in range(1, versions + 1):
        models.log_model(bundle(seed))
    return models


def promotion(models: Models, version: int, number: int, minutes: int = 0, digest: str = "") -> Promotion:
    """Approved so many minutes after NOW; of the hash that the version has, unless said."""
    held = digest or models.version(NAME, version).sha256
    approved = replace(approval(models, 1), approval_id=f"{number:032x}", approved_ts=NOW + timedelta(minutes=minutes), source=FACTOMES)
    return Promotion(number, NAME, version, replace(approved, payload_sha256=payload_of(NAME, version, held)))


def versions(outcome: Outcome) -> tuple[list[int], list[int], list[int]]:
    entered, overtaken = [one.version for one in outcome.entered], [one.version for one in outcome.overtaken]
    return entered, [one.version for one, _ in outcome.refused], overtaken


def test_what_was_approved_is_entered_in_the_order_of_the_approvals_and_once(tmp_path: Path) -> None:
    models = registry(tmp_path)
    waiting = [promotion(models, 3, 2, minutes=9), promotion(models, 2, 3, minutes=5), promotion(models, 1, 1, minutes=7)]
    assert versions(enter_all(models, waiting, LATER)) == ([2, 1, 3], [], [])
    last = models.history(NAME)[-1]
    assert (last.by, last.approval_id, last.approval_source, last.version) == ("maria", f"{2:032x}", "factomes", 3)
    assert models.champion(NAME).version == 3
    assert versions(enter_all(models, waiting, LATER)) == ([], [], [])
    assert len(models.history(NAME)) == 3


def test_one_that_is_not_sound_is_refused_in_a_sentence_and_the_others_are_entered(tmp_path: Path) -> None:
    models = registry(tmp_path)
    wrong = promotion(models, 1, 1, digest="ab" * 32)
    unknown = promotion(models, 9, 2, digest="ab" * 32)
    outcome = enter_all(models, [wrong, unknown, promotion(models, 3, 3)], LATER)
    assert versions(outcome) == ([3], [1, 9], [])
    told = [why for _, why in outcome.refused]
    assert f"approval {1:032x} is for" in told[0] and "have exactly this version approved" in told[0]
    assert told[1] == f"model {NAME} has no version 9; there are 1, 2, 3"
    assert models.champion(NAME).version == 3


def test_a_version_whose_files_were_edited_is_refused_and_the_champion_stays(tmp_path: Path) -> None:
    models = registry(tmp_path)
    enter_all(models, [promotion(models, 1, 1)], LATER)
    waiting = promotion(models, 2, 2, minutes=1)
    file = next((tmp_path / "mlflow" / "models" / NAME / models.version(NAME, 2).sha256).iterdir())
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    outcome = enter_all(models, [waiting], LATER)
    assert versions(outcome) == ([], [2], [])
    assert "was changed: its hash is" in outcome.refused[0][1]
    assert models.champion(NAME).version == 1


def test_an_approval_that_names_no_person_is_refused(tmp_path: Path) -> None:
    models = registry(tmp_path)
    one = promotion(models, 1, 1)
    outcome = enter_all(models, [replace(one, approval=replace(one.approval, approved_by="agent:trainer"))], LATER)
    assert "names no person" in outcome.refused[0][1]
    assert not models.history(NAME)


@pytest.mark.parametrize("later", ["approved in FactoMES", "approved in a document", "rolled back"])
def test_what_was_approved_before_the_champion_changed_is_not_entered_over_it(tmp_path: Path, later: str) -> None:
    models = registry(tmp_path)
    enter_all(models, [promotion(models, 1, 1)], NOW)
    old = promotion(models, 2, 2, minutes=1)
    if later == "approved in FactoMES":
        enter_all(models, [promotion(models, 3, 3, minutes=2)], LATER)
    elif later == "approved in a document":
        models.promote(NAME, 3, approval(models, 3), LATER)
    else:
        enter_all(models, [promotion(models, 3, 3)], NOW)
        models.rollback(NAME, "otto", LATER)
    champion = models.champion(NAME).version
    assert versions(enter_all(models, [old], LATER)) == ([], [], [2])
    with pytest.raises(ModelRefused, match=r"was approved by maria at 2026-03-02 06:01 UTC, before version \d became champion .*; propose it again"):
        models.promote(NAME, 2, old.approval, LATER)
    assert models.champion(NAME).version == champion


def test_what_was_rolled_back_does_not_come_back_by_its_old_approval(tmp_path: Path) -> None:
    models = registry(tmp_path)
    waiting = [promotion(models, 1, 1), promotion(models, 2, 2, minutes=1)]
    enter_all(models, waiting, LATER)
    models.rollback(NAME, "otto", LATER)
    assert versions(enter_all(models, waiting, LATER)) == ([], [], [])
    with pytest.raises(ModelRefused, match="was used before"):
        models.promote(NAME, 2, waiting[1].approval, LATER)
    assert models.champion(NAME).version == 1


def test_of_one_version_the_newest_approval_counts(tmp_path: Path) -> None:
    models = registry(tmp_path)
    first, again = promotion(models, 2, 4), promotion(models, 2, 9)
    assert newest([first, again, promotion(models, 1, 10)], NAME, 2) is again
    with pytest.raises(ModelRefused, match=r"holds no approval of line1\.press\.vibration 3; have it approved and executed in FactoMES"):
        newest([first, again], NAME, 3)
