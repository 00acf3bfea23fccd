# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host of the segment sees of an address: whether it answers, with which MAC, and what its kernel remembers."""

from __future__ import annotations

import contextlib
import ipaddress
import select
import socket
import time
import typing as t

from netns.segment import DEVICE, Node
from scapy.layers.inet import ICMP, IP
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr, IPv6
from scapy.layers.l2 import ARP, Ether

from lab.waiting import wait_for

_EVERYTHING = 0x0003
_SOLICITED_NODE = int(ipaddress.ip_address("ff02::1:ff00:0"))
PATIENCE = 5.0
"""Seconds for an answer that is expected."""
SILENCE = 1.0
"""Seconds without one that count as none."""


def mac_of(node: Node, device: str = DEVICE) -> str:
    """The MAC address of an interface, "" when it is not there."""
    words = node.run("ip", "-oneline", "link", "show", "dev", device).stdout.split()
    return words[words.index("link/ether") + 1] if "link/ether" in words else ""


def remembered(node: Node, address: str) -> str:
    """The MAC that its neighbour table has for an address, "" for none."""
    words = node.run("ip", "neigh", "show", "to", address, "dev", DEVICE).stdout.split()
    return words[words.index("lladdr") + 1] if "lladdr" in words else ""


def resolved(node: Node, address: str) -> str:
    """Let its kernel ask for an address; the MAC that it remembers then."""
    with node.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.sendto(b"who are you?", (address, 9))
    wait_for(lambda: remembered(node, address), PATIENCE, f"{node.name} to know {address}")
    return remembered(node, address)


def asked(node: Node, address: str, wait: float = SILENCE) -> set[str]:
    """Ask the segment for an address, by ARP or neighbour solicitation; every MAC that an answer came from or named."""
    own = mac_of(node)
    if ":" in address:
        number = int(ipaddress.ip_address(address)) & 0xFFFFFF
        group = ipaddress.ip_address(_SOLICITED_NODE | number)
        last = group.packed[-4:].hex(":")
        question = Ether(src=own, dst=f"33:33:{last}") / IPv6(src=node.link_local, dst=str(group), hlim=255)
        question /= ICMPv6ND_NS(tgt=address) / ICMPv6NDOptSrcLLAddr(lladdr=own)
    else:
        question = Ether(src=own, dst="ff:ff:ff:ff:ff:ff") / ARP(op=1, hwsrc=own, psrc=node.address, pdst=address)
    macs: set[str] = set()
    for frame in exchanged(node, question, wait):
        if ARP in frame and frame[ARP].op == 2 and frame[ARP].psrc == address:
            macs |= {frame.src, frame[ARP].hwsrc}
        elif ICMPv6ND_NA in frame and frame[ICMPv6ND_NA].tgt == address and frame[ICMPv6ND_NA].S:
            macs |= {frame.src, *([frame.lladdr] if hasattr(frame, "lladdr") else [])}
    return macs


def pings(node: Node, address: str, mac: str, wait: float = SILENCE) -> bool:
    """Whether an echo request to this address, in a frame to this MAC, is answered."""
    source = Ether(src=mac_of(node), dst=mac)
    if ":" in address:
        request, header, reply = ICMPv6EchoRequest(id=7), IPv6, ICMPv6EchoReply
        question = source / IPv6(src=node.link_local, dst=address) / request
        return any(reply in frame and frame[header].src == address for frame in exchanged(node, question, wait))
    question = source / IP(src=node.address, dst=address) / ICMP(type=8, id=7)
    answers = (frame for frame in exchanged(node, question, wait) if ICMP in frame and frame[ICMP].type == 0)
    return any(frame[IP].src == address for frame in answers)


def connects(node: Node, address: str, port: int, wait: float = SILENCE) -> bool:
    """Whether a TCP connection comes about."""
    with node.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(wait)
        try:
            client.connect((address, port))
        except OSError:
            return False
        return True


@contextlib.contextmanager
def listening(node: Node, port: int) -> t.Iterator[None]:
    """A TCP server on all addresses of a node, of both families; the kernel shakes hands for it."""
    with node.socket(socket.AF_INET6, socket.SOCK_STREAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("::", port))
        server.listen()
        yield


def exchanged(node: Node, question: t.Any, wait: float) -> t.Iterator[t.Any]:
    """Put a frame onto the segment; what the node receives from then on, for so long, decoded by scapy."""
    with node.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_EVERYTHING)) as wire:
        wire.bind((DEVICE, 0x0003))
        wire.send(bytes(question))
        deadline = time.monotonic() + wait
        while (left := deadline - time.monotonic()) > 0:
            if select.select([wire], [], [], left)[0]:
                octets, place = wire.recvfrom(4096)
                if place[2] != socket.PACKET_OUTGOING:
                    yield Ether(octets)
