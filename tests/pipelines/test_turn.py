"""Turns over the refined tables: one holder at a time, handed on when it ends."""

import threading
from pathlib import Path

from pipelines.turn import table_turn


def test_who_waits_gets_the_turn_when_the_holder_ends(tmp_path: Path) -> None:
    order: list[str] = []
    waiting = threading.Event()

    def second() -> None:
        def give_up() -> bool:
            waiting.set()
            return False

        with table_turn(tmp_path, give_up) as is_mine:
            order.append(f"second {is_mine}")

    thread = threading.Thread(target=second)
    with table_turn(tmp_path, lambda: True) as is_mine:
        thread.start()
        assert waiting.wait(10)
        order.append(f"first {is_mine}")
    thread.join(10)
    assert order == ["first True", "second True"]


def test_who_gives_up_gets_no_turn_and_takes_none_away(tmp_path: Path) -> None:
    with table_turn(tmp_path, lambda: True) as first:
        with table_turn(tmp_path, lambda: True) as second:
            assert (first, second) == (True, False)
        with table_turn(tmp_path, lambda: True) as third:
            assert not third, "the loser's end released nothing"
