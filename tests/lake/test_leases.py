"""Leases between real processes."""

import multiprocessing as mp
import os
from pathlib import Path

import pytest

from factolake.errors import LeaseHeld
from factolake.lake.leases import Lease


def hold(path: Path, ready: object, done: object) -> None:
    with Lease(path):
        ready.set()  # type: ignore[attr-defined]
        done.wait(30)  # type: ignore[attr-defined]


def test_a_second_owner_is_refused_naming_the_first_pid_and_let_in_after_it_dies(tmp_path: Path) -> None:
    path = tmp_path / "run" / "land.lock"
    context = mp.get_context("spawn")
    ready, done = context.Event(), context.Event()
    owner = context.Process(target=hold, args=(path, ready, done))
    owner.start()
    try:
        assert ready.wait(30)
        with pytest.raises(LeaseHeld, match=rf"land is already run by process {owner.pid}"):
            Lease(path).acquire()
    finally:
        owner.kill()
        owner.join()
    assert Lease(path).acquire().epoch == 2


def test_every_owner_has_a_larger_epoch_even_when_the_lock_file_is_lost_or_garbled(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    for expected in (1, 2, 3):
        with Lease(path) as lease:
            assert lease.epoch == expected
    path.write_bytes(b"\x00garbage")
    with Lease(path).acquire(above=9) as lease:
        assert lease.epoch == 10


def test_a_released_lease_has_no_epoch(tmp_path: Path) -> None:
    lease = Lease(tmp_path / "x.lock").acquire()
    lease.release()
    lease.release()
    with pytest.raises(LeaseHeld, match="not acquired"):
        _ = lease.epoch
    assert os.path.exists(lease.path)
