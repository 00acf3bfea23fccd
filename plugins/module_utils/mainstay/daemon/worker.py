# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the supervisor asks of a worker process, and what a worker may say."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..model.config import Config
from ..model.units import Instant


@dataclass(frozen=True)
class LogLine:
    """One line for the journal, typed so that tests and pages can read it too."""

    level: str
    """info, warning or error."""
    subject: str
    """The object it is about: "vrrp_instance VI_1", "virtual_server web", "mainstayd"."""
    message: str
    """A sentence with value and remedy."""


Say = t.Callable[[LogLine], None]


class Worker(t.Protocol):
    """One worker; built inside its own process with the process's reactor and a `Say`."""

    def configure(self, config: Config, now: Instant) -> None:
        """Run this configuration: the first call starts, later ones change only what differs.

        Never raises for a valid Config.
        """

    def status(self, now: Instant) -> t.Dict[str, object]:
        """This worker's section of the status answer, JSON-able."""

    def stop(self, now: Instant) -> None:
        """End in order: release what is held, then return. Called once; the process exits afterwards."""
