# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flows against a kernel that is a list of them: how it is walked through, and which flow counts for whom."""

from __future__ import annotations

import errno
import socket
import struct
import typing as t
from unittest import mock

import pytest

from mainstay.lvs.table import Destination, DestinationKey, Service, ServiceKey, Table
from mainstay.net import conntrack
from mainstay.net.conntrack import Connections, Conntrack, ConntrackUnavailable
from mainstay.net.netlink import Answer, Message, decode, encode
from mainstay.net.nftables_names import packed

WEB, MORE = ServiceKey("TCP", "198.51.100.10", 80), ServiceKey("TCP", "198.51.100.10", 81)
DNS, FAR = ServiceKey("UDP", "198.51.100.10", 53), ServiceKey("UDP", "203.0.113.9", 53)
FIRST, SECOND = DestinationKey("192.0.2.21", 80), DestinationKey("192.0.2.22", 80)
ESTABLISHED, CLOSING = 3, 5


def flow(service: ServiceKey, server: DestinationKey, client: int = 1, state: int = 0, mark: int = 0) -> bytes:
    """One flow as the kernel writes it."""
    number = {"TCP": 6, "UDP": 17}[service.protocol]
    source = ("2001:db8::2" if service.ipv6 else "198.51.100.2", 40000 + client)
    attributes: list[t.Tuple[int, t.Any]] = [
        (1, _direction(number, source, (service.address, service.port))),
        (2, _direction(number, (server.address, server.port), source)),
        (3, struct.pack("!I", 0x18E)),
    ]
    if state:
        attributes.append((4, [(1, [(1, bytes([state]))])]))
    attributes.append((8, struct.pack("!I", mark)))
    return struct.pack("!BBH", socket.AF_INET6 if service.ipv6 else socket.AF_INET, 0, 0) + encode(attributes)


def _direction(number: int, source: t.Tuple[str, int], destination: t.Tuple[str, int]) -> list[t.Any]:
    ends = [(kind + 2 * (":" in end), packed(end)) for kind, end in ((1, source[0]), (2, destination[0]))]
    ports = [(1, bytes([number])), (2, struct.pack("!H", source[1])), (3, struct.pack("!H", destination[1]))]
    return [(1, ends), (2, ports)]


PING = struct.pack("!BBH", socket.AF_INET, 0, 0) + encode(
    [(number, [(1, [(1, b"\x0a\0\0\1"), (2, b"\x0a\0\0\2")]), (2, [(1, b"\1")])]) for number in (1, 2)]
)
_IPV6_DIRECTION = [(1, [(3, bytes(16)), (4, bytes(16))]), (2, [(1, b"\6"), (2, b"\0\1"), (3, b"\0\2")])]
IPV6 = struct.pack("!BBH", socket.AF_INET6, 0, 0) + encode([(1, _IPV6_DIRECTION), (2, _IPV6_DIRECTION)])


PORTION = 3
"""Flows that the kernel hands over at a time; a real one some 140."""


class Kernel:
    """Hands over all its flows to everybody who asks."""

    def __init__(self) -> None:
        self.flows: list[bytes] = []
        self.dumps: list[Message] = []
        self.deleted: list[Message] = []
        self.errno = 0
        self.opened = self.closed = 0

    def open(self, _protocol: int) -> Kernel:
        self.opened += 1
        return self

    def close(self) -> None:
        self.closed += 1

    def portions(self, message: Message) -> t.Iterator[list[bytes]]:
        if self.errno:
            raise OSError(self.errno, "")
        self.dumps.append(message)
        for start in range(0, len(self.flows), PORTION):
            yield self.flows[start : start + PORTION]

    def order(self, messages: t.Sequence[Message]) -> list[Answer]:
        self.deleted += messages
        return [Answer(self.errno) for _message in messages]

    def originals(self) -> list[bytes]:
        """Of the flows that were ended, the directions by which the kernel was told."""
        return [decode(message.body, 4)[1] for message in self.deleted]


@pytest.fixture
def kernel() -> t.Iterator[Kernel]:
    kernel = Kernel()
    counted = mock.patch.object(conntrack, "_flows_in_namespace", lambda: len(kernel.flows))
    with mock.patch.object(conntrack, "KernelSocket", kernel.open), counted:
        yield kernel


def count(desired: Table) -> Connections:
    """The figures at the end of a whole count."""
    (counted,) = [found for found in Conntrack().count(desired) if found is not None]
    return counted


def end_flows(desired: Table, services: t.Collection[ServiceKey], tracking: Conntrack | None = None) -> None:
    for _portion in (tracking or Conntrack()).end_flows(lambda: desired, services):
        continue


def originals(*flows: bytes) -> list[bytes]:
    return [decode(one, 4)[1] for one in flows]


def table(*keys: ServiceKey) -> Table:
    """Both servers behind each."""
    pool = {key: Destination(key, "NAT", 1) for key in (FIRST, SECOND)}
    return {key: Service(key, "rr", 0, pool) for key in keys}


def test_flows_are_counted_per_service_and_server(kernel: Kernel) -> None:
    kernel.flows = [
        flow(WEB, FIRST, 1, ESTABLISHED), flow(WEB, FIRST, 2, CLOSING), flow(MORE, FIRST, 3, ESTABLISHED),
        flow(DNS, SECOND, 4), flow(DNS, DestinationKey("192.0.2.99", 80), 5), flow(FAR, FIRST, 6), PING, IPV6,
    ]  # fmt: skip
    counted = count(table(WEB, MORE, DNS))
    assert {place: figures for place, figures in counted.items() if any(figures)} == {
        (WEB, FIRST): (1, 1),
        (MORE, FIRST): (1, 0),
        (DNS, SECOND): (0, 1),
    }
    assert len(counted) == 6, "every server of the table has figures"


WEB6 = ServiceKey("TCP", "2001:db8::10", 80)
FIRST6 = DestinationKey("2001:db8::21", 80)
EVERY = ServiceKey("TCP", "198.51.100.10", 0)
MARK = ServiceKey("", "", 0, fwmark=5, family="inet")
MARK6 = ServiceKey("", "", 0, fwmark=5, family="inet6")


def pool_of(key: ServiceKey, *servers: DestinationKey) -> Table:
    return {key: Service(key, "rr", 0, {server: Destination(server, "NAT", 1) for server in servers})}


def test_both_families_are_counted_in_one_walk(kernel: Kernel) -> None:
    kernel.flows = [flow(WEB, FIRST, 1, ESTABLISHED), flow(WEB6, FIRST6, 2, ESTABLISHED), IPV6]
    counted = count({**table(WEB), **pool_of(WEB6, FIRST6)})
    assert [message.body[0] for message in kernel.dumps] == [socket.AF_UNSPEC]
    assert counted == {(WEB, FIRST): (1, 0), (WEB, SECOND): (0, 0), (WEB6, FIRST6): (1, 0)}


def test_a_mark_comes_before_an_address_and_an_address_with_every_port_last(kernel: Kernel) -> None:
    kernel.flows = [flow(WEB, FIRST, 1, mark=5), flow(WEB, FIRST, 2, mark=6), flow(MORE, FIRST, 3)]
    counted = count({**table(WEB), **pool_of(MARK, FIRST), **pool_of(EVERY, FIRST)})
    assert [counted[key, FIRST] for key in (MARK, WEB, EVERY)] == [(0, 1), (0, 1), (0, 1)]


def test_the_same_mark_is_another_service_in_the_other_family(kernel: Kernel) -> None:
    kernel.flows = [flow(WEB6, FIRST6, mark=5)]
    assert count({**pool_of(MARK, FIRST), **pool_of(MARK6, FIRST6)}) == {(MARK, FIRST): (0, 0), (MARK6, FIRST6): (0, 1)}


def test_a_server_with_every_port_is_found_at_any(kernel: Kernel) -> None:
    kernel.flows = [flow(WEB, DestinationKey("192.0.2.21", port), port, ESTABLISHED) for port in (80, 8080)]
    whole = DestinationKey("192.0.2.21", 0)
    assert count(pool_of(WEB, whole)) == {(WEB, whole): (2, 0)}


def test_a_connection_of_the_directors_own_is_left_to_its_listener(kernel: Kernel) -> None:
    """UDP is not: its flow would stay for as long as the client sends."""
    listener = DestinationKey("198.51.100.10", 80)
    kernel.flows = [flow(WEB, listener, 1, ESTABLISHED), flow(WEB, SECOND, 2, ESTABLISHED)]
    end_flows(pool_of(WEB, FIRST), [WEB])
    assert kernel.originals() == originals(kernel.flows[1])
    kernel.flows = [flow(DNS, DestinationKey("198.51.100.10", 53))]
    end_flows(pool_of(DNS, FIRST), [DNS])
    assert len(kernel.deleted) == 2


def test_of_a_mark_that_is_served_no_more_only_udp_is_ended(kernel: Kernel) -> None:
    kernel.flows = [flow(WEB, FIRST, 1, ESTABLISHED, mark=5), flow(DNS, FIRST, 2, mark=5)]
    end_flows({}, [MARK])
    assert kernel.originals() == originals(kernel.flows[1])
    end_flows(pool_of(MARK), [MARK])
    assert len(kernel.deleted) == 3, "of one that has nobody left, all"


def test_flows_of_ipv6_are_ended_as_such(kernel: Kernel) -> None:
    kernel.flows = [flow(WEB6, FIRST6)]
    end_flows(pool_of(WEB6), [WEB6])
    assert [message.body[0] for message in kernel.deleted] == [socket.AF_INET6]


def test_where_nothing_flows_nobody_is_asked(kernel: Kernel) -> None:
    assert set(count(table(WEB)).values()) == {(0, 0)}
    end_flows({}, [DNS])
    assert (kernel.dumps, kernel.deleted) == ([], [])


def test_between_two_portions_the_caller_may_do_something_else(kernel: Kernel) -> None:
    kernel.flows = [flow(WEB, FIRST, client, ESTABLISHED) for client in range(3 * PORTION)]
    counting = Conntrack().count(pool_of(WEB, FIRST))
    assert [next(counting) for _portion in range(3)] == [None] * 3
    assert list(counting) == [{(WEB, FIRST): (9, 0)}]


def test_a_walk_that_is_given_up_leaves_no_socket_open(kernel: Kernel) -> None:
    kernel.flows = [PING] * 9
    counting = t.cast(t.Any, Conntrack().count(table(WEB)))
    next(counting)
    counting.close()
    assert (kernel.opened, kernel.closed) == (1, 1)


def test_others_flows_are_skipped_however_many_different_ones_there_are(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conntrack, "_PATHS_LIMIT", 4)
    foreign = [flow(ServiceKey("TCP", "203.0.113.9", 1000 + one), FIRST, one, ESTABLISHED) for one in range(20)]
    kernel.flows = [*foreign, flow(WEB, FIRST, 1, ESTABLISHED), flow(WEB, SECOND, 2)]
    assert count(table(WEB)) == {(WEB, FIRST): (1, 0), (WEB, SECOND): (0, 1)}


@pytest.mark.parametrize("zoned", [1, 2], ids=["original", "reply"])
def test_a_flow_with_a_zone_for_one_direction_is_not_misread(kernel: Kernel, zoned: int) -> None:
    """Its fields stand elsewhere."""
    client = ("198.51.100.2", 40000)
    directions = [(1, _direction(6, client, (WEB.address, 80))), (2, _direction(6, (FIRST.address, 80), client))]
    zone = (3, struct.pack("!H", 7))
    attributes = [(number, [*parts, zone] if number == zoned else parts) for number, parts in directions]
    kernel.flows = [struct.pack("!BBH", socket.AF_INET, 0, 0) + encode(attributes) + bytes(64)]
    assert set(count(table(WEB)).values()) == {(0, 0)}


def test_the_state_of_tcp_is_found_behind_whatever_stands_before_it(kernel: Kernel) -> None:
    """Accounting (nf_conntrack_acct) and a helper, for example."""
    packets = [(1, struct.pack("!Q", 0x0301000503010005)), (2, struct.pack("!Q", 9))]
    rest = encode([(9, packets), (10, packets), (5, [(1, b"ftp\0")]), (4, [(1, [(1, bytes([ESTABLISHED]))])])])
    body = flow(WEB, FIRST, 1)
    kernel.flows = [body + rest, body + encode([(9, packets)])]
    assert count(table(WEB))[WEB, FIRST] == (1, 1)


def test_what_is_edited_during_the_walk_counts_for_the_flows_that_are_still_to_come(kernel: Kernel) -> None:
    """A server that has come back must not lose the flows that it gets meanwhile."""
    strays = [flow(DNS, SECOND, client) for client in range(2 * PORTION)]
    kernel.flows, desired = strays, [pool_of(DNS, FIRST)]
    ending = Conntrack().end_flows(lambda: desired[-1], [DNS])
    next(ending)
    desired.append(pool_of(DNS, FIRST, SECOND))
    assert list(ending) == [None]
    assert kernel.originals() == originals(*strays[:PORTION])


def test_flows_that_lead_out_of_their_pool_are_ended_in_one_go(kernel: Kernel) -> None:
    kept, stray, orphan = flow(DNS, FIRST, 1), flow(DNS, SECOND, 2), flow(FAR, FIRST, 3)
    kernel.flows = [kept, stray, orphan, flow(WEB, SECOND, 4)]
    end_flows({**pool_of(DNS, FIRST), **pool_of(FAR)}, [DNS, FAR])
    assert len(kernel.dumps) == 1
    assert kernel.originals() == originals(stray, orphan)


@pytest.mark.parametrize(("number", "sentence"), [
    (errno.EINVAL, "this kernel has no nf_conntrack_netlink: load it with 'modprobe nf_conntrack_netlink'"),
    (errno.EPERM, "conntrack does not answer: Operation not permitted"),
])  # fmt: skip
def test_a_kernel_that_does_not_tell_is_named_with_the_remedy(kernel: Kernel, number: int, sentence: str) -> None:
    kernel.flows, kernel.errno = [PING], number
    with pytest.raises(ConntrackUnavailable) as refused:
        count(table(WEB))
    assert str(refused.value) == sentence


@pytest.mark.parametrize(("failure", "sentence"), [
    (OSError(errno.ENOBUFS, ""), "conntrack does not answer: No buffer space available"),
    (TimeoutError("timed out"), "conntrack does not answer: Connection timed out"),
])  # fmt: skip
def test_an_order_that_stays_without_an_answer_is_told_and_the_next_goes_over_a_new_socket(
    kernel: Kernel, failure: OSError, sentence: str
) -> None:
    kernel.flows = [flow(DNS, FIRST)]
    tracking = Conntrack()
    with mock.patch.object(kernel, "order", side_effect=failure), pytest.raises(ConntrackUnavailable) as refused:
        end_flows({}, [DNS], tracking)
    assert (str(refused.value), kernel.opened - kernel.closed) == (sentence, 0)
    end_flows({}, [DNS], tracking)
    assert (len(kernel.deleted), kernel.opened - kernel.closed) == (1, 1)
    tracking.close()
    assert kernel.opened == kernel.closed


def test_a_flow_that_ended_by_itself_meanwhile_is_no_complaint(kernel: Kernel) -> None:
    kernel.flows = [flow(DNS, FIRST)]
    with mock.patch.object(kernel, "order", return_value=[Answer(errno.ENOENT)]):
        end_flows({}, [DNS])
    with mock.patch.object(kernel, "order", return_value=[Answer(errno.EPERM)]), pytest.raises(ConntrackUnavailable):
        end_flows({}, [DNS])
