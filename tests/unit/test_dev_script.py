"""`./dev` before anything is installed: each thing that can be wrong ends in one sentence. Programs on the PATH are played by scripts."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "cat", "cksum", "awk", "dirname", "df", "rm")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout without environments, and a PATH of plain tools."""
    copy = tmp_path / "checkout with space"
    shutil.copytree(ROOT / "requirements", copy / "requirements")
    for name in ("dev", "pyproject.toml", "setup.py"):
        shutil.copy2(ROOT / name, copy / name)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / "bin" / tool).symlink_to(found)
    return copy


def play(checkout: Path, program: str, script: str) -> None:
    file = checkout.parent / "bin" / program
    file.unlink(missing_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(0o755)


def dev(checkout: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    env = {"PATH": str(checkout.parent / "bin"), "HOME": str(checkout.parent)}
    return subprocess.run([str(checkout / "dev"), *arguments], cwd=os.sep, env=env, capture_output=True, text=True, check=False)


def assert_one_sentence(done: "subprocess.CompletedProcess[str]", *words: str) -> None:
    assert done.returncode == 1
    said = [line for line in done.stderr.splitlines() if "setting up .venv/" not in line]
    assert len(said) == 1 and said[0].startswith("dev: "), done.stderr
    assert [word for word in words if word not in said[0]] == []
    assert done.stdout == ""


def test_an_old_python_is_named(checkout: Path) -> None:
    play(checkout, "python3", 'case "$1" in -V) echo Python 3.9.2;; *) exit 1;; esac')
    assert_one_sentence(dev(checkout, "demo"), "Python 3.11 or newer", "Python 3.9.2")


def test_a_python_without_venv_says_what_to_install(checkout: Path) -> None:
    play(checkout, "python3", 'case "$*" in -V) echo Python 3.11.2;; *venv*) exit 1;; *) exit 0;; esac')
    assert_one_sentence(dev(checkout, "demo"), "python3-venv")


def test_too_little_disk_is_said_before_anything_is_fetched(checkout: Path) -> None:
    play(checkout, "python3", "exit 0")
    play(checkout, "df", 'echo header; echo "disk 100 50 307200 10% /"')
    assert_one_sentence(dev(checkout, "demo"), "300 MiB are free", "2500 MiB")
    assert not (checkout / ".venv").exists()


def broken_install(checkout: Path) -> Path:
    """Play a Python whose pip loses the connection once and then works; returns the file that lists what it was asked to install."""
    asked, flag = checkout.parent / "asked", checkout.parent / "was-broken"
    env_python = checkout / ".venv" / "demo" / "bin" / "python"
    pip = f'case "$*" in *install*) echo "$*" >>"{asked}"; [ -e "{flag}" ] || {{ : >"{flag}"; exit 1; }};; esac; exit 0'
    run = f"#!/bin/sh\n{pip}\n"
    (checkout.parent / "env-python").write_text(run, encoding="utf-8")
    (checkout.parent / "env-python").chmod(0o755)
    for tool in ("mkdir", "cp"):
        (checkout.parent / "bin" / tool).symlink_to(str(shutil.which(tool)))
    factolake = "#!/bin/sh\necho started with $*\n"
    (checkout.parent / "factolake").write_text(factolake, encoding="utf-8")
    (checkout.parent / "factolake").chmod(0o755)
    make = (
        f'mkdir -p "{env_python.parent}"; cp "{checkout.parent}/env-python" "{env_python}"; cp "{checkout.parent}/factolake" "{env_python.parent}/"'
    )
    play(checkout, "python3", f'case "$*" in "-m venv"*) {make};; esac; exit 0')
    return asked


def test_a_lost_connection_is_one_sentence_and_the_same_command_goes_on(checkout: Path) -> None:
    asked = broken_install(checkout)
    assert_one_sentence(dev(checkout, "run", "doctor"), "run the same command again")
    again = dev(checkout, "run", "doctor")
    assert again.returncode == 0, again.stderr
    # What a command prints is data for others: the script's own words must not stand in it.
    assert again.stdout == "started with doctor\n"
    assert all("--require-hashes" in line or "-e ." in line for line in asked.read_text(encoding="utf-8").splitlines())


def test_a_complete_environment_starts_without_pip_until_the_lock_changes(checkout: Path) -> None:
    asked = broken_install(checkout)
    dev(checkout, "run"), dev(checkout, "run")
    before = asked.read_text(encoding="utf-8")
    assert dev(checkout, "run", "status").stdout == "started with status\n"
    assert asked.read_text(encoding="utf-8") == before
    with (checkout / "requirements" / "demo.txt").open("a", encoding="utf-8") as lock:
        lock.write("# changed\n")
    dev(checkout, "run", "status")
    assert asked.read_text(encoding="utf-8") != before


def test_an_unknown_word_shows_the_usage(checkout: Path) -> None:
    done = dev(checkout, "frobnicate")
    assert done.returncode == 2
    assert "usage: ./dev demo" in done.stderr


@pytest.mark.parametrize("name", ["demo", "test"])
def test_every_locked_requirement_has_a_version_and_a_hash_and_no_address(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    entries = [entry for entry in text.replace("\\\n", " ").splitlines() if entry and not entry.lstrip().startswith("#")]
    assert [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []
    assert "://" not in text
