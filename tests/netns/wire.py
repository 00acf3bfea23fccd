# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is on the wire, captured by tcpdump and read by tcpdump and scapy; and frames of our making put onto it."""

from __future__ import annotations

import contextlib
import signal
import socket
import typing as t
from pathlib import Path

from netns.segment import DEVICE, VIP, Node, Segment
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6, in6_chksum
from scapy.layers.l2 import Ether
from scapy.layers.vrrp import VRRPv3
from scapy.utils import rdpcap

from lab import command
from lab.processes import Process
from lab.waiting import wait_for

GROUP = "224.0.0.18"
GROUP_MAC = "01:00:5e:00:00:12"
GROUP_V6 = "ff02::12"
GROUP_V6_MAC = "33:33:00:00:00:12"
_IPV4 = 0x0800
_PROTOCOL, _VRRP = 23, 112  # the byte of an Ethernet frame that says what is in its IPv4 packet
_NOTHING = 0  # protocol of a packet socket that receives no frames


class Capture:
    """A running tcpdump."""

    def __init__(self, where: Node | Segment, folder: Path, expression: str) -> None:
        """On a node, or on the bridge for what every node sends, without a process on any of them."""
        number = sum(1 for _earlier in folder.glob("capture-*"))
        self.file = folder / f"capture-{number}" / f"{where.name}.pcap"
        self._log = self.file.parent / "log"
        self._log.parent.mkdir()
        # -Z root: it must not give up the right to write where the test keeps its files.
        options = ["-i", where.device, "-n", "-U", "--immediate-mode", "-Z", "root", "-w", str(self.file)]
        self._process: Process = where.start(["tcpdump", *options, expression], self._log)
        wait_for(lambda: "listening on" in self._log.read_text(), 20, "tcpdump to listen", evidence=self._log.read_text)

    def packets(self) -> t.Any:
        """What was captured so far, decoded by scapy."""
        return rdpcap(str(self.file))

    def words(self) -> str:
        """What was captured so far, decoded by tcpdump."""
        return command.must(["tcpdump", "-n", "-vv", "-r", str(self.file)])

    def stop(self) -> None:
        """End it; the file stays."""
        self._process.signal(signal.SIGINT)
        wait_for(lambda: not self._process.alive(), 10, "tcpdump to end")


def advert(source: str, **fields: object) -> t.Any:
    """A good VRRPv3 advert as scapy makes it; fields of VRRPv3, and ttl, change it."""
    ttl = fields.pop("ttl", 255)
    usual = {"vrid": 51, "priority": 200, "addrlist": [VIP], "adv": 100}
    return IP(src=source, dst=GROUP, ttl=ttl, proto=112, tos=0xC0) / VRRPv3(**{**usual, **fields})


def advert_v6(source: str, addresses: t.Sequence[str], **fields: object) -> t.Any:
    """A good VRRPv3 advert over IPv6 whose checksum scapy computes; hlim and the fields of VRRPv3 change it."""
    header = IPv6(src=source, dst=GROUP_V6, hlim=fields.pop("hlim", 255), nh=112, tc=0xC0)
    usual = {"vrid": 51, "priority": 200, "adv": 100, "ipcount": len(addresses), "chksum": 0}
    fixed = bytes(VRRPv3(**{**usual, **fields}))
    listed = b"".join(socket.inet_pton(socket.AF_INET6, address) for address in addresses)
    checksum = in6_chksum(112, header, fixed + listed)
    return header / (fixed[:6] + checksum.to_bytes(2, "big") + listed)


def cut_to(packet: t.Any, length: int) -> t.Any:
    """The same packet with only `length` bytes of its VRRP message."""
    head = IP(src=packet[IP].src, dst=packet[IP].dst, ttl=packet[IP].ttl, proto=112)
    return head / bytes(packet[IP].payload)[:length]


@contextlib.contextmanager
def injector(node: Node, destination: str = GROUP_MAC) -> t.Iterator[t.Callable[[t.Any], None]]:
    """A function that puts an IP packet of scapy's onto the segment, from this node, to this MAC."""
    packet_socket = node.socket(socket.AF_PACKET, socket.SOCK_RAW, _NOTHING)
    with packet_socket:
        packet_socket.bind((DEVICE, 0))
        yield lambda packet: t.cast(None, packet_socket.send(bytes(Ether(dst=destination) / packet)))


def record_advert(node: Node) -> bytes:
    """The next frame with an IPv4 advert, as this node sees it."""
    with node.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_IPV4)) as listener:
        listener.bind((DEVICE, _IPV4))
        listener.settimeout(10)
        while True:
            frame = listener.recv(2048)
            if frame[_PROTOCOL] == _VRRP:
                return frame
