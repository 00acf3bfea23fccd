# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mailer under a real loop, with a log to read and a worker that explains."""

from __future__ import annotations

import typing as t
from pathlib import Path

from lab.mail_server import HostileServer
from mainstay.daemon.journal import Journal
from mainstay.daemon.mail.mailer import Answer, Mailer
from mainstay.daemon.worker import Happening
from mainstay.model.config import Config, GlobalDefs
from mainstay.model.units import seconds

from ..programs.script_lab import Loop

OPS, NIGHT = "ops@example.com", "night@example.com"
SHORT = seconds(0.05)
EXPLANATION = {"ok": True, "state": "MASTER", "why": "192.0.2.2 is silent", "outlook": "It yields to a higher one."}


def happening(event: str = "MASTER", kind: str = "INSTANCE", name: str = "VI_1", reason: str = "because") -> Happening:
    priority = 150 if kind == "INSTANCE" else 0
    return Happening(kind, name, event, priority, reason, "BACKUP", "2026-01-02T03:04:05+01:00")


class Story:
    """A mailer under a real loop; `restart` is a new one on the same folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.queue_folder = folder / "mail"
        self.loop = Loop()
        self.log: list[str] = []
        self.explanation: Answer = dict(EXPLANATION)
        self.silent = False
        """The worker does not answer."""
        self.mailer = self.restart()

    def restart(self) -> Mailer:
        journal = Journal(lambda text: bool(self.log.append(text)) or True, under_systemd=True)
        self.mailer = Mailer(self.loop, journal, str(self.folder), self._explain)
        return self.mailer

    def _explain(self, _instance: str, taken: t.Callable[[Answer], None]) -> t.Callable[[], None]:
        if not self.silent:
            taken(self.explanation)
        return lambda: None

    def configure(self, port: int | None, *recipients: str, **options: t.Any) -> None:
        where = {"smtp_server": "127.0.0.1", "smtp_port": port} if port is not None else {}
        usual = {"router_id": "lb1", "notification_email": recipients or (OPS,), **where}
        self.mailer.configure(Config(GlobalDefs(**{**usual, **options})), self.loop.now())

    def happens(self, *events: str, **what: str) -> None:
        for event in events:
            self.mailer.happened(happening(event, **what))

    def until(self, so: t.Callable[[], object], what: str) -> None:
        try:
            self.loop.until(so, what)
        except AssertionError as error:
            raise AssertionError(f"{error}; status {self.mailer.status()}, log {self.log}") from error

    def until_sent(self, number: int) -> None:
        self.until(lambda: self.mailer.sent == number, f"{number} mails to be sent")

    def files(self) -> list[Path]:
        return sorted(self.queue_folder.glob("*.mail"))

    def close(self) -> None:
        self.mailer.end(self.loop.now())
        self.until(lambda: self.mailer._run is None, "the last attempt to end")
        self.loop.close()


def dead_port() -> int:
    server = HostileServer()
    server.close()
    return server.port
