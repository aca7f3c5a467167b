"""`factolake models train` and `rescore` refuse in a sentence what they cannot do."""

from pathlib import Path

import pytest
from command_line import factolake, sentence

DAYS = ("--from", "2026-03-02", "--to", "2026-03-04")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("train", *DAYS, "--by", "eva"), 1, "silver.features_window and silver.window_regimes not there yet"),
        (("rescore", "L9-M1", *DAYS), 78, "MACHINE is 'L9-M1'; allowed: L1-M1, L1-M2"),
        (("rescore", "--from", "2026-03-04", "--to", "2026-03-02"), 78, "--to is '2026-03-02'; allowed: 2026-03-04 or later"),
        (("train", *DAYS, "--by", "eva", "--without", "monday"), 78, "--without is 'monday'; allowed: a day as YYYY-MM-DD"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(home: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = factolake(home, "models", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in sentence(done)
