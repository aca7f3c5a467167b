"""The jars the JVM engine needs beyond pyspark's own: fetched once at set-up, each verified against `jars.lock`.

`python -m factolake.lake.jars` fetches what is missing; `--relock` writes the hashes anew after the coordinates were edited.
A line of the lock is `group:artifact:version sha256`. Ivy comes with pyspark, takes Java's usual settings, and never fetches more
than it is asked for. At run time nothing is fetched: `jar_files` only looks.
"""

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from factolake.errors import ChecksumMismatch, ConfigError, FactoLakeError, MissingDependency, SourceUnavailable

LOCK_FILE = Path(__file__).parent / "jars.lock"
FETCH_TIMEOUT_S = 300
_LINE = re.compile(r"(?P<group>[\w.-]+):(?P<artifact>[\w.-]+):(?P<version>[\w.-]+)(?: (?P<sha256>[0-9a-f]{64}|-))?")


@dataclass(frozen=True, slots=True)
class Jar:
    """A jar of the lock; `sha256` in hex."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """Name in the jar folder."""
        return f"{self.artifact}-{self.version}.jar"

    @property
    def line(self) -> str:
        """Its line in the lock."""
        return f"{self.group}:{self.artifact}:{self.version} {self.sha256}"


Fetch = Callable[[Jar, Path], None]
"""Puts a jar at a path or raises; `fetch_with_ivy` is the one used outside of tests."""


def default_folder() -> Path:
    """Folder of the jars when none is named: the user's cache, shared by all installations."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "factolake" / "jars"


def read_lock(file: Path = LOCK_FILE) -> tuple[Jar, ...]:
    """The jars of a lock file. Raises ConfigError for a line of another form."""
    jars = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise ConfigError(str(file), f"line {number}", line, "group:artifact:version sha256")
        jars.append(Jar(match["group"], match["artifact"], match["version"], match["sha256"] or "-"))
    return tuple(jars)


def jar_files(folder: Path | None = None, lock: Path = LOCK_FILE) -> tuple[Path, ...]:
    """Paths of the locked jars, all there with the locked hash.

    Raises MissingDependency when one is not there and ChecksumMismatch when one is not what the lock says.
    """
    folder = folder or default_folder()
    paths = []
    for jar in read_lock(lock):
        path = folder / jar.file_name
        if not path.is_file():
            raise MissingDependency(f"engine spark: {path} is missing; run `python -m factolake.lake.jars`, or use engine sail")
        _verify(path, jar)
        paths.append(path)
    return tuple(paths)


def fetch_jars(folder: Path | None = None, lock: Path = LOCK_FILE, fetch: Fetch | None = None) -> tuple[Path, ...]:
    """Bring the folder up to the lock: fetch what is missing, keep what is right.

    Raises ChecksumMismatch for a jar (fetched now or earlier) with another hash, SourceUnavailable when the repository gives none.
    """
    folder = folder or default_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for jar in read_lock(lock):
        if not (folder / jar.file_name).exists():
            _place(jar, folder, fetch or fetch_with_ivy, verify=True)
    return jar_files(folder, lock)


def relock(folder: Path, lock: Path = LOCK_FILE, fetch: Fetch | None = None) -> tuple[Jar, ...]:
    """Fetch every coordinate of the lock into `folder` and write the hashes seen into the lock, comments kept."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = []
    for jar in read_lock(lock):
        _place(jar, folder, fetch or fetch_with_ivy, verify=False)
        fresh.append(replace(jar, sha256=_sha256(folder / jar.file_name)))
    comments = [line for line in lock.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    lock.write_text("\n".join([*comments, *(jar.line for jar in fresh), ""]), encoding="utf-8")
    return tuple(fresh)


def fetch_with_ivy(jar: Jar, path: Path) -> None:
    """One jar, without what it depends on, by the Ivy in pyspark's jars. Raises SourceUnavailable when Ivy does not get it."""
    from factolake.lake.java import find_java, spark_home

    ivy = next(iter((spark_home() / "jars").glob("ivy-*.jar")), None)
    if ivy is None:
        raise MissingDependency(f"jars: no ivy-*.jar under {spark_home() / 'jars'}; install pyspark[sql,connect] anew")
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".ivy-") as cache:
        what = ["-dependency", jar.group, jar.artifact, jar.version, "-notransitive", "-types", "jar"]
        where = ["-cache", cache, "-retrieve", f"{cache}/out/[artifact].[ext]"]
        told = _run([str(find_java()), "-cp", str(ivy), "org.apache.ivy.Main", *what, *where])
        found = Path(cache) / "out" / f"{jar.artifact}.jar"
        if not found.is_file():
            lines = [line.strip() for line in told.splitlines() if "ERROR" in line or "not found" in line or "Exception" in line]
            cause = "; ".join(lines[:2]) or "no answer"
            raise SourceUnavailable(
                f"jars: {jar.line.split()[0]} was not fetched ({cause}); check the network and run it again, what is there is kept"
            )
        os.replace(found, path)


def _run(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return f"ERROR: no end after {FETCH_TIMEOUT_S} s"
    return done.stdout + done.stderr


def _place(jar: Jar, folder: Path, fetch: Fetch, *, verify: bool) -> None:
    """Fetch beside the target and move it there whole, so that a kill never leaves half a jar under its name."""
    part = folder / f"{jar.file_name}.{os.getpid()}.part"
    try:
        fetch(jar, part)
        if verify:
            _verify(part, jar)
        os.replace(part, folder / jar.file_name)
    finally:
        part.unlink(missing_ok=True)


def _verify(path: Path, jar: Jar) -> None:
    seen = _sha256(path)
    if seen != jar.sha256:
        name = path.parent / jar.file_name
        raise ChecksumMismatch(f"{name}: sha256 {seen} was seen, {jar.sha256} is locked; delete the file if it is there and fetch again")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code and says an error in one sentence."""
    parser = argparse.ArgumentParser(prog="python -m factolake.lake.jars", description="Fetch and verify the JVM engine's jars.")
    parser.add_argument("folder", nargs="?", type=Path, default=default_folder(), help="where they go (default: %(default)s)")
    parser.add_argument("--relock", action="store_true", help="fetch all again and write the hashes seen into jars.lock")
    options = parser.parse_args(arguments)
    try:
        count = len(relock(options.folder) if options.relock else fetch_jars(options.folder))
    except FactoLakeError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{count} jars {'locked' if options.relock else 'verified'} in {options.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
