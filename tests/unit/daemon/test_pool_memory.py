# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a health worker that died had told, and what of its successor's words is news."""

from __future__ import annotations

import pytest

from mainstay.daemon.pool_memory import PoolMemory
from mainstay.daemon.worker import Happening
from mainstay.model.config import Config
from mainstay.model.lvs_config import VirtualServer

SERVER = "web 192.0.2.21:80"


def told(kind: str, name: str, event: str) -> Happening:
    return Happening(kind, name, event, 1, "connection refused", "", "2026-11-22T10:00:00+01:00")


def serving(*names: str) -> Config:
    return Config(virtual_servers={name: VirtualServer(name, "192.0.2.10", 80, protocol="TCP") for name in names})


@pytest.fixture
def memory() -> PoolMemory:
    memory = PoolMemory()
    memory.configure(serving("web"))
    return memory


@pytest.mark.parametrize(("kind", "name"), [("VS", "web"), ("RS", SERVER)])
def test_a_state_is_news_once_and_again_after_another(memory: PoolMemory, kind: str, name: str) -> None:
    events = ["UP", "UP", "DOWN", "DOWN", "UP"]
    assert [memory.is_news(told(kind, name, event)) for event in events] == [True, False, True, False, True]


def test_instances_are_others_to_judge(memory: PoolMemory) -> None:
    assert [memory.is_news(told("INSTANCE", "VI_1", "MASTER")) for _time in range(2)] == [True, True]


def test_a_server_is_remembered_as_down_until_it_is_up(memory: PoolMemory) -> None:
    memory.is_news(told("RS", SERVER, "DOWN"))
    assert memory.down == {SERVER: "connection refused"}
    memory.is_news(told("RS", SERVER, "UP"))
    assert memory.down == {}


def test_what_leaves_the_configuration_begins_anew(memory: PoolMemory) -> None:
    """Given a service whose last word comes after it has left; when it is back; then its first word is news."""
    memory.is_news(told("RS", SERVER, "DOWN"))
    memory.configure(serving("other"))
    assert memory.down == {}
    memory.is_news(told("RS", SERVER, "DOWN"))
    memory.configure(serving("other", "web"))
    assert memory.down == {}
    assert memory.is_news(told("RS", SERVER, "DOWN"))


def test_a_reload_forgets_nothing_of_what_stays(memory: PoolMemory) -> None:
    memory.is_news(told("RS", SERVER, "DOWN"))
    memory.configure(serving("web", "other"))
    assert not memory.is_news(told("RS", SERVER, "DOWN"))
    assert memory.down == {SERVER: "connection refused"}
