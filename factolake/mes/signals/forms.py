"""What actions on machine alerts are asked with."""

from typing import Self

from pydantic import Field, model_validator

from factolake.mes.core.action import Form
from factolake.mes.signals.models import Verdict

MINUTES_MAX = 60 * 24 * 31


class JudgeForm(Form):
    """What people found; the reason of the form is why they say so."""

    verdict: Verdict = Field(description="true: there was something to find. false: a false alarm.")
    cause: str = Field(default="", max_length=240, description="What it was, in a few words.")
    fix: str = Field(default="", max_length=240, description="What helped; the next similar alert shows it.")
    minutes: float | None = Field(default=None, ge=0, le=MINUTES_MAX, description="How long the machine stood because of it (minutes).")

    @model_validator(mode="after")
    def says_something(self) -> Self:
        """Cause and fix come back in the words of later alerts: each has a letter or digit, or is empty."""
        for name in ("cause", "fix"):
            if (text := one_line(getattr(self, name))) != "" and not any(each.isalnum() for each in text):
                raise ValueError(f"{name} has no letter or digit in it; say it in words, or leave it empty")
        return self


def one_line(text: str) -> str:
    """The text as one line: what cannot be printed, and every run of blanks, is one blank.

    >>> one_line(" belt\\n slipped ")
    'belt slipped'
    """
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
