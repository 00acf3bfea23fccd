# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every advert that a machine of ours sends, captured on the bridge and judged by tcpdump and by scapy.

Two things tcpdump 4.99 does not know, so that its word "bad vrrp cksum" says nothing there and scapy alone judges: the
checksum without a pseudo-header (RFC 9568 over IPv4), and the signature behind the message, which is cut off for it.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import typing as t
from pathlib import Path

from netns.segment import DEVICE, Node, Segment
from netns.wire import Capture
from scapy.layers.inet import IP, checksum, in4_chksum
from scapy.layers.inet6 import IPv6, in6_chksum
from scapy.layers.l2 import Ether
from scapy.layers.vrrp import VRRP, VRRPv3
from scapy.utils import rdpcap, wrpcap

from lab import command

_PROTOCOL, _INTERNET_CONTROL, _FAR = 112, 0xC0, 255
_TRAILER = 28
_AUTHENTICATION = 8
_FAULTS_TOLD = ("bad ", "invalid", "truncated", "[|", "wrong", "unknown", "malformed")
_ADVERTS = f"(ip proto {_PROTOCOL} or ip6 proto {_PROTOCOL})"


class Kinds(t.NamedTuple):
    """Virtual router ids whose adverts have something of their own."""

    message_only: t.Collection[int] = ()
    """Checksum without a pseudo-header."""
    signed: t.Mapping[int, bytes] = {}
    """With a signature behind the message, and the key."""
    ttl: t.Mapping[int, int] = {}
    """unicast_ttl."""


class Audit:
    """A capture of everything that one node sends."""

    def __init__(self, segment: Segment, folder: Path, node: Node, kinds: Kinds = Kinds()) -> None:  # noqa: B008
        self._kinds = kinds
        mac = node.run("cat", f"/sys/class/net/{DEVICE}/address").stdout.strip()
        self._capture = Capture(segment, folder, f"ether src {mac} and {_ADVERTS}")

    def close(self, *virtual_router_ids: int) -> list[t.Any]:
        """The adverts, after nothing was found wrong with any; there must be some of each of these ids."""
        self._capture.stop()
        found = faults(self._capture.file, self._kinds)
        assert found == [], f"{len(found)} faults, the first ones:\n" + "\n".join(found[:5])
        packets = list(self._capture.packets())
        seen = {message_of(packet).vrid for packet in packets}
        assert seen >= set(virtual_router_ids), (seen, self._capture.words())
        return packets


def message_of(packet: t.Any) -> t.Any:
    """The VRRP layer, as scapy took it apart."""
    return packet[VRRPv3] if VRRPv3 in packet else packet[VRRP]


def _is_vrrp(packet: t.Any) -> bool:
    return VRRPv3 in packet or VRRP in packet


def faults(file: Path, kinds: Kinds) -> list[str]:
    """What is wrong with the adverts of a capture file."""
    packets = rdpcap(str(file))
    said = [f"scapy: {fault}: {packet!r}" for packet in packets for fault in _faults_of(packet, kinds)]
    return said + _told_by_tcpdump(packets, file.with_suffix(".cut.pcap"), kinds)


def _faults_of(packet: t.Any, kinds: Kinds) -> t.Iterator[str]:
    network = packet[IPv6] if IPv6 in packet else packet[IP]
    octets = bytes(network)[40 if IPv6 in packet else network.ihl * 4 :]
    if not _is_vrrp(packet):
        yield "nothing that scapy takes for VRRP"
        return
    message = message_of(packet)
    ttl = kinds.ttl.get(message.vrid, _FAR)
    yield from _envelope(packet, network, ttl)
    wanted = _length(packet, message, message.vrid in kinds.signed)
    if len(octets) != wanted:
        yield f"{len(octets)} octets of VRRP instead of {wanted}"
    if message.type != 1 or message.priority == 255 or not message.ipcount or message.vrid == 0:
        yield "a fixed field"
    if message.version == 3 and octets[4] >> 4:
        yield "reserved bits"
    if message.version == 2 and message.authtype == 0 and any(octets[-_AUTHENTICATION:]):
        yield "octets of authentication without authentication (TX-05)"
    if IPv6 in packet and octets[8:10] != b"\xfe\x80":
        yield "the first address is not the link-local one"
    key = kinds.signed.get(message.vrid)
    if key is not None and octets[-16:] != _signature(network, octets, message, key):
        yield "signature"
    expected = _checksum(network, octets, message, kinds)
    if message.chksum != expected:
        yield f"checksum {message.chksum:#06x} instead of {expected:#06x}"


def _envelope(packet: t.Any, network: t.Any, ttl: int) -> t.Iterator[str]:
    six = IPv6 in packet
    multicast = ipaddress.ip_address(network.dst).is_multicast
    if multicast and packet[Ether].dst != _group_mac(network.dst):
        yield f"MAC address {packet[Ether].dst}"
    if not multicast and int(packet[Ether].dst[:2], 16) & 1:
        yield f"sent to {network.dst} in a frame for many"
    if (network.nh if six else network.proto) != _PROTOCOL:
        yield "protocol"
    if (network.hlim if six else network.ttl) != ttl:
        yield f"TTL {network.hlim if six else network.ttl} instead of {ttl}"
    if (network.tc if six else network.tos) != _INTERNET_CONTROL:
        yield "traffic class"
    if (network.plen + 40 if six else network.len) != len(bytes(network)):
        yield "IP length"
    if six and multicast and not network.src.startswith("fe80:"):
        yield f"source {network.src}"
    if not six and checksum(bytes(network)[: network.ihl * 4]) != 0:
        yield "checksum of the IP header"


def _group_mac(address: str) -> str:
    """RFC 1112 6.4: the low 23 bits; RFC 2464 7: the low 32."""
    octets = ipaddress.ip_address(address).packed
    low = b"\x33\x33" + octets[-4:] if len(octets) == 16 else bytes([1, 0, 0x5E, octets[1] & 0x7F, *octets[2:]])
    return low.hex(":")


def _length(packet: t.Any, message: t.Any, signed: bool) -> int:
    addresses = message.ipcount * (16 if IPv6 in packet else 4)
    return 8 + addresses + (_AUTHENTICATION if message.version == 2 else 0) + (_TRAILER if signed else 0)


def _checksum(network: t.Any, octets: bytes, message: t.Any, kinds: Kinds) -> int:
    """As scapy computes it. A signature is inside over IPv6, where the kernel does it, and outside over IPv4."""
    zeroed = octets[:6] + b"\0\0" + octets[8:]
    if isinstance(network, IPv6):
        return int(in6_chksum(_PROTOCOL, network, zeroed))
    if message.vrid in kinds.signed:
        zeroed = zeroed[:-_TRAILER]
    if message.version == 2 or message.vrid in kinds.message_only:
        return int(checksum(zeroed))
    ends = IP(src=network.src, dst=network.dst)  # without a length: else scapy counts the signature
    return int(in4_chksum(_PROTOCOL, ends, zeroed))


def _signature(network: t.Any, octets: bytes, message: t.Any, key: bytes) -> bytes:
    """By the words of the draft (vrrp-auth-hmac): what nobody sends, the message, the trailer without its end."""
    source = ipaddress.ip_address(network.src)
    unsent = bytes([source.version, message.version, message.vrid, 0]) + source.packed.ljust(16, b"\0")
    text = unsent + octets[:6] + b"\0\0" + octets[8:-16] + bytes(16)
    return hmac.digest(key, text, "sha256")[:16]


def _told_by_tcpdump(packets: t.Iterable[t.Any], cut: Path, kinds: Kinds) -> list[str]:
    judged = [one for one in packets if not _is_vrrp(one) or message_of(one).vrid not in kinds.message_only]
    known = [_without_signature(one, kinds) for one in judged]
    if not known:
        return []
    wrpcap(str(cut), known)
    words = command.must(["tcpdump", "-n", "-vv", "-r", str(cut)])
    told = [f"tcpdump: {line}" for line in words.splitlines() if any(fault in line.lower() for fault in _FAULTS_TOLD)]
    decoded = len(re.findall(r"VRRPv[23], Advertisement, .*vrid \d+, .*addrs", words))
    return told if decoded == len(known) else [*told, f"tcpdump: {decoded} of {len(known)} decoded:\n{words}"]


def _without_signature(packet: t.Any, kinds: Kinds) -> t.Any:
    if IPv6 in packet or not _is_vrrp(packet) or message_of(packet).vrid not in kinds.signed:
        return packet
    octets = bytes(packet[IP])
    if len(octets) != packet[IP].ihl * 4 + _length(packet, message_of(packet), signed=True):
        return packet
    network = IP(octets[:-_TRAILER])
    network.len -= _TRAILER
    del network.chksum
    return Ether(bytes(Ether(src=packet[Ether].src, dst=packet[Ether].dst, type=0x0800) / network))
