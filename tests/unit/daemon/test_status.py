# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One status answer: who counts as alive, and whose words stand in it."""

from __future__ import annotations

import typing as t
from types import SimpleNamespace

from mainstay.daemon.status import LONGEST_PATIENCE, PATIENCE, StatusRequest, patience_for
from mainstay.model.config import Config
from mainstay.model.lvs_config import RealServer, VirtualServer

from ..scripted_poller import ScriptedPoller


class PlayedLink:
    """A worker that answers when the test says so; like a real one it calls itself alive."""

    def __init__(self, pid: int) -> None:
        self.pid: int | None = pid
        self.role = SimpleNamespace(punctual=False)
        self.section: dict[str, t.Any] = {}
        self.as_of: int | None = None
        self.taken: t.Callable[[t.Any], None] = lambda _section: None

    def alive(self, _now: int) -> bool:
        return True

    def ask_status(self, taken: t.Callable[[t.Any], None]) -> t.Callable[[], None]:
        self.taken = taken
        return lambda: None

    def answers(self, now: int) -> None:
        self.section, self.as_of = {"alive": True, "pid": self.pid, "as_of": now, "state": "MASTER"}, now
        self.taken(self.section)


class Story:
    """A request to two workers."""

    def __init__(self, config: Config | None = None) -> None:
        self.poller = ScriptedPoller()
        self.links = {"vrrp": PlayedLink(1), "lvs": PlayedLink(2)}
        self.answer: t.Any = None
        StatusRequest(
            self.poller, t.cast(t.Any, self.links), {"version": "1"}, patience_for(config or Config()), self.take
        )

    def take(self, answer: t.Any) -> None:
        self.answer = answer


def test_two_workers_that_answer_are_alive_and_nobody_waits() -> None:
    story = Story()
    for link in story.links.values():
        link.answers(story.poller.now())
    assert [story.answer[name]["alive"] for name in ("vrrp", "lvs")] == [True, True]
    assert story.poller.pending == []


def test_the_last_words_of_a_silent_worker_do_not_make_it_alive() -> None:
    story = Story()
    story.links["vrrp"].section = {"alive": True, "pid": 1, "as_of": 5, "state": "MASTER"}
    story.links["lvs"].answers(story.poller.now())
    assert story.answer is None
    story.poller.run_for(PATIENCE)
    assert story.answer["vrrp"] == {
        "alive": False, "pid": 1, "as_of": None, "state": "MASTER", "real_time": None, "groups": {}, "instances": {},
    }  # fmt: skip
    assert story.answer["lvs"]["alive"] is True


def test_one_that_answered_and_was_replaced_since_is_not_the_one_that_lives_now() -> None:
    story = Story()
    story.links["lvs"].answers(story.poller.now())
    story.links["lvs"].pid = 3
    story.links["vrrp"].answers(story.poller.now())
    assert (story.answer["lvs"]["alive"], story.answer["lvs"]["pid"]) == (False, 3)


def balancing(services: int, servers: int) -> Config:
    """So many services with so many servers each."""
    pool = tuple(RealServer(f"192.0.2.{number % 250}", 8000 + number) for number in range(servers))
    named = [VirtualServer(f"s{number}", "198.51.100.1", number, real_servers=pool) for number in range(services)]
    return Config(virtual_servers={one.name: one for one in named})


def test_the_words_about_ten_thousand_servers_have_their_time() -> None:
    """Given a busy machine; when they come after two seconds; then they stand in the answer."""
    story = Story(balancing(1000, 10))
    story.links["vrrp"].answers(story.poller.now())
    story.poller.run_for(4 * PATIENCE)
    assert story.answer is None
    story.links["lvs"].answers(story.poller.now())
    assert story.answer["lvs"]["alive"] is True


def test_nobody_waits_for_ever_however_much_there_is_to_tell() -> None:
    story = Story(balancing(100, 1000))
    story.poller.run_for(LONGEST_PATIENCE)
    assert story.answer["lvs"]["alive"] is False
