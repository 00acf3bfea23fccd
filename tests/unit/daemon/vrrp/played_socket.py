# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VRRP socket whose segment the test plays: it hears what the kernel's filter by sender would let pass."""

from __future__ import annotations

import errno
import os
import typing as t

import pytest

from mainstay.daemon.vrrp import hearing
from mainstay.net.vrrp_socket import Datagram, Delivery

_FIRST_DESCRIPTOR = 100_000  # above any real one of the process that runs the tests


class PlayedSocket:
    """Takes the place of net.vrrp_socket.VrrpSocket."""

    made: t.ClassVar[list[PlayedSocket]] = []
    refuse: t.ClassVar[int] = 0
    """The number of an error that the next sockets meet."""
    sent: t.ClassVar[list[tuple[int, int]]] = []
    """virtual_router_id and priority of what left."""

    @classmethod
    def takes_the_place(cls, monkeypatch: pytest.MonkeyPatch) -> list[PlayedSocket]:
        """From now on, in an empty world. Returns the sockets, as they will be made."""
        cls.made, cls.refuse, cls.sent = [], 0, []
        monkeypatch.setattr(hearing, "VrrpSocket", cls)
        return cls.made

    @classmethod
    def of(cls, device: str) -> PlayedSocket:
        """The one of this interface that hears strangers."""
        return next(one for one in cls.made if one.place[0] == device and one.only is None)

    def __init__(
        self, device: str, index: int, family: int, group: str, senders: t.Collection[int] | None = None
    ) -> None:
        if PlayedSocket.refuse:
            raise OSError(PlayedSocket.refuse, os.strerror(PlayedSocket.refuse))
        self.place = (device, index)
        self.kind = (family, group)
        self.endless: t.Callable[[], bytes] | None = None
        self.waiting: list[bytes | OSError] = []
        self.open = True
        self.lost = 0
        self.only = senders
        self.all_but: t.Collection[int] = ()
        PlayedSocket.made.append(self)

    def fileno(self) -> int:
        return _FIRST_DESCRIPTOR + PlayedSocket.made.index(self)

    def hears(self, sender: int | None) -> bool:
        """Whether its filter passes what this sender sends."""
        return self.open and sender not in self.all_but and (self.only is None or sender in self.only)

    def hear_only(self, senders: t.Collection[int]) -> None:
        self._refuse_filters()
        self.only = senders

    def hear_all_but(self, senders: t.Collection[int]) -> None:
        self._refuse_filters()
        self.all_but = senders

    def hear_everybody(self) -> None:
        self.only, self.all_but = None, ()

    def unread(self) -> int:
        return self.lost

    def receive(self) -> Datagram | None:
        if self.endless is not None:
            return Datagram(self.endless())
        said = self.waiting.pop(0) if self.waiting else None
        if isinstance(said, OSError):
            raise said
        return None if said is None else Datagram(said)

    def send(self, packet: bytes, _where: Delivery) -> None:
        self.sent.append((packet[1], packet[2]))

    def close(self) -> None:
        self.open = False

    def _refuse_filters(self) -> None:
        if PlayedSocket.refuse == errno.ENOMEM:
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
