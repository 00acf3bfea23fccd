# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""lvs_timeouts of a whole daemon: ipvsadm tells what holds, also after violent deaths."""

from __future__ import annotations

import json
import signal
import typing as t
from pathlib import Path

import pytest
from netns.daemons import Document
from netns.pool_lab import PoolLab

from lab.waiting import wait_for

from .daemon_on_director import GUEST_SECONDS, DirectorDaemon, balanced
from .ipvs_director import IpvsDirector

FOUND = ["901", "121", "301"]
"""What somebody has set before: tcp, tcpfin, udp."""
OURS = ["3600", "121", "5"]


class TimeoutsDaemon(DirectorDaemon):
    """With timeouts of its own; what they are is asked of ipvsadm."""

    def serve(self, **services: Document) -> None:
        defs = {"lvs_timeouts": {"tcp": 3600, "udp": 5}}
        self.write_text(json.dumps({"global_defs": defs, "virtual_servers": services}))

    def await_timeouts(self, expected: list[str]) -> None:
        wait_for(lambda: self.timeouts() == expected, GUEST_SECONDS, f"{expected}", evidence=self.evidence)

    def timeouts(self) -> list[str]:
        return self.namespace.run("ipvsadm", "-L", "--timeout").split()[-3:]


@pytest.fixture
def daemon(director: IpvsDirector, lab: PoolLab, tmp_path: Path) -> t.Iterator[TimeoutsDaemon]:
    director.ipvsadm("--set", *FOUND)
    daemon = TimeoutsDaemon(lab, tmp_path, web=balanced(first=1))
    daemon.start().await_timeouts(OURS)
    yield daemon
    daemon.close()
    director.ipvsadm("--set", "900", "120", "300")


def test_after_a_killed_worker_an_end_in_order_still_puts_back_what_was_found(daemon: TimeoutsDaemon) -> None:
    old = daemon.worker()
    old.signal(signal.SIGKILL)
    wait_for(lambda: daemon.ask("status")["lvs"]["pid"] not in (None, old.pid), GUEST_SECONDS, "a new worker")
    wait_for(daemon.answers, GUEST_SECONDS, "it to run the service", evidence=daemon.evidence)
    assert daemon.timeouts() == OURS
    daemon.signal_and_await_end()
    assert daemon.timeouts() == FOUND


def test_what_a_killed_daemon_set_is_put_back_by_release(daemon: TimeoutsDaemon) -> None:
    daemon.node.kill_all()
    assert daemon.timeouts() == OURS
    assert "put the timeouts of ip_vs back" in daemon.release()
    assert daemon.timeouts() == FOUND
