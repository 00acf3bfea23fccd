# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""promote_secondaries: removing one address of a subnet must not take the others with it.

The setting of an interface is changed while an instance asks for it, again when the interface was made anew, and put
back at the end. A worker that was killed cannot put it back; what the next one finds is then taken for the host's own.
"""

from __future__ import annotations

import typing as t

from ...net.device_settings import PROMOTE_SECONDARIES, read_setting, write_setting
from ...net.links import LinkMirror
from ...net.rtnl_socket import OrderSocket
from ..worker import LogLine, Say


class PromotedSecondaries:
    """Which interfaces have the setting because of us."""

    def __init__(self, orders: OrderSocket, mirror: LinkMirror, say: Say) -> None:
        self._orders = orders
        self._mirror = mirror
        self._say = say
        self._wanted: t.FrozenSet[str] = frozenset()
        self._before: t.Dict[str, t.Tuple[int, int]] = {}
        """By interface: the index that was set, and the value to put back."""

    def want(self, devices: t.FrozenSet[str]) -> None:
        """Exactly these interfaces have it from now on, as far as it is ours."""
        self._wanted = devices
        for device in [one for one in self._before if one not in devices]:
            self._put_back(device)
        self.look(devices)

    def look(self, names: t.Collection[str]) -> None:
        """These links changed."""
        for device in self._wanted.intersection(names):
            link = self._mirror.named(device)
            if link is not None and self._before.get(device, (0, 0))[0] != link.index:
                self._set(device, link.index)

    def _set(self, device: str, index: int) -> None:
        try:
            before = read_setting(device, PROMOTE_SECONDARIES)
            if not before:
                write_setting(self._orders, index, PROMOTE_SECONDARIES, 1)
            self._before[device] = index, before
        except OSError as error:
            self._complain(device, error)

    def _put_back(self, device: str) -> None:
        index, before = self._before.pop(device)
        link = self._mirror.named(device)
        if before or link is None or link.index != index:
            return
        try:
            write_setting(self._orders, index, PROMOTE_SECONDARIES, before)
        except OSError as error:
            self._complain(device, error)

    def _complain(self, device: str, error: OSError) -> None:
        message = f"promote_secondaries of {device} cannot be set: {error.strerror}"
        self._say(LogLine("warning", "vrrp worker", message))
