"""The walls: from `enter` on a process has so much memory and CPU, starts nothing, opens nothing, and sees no network, no file and no other process.

Limits hold on every Linux. Namespaces need a system that lets this user make them, a user of its own needs root: what could not be had is said.
"""

import ctypes
import os
import resource
import signal
from dataclasses import dataclass

_NEW_IPC, _NEW_USER, _NEW_PID, _NEW_NET = 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000
_APART = _NEW_IPC | _NEW_PID | _NEW_NET
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CAPABILITY_VERSION_3 = 0x2008_0522
_NOBODY = 65_534
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one question. Raises ValueError.

    `memory_mib`: of addresses beyond those of the process that is walled in, 16 to 65536. `cpu_s`: 1 to 600. `wall_s`: how long an answer is waited
    for, above 0 to 600.
    """

    memory_mib: int = 1536
    cpu_s: int = 10
    wall_s: float = 120.0

    def __post_init__(self) -> None:
        for name, low, most in (("memory_mib", 16, 65_536), ("cpu_s", 1, 600), ("wall_s", 0.01, 600)):
            if not low <= getattr(self, name) <= most:
                raise ValueError(f"{name} is {getattr(self, name)}; give {low} to {most}")


def apart(hollow: int) -> tuple[str, ...]:
    """Part this process, and the children it makes from now on, from network, processes and files; what could not be had.

    `hollow` is a handle of an empty folder, which becomes the root. Files that are open stay so.
    """
    lacks = []
    is_root = os.geteuid() == 0
    is_apart = is_root and _is_done(_libc().unshare(_APART))
    if is_apart:
        _enclose(hollow)
    if is_root and not _is_nobody():
        lacks.append("a user of their own")
    if not is_apart and not _is_done(_libc().unshare(_APART | _NEW_USER)):
        return (*lacks, "namespaces without network, files and other processes")
    if not is_apart:
        _enclose(hollow)
    return tuple(lacks)


def enter(limits: Limits, addresses_bytes: int) -> None:
    """Take from this process what is left to it, and let it die with its parent, which has to be `apart`; `addresses_bytes` are in use already."""
    libc = _libc()
    header, none = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)()
    libc.capset(header, none)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    for kind, most in (
        (resource.RLIMIT_AS, addresses_bytes + limits.memory_mib * _MIB),
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        # No further one: neither a file nor a socket can be opened.
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(kind, (most, most))


def addresses_in_use() -> int:
    """Bytes of addresses of this process. From inside the walls /proc is not in sight."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _enclose(hollow: int) -> None:
    os.fchdir(hollow)
    os.chroot(".")


def _is_nobody() -> bool:
    """Root gives itself up. In a container it may lack the right to."""
    try:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    except OSError:
        return False
    return True


def _is_done(code: int) -> bool:
    return code == 0


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
