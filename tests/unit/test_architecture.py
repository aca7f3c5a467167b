"""Who may import what: the contracts of pyproject.toml, a domain of plain Python, and a command line that starts light."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("pyspark", "pysail", "dagster", "deltalake", "duckdb", "asyncua", "pandas", "numpy", "sqlalchemy", "django")


def imported_by(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def test_every_import_contract_is_kept() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_package_of_the_checkout_is_under_the_contracts() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["root_packages"]
    there = {file.parent.name for file in ROOT.glob("*/__init__.py")}
    assert there == set(declared)


@pytest.mark.parametrize("file", sorted((ROOT / "factolake" / "domain").glob("*.py")), ids=lambda file: file.name)
def test_the_domain_needs_only_python(file: Path) -> None:
    strangers = {name for name in imported_by(file) if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith("factolake.domain")}
    assert strangers == set()


def test_every_folder_with_modules_is_a_package() -> None:
    folders = {file.parent for top in ("factolake", "pipelines") for file in (ROOT / top).rglob("*.py")}
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {
        str(file): len(file.read_text(encoding="utf-8").splitlines()) for top in ("factolake", "pipelines") for file in (ROOT / top).rglob("*.py")
    }
    assert {file: length for file, length in lengths.items() if length > 400} == {}


def _is_sql_text(call: ast.Call, called: ast.Attribute) -> bool:
    if called.attr in ("where", "filter") and ast.unparse(called.value) != "F":
        return any(isinstance(argument, (ast.JoinedStr, ast.Constant)) for argument in call.args)
    return called.attr in ("expr", "selectExpr", "sql")


@pytest.mark.parametrize("package", ["refine", "kpi"])
def test_transforms_hand_no_sql_text_to_the_engine(package: str) -> None:
    """Sail keeps memory of each text it parses; a condition built of columns costs none."""
    texts = []
    for file in sorted((ROOT / "factolake" / package).glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_sql_text(node, node.func):
                texts.append(f"{file.name}:{node.lineno}")
    assert texts == []


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    program = f"import sys, pipelines.cli; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
