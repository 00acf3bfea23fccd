# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The supervisor's side of one worker, with sleeping processes for workers and a clock that the test moves."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import typing as t
from dataclasses import asdict

import pytest

from mainstay.daemon import worker_link
from mainstay.daemon.journal import Journal
from mainstay.daemon.process import StartedWorker
from mainstay.daemon.worker import Happening, Say, Worker
from mainstay.daemon.worker_link import WorkerLink
from mainstay.daemon.worker_process import Role
from mainstay.net.polling import READABLE, Poller

from ..scripted_poller import ScriptedPoller
from .daemon_process import wait_for

SECOND = 1_000_000_000
PLAIN = {"global_defs": {"router_id": "lb1"}, "vrrp_instances": {}, "virtual_servers": {}}
WITH_SERVICE = {**PLAIN, "virtual_servers": {"web": {}}}
WITH_INSTANCE = {**PLAIN, "vrrp_instances": {"VI_1": {}}}


class Sleeper:
    """One life of the worker: a process that does nothing, and the worker's end of its channel."""

    def __init__(self) -> None:
        ours, self.end = socket.socketpair()
        ours.setblocking(False)
        self.descriptor = ours.detach()
        self.end.setblocking(False)
        self.process = subprocess.Popen(["sleep", "600"])

    def told(self) -> t.List[t.Dict[str, t.Any]]:
        """What it was sent since it was asked last."""
        try:
            return [json.loads(line) for line in self.end.recv(1 << 20).splitlines()]
        except BlockingIOError:
            return []


class Story:
    """A link, its lives so far, what it logged, and how often somebody was told of a confirmation."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(worker_link, "start_worker", self._start)
        self.poller = ScriptedPoller()
        self.lives: t.List[Sleeper] = []
        self.refusals: t.List[OSError] = []
        self.log: t.List[str] = []
        self.confirmations = 0
        self.happenings: t.List[Happening] = []
        role = Role("vrrp", "vrrp worker", _never, ("global_defs", "vrrp_instances"))
        self.link = WorkerLink(
            role, self.poller, Journal(self._logged, under_systemd=True), (), self._confirmed, self._happened
        )

    def _start(self, _role: Role, _keep: t.Collection[int]) -> StartedWorker:
        if self.refusals:
            raise self.refusals.pop(0)
        self.lives.append(Sleeper())
        return StartedWorker(self.lives[-1].process.pid, self.lives[-1].descriptor)

    def _logged(self, text: str) -> bool:
        self.log.append(text.rstrip())
        return True

    def _happened(self, happening: Happening, _now: int) -> None:
        self.happenings.append(happening)

    def _confirmed(self, _now: int) -> None:
        self.confirmations += 1

    def starts(self, *documents: t.Mapping[str, t.Any]) -> Story:
        for document in documents:
            self.link.configure(dict(document))
        self.link.start(self.poller.clock)
        return self

    def says(self, **message: t.Any) -> None:
        life = self.lives[-1]
        life.end.send(json.dumps(message).encode() + b"\n")
        self.poller.watched[life.descriptor][1](READABLE, self.poller.clock)

    def confirms(self, told: t.Sequence[t.Dict[str, t.Any]]) -> None:
        for message in told:
            self.says(configured=True, id=message["id"])

    def beats_for(self, beats: int) -> None:
        for _beat in range(beats):
            self.poller.run_for(SECOND // 2)
            self.says(alive=self.poller.clock)

    def dies(self) -> None:
        self.lives[-1].process.send_signal(signal.SIGKILL)
        self.reaped()

    def reaped(self) -> None:
        """The worker has been killed; the link collects it."""
        status = wait_for("the worker to be dead", lambda: self.link.reap(self.poller.clock))
        assert status == -signal.SIGKILL

    def is_running(self) -> bool:
        return self.lives[-1].process.poll() is None

    def end(self) -> None:
        for life in self.lives:
            life.process.kill()
            life.process.wait()
            life.end.close()


def _never(_poller: Poller, _say: Say) -> Worker:
    raise AssertionError("no worker is built here")


@pytest.fixture
def story(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Story]:
    made = Story(monkeypatch)
    yield made
    made.end()


class TestWhatItIsTold:
    def test_its_own_sections_only(self, story: Story) -> None:
        (told,) = story.starts(WITH_SERVICE).lives[0].told()

        assert told["config"] == {"global_defs": {"router_id": "lb1"}, "vrrp_instances": {}}

    def test_nothing_when_only_other_sections_changed_and_it_stays_current(self, story: Story) -> None:
        life = story.starts(PLAIN).lives[0]
        story.confirms(life.told())

        story.link.configure(WITH_SERVICE)

        assert life.told() == []
        assert story.link.current

    def test_a_change_makes_it_current_again_only_when_it_says_so(self, story: Story) -> None:
        life = story.starts(PLAIN).lives[0]
        story.confirms(life.told())

        story.link.configure(WITH_INSTANCE)
        assert not story.link.current

        story.confirms(life.told())
        assert story.link.current
        assert story.confirmations == 2


class TestItsNextLife:
    def test_is_not_current_before_it_has_confirmed(self, story: Story) -> None:
        story.confirms(story.starts(PLAIN).lives[0].told())
        story.dies()
        assert not story.link.current

        story.poller.run_for(0)

        assert len(story.lives) == 2
        assert not story.link.current
        assert story.confirmations == 1
        story.confirms(story.lives[1].told())
        assert story.link.current

    def test_is_told_what_ran_before_what_should_run(self, story: Story) -> None:
        story.confirms(story.starts(PLAIN).lives[0].told())
        story.link.configure(WITH_INSTANCE)
        story.dies()
        story.poller.run_for(0)

        told = story.lives[1].told()

        assert [list(one["config"]["vrrp_instances"]) for one in told] == [[], ["VI_1"]]
        story.confirms(told[:1])
        assert not story.link.current
        story.confirms(told[1:])
        assert story.link.current

    @pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM, errno.EMFILE])
    def test_is_tried_again_when_there_is_no_room_for_a_process(self, story: Story, number: int) -> None:
        story.refusals = [OSError(number, os.strerror(number)) for _ in range(3)]
        story.starts(PLAIN)

        story.poller.run_for(SECOND // 2)
        assert story.lives == []
        story.poller.run_for(SECOND)

        assert len(story.lives) == 1
        assert story.log[-1] == f"<3>vrrp worker: cannot be started: {os.strerror(number)}; tried again in 1 s"
        story.confirms(story.lives[0].told())
        assert story.link.current


class TestItsDeath:
    def test_by_a_signal_without_a_name_is_told_with_its_number(self, story: Story) -> None:
        story.starts(PLAIN).lives[-1].process.send_signal(signal.SIGRTMIN + 6)
        status = wait_for("the worker to be dead", lambda: story.link.reap(story.poller.clock))
        assert status == -(signal.SIGRTMIN + 6)
        assert f"was killed by signal {signal.SIGRTMIN + 6}; a new one starts now" in story.log[-1]


class TestSilence:
    def test_is_told_once_and_so_is_its_end(self, story: Story) -> None:
        story.confirms(story.starts(PLAIN).lives[0].told())

        story.poller.run_for(4 * SECOND)
        assert story.log == ["<4>vrrp worker: has not been heard for 2 s"]

        story.beats_for(100)
        assert story.log[1:] == ["<6>vrrp worker: speaks again"]

    def test_that_goes_on_ends_the_worker_and_a_new_one_starts(self, story: Story) -> None:
        story.confirms(story.starts(PLAIN).lives[0].told())

        story.poller.run_for(9 * SECOND)
        assert story.is_running()
        story.poller.run_for(SECOND)

        story.reaped()
        assert "<3>vrrp worker: hangs: it has not been heard for 10 s and is killed" in story.log
        story.poller.run_for(0)
        assert len(story.lives) == 2

    def test_while_it_takes_a_configuration_may_last_longer(self, story: Story) -> None:
        story.starts(PLAIN)

        story.poller.run_for(9 * SECOND)
        assert story.log == []
        story.poller.run_for(20 * SECOND)
        assert story.is_running()
        assert story.log == ["<4>vrrp worker: has not been heard for 10 s"]
        story.poller.run_for(SECOND)

        story.reaped()

    def test_of_a_machine_that_was_frozen_is_not_the_worker_s(self, story: Story) -> None:
        story.confirms(story.starts(PLAIN).lives[0].told())
        story.beats_for(1)

        story.poller.freeze_until(story.poller.clock + 3600 * SECOND)
        story.says(alive=story.poller.clock)
        story.beats_for(10)

        assert story.is_running()
        assert story.log == []


class TestWhatItIsToldBesideTheConfiguration:
    def test_the_last_of_each_kind_comes_again_in_the_next_life_before_any_configuration(self, story: Story) -> None:
        story.starts(PLAIN)
        story.link.tell("tracked", {"results": {"script:chk": {"up": True}}})
        story.link.tell("demoted", {"instances": ["VI_1"]})
        story.link.tell("tracked", {"results": {"script:chk": {"up": False}}})

        story.dies()
        story.poller.run_for(0)

        tracked, demoted, configured = story.lives[1].told()
        assert tracked == {
            "do": "tell",
            "verb": "tracked",
            "arguments": {"results": {"script:chk": {"up": False}}},
        }
        assert (demoted["verb"], configured["do"]) == ("demoted", "configure")

    def test_what_is_for_new_lives_only_is_said_as_it_is_when_one_begins(self, story: Story) -> None:
        life, remembered = story.starts(PLAIN).lives[0], {"web 192.0.2.21:80": "timeout"}
        life.told()
        story.link.remember("was_down", {"servers": remembered})
        assert life.told() == []
        remembered["web 192.0.2.22:80"] = "connection refused"
        story.dies()
        story.poller.run_for(0)
        assert story.lives[1].told()[0]["arguments"] == {"servers": remembered}

    def test_a_life_that_is_there_hears_it_at_once(self, story: Story) -> None:
        life = story.starts(PLAIN).lives[0]
        life.told()

        story.link.tell("demoted", {"instances": []})

        assert [one["verb"] for one in life.told()] == ["demoted"]

    def test_before_the_first_life_it_waits(self, story: Story) -> None:
        story.link.tell("demoted", {"instances": ["VI_1"]})

        assert [one["do"] for one in story.starts(PLAIN).lives[0].told()] == ["tell", "configure"]


class TestQuestionsAndHappenings:
    def test_an_answer_goes_to_who_asked(self, story: Story) -> None:
        answers: t.List[t.Any] = []
        life = story.starts(PLAIN).lives[0]
        life.told()

        story.link.ask("explain", {"instance": "VI_1"}, answers.append)
        (question,) = life.told()
        story.says(answer={"why": "started"}, id=question["id"])
        story.says(answer={"why": "twice"}, id=question["id"])

        assert (question["verb"], question["arguments"]) == ("explain", {"instance": "VI_1"})
        assert answers == [{"why": "started"}]

    def test_who_asks_a_worker_that_dies_gets_none(self, story: Story) -> None:
        answers: t.List[t.Any] = []
        story.starts(PLAIN).link.ask("explain", {"instance": "VI_1"}, answers.append)

        story.dies()

        assert answers == [None]

    def test_last_happenings_of_a_worker_that_died_are_still_heard(self, story: Story) -> None:
        life = story.starts(PLAIN).lives[0]
        told = Happening("INSTANCE", "VI_1", "STOP", 100, "stopped", "MASTER", "2026-01-01T00:00:00+00:00")
        life.end.send(json.dumps({"happening": asdict(told)}).encode() + b"\n")

        story.dies()

        assert story.happenings == [told]
