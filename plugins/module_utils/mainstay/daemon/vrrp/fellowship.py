# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the runner of an instance needs to know of its sync group."""

from __future__ import annotations

import typing as t

from ...model.units import Instant

if t.TYPE_CHECKING:
    from .instance_runner import InstanceRunner


class Fellowship(t.Protocol):
    """The sync group of a runner."""

    @property
    def name(self) -> str:
        """Of the vrrp_sync_group."""

    @property
    def only_waits(self) -> bool:
        """No member has another reason for FAULT than a check that has not been made yet."""

    def hear_out(self, wake: Instant) -> None:
        """Hear what waits at the interfaces of all members."""

    def changed(self, member: InstanceRunner, now: Instant) -> None:
        """The member has had an event."""

    def lesser_master_heard(self, member: InstanceRunner, now: Instant) -> None:
        """The member, a master, heard a lesser one."""
