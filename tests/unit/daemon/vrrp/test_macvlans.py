# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Macvlans against a played kernel: made, adopted, kept from what is not ours, and the interface below put back."""

from __future__ import annotations

import errno
import os
import typing as t
from dataclasses import replace

import pytest

from mainstay.daemon.vrrp import macvlans as vrrp_macvlans
from mainstay.daemon.vrrp.guard import NOTHING
from mainstay.daemon.vrrp.macvlans import Macvlans
from mainstay.net import macvlan, rtnl
from mainstay.net.accept_filter import macvlan_element

from .lab import ETH0, INSTANCE, Said

VMAC = replace(INSTANCE, use_vmac=True)
MAC = bytes.fromhex("00005e000133")
MARK = "mainstay: eth0 had arp_ignore 0, arp_announce 1"
OURS = rtnl.Link(7, "vrrp.51", False, False, MAC, kind="macvlan", parent=2, alias=MARK)
FOREIGN = replace(OURS, index=8, name="other", alias="")


class Kernel:
    """Order socket, mirror and filter in one."""

    def __init__(self) -> None:
        self.here = {"eth0": ETH0}
        self.settings = {"arp_ignore": 0, "arp_announce": 1}
        self.of_all = 0
        self.log: list[str] = []
        self.refuse: dict[str, int] = {}
        self.dropped: dict[object, t.Any] = {}
        self.caught_up = 0

    @property
    def links(self) -> list[rtnl.Link]:
        return list(self.here.values())

    def named(self, name: str) -> rtnl.Link | None:
        return self.here.get(name)

    def need(self, holder: object, elements: t.Any) -> None: ...

    def hold(self, holder: object, elements: t.Any) -> None:
        self.dropped[holder] = elements

    def spare(self, holder: object) -> None:
        self.dropped[holder] = NOTHING

    def does(self, verb: str) -> None:
        if verb in self.refuse:
            raise OSError(self.refuse[verb], os.strerror(self.refuse[verb]))
        self.log.append(verb)

    def make(self, _orders: object, name: str, parent: int, hardware_address: bytes, alias: str) -> int:
        self.does("make")
        self.here[name] = rtnl.Link(9, name, False, False, hardware_address, kind="macvlan", parent=parent, alias=alias)
        return 9

    def delete(self, _orders: object, index: int) -> None:
        self.does("delete")
        self.here = {name: link for name, link in self.here.items() if link.index != index}

    def set_up(self, _orders: object, _index: int, enabled: bool) -> None:
        self.does("up" if enabled else "down")

    def read(self, device: str, name: str) -> int:
        return self.of_all if device == "all" else self.settings[name]

    def write(self, _orders: object, index: int, name: str, value: int) -> None:
        assert index == ETH0.index
        self.settings[name] = value


class Lab:
    """The macvlans of one worker."""

    def __init__(self) -> None:
        self.kernel = Kernel()
        self.said = Said()
        played = t.cast(t.Any, self.kernel)
        self.macvlans = Macvlans(played, played, played, self.said)

    @property
    def problem(self) -> str:
        return self.macvlans.problem("vrrp.51")


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Lab:
    lab = Lab()
    monkeypatch.setattr(macvlan, "make", lab.kernel.make)
    monkeypatch.setattr(macvlan, "delete", lab.kernel.delete)
    monkeypatch.setattr(macvlan, "set_up", lab.kernel.set_up)
    monkeypatch.setattr(macvlan, "prepare", lambda *_arguments: lab.kernel.does("prepare"))
    monkeypatch.setattr(vrrp_macvlans, "write_setting", lab.kernel.write)
    monkeypatch.setattr(vrrp_macvlans, "read_setting", lab.kernel.read)
    return lab


def test_one_is_made_and_deleted_and_the_interface_below_is_as_before(lab: Lab) -> None:
    lab.macvlans.want([VMAC, INSTANCE])
    assert (lab.kernel.log, lab.problem) == (["make"], "")
    assert lab.kernel.here["vrrp.51"].hardware_address == MAC
    assert lab.kernel.settings == {"arp_ignore": 1, "arp_announce": 2}
    assert lab.kernel.dropped == {("macvlan", "vrrp.51"): {macvlan_element(9)}}

    lab.macvlans.stop()
    assert lab.kernel.log == ["make", "delete"]
    assert lab.kernel.settings == {"arp_ignore": 0, "arp_announce": 1}
    assert lab.kernel.dropped == {("macvlan", "vrrp.51"): NOTHING}


def test_one_of_an_earlier_run_is_adopted_and_its_mark_believed(lab: Lab) -> None:
    lab.kernel.here["vrrp.51"] = OURS
    lab.kernel.settings = {"arp_ignore": 1, "arp_announce": 2}
    lab.macvlans.want([VMAC])
    assert lab.kernel.log == ["prepare"]
    lab.macvlans.stop()
    assert lab.kernel.settings == {"arp_ignore": 0, "arp_announce": 1}


@pytest.mark.parametrize("other", [replace(OURS, hardware_address=MAC[:5] + b"\1"), replace(OURS, parent=5)])
def test_one_with_another_mac_or_on_another_interface_is_made_anew(lab: Lab, other: rtnl.Link) -> None:
    lab.kernel.here["vrrp.51"] = other
    lab.macvlans.want([VMAC])
    assert lab.kernel.log == ["delete", "make"]


def test_a_macvlan_below_is_one_on_the_interface_below_both(lab: Lab) -> None:
    lab.kernel.here["eth0"] = replace(ETH0, kind="macvlan", parent=5)
    lab.kernel.here["vrrp.51"] = replace(OURS, parent=5)
    lab.macvlans.want([VMAC])
    assert lab.kernel.log == ["prepare"]


@pytest.mark.parametrize(
    ("link", "told"),
    [
        (replace(OURS, alias="somebody's"), "the name vrrp.51 is taken by an interface that is not a macvlan of"),
        (replace(OURS, kind="veth"), "give the instance another vmac_name"),
        (FOREIGN, "other has its MAC 00:00:5e:00:01:33 already; delete it (ip link delete other)"),
    ],
)
def test_what_is_somebody_else_s_is_left_alone_and_named_until_it_is_gone(lab: Lab, link: rtnl.Link, told: str) -> None:
    lab.kernel.here[link.name] = link
    lab.macvlans.want([VMAC])
    assert told in lab.problem
    assert lab.kernel.log == []
    assert [line.message for line in lab.said.lines] == [lab.problem]

    del lab.kernel.here[link.name]
    lab.kernel.caught_up += 1
    assert lab.macvlans.look({link.name})
    assert (lab.kernel.log, lab.problem) == (["make"], "")


@pytest.mark.parametrize(
    ("number", "told"),
    [(errno.EOPNOTSUPP, "modprobe macvlan"), (errno.EPERM, "CAP_NET_ADMIN"), (errno.EBUSY, "bridge")],
)
def test_a_refusal_is_a_problem_with_a_remedy(lab: Lab, number: int, told: str) -> None:
    lab.kernel.refuse = {"make": number}
    lab.macvlans.want([VMAC])
    assert lab.problem.startswith("no macvlan vrrp.51 on eth0: ")
    assert told in lab.problem


def test_one_that_cannot_be_set_up_is_a_problem_that_lowering_it_does_not_end(lab: Lab) -> None:
    lab.macvlans.want([VMAC])
    lab.kernel.refuse = {"up": errno.EBUSY}
    lab.macvlans.set_up("vrrp.51", True)
    lab.macvlans.set_up("vrrp.51", False)
    assert lab.problem.startswith("macvlan vrrp.51 cannot be set up: ")
    lab.kernel.caught_up += 1
    assert lab.macvlans.look({"eth0"})
    assert lab.problem == ""


def test_it_is_made_again_when_it_is_gone_but_not_before_the_picture_is_new(lab: Lab) -> None:
    lab.macvlans.want([VMAC])
    del lab.kernel.here["vrrp.51"]
    lab.macvlans.look({"vrrp.51"})
    assert lab.kernel.log == ["make"]
    lab.kernel.caught_up += 1
    lab.macvlans.look({"vrrp.51"})
    assert lab.kernel.log == ["make", "make"]


@pytest.mark.parametrize(("before", "during"), [(0, 1), (1, 1), (2, 2), (3, 1), (8, 8)], ids="arp_ignore {0}".format)
def test_an_interface_that_answers_even_less_stays_so(lab: Lab, before: int, during: int) -> None:
    lab.kernel.settings["arp_ignore"] = before
    lab.macvlans.want([VMAC])
    assert lab.kernel.settings["arp_ignore"] == during


def test_two_on_one_interface_share_what_was_before(lab: Lab) -> None:
    second = replace(VMAC, name="VI_2", virtual_router_id=52)
    lab.macvlans.want([VMAC])
    lab.kernel.caught_up += 1
    lab.macvlans.want([VMAC, second])
    assert macvlan.marked(lab.kernel.here["vrrp.52"]) == {"arp_ignore": 0, "arp_announce": 1}
    lab.kernel.caught_up += 1
    lab.macvlans.want([second])
    lab.macvlans.drop()
    assert lab.kernel.settings == {"arp_ignore": 1, "arp_announce": 2}


@pytest.mark.parametrize(("of_all", "told"), [(0, 0), (1, 0), (3, 1)])
def test_a_setting_of_all_interfaces_that_overrides_ours_is_told(lab: Lab, of_all: int, told: int) -> None:
    lab.kernel.of_all = of_all
    lab.macvlans.want([VMAC])
    assert sum("net.ipv4.conf.all.arp_ignore is 3" in line.message for line in lab.said.lines) == told
