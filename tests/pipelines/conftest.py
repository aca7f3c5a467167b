"""A data folder beside the shipped plant file, for the tests that run commands."""

from pathlib import Path

import pytest
from command_line import REPOSITORY


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "plant.toml").write_text((REPOSITORY / "conf" / "plant.toml").read_text())
    return tmp_path / "home"
