"""The scenario page kept true: every key of a scenario file is explained."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from factolake.plant.scenario import Kind, Scenario

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "scenario-file.md").read_text()


def forms(form: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield form
    for field in form.model_fields.values():
        seen = [field.annotation]
        while seen:
            kind = seen.pop()
            seen += getattr(kind, "__args__", ())
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from forms(kind)


@pytest.mark.parametrize("form", sorted(set(forms(Scenario)), key=lambda form: form.__name__))
def test_every_key_of_a_scenario_is_documented(form: type[BaseModel]) -> None:
    missing = [name for name in form.model_fields if not re.search(rf"`{name}`|\[{name}\]|\[{name}\.", PAGE)]
    assert missing == []


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_kind_of_degradation_is_documented(kind: str) -> None:
    assert re.search(rf"(?m)^\| `{kind}` \|", PAGE)
