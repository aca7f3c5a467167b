"""A language model that says what it is told to: the port `models.timeseries.words.rephrase.Rephraser` without a network."""

import threading
from collections.abc import Callable


class ScriptedRephraser:
    """Answers with `answer(text)`, once `answering` is set; an error it raises is the endpoint's. `asked` keeps the texts and languages."""

    def __init__(self, answer: Callable[[str], str]) -> None:
        self._answer = answer
        self.asked: list[tuple[str, str]] = []
        self.answering = threading.Event()
        self.answering.set()

    def rephrase(self, text: str, language: str, timeout_s: float) -> str:
        """What the script says. Raises TimeoutError where it is not let answer within four times `timeout_s`: an endpoint that gives up too late."""
        self.asked.append((text, language))
        if not self.answering.wait(4 * timeout_s):
            raise TimeoutError(f"the script did not answer within {4 * timeout_s} s")
        return self._answer(text)
