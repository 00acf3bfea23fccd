# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""lvs_timeouts: set, changed, put back; a kernel that refuses is told once and asked again."""

from __future__ import annotations

from mainstay.daemon.health.timeout_keeper import TimeoutKeeper
from mainstay.daemon.worker import LogLine
from mainstay.model.lvs_config import LvsTimeouts
from mainstay.model.units import seconds
from mainstay.net.data_plane import DataPlaneUnavailable
from mainstay.net.ipvs_timeouts import Timeouts

from ...scripted_poller import ScriptedPoller

FACTORY = Timeouts(900, 120, 300)


class Kernel:
    """The three numbers of one namespace."""

    def __init__(self) -> None:
        self.now = FACTORY
        self.missing = ""
        self.refusal = ""
        self.poller = ScriptedPoller()
        self.lines: list[LogLine] = []
        self.keeper = TimeoutKeeper(self.poller, self.lines.append, self.open)

    def open(self) -> Kernel:
        if self.missing:
            raise DataPlaneUnavailable(self.missing)
        return self

    def read(self) -> Timeouts:
        return self.now

    def write(self, wanted: Timeouts) -> str:
        if not self.refusal:
            self.now = wanted.over(self.now)
        return self.refusal

    def close(self) -> None:
        """Nothing to give back."""


def test_what_is_said_is_set_and_the_rest_stays_and_all_comes_back() -> None:
    kernel = Kernel()
    kernel.keeper.want(LvsTimeouts(tcp=seconds(60)))
    assert kernel.now == Timeouts(60, 120, 300)
    kernel.keeper.want(LvsTimeouts(udp=seconds(10)))
    assert kernel.now == Timeouts(900, 120, 10)
    kernel.keeper.stop()
    assert kernel.now == FACTORY
    assert kernel.poller.pending == []


def test_without_the_word_nothing_is_touched() -> None:
    kernel = Kernel()
    kernel.missing = "nobody may ask"
    kernel.keeper.want(None)
    kernel.keeper.stop()
    assert (kernel.now, kernel.lines) == (FACTORY, [])


def test_the_word_left_out_again_puts_back() -> None:
    kernel = Kernel()
    kernel.keeper.want(LvsTimeouts(tcp=seconds(60)))
    kernel.keeper.want(None)
    assert kernel.now == FACTORY


def test_a_kernel_without_ip_vs_is_told_once_and_asked_again() -> None:
    kernel = Kernel()
    kernel.missing = "this kernel has no ip_vs"
    kernel.keeper.want(LvsTimeouts(tcp=seconds(60)))
    kernel.poller.run_for(seconds(60))
    assert [line.message for line in kernel.lines] == ["cannot be set: this kernel has no ip_vs"]
    assert kernel.keeper.problem == "this kernel has no ip_vs"
    kernel.missing = ""
    kernel.poller.run_for(seconds(15))
    assert kernel.now.tcp == 60
    assert kernel.keeper.problem is None


def test_a_refusal_is_told() -> None:
    kernel = Kernel()
    kernel.refusal = "ip_vs refused lvs_timeouts (Invalid argument)"
    kernel.keeper.want(LvsTimeouts(tcp=seconds(60)))
    assert kernel.lines == [LogLine("error", "lvs_timeouts", f"cannot be set: {kernel.refusal}")]
    kernel.keeper.stop()
    assert kernel.poller.pending == []
