"""Which version is champion, who approved it, and that nobody becomes champion another way."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from shelves import NAME, NOW, MemoryShelf, approval, bundle, models_in

from factolake.errors import LeaseHeld, ModelRefused
from models.registry import ledger
from models.registry.catalogue import CHALLENGER, CHAMPION, HASH_TAG, SIGNATURE_TAG, Models
from models.registry.lock import alone


def promoted(folder: Path, versions: int = 3) -> tuple[Models, MemoryShelf]:
    models, shelf = models_in(folder)
    for version in range(1, versions + 1):
        models.log_model(bundle(version))
        models.promote(NAME, version, approval(models, version), NOW)
    return models, shelf


def test_a_registered_model_is_a_challenger_until_a_person_approves_it(tmp_path: Path) -> None:
    models, shelf = models_in(tmp_path)
    assert [models.log_model(bundle(1)), models.log_model(bundle(2))] == [1, 2]
    assert models.challenger(NAME).version == 2
    with pytest.raises(ModelRefused, match="has no champion; promote a version"):
        models.champion(NAME)
    entry = models.promote(NAME, 1, approval(models, 1), NOW)
    assert (entry.version, entry.by, entry.approval_id, entry.approval_source) == (1, "maria", "a-1-maria", "document")
    found = models.champion(NAME)
    assert (found.version, found.bundle.trained_on) == (1, {"silver.readings": 42})
    assert shelf.aliases == {(NAME, CHALLENGER): 2, (NAME, CHAMPION): 1}
    assert shelf.rows[NAME][1].keys() == {HASH_TAG, SIGNATURE_TAG, "factolake.trained_on", "factolake.kind"}


def test_a_rollback_returns_to_the_champion_before_and_the_history_stays(tmp_path: Path) -> None:
    models, shelf = promoted(tmp_path)
    assert models.rollback(NAME, "otto", NOW + timedelta(hours=1)).version == 2
    assert (models.champion(NAME).version, shelf.aliases[NAME, CHAMPION]) == (2, 2)
    models.rollback(NAME, "otto", NOW)
    with pytest.raises(ModelRefused, match="no champion before"):
        models.rollback(NAME, "otto", NOW)
    models.promote(NAME, 3, replace(approval(models, 3), approval_id="a-9"), NOW)
    assert models.rollback(NAME, "otto", NOW).version == 1
    told = [(entry.action, entry.version, entry.by) for entry in models.history(NAME)]
    assert told == [
        *(("promote", 1, "maria"), ("promote", 2, "maria"), ("promote", 3, "maria")),
        *(("rollback", 2, "otto"), ("rollback", 1, "otto"), ("promote", 3, "maria"), ("rollback", 1, "otto")),
    ]
    assert models.history(NAME)[3].at_ts == "2026-03-02T07:00:00.000000+00:00"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"approved_by": ""}, "names no person"),
        ({"approved_by": "agent:scheduler"}, "names no person"),
        ({"approval_id": ""}, "give the id"),
        ({"payload_sha256": ""}, "approval a-2-maria is for nothing"),
        ({"payload_sha256": "0" * 64}, "have exactly this version approved"),
    ],
)
def test_without_a_named_person_who_approved_exactly_this_nothing_is_promoted(tmp_path: Path, changed: dict[str, str], said: str) -> None:
    models, shelf = promoted(tmp_path, 1)
    models.log_model(bundle(2))
    with pytest.raises(ModelRefused, match=said):
        models.promote(NAME, 2, replace(approval(models, 2), **changed), NOW)
    assert (models.champion(NAME).version, shelf.aliases[NAME, CHAMPION], len(models.history(NAME))) == (1, 1, 1)


def test_an_approval_counts_once_and_for_one_version(tmp_path: Path) -> None:
    models, _ = promoted(tmp_path, 2)
    used = approval(models, 2)
    with pytest.raises(ModelRefused, match="is champion already"):
        models.promote(NAME, 2, used, NOW)
    models.rollback(NAME, "otto", NOW)
    with pytest.raises(ModelRefused, match="was used before"):
        models.promote(NAME, 2, used, NOW)
    models.log_model(bundle(3))
    with pytest.raises(ModelRefused, match="have exactly this version approved"):
        models.promote(NAME, 3, replace(used, approval_id="other"), NOW)
    with pytest.raises(ModelRefused, match="has no version 9; there are 1, 2, 3"):
        models.promote(NAME, 9, used, NOW)


def test_an_alias_that_was_moved_elsewhere_makes_no_champion(tmp_path: Path) -> None:
    models, shelf = promoted(tmp_path)
    for pointed in (1, None):
        shelf.point(NAME, CHAMPION, pointed)
        with pytest.raises(ModelRefused, match=r"alias champion of line1\.press\.vibration names (1|no version), approved is 3"):
            models.champion(NAME)


def test_a_promotion_that_was_cut_off_before_its_alias_is_completed(tmp_path: Path) -> None:
    models, shelf = promoted(tmp_path)
    shelf.point(NAME, CHAMPION, 2)
    assert models.champion(NAME).version == 3
    assert shelf.aliases[NAME, CHAMPION] == 3
    with (tmp_path / "mlflow" / ledger.FILE).open("ab") as opened:
        opened.write(b'{"action": "prom')
    assert models.champion(NAME).version == 3
    assert models.rollback(NAME, "otto", NOW).number == 4
    assert [entry.version for entry in models.history(NAME)] == [1, 2, 3, 2]


@pytest.mark.parametrize("key", [HASH_TAG, SIGNATURE_TAG])
def test_an_edited_row_of_the_database_is_refused_before_a_file_is_opened(tmp_path: Path, key: str) -> None:
    models, shelf = promoted(tmp_path)
    shelf.rows[NAME][3][key] = shelf.rows[NAME][2][key]
    (tmp_path / "mlflow" / "models").rename(tmp_path / "gone")
    (tmp_path / "mlflow" / "models").mkdir()
    with pytest.raises(ModelRefused, match="3 is not signed by this installation"):
        models.champion(NAME)


def test_a_row_copied_from_another_model_or_version_is_refused(tmp_path: Path) -> None:
    models, shelf = promoted(tmp_path, 2)
    shelf.rows[NAME][2] = dict(shelf.rows[NAME][1])
    with pytest.raises(ModelRefused, match="2 is not signed"):
        models.champion(NAME)
    other = "line2.press.vibration"
    models.log_model(bundle(5, other))
    shelf.rows[other][1] = dict(shelf.rows[NAME][1])
    with pytest.raises(ModelRefused, match="1 is not signed"):
        models.version(other, 1)


@pytest.mark.parametrize("edit", ["version", "by", "cut", "moved", "added"])
def test_an_edited_ledger_is_refused(tmp_path: Path, edit: str) -> None:
    models, _ = promoted(tmp_path)
    file = tmp_path / "mlflow" / ledger.FILE
    first, second, third = file.read_bytes().splitlines(keepends=True)
    changed = {
        "version": [first, second, third.replace(b'"version": 3', b'"version": 1')],
        "by": [first, second.replace(b"maria", b"marie"), third],
        "cut": [first, third],
        "moved": [second, first, third],
        "added": [first, second, third, third],
    }[edit]
    file.write_bytes(b"".join(changed))
    for asked in (models.champion, models.last_good, models.history):
        with pytest.raises(ModelRefused, match=r"line \d of promotions.jsonl is not what this installation signed"):
            asked(NAME)


def test_two_promotions_at_once_end_in_one_champion(tmp_path: Path) -> None:
    models, shelf = promoted(tmp_path, 1)
    versions = [models.log_model(bundle(seed)) for seed in range(2, 8)]
    # Each with a catalogue of its own, as two processes have.
    others = [(Models(tmp_path / "mlflow", tmp_path / "keys" / "models", shelf), version, approval(models, version)) for version in versions]
    with ThreadPoolExecutor(len(others)) as pool:
        made = list(pool.map(lambda one: one[0].promote(NAME, one[1], one[2], NOW), others))
    told = models.history(NAME)
    assert sorted(entry.version for entry in made) == versions
    assert [entry.number for entry in told] == list(range(1, 8))
    assert models.champion(NAME).version == told[-1].version == shelf.aliases[NAME, CHAMPION]


def test_the_lock_is_waited_for_and_then_named(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(LeaseHeld, match=r"models\.lock"), alone(tmp_path, patience_s=0.05):
        pytest.fail("two hold the lock")
    with alone(tmp_path, patience_s=0.05):
        pass


def test_a_lost_key_is_never_replaced_by_a_new_one(tmp_path: Path) -> None:
    models, _ = promoted(tmp_path, 1)
    key = tmp_path / "keys" / "models"
    assert key.stat().st_mode & 0o777 == 0o600
    key.unlink()
    for asked in (lambda: models.champion(NAME), lambda: models.log_model(bundle(2))):
        with pytest.raises(ModelRefused, match=r"the key of models, .*put it back from a backup"):
            asked()
    assert not key.exists()


def test_what_is_known_of_versions_is_told_with_the_hash_to_approve(tmp_path: Path) -> None:
    models, shelf = promoted(tmp_path, 1)
    models.log_model(bundle(2))
    del shelf.rows[NAME][2][SIGNATURE_TAG]
    good, bad = models.overview(NAME)
    assert (good["version"], good["is_champion"], good["created_by"], good["refused"]) == (1, True, "eva", "")
    assert good["payload_sha256"] == approval(models, 1).payload_sha256
    assert (bad["version"], bad["is_champion"]) == (2, False) and "not signed" in str(bad["refused"]) and "payload_sha256" not in bad
    assert models.names() == [NAME]
    with pytest.raises(ModelRefused, match=r"no model is called line7\.oven"):
        models.overview("line7.oven")


def test_without_its_files_a_ledger_still_stands(tmp_path: Path) -> None:
    models, _ = promoted(tmp_path, 2)
    (tmp_path / "mlflow" / "models").rename(tmp_path / "gone")
    with pytest.raises(ModelRefused, match=r"cannot be read \(No such file or directory\)"):
        models.champion(NAME)
    with pytest.raises(ModelRefused, match=r"no champion of line1\.press\.vibration can be read: .*No such file"):
        models.last_good(NAME)
    assert [entry.version for entry in models.history(NAME)] == [1, 2]
