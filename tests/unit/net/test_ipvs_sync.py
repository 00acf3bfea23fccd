# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The synchronisation's messages in bytes: what we send, and what a kernel sent."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given, strategies as st

from mainstay.net import ipvs
from mainstay.net.data_plane import DataPlaneUnavailable
from mainstay.net.ipvs_sync import (
    BACKUP,
    MASTER,
    SyncControl,
    SyncSettings,
    decode_daemon,
    new_daemon_body,
    stop_daemon_body,
)

# What Linux 6.1 takes and sends: command 9 and 10, version 1; nested attribute 3; state, interface, syncid, group (in
# network order), port (in host order), ttl, maxlen.
START_MASTER = (
    "09010000 40000380 0800010001000000 0900020065746830 00000000 08000300c8000000 08000500ef010203"
    "0600070028230000 0500080007000000 0600040078050000"
)
STOP_BACKUP = "0a010000 0c000380 0800010002000000"
OF_AN_OLD_KERNEL = "0b010000 20000380 0800010002000000 0900020065746830 00000000 0800030033000000"

GROUPS = st.sampled_from(["224.0.0.81", "239.1.2.3", "ff02::81", "ff05::1:3"])
SETTINGS = st.builds(
    SyncSettings,
    st.sampled_from(["eth0", "a-name-of-15-ch", "bond0.100"]),
    st.integers(0, 255),
    st.one_of(st.none(), st.integers(1, 65507)),
    st.integers(1, 65535),
    st.integers(1, 255),
    GROUPS,
)


def test_a_start_is_these_bytes() -> None:
    settings = SyncSettings("eth0", 200, 1400, 9000, 7, "239.1.2.3")
    assert new_daemon_body(MASTER, settings) == bytes.fromhex(START_MASTER)


def test_a_stop_is_these_bytes() -> None:
    assert stop_daemon_body(BACKUP) == bytes.fromhex(STOP_BACKUP)


@given(st.sampled_from([MASTER, BACKUP]), SETTINGS)
def test_settings_survive_the_way_there_and_back(role: str, settings: SyncSettings) -> None:
    assert decode_daemon(new_daemon_body(role, settings)) == (role, settings)


def test_an_old_kernel_that_tells_less_has_the_defaults() -> None:
    assert decode_daemon(bytes.fromhex(OF_AN_OLD_KERNEL)) == (BACKUP, SyncSettings("eth0", 51))


@pytest.mark.parametrize(
    ("running", "met"),
    [
        (SyncSettings("eth0", 51, 1472), True),
        (SyncSettings("eth1", 51), False),
        (SyncSettings("eth0", 52), False),
        (SyncSettings("eth0", 51, port=1), False),
        (SyncSettings("eth0", 51, ttl=2), False),
        (SyncSettings("eth0", 51, group="224.0.0.82"), False),
    ],
)
def test_what_is_left_to_the_kernel_is_met_by_whatever_it_chose(running: SyncSettings, met: bool) -> None:
    assert SyncSettings("eth0", 51).met_by(running) is met


class SilentKernel:
    """Acknowledges no order, as Linux does when a thread is ended before its first turn; tells what runs."""

    running: t.ClassVar[t.List[bytes]] = []

    def __init__(self, _protocol: int) -> None:
        """Nothing is opened."""

    def order(self, _messages: object) -> t.NoReturn:
        raise TimeoutError("timed out")

    def dump(self, _message: object) -> t.List[bytes]:
        return self.running


@pytest.fixture
def control(monkeypatch: pytest.MonkeyPatch) -> SyncControl:
    monkeypatch.setattr(ipvs, "KernelSocket", SilentKernel)
    monkeypatch.setattr(ipvs, "resolve_family", lambda _kernel, _name: 30)
    return SyncControl()


def test_a_stop_that_is_not_acknowledged_is_believed_when_the_thread_has_gone(control: SyncControl) -> None:
    assert control.stop(BACKUP) == ""


def test_and_is_not_while_the_thread_is_there(control: SyncControl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SilentKernel, "running", [new_daemon_body(BACKUP, SyncSettings("eth0", 51))])
    with pytest.raises(DataPlaneUnavailable, match="no answer from the kernel in time"):
        control.stop(BACKUP)
