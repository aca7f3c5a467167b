"""Documents kept true: every command, option, setting and plant-file key is explained, the README stays short, decisions have their form."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel
from typer.main import get_command

from factolake.config import Settings
from factolake.config.plant import PlantForm
from pipelines.cli import app

DOCS = Path(__file__).parents[2] / "docs"
README = DOCS.parent / "README.md"
ROOT = get_command(app)


def models_in(form: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield form
    for field in form.model_fields.values():
        seen = [field.annotation]
        while seen:
            kind = seen.pop()
            seen += getattr(kind, "__args__", ())
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from models_in(kind)


def keys_of(form: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in form.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from keys_of(kind, f"{prefix}{name}.")
        else:
            yield prefix + name


@pytest.mark.parametrize("name", sorted(ROOT.commands))
def test_every_command_and_option_is_documented(name):
    text = (DOCS / "reference" / "commands.md").read_text()
    section = re.search(rf"(?ms)^## `{name}`\n(.*?)(?=^## |\Z)", text) or re.search(rf"(?m)^\| `{name}` \|.*$", text)
    assert section, f"commands.md has no section or row for {name}"
    options = [option for parameter in ROOT.commands[name].params if not getattr(parameter, "hidden", False) for option in parameter.opts]
    missing = [option for option in options if option.startswith("--") and not re.search(rf"{option}\b", section[0])]
    assert not missing, f"commands.md does not explain {missing} of {name}"


@pytest.mark.parametrize("key", list(keys_of(Settings)))
def test_every_setting_is_documented_with_its_default(key):
    row = re.search(rf"(?m)^\| `{re.escape(key)}` \| (.*?) \|", (DOCS / "reference" / "settings.md").read_text())
    assert row, f"settings.md has no row for {key}"
    default: object = Settings()
    for part in key.split("."):
        default = getattr(default, part)
    written = row[1].strip("`")
    expected = ", ".join(default) if isinstance(default, tuple) else str(default) or "empty"
    assert written == expected


@pytest.mark.parametrize("form", sorted(set(models_in(PlantForm)) - {PlantForm}, key=lambda form: form.__name__))
def test_every_key_of_the_plant_file_is_documented(form):
    text = (DOCS / "reference" / "plant-file.md").read_text()
    assert [name for name in form.model_fields if f"`{name}`" not in text and f".{name}]" not in text] == []


def test_the_readme_is_short_and_begins_with_the_two_commands():
    text = README.read_text()
    assert len(text.split()) <= 500
    first_screen = "\n".join(text.splitlines()[:24])
    assert "./dev demo" in first_screen and "./dev test" in first_screen


def test_commands_shown_in_the_readme_exist():
    shown = re.findall(r"^\./dev run (.*?)(?:\s+#.*)?$", README.read_text(), re.MULTILINE)
    assert shown
    assert [line for line in shown if shlex.split(line)[0] not in ROOT.commands] == []


def test_links_in_the_documents_lead_somewhere():
    broken = []
    for page in (README, *DOCS.rglob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.name}: {target}")
    assert broken == []


@pytest.mark.parametrize("page", sorted((DOCS / "adr").glob("*.md")), ids=lambda page: page.stem)
def test_every_decision_says_context_options_decision_and_cost(page):
    text = page.read_text()
    assert re.match(rf"# ADR-{page.stem[:4]}: ", text)
    assert [heading for heading in ("Status:", "## Context", "## Options", "## Decision", "## Cost") if heading not in text] == []
