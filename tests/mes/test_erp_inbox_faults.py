"""Documents in the ERP's folder that come again while they are taken, fail, stand still, or are none for it."""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from erp_folder import Folder

from factolake.mes.exchange import inbox
from factolake.mes.exchange.applying import part
from factolake.mes.exchange.proceed import proceed_once
from factolake.mes.production.models import MaterialDefinition

one_database = pytest.mark.usefixtures("sqlite_record")


@one_database
def test_a_document_renamed_over_one_that_is_being_taken_is_imported_too(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.drop("materials.json", '[{"material_id": "A"}]', age_s=60)
    replace = os.replace

    def late(source: Path, target: Path) -> None:
        """The ERP renames just before the document is put aside."""
        monkeypatch.setattr(os, "replace", replace)
        folder.drop("materials.json", '[{"material_id": "B"}]')
        replace(source, target)

    put_whole = inbox.put_whole

    def answered(path: Path, content: bytes) -> None:
        put_whole(path, content)
        monkeypatch.setattr(os, "replace", late)

    monkeypatch.setattr(inbox, "put_whole", answered)
    folder.turn()
    monkeypatch.undo()
    folder.turn()
    assert set(MaterialDefinition.objects.values_list("pk", flat=True)) == {"A", "B"}
    assert (folder.names("inbox"), len(folder.answers("taken"))) == ([], 2)


@one_database
def test_a_document_dropped_again_while_it_is_applied_has_the_last_word(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part, "PART_ROWS", 2)
    for age_s, said, names in ((60, "old", "ABCD"), (0, "new", "CDAB")):
        folder.drop("materials.json", json.dumps([{"material_id": one, "description": said} for one in names]), age_s)
        folder.turn(3)
    while proceed_once(folder.clock):
        pass
    folder.turn(3)
    while proceed_once(folder.clock):
        pass
    folder.turn()
    assert set(MaterialDefinition.objects.values_list("description", flat=True)) == {"new"}
    assert folder.names("inbox") == []


@one_database
def test_a_document_that_fails_unforeseen_holds_nothing_up_for_ever(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setitem(part.APPLIERS, "bills", fails)
    folder.drop("bills.json", '[{"material_id": "A"}]', age_s=60)
    folder.drop("materials.json", '[{"material_id": "G"}]')
    folder.turn(10)
    assert (folder.names("refused"), folder.names("taken")) == ([], [])
    folder.turn(2)
    assert "it failed 10 times, at last by ZeroDivisionError" in folder.answers("refused")[0]["faults"][0]["message"]
    assert MaterialDefinition.objects.filter(pk="G").exists()


@one_database
def test_an_import_that_stands_still_is_waited_for_an_hour(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part, "PART_ROWS", 1)
    folder.drop("materials.json", '[{"material_id": "A"}, {"material_id": "B"}]', age_s=60)
    folder.drop("materials-2.json", '[{"material_id": "G"}]')
    folder.turn(3)
    folder.clock += timedelta(minutes=59)
    folder.turn(1)
    assert folder.names("refused") == []
    folder.clock += timedelta(minutes=2)
    folder.turn(2)
    assert "stands still: 1 of 2 rows are not applied" in folder.answers("refused")[0]["faults"][0]["message"]
    assert [one["document"] for one in folder.answers("taken")] == ["materials-2.json"]


@one_database
def test_progress_that_nobody_may_tell_is_put_aside(folder: Folder) -> None:
    folder.drop("progress.json", "[]", age_s=60)
    folder.drop("materials.json", '[{"material_id": "G"}]')
    folder.turn()
    assert "progress is what an incumbent MES tells" in folder.answers("refused")[0]["faults"][0]["message"]
    assert len(folder.answers("taken")) == 1
