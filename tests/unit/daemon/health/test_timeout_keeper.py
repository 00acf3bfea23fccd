# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""lvs_timeouts: set, changed, put back; a kernel that refuses is told once and asked again."""

from __future__ import annotations

from pathlib import Path

import pytest

from mainstay.daemon.former_timeouts import FormerTimeouts, put_back
from mainstay.daemon.health.timeout_keeper import TimeoutKeeper
from mainstay.daemon.worker import LogLine
from mainstay.model.lvs_config import LvsTimeouts
from mainstay.model.units import seconds
from mainstay.net.data_plane import DataPlaneAbsent, DataPlaneUnavailable
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

    def new_worker(self, folder: Path) -> TimeoutKeeper:
        """The process that follows one that was killed."""
        self.keeper = TimeoutKeeper(self.poller, self.lines.append, self.open, FormerTimeouts(str(folder)))
        return self.keeper

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


@pytest.fixture
def killed(tmp_path: Path) -> Kernel:
    """A worker has changed what is in the kernel, and was killed."""
    kernel = Kernel()
    kernel.new_worker(tmp_path).want(LvsTimeouts(tcp=seconds(60)))
    assert kernel.now == Timeouts(60, 120, 300)
    return kernel


def test_the_successor_of_a_killed_worker_knows_what_was_there(killed: Kernel, tmp_path: Path) -> None:
    keeper = killed.new_worker(tmp_path)
    keeper.want(LvsTimeouts(udp=seconds(10)))
    assert killed.now == Timeouts(900, 120, 10)
    keeper.stop()
    assert killed.now == FACTORY
    assert list(tmp_path.iterdir()) == []


def test_a_daemon_that_starts_without_the_word_puts_back(killed: Kernel, tmp_path: Path) -> None:
    killed.new_worker(tmp_path).want(None)
    assert killed.now == FACTORY
    assert list(tmp_path.iterdir()) == []


def test_release_puts_back_and_a_second_time_has_nothing_to_do(killed: Kernel, tmp_path: Path) -> None:
    outcome = put_back(str(tmp_path), killed.open)
    assert (killed.now, outcome.removed, outcome.refused) == (FACTORY, ["put the timeouts of ip_vs back"], [])
    outcome = put_back(str(tmp_path), killed.open)
    assert (outcome.removed, outcome.refused) == ([], [])


def test_release_that_is_refused_may_be_tried_again(killed: Kernel, tmp_path: Path) -> None:
    killed.missing = "ip_vs does not answer"
    assert put_back(str(tmp_path), killed.open).refused == ["lvs_timeouts stay as they are: ip_vs does not answer"]
    killed.missing, killed.refusal = "", "not permitted"
    assert put_back(str(tmp_path), killed.open).refused == ["lvs_timeouts stay as they are: not permitted"]
    killed.refusal = ""
    assert put_back(str(tmp_path), killed.open).refused == []
    assert killed.now == FACTORY


def test_without_ip_vs_there_is_nothing_to_put_back(killed: Kernel, tmp_path: Path) -> None:
    def absent() -> Kernel:
        raise DataPlaneAbsent("this kernel has no ip_vs")

    assert put_back(str(tmp_path), absent).refused == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["nonsense", "[]", '{"tcp": 900, "udp": null}', "", "[" * 9999])
def test_a_damaged_file_is_told_and_what_is_there_counts(killed: Kernel, tmp_path: Path, content: str) -> None:
    (file,) = tmp_path.iterdir()
    file.write_text(content)
    assert put_back(str(tmp_path), killed.open).refused[0].startswith("lvs_timeouts stay as they are: ")
    keeper = killed.new_worker(tmp_path)
    keeper.want(LvsTimeouts(tcp=seconds(30)))
    (line,) = killed.lines
    assert line.level == "warning" and line.message.startswith("what was there before the last run is lost: ")
    keeper.stop()
    assert killed.now == Timeouts(60, 120, 300)


def test_what_could_not_be_put_back_after_a_crash_is_not_changed(tmp_path: Path) -> None:
    kernel = Kernel()
    kernel.new_worker(tmp_path / "missing").want(LvsTimeouts(tcp=seconds(60)))
    assert kernel.now == FACTORY
    assert "No such file or directory" in str(kernel.keeper.problem)
    (tmp_path / "missing").mkdir()
    kernel.poller.run_for(seconds(60))
    assert kernel.now == Timeouts(60, 120, 300)
