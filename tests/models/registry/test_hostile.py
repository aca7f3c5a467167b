"""Forty damaged or malicious models: no code of theirs runs, each is refused in a sentence, and the last good model keeps scoring."""

import gzip
import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shelves import NAME, NOW, SIGNALS, approval, bundle, models_in, rows

from factolake.errors import ModelRefused
from models.registry import folders
from models.registry.bundle import as_bytes
from models.registry.catalogue import Models, statement
from models.registry.keys import held_key, signature_of
from models.registry.serving import Serving
from models.registry.strict_json import MOST_BYTES, MOST_NESTS, MOST_VALUES

Canary = Path
Damage = Callable[[Path, Canary], None]
Edit = Callable[[dict[str, Any]], None]
GOOD = as_bytes(bundle(2))
OTHER = as_bytes(bundle(3))


class Touches:
    """Unpickled, it makes a file."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.canary}",)


def pickled(canary: Path, protocol: int = 4) -> bytes:
    return pickle.dumps(Touches(canary), protocol)


def numpy_pickled(canary: Path) -> bytes:
    array = np.empty(1, dtype=object)
    array[0] = Touches(canary)
    file = canary.with_name("array.npy")
    np.save(file, array, allow_pickle=True)
    return file.read_bytes()


def flipped(at: float) -> Damage:
    def damage(folder: Path, _: Canary) -> None:
        content = bytearray(GOOD)
        content[min(int(at * len(content)), len(content) - 1)] ^= 1
        (folder / "model.json").write_bytes(content)

    return damage


def instead(content: Callable[[Canary], bytes]) -> Damage:
    return lambda folder, canary: (folder / "model.json").write_bytes(content(canary)) and None


def beside(name: str, content: Callable[[Canary], bytes]) -> Damage:
    def damage(folder: Path, canary: Canary) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content(canary))

    return damage


def linked(folder: Path, _: Canary) -> None:
    target = folder.parent.parent / "elsewhere.json"
    (folder / "model.json").rename(target)
    (folder / "model.json").symlink_to(target)


def folder_linked(folder: Path, _: Canary) -> None:
    target = folder.parent.parent / "elsewhere"
    folder.rename(target)
    folder.symlink_to(target)


def piped(folder: Path, _: Canary) -> None:
    (folder / "model.json").unlink()
    os.mkfifo(folder / "model.json")


def huge(folder: Path, _: Canary) -> None:
    with (folder / "model.json").open("r+b") as opened:
        opened.truncate(MOST_BYTES * 64)


def mlmodel(text: str) -> Callable[[Canary], bytes]:
    return lambda canary: text.format(canary=canary).encode()


EDITED_FOLDERS: dict[str, Damage] = {
    **{f"a bit flipped at {at}": flipped(at) for at in (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)},
    "cut short": instead(lambda _: GOOD[:-20]),
    "empty": instead(lambda _: b""),
    "another good model": instead(lambda _: OTHER),
    "pickle": instead(pickled),
    "pickle, protocol 0": instead(lambda canary: pickled(canary, 0)),
    "pickle, gzip": instead(lambda canary: gzip.compress(pickled(canary))),
    "pickle beside it": beside("model.pkl", pickled),
    "pickle of numpy beside it": beside("arrays.npy", numpy_pickled),
    "pickle in a folder beside it": beside("data/python_model.pkl", pickled),
    "MLmodel with a loader": beside("MLmodel", mlmodel("flavors:\n  python_function:\n    loader_module: os\n    data: {canary}\n")),
    "MLmodel with code": beside("MLmodel", mlmodel("flavors:\n  python_function:\n    code: ../../{canary}\n    python_version: 3.11\n")),
    "code beside it": beside("code/sitecustomize.py", mlmodel("open({canary!r}, 'w')")),
    "a link for a file": linked,
    "a link for its folder": folder_linked,
    "a pipe": piped,
    "a huge file": huge,
    "no file": lambda folder, _: (folder / "model.json").unlink(),
    "no folder": lambda folder, _: shutil.rmtree(folder),
}


def edited(edit: Edit) -> bytes:
    document = json.loads(GOOD)
    edit(document)
    return json.dumps(document).encode()


def put(key: str, value: object) -> Edit:
    return lambda document: document.update({key: value})


def parameter(key: str, value: object) -> Edit:
    return lambda document: document["parameters"].update({key: value})


SIGNED_CONTENTS: dict[str, tuple[bytes, str]] = {
    "lists in lists": (b'{"parameters":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}", "deeper than"),
    "many lists": (b'{"parameters":[' + b"[]," * MOST_NESTS + b"[]]}", "more than"),
    "many values": (b'{"parameters":[' + b"1," * MOST_VALUES + b"1]}", "values"),
    "an unfinished string of quotes": (b'{"' + b'\\"' * 1_000_000, "no JSON that is read"),
    "NaN": (GOOD.replace(b'"threshold":1.0', b'"threshold":NaN'), "NaN is no number"),
    "beyond 64 bits": (GOOD.replace(b'"threshold":1.0', b'"threshold":1e999'), "1e999 is beyond"),
    "a number of a million digits": (GOOD.replace(b'"threshold":1.0', b'"threshold":' + b"1" * 1_000_000), "digits"),
    "a key twice": (GOOD.replace(b'"threshold":1.0', b'"threshold":1.0,"threshold":2.0'), "a key twice"),
    "a list": (b"[1]", "not an object"),
    "a pickle": (pickle.dumps({"kind": "pca"}), "no JSON"),
    "a class for a kind": (edited(put("kind", "os.system")), "'os.system' is not known"),
    "another kind": (edited(put("kind", "watch")), "no model of kind watch"),
    "one key more": (edited(put("loader_module", "os")), "exactly"),
    "one key less": (edited(lambda document: document.pop("metrics")), "exactly"),
    "one parameter more": (edited(parameter("__class__", "os")), "other parameters"),
    "a number as a text": (edited(parameter("lags_rows", "2")), "other parameters"),
    "memory for a billion rows": (edited(parameter("lags_rows", 10**9)), "do not fit its signals"),
    "a signal less": (edited(lambda document: document["signals"].pop()), "register it with its own signals"),
    "a signal renamed": (edited(lambda document: document["signals"][0].update(name="press.power")), "register it with its own signals"),
    "an array too short": (edited(lambda document: document["parameters"]["regimes"]["0"]["center"].pop()), "do not fit its signals"),
    "regimes it has not": (edited(put("regimes", [0, 7])), "regimes are 0, 7"),
    "another name": (as_bytes(bundle(2, "line9.press")), "is a bundle of line9.press"),
}


def signed(models: Models, folder: Path, key: bytes, content: bytes) -> None:
    """As version 2, with everything around it as if it were registered."""
    shelf = models._shelf
    digest = folders.put(folder / "mlflow" / "models", NAME, content)
    for tag, value in (("factolake.sha256", digest), ("factolake.signature", signature_of(key, "factolake.model", statement(NAME, 2, digest)))):
        shelf.tag(NAME, 2, tag, value)


@pytest.fixture
def installed(tmp_path: Path) -> tuple[Models, Serving, Canary]:
    """Version 1 scores; version 2 is its successor, approved and then spoilt by the test."""
    models, _ = models_in(tmp_path)
    for version in (1, 2):
        models.log_model(bundle(version))
    models.promote(NAME, 1, approval(models, 1), NOW)
    return models, Serving.begin(models, NAME, SIGNALS), tmp_path / "canary"


def refused_and_scoring(models: Models, serving: Serving, canary: Canary) -> None:
    """The spoilt version 2 is refused by whoever asks, runs nothing, and version 1 scores what it did."""
    expected = bundle(1).model.scorer().score(rows(9, 50)).score
    now = serving.renewed(models)
    assert now.model is not None and now.model.version == 1
    assert now.refused and "\n" not in now.refused and len(now.refused) < 700
    assert "version 1 keeps scoring; the champion is refused" in now.says
    np.testing.assert_array_equal(now.model.bundle.model.scorer().score(rows(9, 50)).score, expected)
    again = Serving.begin(models, NAME, SIGNALS)
    assert again.model is not None and again.model.version == 1 and again.refused
    assert not canary.exists()


def test_there_are_forty_of_them_or_more() -> None:
    assert len(EDITED_FOLDERS) + len(SIGNED_CONTENTS) >= 40


@pytest.mark.parametrize("name", EDITED_FOLDERS)
def test_an_edited_folder_is_refused_unparsed(installed: tuple[Models, Serving, Canary], name: str, tmp_path: Path) -> None:
    models, serving, canary = installed
    models.promote(NAME, 2, approval(models, 2), NOW)
    EDITED_FOLDERS[name](folders.place_of(tmp_path / "mlflow" / "models", NAME, models.history(NAME)[-1].sha256), canary)
    refused_and_scoring(models, serving, canary)


@pytest.mark.parametrize("name", SIGNED_CONTENTS)
def test_what_is_signed_and_still_no_model_is_refused(installed: tuple[Models, Serving, Canary], name: str, tmp_path: Path) -> None:
    models, serving, canary = installed
    content, said = SIGNED_CONTENTS[name]
    signed(models, tmp_path, held_key(tmp_path / "keys" / "models"), content)
    with pytest.raises(ModelRefused, match=said) as refused:
        models.version(NAME, 2)
    assert len(str(refused.value)) < 700
    now = serving.renewed(models)
    assert now.model is serving.model and not now.refused and not canary.exists()


def test_a_model_that_another_key_signed_is_refused(installed: tuple[Models, Serving, Canary], tmp_path: Path) -> None:
    models, serving, canary = installed
    models.promote(NAME, 2, approval(models, 2), NOW)
    signed(models, tmp_path, b"k" * 32, OTHER)
    now = serving.renewed(models)
    assert now.model is not None and now.model.version == 1 and "not signed by this installation" in now.refused
    # What was approved as version 2 is still there as it was, so a new process scores with it, and says that MLflow's row is not right.
    again = Serving.begin(models, NAME, SIGNALS)
    assert again.model is not None and as_bytes(again.model.bundle) == GOOD and again.refused == now.refused
    assert not canary.exists()


def test_a_canary_would_have_sung(tmp_path: Path) -> None:
    pickle.loads(pickled(tmp_path / "canary"))
    assert (tmp_path / "canary").exists()
