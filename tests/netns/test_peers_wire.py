# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two daemons in every manner of speaking there is, signed adverts too: no decoder finds fault with one packet.

And the audit itself is put to the test: it must find each kind of damage.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from netns.audit import Audit, Kinds, faults, message_of
from netns.daemons import Daemon
from netns.encounter import two_nodes
from netns.peers import Manner
from netns.segment import Segment
from netns.wire import GROUP_MAC, GROUP_V6_MAC, advert, advert_v6
from scapy.layers.inet import IP
from scapy.layers.l2 import Ether
from scapy.layers.vrrp import VRRP, VRRPv3
from scapy.utils import wrpcap

from lab.waiting import wait_for

KEY = bytes(range(32))
PASSWORD = {"auth_type": "PASS", "auth_pass": "1111"}
HMAC = {"auth_hmac": {"keys": [{"id": 7, "key": f"hex:{KEY.hex()}"}], "active_key": 7}}
PEER, PEER_V6 = {"a": "192.0.2.2", "b": "192.0.2.1"}, {"a": "2001:db8::a:2", "b": "2001:db8::a:1"}
MANNERS = {
    "version_2": Manner(21, version=2, advert_int=1),
    "password": Manner(22, {"authentication": PASSWORD}, version=2, advert_int=1),
    "version_2_unicast": Manner(23, version=2, advert_int=1),
    "pseudo_header": Manner(31, {"v3_checksum": "rfc5798"}),
    "message_only": Manner(32),
    "unicast": Manner(33, {"unicast_ttl": 64}),
    "IPv6": Manner(34, family=6),
    "IPv6_unicast": Manner(35, family=6),
    "signed": Manner(41, HMAC),
    "signed_unicast": Manner(42, HMAC),
    "signed_IPv6": Manner(43, HMAC, family=6),
    "several_addresses": Manner(
        44, {"virtual_ipaddress": [f"192.0.2.{last}/24" for last in (44, 144, 244)], "advert_int": 0.33}
    ),
}
KINDS = Kinds(message_only=[32], signed=dict.fromkeys((41, 42, 43), KEY), ttl={33: 64})


def instances(name: str, priority: int) -> dict[str, t.Any]:
    """What the daemon of this node runs; b finds out by itself which checksum a has."""
    told = {manner: one.instance(priority) for manner, one in MANNERS.items()}
    for manner in told:
        if "unicast" in manner:
            told[manner]["unicast_peer"] = [(PEER_V6 if MANNERS[manner].family == 6 else PEER)[name]]
    told["message_only"]["v3_checksum"] = "rfc9568" if name == "a" else "auto"
    return told


def await_all(daemon: Daemon, state: str) -> None:
    states = lambda: {name: daemon.state(name) for name in MANNERS}  # noqa: E731
    wanted = dict.fromkeys(MANNERS, state)
    wait_for(lambda: states() == wanted, 20, f"all to be {state}", evidence=lambda: f"{states()}\n{daemon.evidence()}")


@pytest.mark.conformance("TX-01", "TX-02", "TX-03", "TX-05", "CS-01", "CS-02", "CS-03", "CS-05", "CS-06", "AUTH-04")
@pytest.mark.conformance("PKT-01", "PKT-03", "PKT-06", "PKT-08", "PKT-09", "PKT-10", "PKT-13", "PKT-14")
def test_every_packet_of_both_is_decoded_without_fault(segment: Segment, tmp_path: Path) -> None:
    nodes = dict(zip("ab", two_nodes(segment), strict=True))
    audits = {name: Audit(segment, tmp_path, node, KINDS) for name, node in nodes.items()}
    a = Daemon(nodes["a"], tmp_path, **instances("a", 150)).start()
    await_all(a, "MASTER")
    b = Daemon(nodes["b"], tmp_path, **instances("b", 100)).start()
    heard = lambda: [b.status(name)["counters"]["adverts_received"] for name in MANNERS]  # noqa: E731
    wait_for(lambda: min(heard()) >= 4, 20, "four adverts of each", evidence=b.evidence)
    await_all(b, "BACKUP")
    assert [b.status(name)["counters"]["discarded"] for name in MANNERS] == [{}] * len(MANNERS)

    a.signal_and_await_end()
    await_all(b, "MASTER")
    b.signal_and_await_end()

    for name, priority in (("a", 150), ("b", 100)):
        sent = audits[name].close(*(one.number for one in MANNERS.values()))
        for number in {one.number for one in MANNERS.values()}:
            last = [message_of(packet).priority for packet in sent if message_of(packet).vrid == number][-2:]
            assert last == [priority, 0], (name, number)


SOURCE, SOURCE_V6, LISTED = "192.0.2.1", "fe80::1", ["fe80::51", "2001:db8::51"]
OLD = {"vrid": 51, "priority": 100, "addrlist": ["192.0.2.10"]}


def framed(packet: t.Any) -> t.Any:
    return Ether(src="02:00:00:00:00:01", dst=GROUP_V6_MAC if packet.version == 6 else GROUP_MAC) / packet


def old(**fields: object) -> t.Any:
    return IP(src=SOURCE, dst="224.0.0.18", ttl=255, proto=112, tos=0xC0) / VRRP(**{**OLD, **fields})


def with_wrong_ip_checksum() -> t.Any:
    packet = advert(SOURCE)
    packet.chksum = 1
    return packet


GOOD = {"version 2": old(), "version 3": advert(SOURCE), "IPv6": advert_v6(SOURCE_V6, LISTED)}
DAMAGED = {
    "checksum, version 2": old(chksum=0x1234),
    "checksum, version 3": advert(SOURCE, chksum=0x1234),
    "checksum, IPv6": advert_v6(SOURCE_V6, LISTED) / b"\0\1",
    "TTL": advert(SOURCE, ttl=254),
    "hop limit": advert_v6(SOURCE_V6, LISTED, hlim=64),
    "type": advert(SOURCE, type=2),
    "no address": advert(SOURCE, addrlist=[]),
    "more addresses than it counts": advert(SOURCE, ipcount=1, addrlist=["192.0.2.10", "192.0.2.11"]),
    "less octets than it counts": advert(SOURCE, ipcount=3),
    "reserved bits": advert(SOURCE, res=5),
    "virtual_router_id 0": advert(SOURCE, vrid=0),
    "authentication without a type": old(auth1=7),
    "link-local address not first": advert_v6(SOURCE_V6, LISTED[::-1]),
    "source not of the link": advert_v6("2001:db8::1", LISTED),
    "traffic class": IP(src=SOURCE, dst="224.0.0.18", ttl=255, proto=112) / VRRPv3(addrlist=["192.0.2.10"]),
    "IP checksum": with_wrong_ip_checksum(),
}


@pytest.mark.parametrize("packet", GOOD.values(), ids=GOOD)
def test_the_audit_lets_a_good_packet_pass(tmp_path: Path, packet: t.Any) -> None:
    wrpcap(str(tmp_path / "good.pcap"), [framed(packet)])
    assert faults(tmp_path / "good.pcap", Kinds()) == []


@pytest.mark.conformance_negative("TX-02", "TX-05", "CS-01", "CS-02", "CS-03", "PKT-13")
@pytest.mark.parametrize("packet", DAMAGED.values(), ids=DAMAGED)
def test_the_audit_finds_each_damage(tmp_path: Path, packet: t.Any) -> None:
    wrpcap(str(tmp_path / "damaged.pcap"), [framed(packet)])
    assert faults(tmp_path / "damaged.pcap", Kinds()) != []


def test_the_audit_finds_a_wrong_signature_and_none(tmp_path: Path) -> None:
    wrpcap(str(tmp_path / "unsigned.pcap"), [framed(advert(SOURCE) / bytes(28)), framed(advert(SOURCE))])
    assert len([one for one in faults(tmp_path / "unsigned.pcap", Kinds(signed={51: KEY})) if "signature" in one]) == 2
