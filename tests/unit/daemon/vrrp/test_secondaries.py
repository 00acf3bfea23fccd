# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""promote_secondaries is set while it is wanted, again on an interface made anew, and put back."""

from __future__ import annotations

import errno
import os
import typing as t
from dataclasses import replace

import pytest

from mainstay.daemon.vrrp import secondaries as vrrp_secondaries
from mainstay.daemon.vrrp.secondaries import PromotedSecondaries
from mainstay.net import rtnl

from .lab import ETH0, Said


class Story:
    """The kernel's settings by interface, and the mirror of links."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(vrrp_secondaries, "read_setting", lambda device, _name: self.settings[device])
        monkeypatch.setattr(vrrp_secondaries, "write_setting", self._write)
        self.links: t.Dict[str, rtnl.Link] = {"eth0": ETH0}
        self.settings = {"eth0": 0, "eth1": 0}
        self.refuse = 0
        self.said = Said()
        self.promoted = PromotedSecondaries(t.cast(t.Any, None), t.cast(t.Any, self), self.said)

    def named(self, name: str) -> t.Optional[rtnl.Link]:
        return self.links.get(name)

    def _write(self, _orders: object, index: int, _name: str, value: int) -> None:
        if self.refuse:
            raise OSError(self.refuse, os.strerror(self.refuse))
        (device,) = [link.name for link in self.links.values() if link.index == index]
        self.settings[device] = value


@pytest.fixture
def story(monkeypatch: pytest.MonkeyPatch) -> Story:
    return Story(monkeypatch)


def test_it_is_set_while_it_is_wanted_and_put_back(story: Story) -> None:
    story.promoted.want(frozenset({"eth0"}))
    assert story.settings == {"eth0": 1, "eth1": 0}

    story.promoted.want(frozenset())
    assert story.settings == {"eth0": 0, "eth1": 0}


def test_what_the_host_has_set_itself_stays(story: Story) -> None:
    story.settings["eth0"] = 1
    story.promoted.want(frozenset({"eth0"}))
    story.promoted.want(frozenset())
    assert story.settings["eth0"] == 1


def test_an_interface_that_comes_later_or_anew_gets_it_too(story: Story) -> None:
    story.promoted.want(frozenset({"eth1"}))
    assert story.settings["eth1"] == 0

    for index in (3, 4):
        story.links["eth1"] = replace(ETH0, index=index, name="eth1")
        story.settings["eth1"] = 0
        story.promoted.look({"eth1"})
        assert story.settings["eth1"] == 1, index


def test_a_refusal_is_told(story: Story) -> None:
    story.refuse = errno.EPERM
    story.promoted.want(frozenset({"eth0"}))
    (line,) = story.said.lines
    assert line.message == "promote_secondaries of eth0 cannot be set: Operation not permitted"
