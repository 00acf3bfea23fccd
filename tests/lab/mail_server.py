# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real SMTP server (aiosmtpd) in a thread of the test, good, refusing or hostile; and a CA for it (openssl)."""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
import socket
import ssl
import subprocess
import threading
import typing as t
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

PATIENCE = 15.0


@dataclass(frozen=True)
class Received:
    """One mail as it came."""

    helo: str
    sender: str
    recipients: list[str]
    secure: bool
    mail: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.mail["Subject"])

    @property
    def text(self) -> str:
        return str(self.mail.get_content())


class Certificate(t.NamedTuple):
    """Of a server, and the CA that signed it."""

    authority: Path
    chain: Path
    key: Path


def make_certificate(folder: Path, *names: str) -> Certificate:
    """A fresh CA and a server's certificate for these names ("DNS:localhost", "IP:127.0.0.1")."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "names").write_text(f"subjectAltName={','.join(names)}\n")
    key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    for line in (
        f"req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=ca-of-a-test",
        f"req {key} -keyout key.pem -out request.pem -subj /CN=server-of-a-test",
        "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out chain.pem",
    ):
        subprocess.run(["openssl", *line.split()], cwd=folder, check=True, capture_output=True)
    return Certificate(folder / "ca.pem", folder / "chain.pem", folder / "key.pem")


class MailServer:
    """Takes every mail until told otherwise."""

    def __init__(
        self,
        listening: socket.socket | None = None,
        certificate: Certificate | None = None,
        login: tuple[str, str] | None = None,
    ) -> None:
        """Listens on 127.0.0.1 unless it is given a socket; with a certificate it insists on STARTTLS."""
        self.received: list[Received] = []
        self.refusals: dict[str, str] = {}
        """Recipient -> answer to RCPT, as "450 later"."""
        self.answer_to_data = "250 taken"
        self.logins: list[str] = []
        self._socket = listening or socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._options: dict[str, t.Any] = {"hostname": "mail.test"}
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        """Of STARTTLS; what is set here counts for whoever connects from then on."""
        if certificate is not None:
            self.tls.load_cert_chain(certificate.chain, certificate.key)
            self._options.update(tls_context=self.tls, require_starttls=True)
        if login is not None:
            self._options.update(authenticator=self._authenticator(*login), auth_required=True)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._socket.close()

    # ---- what aiosmtpd calls

    async def handle_EHLO(  # noqa: N802 - its name
        self, _server: SMTP, session: t.Any, _envelope: t.Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: t.Any, envelope: t.Any, address: str, _options: list[str]
    ) -> str:
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: t.Any, envelope: t.Any) -> str:  # noqa: N802
        if self.answer_to_data.startswith("250"):
            mail = t.cast(EmailMessage, email.message_from_bytes(envelope.content, policy=email.policy.default))
            secure = session.ssl is not None
            self.received.append(
                Received(session.host_name, envelope.mail_from, list(envelope.rcpt_tos), secure, mail)
            )
        return self.answer_to_data

    def _authenticator(self, user: str, password: str) -> t.Callable[..., AuthResult]:
        def judge(_server: SMTP, _session: t.Any, _envelope: t.Any, _mechanism: str, given: t.Any) -> AuthResult:
            self.logins.append(given.login.decode())
            good = given == LoginPassword(user.encode(), password.encode())
            return AuthResult(success=good, handled=False)

        return judge

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)

        def session() -> SMTP:
            return SMTP(self, loop=self._loop, **self._options)

        server = self._loop.run_until_complete(self._loop.create_server(session, sock=self._socket))
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


class HostileServer:
    """Accepts connections and does one thing with each, in a thread of its own; what it holds stays open."""

    def __init__(
        self,
        behave: t.Callable[[socket.socket], None] = lambda _connection: None,
        listening: socket.socket | None = None,
    ) -> None:
        self._socket = listening or socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.connections: list[socket.socket] = []
        self._behave = behave
        self._closed = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed = True
        for one in (self._socket, *self.connections):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._thread.join(PATIENCE)

    def _serve(self) -> None:
        while not self._closed:
            try:
                connection, _peer = self._socket.accept()
            except OSError:
                return
            self.connections.append(connection)
            with contextlib.suppress(OSError):
                self._behave(connection)
