"""How a plan is searched for: limits and engines as one checked value, by hand or from a preset."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PRESETS = Path(__file__).parent / "presets"
OWN = ("flow", "shop", "flexible", "rich")
MEMBERS = ("own", *OWN, "cpsat", "exact")


class InvalidSettings(ValueError):
    """Settings that cannot be: which one, the value seen, what would be right."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits of a search and who searches. Raises InvalidSettings.

    `seconds`: CPU seconds of all its processes together, starting them included (None: `iterations` alone ends it). `wall_s`: by the clock, `seconds`
    where it is None; an answer comes within 5 s after it. `iterations`: steps of each engine, in its own measure; with it, one `seed` gives one plan
    as long as no other limit cuts in. `threads`: cores used at once, 1 to 64. `members`: engines in their order; "own" is the first of `OWN` that
    does the problem's constraints. `own_share`: how much of the CPU seconds goes to the first member, above 0 to 1.
    `memory_mib`: resident memory of all processes together; who passes it is ended.
    """

    seconds: float | None = 10.0
    iterations: int | None = None
    seed: int = 0
    threads: int = 1
    members: tuple[str, ...] = ("own", "cpsat")
    own_share: float = 0.8
    memory_mib: int = 4096
    wall_s: float | None = None

    def __post_init__(self) -> None:
        if self.seconds is None and self.iterations is None:
            raise InvalidSettings("seconds and iterations are both without a value; give one of them, or the search never ends")
        for name, value, low, high in (
            ("seconds", self.seconds, 0.1, 1e6),
            ("wall_s", self.wall_s, 0.1, 1e6),
            ("iterations", self.iterations, 1, 1 << 40),
            ("seed", self.seed, 0, (1 << 31) - 1),
            ("threads", self.threads, 1, 64),
            ("own_share", self.own_share, 0.01, 1.0),
            ("memory_mib", self.memory_mib, 256, 1 << 24),
        ):
            if value is not None and not low <= value <= high:
                raise InvalidSettings(f"{name} is {value}; give {low} to {high}")
        unknown = [member for member in self.members if member not in MEMBERS]
        if unknown or not self.members or len(set(self.members)) < len(self.members):
            raise InvalidSettings(f"members are {', '.join(self.members) or 'none'}; give one or more of {', '.join(MEMBERS)}, each once")

    @property
    def limit_s(self) -> float | None:
        """The limit by the clock, None: no limit."""
        return self.seconds if self.wall_s is None else self.wall_s


def preset(name: str, **changes: object) -> Settings:
    """Settings of a preset by name, with some of them changed (those that are None stay as they are). Raises InvalidSettings for an unknown one."""
    return from_mapping({**tomllib.loads(_file(name).read_text()), **{key: value for key, value in changes.items() if value is not None}})


def preset_names() -> tuple[str, ...]:
    """Names of all presets, sorted."""
    return tuple(sorted(file.stem for file in PRESETS.glob("*.toml")))


def from_mapping(values: Mapping[str, object]) -> Settings:
    """Settings from what a file or form holds. Raises InvalidSettings for an unknown name or a value of the wrong kind."""
    known = {name: value for name, value in values.items() if name in Settings.__dataclass_fields__}
    if len(known) < len(values):
        raise InvalidSettings(
            f"{', '.join(sorted(set(values) - set(known)))} is no setting of a plan; give some of {', '.join(Settings.__dataclass_fields__)}"
        )
    if isinstance(known.get("members"), list | tuple):
        known["members"] = tuple(known["members"])  # type: ignore[arg-type]
    try:
        return Settings(**known)  # type: ignore[arg-type]
    except TypeError as problem:
        raise InvalidSettings(f"settings are {dict(values)}: {problem}; give numbers, and names in members") from problem


def _file(name: str) -> Path:
    if name not in preset_names():
        raise InvalidSettings(f"preset {name} does not exist; give one of {', '.join(preset_names())}")
    return PRESETS / f"{name}.toml"
