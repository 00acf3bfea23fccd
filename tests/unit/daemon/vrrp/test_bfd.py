# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sessions of the vrrp worker: who gets a packet, what a reload touches, what is told, and what goes wrong."""

from __future__ import annotations

import errno
import os
import socket
import typing as t
from dataclasses import replace

import pytest

from mainstay.bfd.packet import ControlPacket, State, decode, encode
from mainstay.daemon.vrrp import bfd as vrrp_bfd, bfd_reception as vrrp_bfd_reception, bfd_session as vrrp_bfd_session
from mainstay.daemon.vrrp.bfd import BfdSessions
from mainstay.daemon.vrrp.strangers import Strangers
from mainstay.daemon.worker import Happening, LogLine, Saying
from mainstay.model.tracking import BfdInstance
from mainstay.model.units import Instant, seconds
from mainstay.net.bfd_socket import Datagram

from ...scripted_poller import ScriptedPoller

OWN, PEER, OTHER = "192.0.2.1", "192.0.2.2", "192.0.2.3"
GW = BfdInstance("gw", PEER, min_rx=seconds(0.1), min_tx=seconds(0.1), multiplier=3)


class PlayedSender:
    """Takes the place of net.bfd_socket.BfdSender."""

    made: t.ClassVar[list[PlayedSender]] = []
    refuse: t.ClassVar[int] = 0

    def __init__(self, source: str | None, neighbor: str, ttl: int, ports: t.Iterator[int]) -> None:
        if self.refuse:
            raise OSError(self.refuse, os.strerror(self.refuse))
        self.port, self.neighbor, self.ttl, self.source = next(ports), neighbor, ttl, source
        self.sent: list[ControlPacket] = []
        self.broken = False
        self.closed = False
        PlayedSender.made.append(self)

    def send(self, octets: bytes) -> None:
        if self.broken:
            raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
        self.sent.append(decode(octets))

    def close(self) -> None:
        self.closed = True


class PlayedReceiver:
    """Takes the place of net.bfd_socket.BfdReceiver."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.queue: list[Datagram] = []

    def fileno(self) -> int:
        return self._descriptor

    def receive(self) -> Datagram | None:
        return self.queue.pop(0) if self.queue else None


class PlayedReceivers:
    """Takes the place of net.bfd_socket.BfdReceivers."""

    opened: t.ClassVar[dict[int, PlayedReceivers]] = {}
    refuse: t.ClassVar[int] = 0

    def __init__(self, family: int, neighbors: t.Collection[str]) -> None:
        if self.refuse:
            raise OSError(self.refuse, os.strerror(self.refuse))
        self.family = family
        self.strangers, self.neighbors = PlayedReceiver(100_000 + family), PlayedReceiver(101_000 + family)
        self.know(neighbors)
        PlayedReceivers.opened[family] = self

    def know(self, neighbors: t.Collection[str]) -> None:
        self.known = neighbors

    def close(self) -> None:
        del PlayedReceivers.opened[self.family]


class Story:
    """The sessions and everything around them."""

    def __init__(self) -> None:
        self.poller = ScriptedPoller()
        self.lines: list[LogLine] = []
        self.notes: list[tuple[str, bool]] = []
        self.happened: list[Happening] = []
        self.sessions = BfdSessions(self.poller, Strangers(self.poller), self._say, self._note)

    def _say(self, said: Saying) -> None:
        if isinstance(said, Happening):
            self.happened.append(said)
        else:
            self.lines.append(said)

    def _note(self, name: str, up: bool, _why: str, _now: Instant) -> None:
        self.notes.append((name, up))

    def runs(self, *instances: BfdInstance) -> Story:
        self.sessions.configure({one.name: one for one in instances}, self.poller.now())
        return self

    def arrives(self, packet: ControlPacket, source: str = PEER, ttl: int = 255, destination: str = OWN) -> None:
        self.queue(encode(packet), source, ttl, destination)
        self.wakes()

    def queue(self, octets: bytes, source: str = PEER, ttl: int = 255, destination: str = OWN) -> None:
        opened = PlayedReceivers.opened[socket.AF_INET]
        receiver = opened.neighbors if source in opened.known else opened.strangers
        receiver.queue.append(Datagram(octets, source, destination, ttl))

    def wakes(self) -> None:
        """One turn of the loop: whatever is watched and has something to say."""
        opened = PlayedReceivers.opened[socket.AF_INET]
        for one in (opened.strangers, opened.neighbors):
            if one.queue and one.fileno() in self.poller.watched:
                self.poller.watched[one.fileno()][1](1, self.poller.now())

    def said(self, state: State, name: str = "gw", **changes: t.Any) -> ControlPacket:
        """What the neighbor of this session says."""
        packet = ControlPacket(state, 0, 3, 77, 0, seconds(0.1), seconds(0.1))
        yours = 0 if state <= State.DOWN else t.cast(int, self.status(name)["discriminator"])
        return replace(packet, your_discriminator=yours, **changes)

    def up(self, name: str = "gw") -> Story:
        self.arrives(self.said(State.DOWN, name))
        self.arrives(self.said(State.UP, name, final=True))
        assert self.status(name)["state"] == "UP"
        return self

    def status(self, name: str = "gw") -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", self.sessions.status()[name])

    @property
    def log(self) -> str:
        return "\n".join(f"{line.level}: {line.subject}: {line.message}" for line in self.lines)


@pytest.fixture
def story(monkeypatch: pytest.MonkeyPatch) -> Story:
    monkeypatch.setattr(vrrp_bfd_session, "BfdSender", PlayedSender)
    monkeypatch.setattr(vrrp_bfd_reception, "BfdReceivers", PlayedReceivers)
    for played in (PlayedSender, PlayedReceivers):
        monkeypatch.setattr(played, "refuse", 0)
    monkeypatch.setattr(PlayedSender, "made", [])
    monkeypatch.setattr(PlayedReceivers, "opened", {})
    return Story()


def test_a_session_is_down_for_whoever_tracks_it_until_it_is_up(story: Story) -> None:
    story.runs(GW)
    assert story.notes == [("gw", False)]
    story.up()
    assert story.notes == [("gw", False), ("gw", True)]
    story.poller.run_for(seconds(0.3))
    assert story.notes[-1] == ("gw", False)
    assert "warning: bfd_instance gw: UP -> DOWN: no packet from 192.0.2.2 for 0.300 s" in story.log


def test_a_neighbor_that_goes_on_keeps_it_up_without_another_word(story: Story) -> None:
    story.runs(GW).up()
    said = story.said(State.UP)
    for _turn in range(50):
        story.poller.run_for(seconds(0.25))
        story.arrives(said)
    assert (story.status()["state"], len(story.notes)) == ("UP", 2)
    assert story.status()["counters"]["packets_received"] == 52


def test_after_a_pause_what_has_arrived_is_heard_before_the_verdict(story: Story) -> None:
    story.runs(GW).up()
    story.queue(encode(story.said(State.UP)))
    story.poller.freeze_until(story.poller.now() + seconds(5))
    assert story.status()["state"] == "UP"
    story.poller.freeze_until(story.poller.now() + seconds(5))
    assert story.status()["state"] == "DOWN", "nothing had arrived this time"


def test_after_a_pause_neighbors_that_found_no_place_in_the_kernel_s_program_are_heard_too(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PlayedReceivers, "know", lambda self, _neighbors: setattr(self, "known", ()))
    story.runs(GW).up()
    for _packet in range(100):
        story.queue(encode(story.said(State.DOWN)), source=OTHER)
    story.queue(encode(story.said(State.UP)))
    story.poller.freeze_until(story.poller.now() + seconds(5))
    assert story.status()["state"] == "UP"


def test_a_reload_leaves_equal_sessions_alone_and_changes_others_while_they_are_up(story: Story) -> None:
    story.runs(GW, replace(GW, name="far", neighbor_ip=OTHER)).up()
    discriminator, port = story.status()["discriminator"], story.status()["source_port"]
    story.runs(replace(GW, min_tx=seconds(0.05), multiplier=9))
    status = story.status()
    assert (status["state"], status["discriminator"], status["source_port"]) == ("UP", discriminator, port)
    gone = PlayedSender.made[1]
    assert gone.closed and [said.state for said in gone.sent[-3:]] == [State.ADMIN_DOWN] * 3
    assert list(story.sessions.status()) == ["gw"]
    story.poller.run_for(seconds(0.1))
    said = PlayedSender.made[0].sent[-1]
    assert (said.detect_multiplier, said.desired_min_tx, said.poll) == (9, seconds(0.05), True)


@pytest.mark.parametrize("change", [{"neighbor_ip": OTHER}, {"source_ip": OWN}, {"ttl": 64}])
def test_another_end_is_another_session(story: Story, change: dict[str, t.Any]) -> None:
    story.runs(GW).up()
    before = story.status()["discriminator"]
    story.runs(replace(GW, **change))
    assert story.status()["state"] == "DOWN"
    assert story.status()["discriminator"] != before
    assert PlayedSender.made[0].closed


def test_whoever_follows_a_session_elsewhere_is_told_when_it_begins_comes_up_and_goes_down(story: Story) -> None:
    story.runs(GW).up()
    story.poller.run_for(seconds(10))
    assert [(one.kind, one.name, one.event, one.before) for one in story.happened] == [
        ("BFD", GW.name, "START", ""),
        ("BFD", GW.name, "UP", "DOWN"),
        ("BFD", GW.name, "DOWN", "UP"),
    ]


def test_ends_and_ttl_of_a_session_are_as_configured(story: Story) -> None:
    story.runs(replace(GW, source_ip=OWN, ttl=64))
    (sender,) = PlayedSender.made
    assert (sender.source, sender.neighbor, sender.ttl) == (OWN, PEER, 64)


def test_what_it_asks_of_its_neighbor_is_as_configured(story: Story) -> None:
    story.runs(replace(GW, min_rx=seconds(0.07), idle_tx=seconds(2)))
    (said,) = PlayedSender.made[0].sent
    assert (said.required_min_rx, said.desired_min_tx, said.detect_multiplier) == (seconds(0.07), seconds(2), 3)


def test_a_passive_session_says_nothing_first(story: Story) -> None:
    story.runs(replace(GW, passive=True))
    story.poller.run_for(seconds(10))
    assert PlayedSender.made[0].sent == []


def test_the_end_says_admin_down_and_closes_everything(story: Story) -> None:
    story.runs(GW).up()
    story.sessions.stop(story.poller.now())
    assert PlayedSender.made[0].sent[-1].state is State.ADMIN_DOWN
    assert PlayedSender.made[0].closed and not PlayedReceivers.opened and not story.poller.watched
    assert story.poller.pending == []


def test_each_session_has_its_own_port_and_discriminator(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vrrp_bfd, "SOURCE_PORTS", range(65536 - 58, 65536))
    story.runs(*(replace(GW, name=f"gw{number}", neighbor_ip=f"192.0.2.{number}") for number in range(2, 60)))
    every = t.cast("dict[str, dict[str, t.Any]]", story.sessions.status()).values()
    assert len({one["discriminator"] for one in every}) == len({one["source_port"] for one in every}) == 58
    assert all(65536 - 58 <= one["source_port"] <= 65535 for one in every)


@pytest.mark.parametrize(
    ("ttl", "max_hops", "state"),
    [(255, 0, "INIT"), (254, 0, "DOWN"), (254, 1, "INIT"), (253, 1, "DOWN"), (1, -1, "INIT")],
)
def test_max_hops_decides_which_ttl_is_good(story: Story, ttl: int, max_hops: int, state: str) -> None:
    story.runs(replace(GW, max_hops=max_hops))
    story.arrives(story.said(State.DOWN), ttl=ttl)
    assert story.status()["state"] == state
    assert story.status()["counters"]["discarded"] == ({} if state == "INIT" else {"ttl": 1})


def test_a_stranger_is_counted_and_told_of_once(story: Story) -> None:
    story.runs(GW)
    for _turn in range(1000):
        story.arrives(story.said(State.DOWN), source=OTHER)
    assert story.status()["state"] == "DOWN"
    assert story.log.count("no bfd_instance has this neighbor_ip") == 1


def test_strangers_get_half_of_the_time_and_neighbors_what_they_need(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.runs(GW).up()
    count, junk = vrrp_bfd.BfdDiscards.count, encode(story.said(State.DOWN))

    def slowly(*arguments: t.Any) -> None:
        story.poller.clock += 20_000
        count(*arguments)

    monkeypatch.setattr(vrrp_bfd.BfdDiscards, "count", slowly)
    for _packet in range(2000):
        story.queue(junk, source=OTHER)
    strangers, began = PlayedReceivers.opened[socket.AF_INET].strangers, story.poller.now()
    story.wakes()
    assert 1900 < len(strangers.queue) < 2000, "one batch"
    while strangers.queue:
        heard = story.status()["counters"]["packets_received"]
        story.arrives(story.said(State.UP))
        assert story.status()["counters"]["packets_received"] == heard + 1
        story.poller.run_until(story.poller.pending[0])
    assert story.poller.now() - began >= 1.9 * 2000 * 20_000
    assert story.status()["state"] == "UP"


def test_a_reload_tells_the_kernel_who_the_neighbors_are(story: Story) -> None:
    story.runs(GW)
    story.runs(GW, replace(GW, name="far", neighbor_ip=OTHER))
    assert sorted(PlayedReceivers.opened[socket.AF_INET].known) == [PEER, OTHER]


def test_who_knows_our_discriminator_but_is_not_the_neighbor_changes_nothing(story: Story) -> None:
    story.runs(GW).up()
    story.arrives(story.said(State.UP, diagnostic=1), source=OTHER)
    story.arrives(replace(story.said(State.UP), state=State.ADMIN_DOWN), source=OTHER)
    assert story.status()["state"] == "UP"


def test_two_sessions_with_one_neighbor_are_told_apart_by_our_address(story: Story) -> None:
    story.runs(replace(GW, source_ip="192.0.2.9"), replace(GW, name="second", source_ip=OWN))
    story.arrives(story.said(State.DOWN, "second"), destination=OWN)
    assert (story.status("gw")["state"], story.status("second")["state"]) == ("DOWN", "INIT")


def test_a_neighbor_that_flaps_does_not_fill_the_journal(story: Story) -> None:
    story.runs(GW)
    for _turn in range(500):
        story.up()
        story.arrives(story.said(State.ADMIN_DOWN))
    assert len(story.lines) < 10
    assert story.status()["transitions"] >= 1500


def test_a_packet_that_cannot_leave_is_a_problem_until_one_does(story: Story) -> None:
    story.runs(replace(GW, source_ip=OWN))
    PlayedSender.made[0].broken = True
    story.poller.run_for(seconds(5))
    assert story.status()["problems"] == [
        "cannot send to 192.0.2.2: Network is unreachable; is 192.0.2.1 an address of this machine?"
    ]
    assert story.log.count("Network is unreachable") == 1
    PlayedSender.made[0].broken = False
    story.poller.run_for(seconds(1))
    assert story.status()["problems"] == []


def test_a_socket_that_is_not_to_be_had_is_tried_again(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PlayedSender, "refuse", errno.EMFILE)
    monkeypatch.setattr(PlayedReceivers, "refuse", errno.EADDRINUSE)
    story.runs(GW)
    story.poller.run_for(seconds(3))
    refused = "no BFD is received: Address already in use on UDP port 3784; tried again every second"
    assert story.status()["problems"] == [
        refused,
        "no socket to send from: Too many open files; tried again every second",
    ]
    assert story.log.count("Address already in use") == story.log.count("Too many open files") == 1
    monkeypatch.undo()
    PlayedSender.refuse = PlayedReceivers.refuse = 0
    monkeypatch.setattr(vrrp_bfd_session, "BfdSender", PlayedSender)
    monkeypatch.setattr(vrrp_bfd_reception, "BfdReceivers", PlayedReceivers)
    story.poller.run_for(seconds(1))
    assert story.status()["problems"] == []
    story.up()
