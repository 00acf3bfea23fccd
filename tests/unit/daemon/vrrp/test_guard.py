# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""accept: false from the runner's side: what comes before what, and what a refusal leads to."""

from __future__ import annotations

import errno
import os
import typing as t
from dataclasses import replace

import pytest

from mainstay.daemon.vrrp import guard as vrrp_guard
from mainstay.net import rtnl
from mainstay.net.accept_filter import Element, address_element

from .lab import INSTANCE, RecordedFrames, Story

GUARDED = replace(INSTANCE, accept=False)
ADDRESS = address_element("192.0.2.10", 2)


class PlayedFilter:
    """Takes the place of FilterSocket: keeps the elements by the batches that were prepared from them."""

    refuse: t.ClassVar[int] = 0
    log: t.ClassVar[list[str]] = []
    elements: t.ClassVar[set[Element]] = set()
    there: t.ClassVar[bool] = False
    generations: t.ClassVar[int] = 0

    def close(self) -> None: ...

    def change(self, batch: t.Any) -> None:
        kind, elements = batch
        if self.refuse:
            raise OSError(self.refuse, os.strerror(self.refuse))
        if kind != "table" and not self.there:
            raise OSError(errno.ENOENT, "no table")
        PlayedFilter.generations += 1
        PlayedFilter.there = True
        PlayedFilter.log.append(kind)
        if kind == "table":
            PlayedFilter.elements = set(elements)
        elif kind == "add":
            PlayedFilter.elements |= elements
        else:
            PlayedFilter.elements -= elements

    def generation(self) -> bytes:
        return b"%d" % self.generations

    def is_whole(self, elements: t.Collection[Element]) -> bool:
        return self.there and set(elements) <= self.elements


def flush() -> None:
    """What `nft flush ruleset` does."""
    PlayedFilter.there, PlayedFilter.elements = False, set()
    PlayedFilter.generations += 1


@pytest.fixture(autouse=True)
def played(monkeypatch: pytest.MonkeyPatch) -> type[PlayedFilter]:
    PlayedFilter.refuse, PlayedFilter.log, PlayedFilter.elements, PlayedFilter.there = 0, [], set(), False

    def remove_table() -> bool:
        PlayedFilter.log.append("remove")
        flush()
        return True

    monkeypatch.setattr(vrrp_guard, "FilterSocket", PlayedFilter)
    monkeypatch.setattr(vrrp_guard, "remove_table", remove_table)
    monkeypatch.setattr(vrrp_guard, "table_batch", lambda elements: ("table", set(elements)))
    monkeypatch.setattr(vrrp_guard, "adding_batch", lambda elements: ("add", set(elements)) if elements else b"")
    monkeypatch.setattr(vrrp_guard, "removing_batch", lambda elements: ("del", set(elements)) if elements else b"")
    monkeypatch.setattr("mainstay.daemon.vrrp.announcer.FrameSocket", RecordedFrames)
    return PlayedFilter


@pytest.mark.conformance("OWN-05")
def test_the_filter_knows_the_address_before_it_is_there_and_until_it_is_gone(
    played: type[PlayedFilter], monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story(GUARDED).started()
    assert played.log == ["table"], "made before anybody is master"
    send = story.kernel.send

    def told(batch: bytes) -> list[rtnl.Refused]:
        played.log.append("addresses")
        return send(batch)

    monkeypatch.setattr(story.kernel, "send", told)
    played.log.clear()
    story.passes(3.7)
    assert story.state == "MASTER"
    assert played.log[:2] == ["add", "addresses"]
    assert played.elements == {ADDRESS}

    played.log.clear()
    story.runner.stop(story.poller.now())
    assert played.log == ["addresses", "del", "remove"]


@pytest.mark.conformance_negative("OWN-05")
@pytest.mark.parametrize("instance", [INSTANCE, replace(GUARDED, priority=255)], ids=["accept", "owner"])
def test_who_accepts_needs_no_filter(played: type[PlayedFilter], instance: t.Any) -> None:
    Story(instance).master()
    assert played.log == []


def test_what_is_flushed_is_put_back_within_a_second_and_told(played: type[PlayedFilter]) -> None:
    story = Story(GUARDED).master()
    flush()
    story.passes(0.6)
    assert played.elements == {ADDRESS}
    assert "somebody removed it or a part of it; put back" in story.log


def test_a_change_of_somebody_else_s_table_is_no_reason_to_touch_ours(played: type[PlayedFilter]) -> None:
    story = Story(GUARDED).master()
    played.log.clear()
    played.generations += 7
    story.passes(3)
    assert played.log == []


@pytest.mark.conformance_negative("OWN-05")
def test_a_kernel_without_the_packet_filter_is_a_fault_until_it_has_one(played: type[PlayedFilter]) -> None:
    played.refuse = errno.EOPNOTSUPP
    story = Story(GUARDED).started()
    assert story.state == "FAULT"
    assert "accept: false and use_vmac need nf_tables (modprobe nf_tables)" in story.log

    played.refuse = 0
    story.passes(0.6)
    assert story.state == "BACKUP"


def test_an_address_of_two_holders_is_dropped_until_the_last_lets_go(played: type[PlayedFilter]) -> None:
    guard = Story(GUARDED).guard
    one, other = frozenset({ADDRESS}), frozenset({ADDRESS, address_element("192.0.2.11", 2)})
    guard.need("a", one)
    guard.need("b", other)
    guard.hold("a", one)
    guard.hold("b", other)
    guard.hold("b", vrrp_guard.NOTHING)
    assert played.elements == {ADDRESS}
    guard.spare("b")
    guard.spare("a")
    assert played.log[-1] == "remove"
