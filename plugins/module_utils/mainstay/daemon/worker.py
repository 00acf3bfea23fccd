# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the supervisor asks of a worker process, and what a worker may say."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..model.config import Config
from ..model.units import Instant

DATA_PLANE = "data_plane"
"""Asked of the health worker: which engine serves, and why the configured one does not."""
SERVED_BY = "served_by"
"""Told to a new health worker: which engine served last. It holds the table as long as the configured one is absent."""


@dataclass(frozen=True)
class LogLine:
    """One line for the journal, typed so that tests and pages can read it too."""

    level: str
    """info, warning or error."""
    subject: str
    """The object it is about: "vrrp_instance VI_1", "virtual_server web", "mainstayd"."""
    message: str
    """A sentence with value and remedy."""


@dataclass(frozen=True)
class Happening:
    """What scripts, mails, FIFOs and the event journal tell of: something happened to an instance, a group, a
    balanced service or one of its servers."""

    kind: str
    """INSTANCE, GROUP, VS (virtual_server), RS (real_server) or BFD (bfd_instance)."""
    name: str
    """Of the vrrp_instance, vrrp_sync_group or virtual_server; of a real_server "web 192.0.2.21:80"."""
    event: str
    """MASTER, BACKUP, FAULT, STOP, DELETED, MASTER_RX_LOWER_PRI, MASTER_PRIORITY or BACKUP_PRIORITY; of VS and RS
    UP, DOWN or STOP; of BFD UP, DOWN or START: a session begins and may be up in a moment."""
    priority: int
    """The effective one at that moment; of a group 0, it has none; of VS the live weight, of RS the weight."""
    reason: str
    """A sentence."""
    before: str
    """State until then; the present one when it did not change."""
    at: str
    """Wall clock, ISO 8601 with the offset of this machine."""


Saying = t.Union[LogLine, Happening]
Say = t.Callable[[Saying], None]
"""How a worker speaks to the supervisor, in order."""

Arguments = t.Dict[str, t.Any]
"""JSON-able."""


class Worker(t.Protocol):
    """One worker; built inside its own process with the process's reactor and a `Say`."""

    def configure(self, config: Config, now: Instant) -> None:
        """Run this configuration: the first call starts, later ones change only what differs.

        Never raises for a valid Config.
        """

    def status(self, now: Instant) -> t.Dict[str, object]:
        """This worker's section of the status answer, JSON-able."""

    def tell(self, verb: str, arguments: Arguments, now: Instant) -> None:
        """Take over the whole of what `verb` is about; it replaces what was told under this verb before.

        May come before the first configuration. Unknown verbs are an error of ours: KeyError.
        """

    def ask(self, verb: str, arguments: Arguments, now: Instant) -> t.Dict[str, object]:
        """Answer one question, JSON-able; {"ok": False, "error": ...} when there is nothing of that name."""

    def stop(self, now: Instant) -> None:
        """End in order: release what is held, then return. Called once; the process exits afterwards."""
