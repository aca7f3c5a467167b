"""The jar lock and the search for Java. The repository is played by a function that puts files down; the rest is real."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from factolake.errors import ChecksumMismatch, ConfigError, MissingDependency, SourceUnavailable
from factolake.lake.jars import Jar, fetch_jars, jar_files, read_lock, relock
from factolake.lake.java import find_java


def content(jar: Jar) -> bytes:
    return f"the bytes of {jar.artifact}".encode()


class Repository:
    """Gives what `content` says, counts what was asked for, and may fail for one artifact or give other bytes."""

    def __init__(self, *, missing: str = "", altered: str = "") -> None:
        self.asked: list[str] = []
        self.missing, self.altered = missing, altered

    def __call__(self, jar: Jar, path: Path) -> None:
        self.asked.append(jar.artifact)
        if jar.artifact == self.missing:
            path.write_bytes(b"the first half")
            raise SourceUnavailable(f"jars: {jar.artifact} was not fetched")
        path.write_bytes(b"other bytes" if jar.artifact == self.altered else content(jar))


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    file = tmp_path / "jars.lock"
    names = ("one", "two", "three")
    lines = [f"org.example:{name}:1.0 {hashlib.sha256(f'the bytes of {name}'.encode()).hexdigest()}" for name in names]
    file.write_text("\n".join(["# a comment", *lines, ""]), encoding="utf-8")
    return file


def test_what_is_missing_is_fetched_and_verified(lock: Path, tmp_path: Path) -> None:
    paths = fetch_jars(tmp_path / "jars", lock, Repository())
    assert [path.name for path in paths] == ["one-1.0.jar", "two-1.0.jar", "three-1.0.jar"]
    assert paths[1].read_bytes() == b"the bytes of two"


def test_a_broken_fetch_goes_on_where_it_stopped_and_leaves_no_half_jar(lock: Path, tmp_path: Path) -> None:
    folder = tmp_path / "jars"
    with pytest.raises(SourceUnavailable):
        fetch_jars(folder, lock, Repository(missing="two"))
    assert [path.name for path in folder.iterdir()] == ["one-1.0.jar"]
    later = Repository()
    fetch_jars(folder, lock, later)
    assert later.asked == ["two", "three"]


def test_fetching_a_complete_folder_asks_nobody(lock: Path, tmp_path: Path) -> None:
    fetch_jars(tmp_path / "jars", lock, Repository())
    second = Repository()
    fetch_jars(tmp_path / "jars", lock, second)
    assert second.asked == []


def test_other_bytes_than_locked_are_refused_and_not_kept(lock: Path, tmp_path: Path) -> None:
    folder = tmp_path / "jars"
    with pytest.raises(ChecksumMismatch) as refused:
        fetch_jars(folder, lock, Repository(altered="two"))
    assert "two-1.0.jar" in str(refused.value)
    assert hashlib.sha256(b"other bytes").hexdigest() in str(refused.value)
    assert hashlib.sha256(b"the bytes of two").hexdigest() in str(refused.value)
    assert not (folder / "two-1.0.jar").exists()


def test_a_jar_changed_after_it_was_fetched_is_found(lock: Path, tmp_path: Path) -> None:
    (_, two, _) = fetch_jars(tmp_path / "jars", lock, Repository())
    two.write_bytes(b"something else")
    with pytest.raises(ChecksumMismatch, match=r"two-1\.0\.jar"):
        jar_files(tmp_path / "jars", lock)


def test_a_jar_that_is_not_there_says_how_to_get_it(lock: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingDependency, match=r"python -m factolake\.lake\.jars"):
        jar_files(tmp_path / "jars", lock)


def test_relock_writes_the_hashes_seen_and_keeps_comments(tmp_path: Path) -> None:
    lock = tmp_path / "jars.lock"
    lock.write_text("# why\norg.example:one:2.0\n", encoding="utf-8")
    relock(tmp_path / "jars", lock, Repository())
    assert lock.read_text(encoding="utf-8") == f"# why\norg.example:one:2.0 {hashlib.sha256(b'the bytes of one').hexdigest()}\n"
    assert len(fetch_jars(tmp_path / "jars", lock, Repository())) == 1


def test_a_line_of_another_form_is_named(tmp_path: Path) -> None:
    lock = tmp_path / "jars.lock"
    lock.write_text("org.example:one\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="line 1"):
        read_lock(lock)


def test_the_shipped_lock_has_a_hash_for_every_jar() -> None:
    jars = read_lock()
    assert jars and all(len(jar.sha256) == 64 for jar in jars)
    assert [jar.version for jar in jars if jar.artifact.startswith("delta-spark_4.2")] == ["4.4.0"]


def test_the_command_ends_a_mismatch_in_one_sentence(tmp_path: Path) -> None:
    for jar in read_lock():
        (tmp_path / jar.file_name).write_bytes(b"no jar")
    done = subprocess.run([sys.executable, "-m", "factolake.lake.jars", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == ChecksumMismatch.exit_code
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def fake_java(folder: Path, version: str) -> Path:
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n", encoding="utf-8")
    java.chmod(0o755)
    return java


def test_java_home_comes_before_the_path(tmp_path: Path) -> None:
    own, other = fake_java(tmp_path / "own", "21.0.2"), fake_java(tmp_path / "other", "17.0.15")
    assert find_java({"JAVA_HOME": str(tmp_path / "own"), "PATH": f"{other.parent}:{os.defpath}"}) == own


def test_a_java_of_another_version_is_passed_over(tmp_path: Path) -> None:
    fake_java(tmp_path / "old", "1.8.0_401")
    good = fake_java(tmp_path / "good", "17.0.15")
    assert find_java({"JAVA_HOME": str(tmp_path / "old"), "PATH": f"{good.parent}:{os.defpath}"}) == good


def test_no_fitting_java_names_what_was_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("factolake.lake.java.find_spec", lambda _: None)
    java = fake_java(tmp_path / "new", "25")
    with pytest.raises(MissingDependency, match=r"Java 17 or 21 is needed .*Java 25"):
        find_java({"PATH": f"{java.parent}:{os.defpath}".split(":")[0]})
