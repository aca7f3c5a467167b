"""How many files a part may have open: as many as the system grants, and never so few that a library ends the process without a word."""

import resource

from factolake.errors import ConfigError

WANTED = 4096
NEEDED = 256
"""Landing holds 40 at once and the refinery 60, more with more tables; without a free one delta-rs and DuckDB abort the process."""


def raise_open_files() -> None:
    """Raise the limit of this process towards WANTED. Raises ConfigError when the system does not even grant NEEDED."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    granted = WANTED if hard == resource.RLIM_INFINITY else min(hard, WANTED)
    if soft != resource.RLIM_INFINITY and soft < granted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (granted, hard))
    if granted < NEEDED:
        raise ConfigError("the system", "open files (ulimit -n)", granted, f"{NEEDED} or more")
