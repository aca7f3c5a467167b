"""Every error FactoLake raises, in one tree.

FactoLakeError
├── Transient                a retry can help
│   ├── SourceUnavailable    a machine, server or broker does not answer
│   ├── SpoolFull            the spool reached its size limit
│   ├── DiskFull             the disk under the lake or the spool is full
│   ├── StorageRefused       a disk is read-only or broken, a right is missing, too many files are open
│   ├── CommitConflict       another writer committed first and retries ran out
│   ├── EngineUnavailable    the Spark engine did not start or went away
│   └── RegistryUnavailable  the database of the model registry does not answer
└── Permanent                a retry cannot help, a person must act
    ├── ConfigError          a setting or plant file is wrong: file, key, value, what is allowed
    ├── UndecodableRecord    bytes that are not what their header says
    ├── ContractViolation    data that does not fit its table's contract
    ├── LeaseHeld            another process owns the table or runs the part
    ├── StalePosition        rows at or below a position already committed were offered again
    ├── LogReplaced          the spool ends below the position the lake has committed
    ├── QueryError           a SQL question the lake cannot answer
    ├── EngineFailed         the Spark engine cannot compute a table: a damaged file, values it refuses
    ├── TableDamaged         a table's log or data file is missing or broken
    ├── NoSuchRow            a value that was asked for is not in the lake
    ├── MissingDependency    an optional package, jar or Java is not installed
    ├── ModelRefused         a model is not what was registered and approved, or may not be
    ├── ChecksumMismatch     a fetched file has another hash than the lock
    └── PortInUse            an address is taken by another process

A message says what failed, which thing, the value seen and what to do. `exit_code` is what the command line returns.
"""


class FactoLakeError(Exception):
    """Root of the tree; never raised itself."""

    exit_code = 1


class Transient(FactoLakeError):
    """A retry can help."""

    exit_code = 75


class Permanent(FactoLakeError):
    """A retry cannot help; the message says what a person should do."""

    exit_code = 1


class SourceUnavailable(Transient):
    """A machine, server or broker does not answer."""


class SpoolFull(Transient):
    """The spool reached its size limit; the source must wait or the loss be counted."""


class DiskFull(Transient):
    """No space is left under the lake or the spool."""

    exit_code = 74


class StorageRefused(Transient):
    """The system refuses a file or folder: read-only, no right to it, too many open files, or the disk is broken."""

    exit_code = 74


class CommitConflict(Transient):
    """Another writer committed first and the retries ran out."""


class EngineUnavailable(Transient):
    """The Spark engine did not start or went away."""


class RegistryUnavailable(Transient):
    """The database of the model registry does not answer."""


class ConfigError(Permanent):
    """A setting or plant file is wrong; `value` None says that the key or file is not there (TOML has no null)."""

    exit_code = 78

    def __init__(self, file: str, key: str, value: object, allowed: str) -> None:
        seen = "missing" if value is None else repr(value)
        super().__init__(f"{file}: {key} is {seen}; allowed: {allowed}")
        self.file, self.key, self.value, self.allowed = file, key, value, allowed


class EngineFailed(Permanent):
    """The Spark engine cannot compute a table: a damaged data file, or values and plans that it refuses."""


class UndecodableRecord(Permanent):
    """Bytes that are not what their header says; `reason` is a short stable word for counting."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class ContractViolation(Permanent):
    """Data that does not fit its table's contract."""


class LeaseHeld(Permanent):
    """Another process owns the table or already runs this part."""

    exit_code = 73


class StalePosition(Permanent):
    """Rows at or below a position already committed were offered again; nothing was written."""


class LogReplaced(Permanent):
    """The spool ends below the position the lake has already committed."""


class QueryError(Permanent):
    """A SQL question the lake cannot answer: wrong SQL, an unknown table, or no question at all."""


class TableDamaged(Permanent):
    """A table's log or data file is missing or broken."""


class NoSuchRow(Permanent):
    """A value that was asked for is not in the lake."""


class MissingDependency(Permanent):
    """An optional package, a jar or Java is not installed."""

    exit_code = 69


class ModelRefused(Permanent):
    """A model, or what is to happen to it, is refused: it is not what was registered and approved, damaged, or unknown."""


class ChecksumMismatch(Permanent):
    """A fetched file has another hash than the lock says."""


class PortInUse(Permanent):
    """An address is taken by another process."""

    exit_code = 73
