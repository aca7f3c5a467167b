"""Listening ports of the parts: free, or one sentence."""

import socket

from factolake.errors import PortInUse


def check_port_free(port: int, what: str, key: str) -> None:
    """Raises PortInUse when another process listens on `port` of the loopback address; port 0 is always free."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortInUse(f"{what}: port {port} is taken by another process; stop it or set {key} to a free one") from error
