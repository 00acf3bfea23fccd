# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long ip_vs keeps idle connections: three numbers for the whole network namespace."""

from __future__ import annotations

import os
import struct
import typing as t
from dataclasses import astuple, dataclass, replace

from . import ipvs_messages as messages
from .ipvs import open_ipvs, unavailable
from .netlink import Message, decode, u32

_OTHERWISE = "take lvs_timeouts out of the configuration"
_TCP, _TCP_FIN, _UDP = 4, 5, 6
_U32 = struct.Struct("=I")


@dataclass(frozen=True)
class Timeouts:
    """In whole seconds, as the kernel has them; None in what is wanted: as it is."""

    tcp: t.Optional[int] = None
    """An open TCP connection without traffic."""
    tcpfin: t.Optional[int] = None
    """After the first FIN."""
    udp: t.Optional[int] = None
    """After the last datagram."""

    def over(self, present: Timeouts) -> Timeouts:
        """What is wanted, and of the rest what is."""
        wanted = {name: value for name, value in vars(self).items() if value is not None}
        return replace(present, **wanted)


class TimeoutControl:
    """Reads and sets the timeouts of the network namespace that it was opened in."""

    def __init__(self) -> None:
        """Raises DataPlaneUnavailable."""
        self._kernel, self._family = open_ipvs(_OTHERWISE)

    def read(self) -> Timeouts:
        """All three. Raises DataPlaneUnavailable."""
        try:
            answer = self._kernel.ask(Message(self._family, messages.command_body(messages.GET_CONFIG)))
        except OSError as error:
            raise unavailable(error, _OTHERWISE) from error
        found = decode(answer, messages.HEADER_SIZE)
        return Timeouts(*(_U32.unpack(found[kind])[0] if kind in found else None for kind in (_TCP, _TCP_FIN, _UDP)))

    def write(self, wanted: Timeouts) -> str:
        """Set those that are said. Why the kernel did not take them; empty when it did. Raises DataPlaneUnavailable."""
        said = zip((_TCP, _TCP_FIN, _UDP), astuple(wanted))
        attributes = [(kind, u32(value)) for kind, value in said if value is not None]
        if not attributes:
            return ""
        try:
            order = Message(self._family, messages.command_body(messages.SET_CONFIG, attributes))
            (answer,) = self._kernel.order([order])
        except OSError as error:
            raise unavailable(error, _OTHERWISE) from error
        return f"ip_vs refused lvs_timeouts ({os.strerror(answer.errno)})" if answer.errno else ""

    def close(self) -> None:
        """Give the socket back; the timeouts stay."""
        self._kernel.close()
