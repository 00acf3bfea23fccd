# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Protocol timeouts in bytes, against a scripted kernel; tests/kernel asks a real one."""

from __future__ import annotations

import errno
import typing as t

import pytest

from mainstay.net import ipvs
from mainstay.net.data_plane import DataPlaneAbsent
from mainstay.net.ipvs_timeouts import TimeoutControl, Timeouts
from mainstay.net.netlink import Answer, Message, decode, encode, u32

SET, GET = 12, 13


class ScriptedKernel:
    """Stands for netlink.KernelSocket: ip_vs with three numbers."""

    held: t.ClassVar[dict[int, bytes]]
    refused: t.ClassVar[int]
    absent: t.ClassVar[bool]

    def __init__(self, _protocol: int) -> None: ...

    def ask(self, message: Message) -> bytes:
        if message.kind == 16:
            if self.absent:
                raise OSError(errno.ENOENT, "No such file or directory")
            return bytes(4) + encode([(1, b"\x1c\0")])
        assert message.body[0] == GET
        return bytes([SET, 1, 0, 0]) + encode(list(self.held.items()))

    def order(self, messages: t.Sequence[Message]) -> list[Answer]:
        (message,) = messages
        assert message.body[0] == SET
        if not self.refused:
            self.held.update(decode(message.body, 4))
        return [Answer(self.refused)]

    def close(self) -> None: ...


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> type[ScriptedKernel]:
    ScriptedKernel.held = {4: u32(900), 5: u32(120), 6: u32(300)}
    ScriptedKernel.refused, ScriptedKernel.absent = 0, False
    monkeypatch.setattr(ipvs, "KernelSocket", ScriptedKernel)
    return ScriptedKernel


def test_only_what_is_said_is_set(kernel: type[ScriptedKernel]) -> None:
    control = TimeoutControl()
    before = control.read()
    assert before == Timeouts(900, 120, 300)
    assert control.write(Timeouts(tcp=3600)) == ""
    assert control.read() == Timeouts(3600, 120, 300)
    assert control.write(Timeouts()) == ""
    assert control.write(before) == ""
    assert control.read() == before


def test_a_refusal_is_a_sentence(kernel: type[ScriptedKernel]) -> None:
    kernel.refused = errno.EINVAL
    assert TimeoutControl().write(Timeouts(udp=1)) == "ip_vs refused lvs_timeouts (Invalid argument)"


def test_without_ip_vs_it_says_what_to_load(kernel: type[ScriptedKernel]) -> None:
    kernel.absent = True
    with pytest.raises(DataPlaneAbsent, match="modprobe ip_vs"):
        TimeoutControl()
