# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab's spec: what is read, and what is refused with the path of the wrong value."""

from __future__ import annotations

import copy
import typing as t

import pytest

from lab import spec, topology
from lab.errors import LabError
from lab.spec import Kind

DOCUMENT: dict[str, t.Any] = {
    "networks": {"front": ["192.168.200.0/24", "fd00:200::/64"], "back": ["192.168.201.0/24"]},
    "machines": {
        "director1": {
            "kind": "uml",
            "interfaces": {"eth0": ["192.168.200.2", "fd00:200::2"], "eth1": ["192.168.201.2"]},
        },
        "web1": {"kind": "nspawn", "interfaces": {"eth0": ["192.168.200.100"]}},
    },
}


def changed(path: str, value: object) -> dict[str, t.Any]:
    """DOCUMENT with one value replaced; `path` is separated by dots."""
    document = copy.deepcopy(DOCUMENT)
    *above, last = path.split(".")
    place = document
    for key in above:
        place = place[key]
    place[last] = value
    return document


def test_an_interface_is_plugged_into_the_network_that_holds_its_addresses() -> None:
    director = spec.parse(DOCUMENT).machine("director1")
    assert [(i.name, i.network) for i in director.interfaces] == [("eth0", "front"), ("eth1", "back")]
    assert [str(address) for address in director.interface("eth0").addresses] == [
        "192.168.200.2/24",
        "fd00:200::2/64",
    ]


def test_kind_and_place_in_the_spec_are_kept() -> None:
    machines = spec.parse(DOCUMENT).machines
    assert [(m.name, m.kind, m.number) for m in machines] == [
        ("director1", Kind.UML, 1),
        ("web1", Kind.NSPAWN, 2),
    ]
    assert [m.management_address for m in machines] == ["192.168.202.1", "192.168.202.2"]


def test_what_is_dumped_reads_back_the_same() -> None:
    parsed = spec.parse(DOCUMENT)
    assert spec.dump(parsed) == DOCUMENT
    assert spec.parse(spec.dump(parsed)) == parsed


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("networks.front", ["192.168.200.1/24"], "networks.front: 192.168.200.1/24 has host bits set"),
        (
            "networks.front",
            ["192.168.202.0/25"],
            "networks.front: 192.168.202.0/25 overlaps 192.168.202.0/24",
        ),
        ("networks", {}, "networks: must be a mapping with entries"),
        ("machines.web1.kind", "docker", "machines.web1.kind: 'docker' is none of nspawn, uml"),
        ("machines.web1.memory", 512, "machines.web1: must have exactly the keys interfaces, kind"),
        (
            "machines.web1.interfaces.eth0",
            ["10.0.0.1"],
            "machines.web1.interfaces.eth0: 10.0.0.1 lies on none",
        ),
        ("machines.web1.interfaces.eth0", ["web"], "machines.web1.interfaces.eth0: 'web' does not appear"),
        ("machines.web1.interfaces.eth0", [], "machines.web1.interfaces.eth0: must be a list of strings"),
        (
            "machines.web1.interfaces.lan0",
            ["192.168.200.9"],
            "machines.web1.interfaces.lan0: 'lan0' does not",
        ),
        (
            "machines.web1.interfaces.eth0",
            ["192.168.200.9", "192.168.201.9"],
            "machines.web1.interfaces.eth0: the addresses of one interface must lie on one network",
        ),
        (
            "machines.a-name-too-long",
            DOCUMENT["machines"]["web1"],
            "machines.a-name-too-long: 'a-name-too-long'",
        ),
    ],
)
def test_a_wrong_value_is_refused_with_its_path(path: str, value: object, complaint: str) -> None:
    with pytest.raises(LabError) as refused:
        spec.parse(changed(path, value))
    assert str(refused.value).startswith(complaint)


@pytest.mark.parametrize("name", ["two-words", "Capital", "", "x" * 17, "../etc"])
def test_a_lab_name_that_could_be_mistaken_is_refused(name: str) -> None:
    with pytest.raises(LabError, match="lab name"):
        spec.lab_name(name)


def test_an_unknown_machine_or_interface_is_answered_with_those_there_are() -> None:
    parsed = spec.parse(DOCUMENT)
    with pytest.raises(LabError, match="no machine web9 in this lab; it has director1, web1"):
        parsed.machine("web9")
    with pytest.raises(LabError, match="machine web1 has no interface eth7; it has eth0"):
        parsed.machine("web1").interface("eth7")


def test_the_five_machines_have_the_addresses_of_the_sample() -> None:
    five = topology.named("five")
    assert {m.name: str(m.interface("eth0").addresses[0]) for m in five.machines} == {
        "director1": "192.168.200.2/24",
        "director2": "192.168.200.3/24",
        "web1": "192.168.200.100/24",
        "web2": "192.168.200.101/24",
        "client": "192.168.200.200/24",
    }
    assert [i.name for i in five.machine("client").interfaces] == ["eth0"]


def test_only_directors_boot_a_kernel_of_their_own() -> None:
    five = topology.named("five", Kind.UML)
    assert [m.name for m in five.machines if m.kind is Kind.UML] == ["director1", "director2"]


def test_an_unknown_topology_is_refused() -> None:
    with pytest.raises(LabError, match="no topology 'six'; there are five, two"):
        topology.named("six")
