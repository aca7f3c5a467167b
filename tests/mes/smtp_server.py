"""A mail server on this machine that speaks enough SMTP, over a real socket: it keeps what it takes, and refuses or hangs up as a test wants."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

Judge = Callable[[str], str]
"""From the recipient to the answer, e.g. `250 ok`; "" hangs up before an answer to the mail."""


@dataclass
class Mailbox:
    """Where the server listens, and the mails it took."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)


@contextmanager
def smtp_server(judge: Judge = lambda _: "250 ok") -> Iterator[Mailbox]:
    """The server, until the block ends. `judge` says what it answers to each recipient."""

    class Session(socketserver.StreamRequestHandler):
        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def handle(self) -> None:
            self.say("220 test")
            hangs_up = False
            for raw in self.rfile:
                verb = raw.decode().strip()
                if verb.upper().startswith("RCPT"):
                    answer = judge(verb.partition("<")[2].partition(">")[0])
                    hangs_up = answer == ""
                    self.say(answer or "250 ok")
                elif verb.upper() == "DATA":
                    self.say("354 go on")
                    self.take(hangs_up)
                    if hangs_up:
                        return
                elif verb.upper() == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 ok")

        def take(self, hangs_up: bool) -> None:
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line)
            box.mails.append(message_from_bytes(b"".join(lines), policy=policy.default))
            if not hangs_up:
                self.say("250 taken")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.daemon_threads = True
        box = Mailbox(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield box
        finally:
            server.shutdown()
            thread.join()
