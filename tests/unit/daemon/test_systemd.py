# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service manager hears."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest

from mainstay.daemon.systemd import ServiceManager

from .daemon_process import NotifyListener


@pytest.fixture(params=["path", "abstract"])
def listener(request: pytest.FixtureRequest, folder: Path) -> t.Iterator[NotifyListener]:
    address = str(folder / "notify") if request.param == "path" else f"@mainstay-unit-{os.getpid()}"
    made = NotifyListener(address)
    yield made
    made.close()


def test_the_messages_of_a_life(listener: NotifyListener) -> None:
    manager = ServiceManager({"NOTIFY_SOCKET": listener.address})
    manager.ready("1 vrrp_instance(s)")
    manager.alive()
    manager.reloading(1_234_567_890)
    manager.stopping()

    assert listener.messages() == [
        "READY=1\nSTATUS=1 vrrp_instance(s)",
        "WATCHDOG=1",
        "RELOADING=1\nMONOTONIC_USEC=1234567\nSTATUS=reloading",
        "STOPPING=1\nSTATUS=stopping",
    ]


def test_without_a_manager_nothing_happens() -> None:
    for environment in ({}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1234"}):
        ServiceManager(environment).ready("")


def test_a_manager_that_has_gone_is_no_fault_of_ours(folder: Path) -> None:
    ServiceManager({"NOTIFY_SOCKET": str(folder / "nobody")}).ready("")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"WATCHDOG_USEC": "5000000"}, 5_000_000_000),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_s_interval(environment: t.Dict[str, str], expected: t.Optional[int]) -> None:
    assert ServiceManager({"NOTIFY_SOCKET": "/nowhere", **environment}).watchdog == expected


@pytest.mark.parametrize(("stranger", "expected"), [(0, 5_000_000_000), (1, None)])
def test_the_interval_counts_for_the_process_it_names(stranger: int, expected: t.Optional[int]) -> None:
    environment = {"WATCHDOG_USEC": "5000000", "WATCHDOG_PID": str(os.getpid() + stranger)}

    assert ServiceManager({"NOTIFY_SOCKET": "/nowhere", **environment}).watchdog == expected
