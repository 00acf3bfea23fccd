# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The receive ladder: each bad packet has one reason, the first that applies (RX)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import given, strategies as st

from mainstay.vrrp.checksum import ChecksumForm
from mainstay.vrrp.receive import Received, peek_virtual_router_id, receive_datagram
from mainstay.vrrp.rejection import PacketError, RejectReason

from .packets import ADVERT, EXPECTATIONS, datagram, message, with_checksum


def received(packet: bytes) -> Received:
    return receive_datagram(packet, EXPECTATIONS)


def reason_against(packet: bytes) -> RejectReason:
    with pytest.raises(PacketError) as refused:
        received(packet)
    return refused.value.reason


@pytest.mark.conformance("RX-01", "RX-02", "RX-03", "RX-05", "RX-06", "RX-07")
@pytest.mark.conformance("RX-08", "RX-09", "RX-11", "RX-12", "RX-18", "RX-19")
def test_a_good_packet_passes_every_rung() -> None:
    assert received(datagram(message())) == Received(ADVERT, 0xC0000201, ChecksumForm.PSEUDO_HEADER, ())


@pytest.mark.conformance("RX-01")
def test_rx_01_options_are_skipped_and_padding_of_the_frame_is_not_counted() -> None:
    assert received(datagram(message(), options=bytes(40))).advert == ADVERT
    assert received(datagram(message()) + bytes(14)).advert == ADVERT


@pytest.mark.conformance_negative("RX-01")
@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(datagram(message())[:19], id="less than a header"),
        pytest.param(datagram(message(), ip_version=6), id="another IP version"),
        pytest.param(datagram(message(), header_words=4), id="header of 16 bytes"),
        pytest.param(datagram(message(), header_words=15), id="header longer than the datagram"),
        pytest.param(datagram(message(), total=33), id="more announced than received"),
        pytest.param(datagram(message(), total=19), id="total shorter than the header"),
        pytest.param(datagram(message(), fragment=0x2000), id="first fragment"),
        pytest.param(datagram(message(), fragment=0x0010), id="later fragment"),
        pytest.param(datagram(message(), protocol=6), id="another protocol"),
    ],
)
def test_rx_01_a_bad_ip_header_is_refused(packet: bytes) -> None:
    assert reason_against(packet) is RejectReason.IP_HEADER


@pytest.mark.conformance_negative("RX-03")
@pytest.mark.parametrize("ttl", [0, 1, 64, 254])
def test_rx_03_a_forwarded_packet_is_refused(ttl: int) -> None:
    assert reason_against(datagram(message(), ttl=ttl)) is RejectReason.TTL


@pytest.mark.conformance_negative("RX-02", "RX-07")
def test_rx_07_truncated_at_every_length_it_is_refused() -> None:
    whole = message()
    reasons = [reason_against(datagram(whole[:size])) for size in range(len(whole))]
    assert reasons == [RejectReason.TRUNCATED] * 8 + [RejectReason.LENGTH] * 4


@pytest.mark.conformance_negative("RX-08")
def test_rx_08_a_wrong_checksum_is_refused() -> None:
    assert reason_against(datagram(message()[:-1] + b"\x0b")) is RejectReason.CHECKSUM


@pytest.mark.conformance("CS-04")
def test_cs_04_the_message_only_form_is_accepted() -> None:
    assert received(datagram(with_checksum(message()))).checksum_form is ChecksumForm.MESSAGE_ONLY


@pytest.mark.conformance_negative("RX-09")
@pytest.mark.parametrize("virtual_router_id", [0, 50, 52, 255])
def test_rx_09_another_virtual_router_is_refused(virtual_router_id: int) -> None:
    assert reason_against(datagram(message(vrid=virtual_router_id))) is RejectReason.VIRTUAL_ROUTER_ID


@pytest.mark.conformance_negative("RX-11", "RX-12")
def test_rx_11_12_no_address_and_interval_zero_are_refused() -> None:
    assert reason_against(datagram(message(count=0, addresses=b""))) is RejectReason.ADDRESS_COUNT
    assert reason_against(datagram(message(interval=0))) is RejectReason.INTERVAL


@pytest.mark.conformance_negative("RX-18")
@pytest.mark.parametrize("source", ["224.0.0.18", "0.0.0.0", "255.255.255.255", "240.0.0.1"])
def test_rx_18_a_source_that_no_host_has_is_refused(source: str) -> None:
    packet = datagram(with_checksum(message()), source=source)
    assert reason_against(packet) is RejectReason.SOURCE


@pytest.mark.conformance_negative("RX-18")
@pytest.mark.conformance("RX-18")
@pytest.mark.parametrize(("priority", "accepted"), [(0, True), (1, False), (254, False), (255, True)])
def test_rx_18_only_the_owner_sends_from_a_virtual_address(priority: int, accepted: bool) -> None:
    packet = datagram(with_checksum(message(priority=priority)), source="192.0.2.10")
    if accepted:
        assert received(packet).advert.priority == priority
    else:
        assert reason_against(packet) is RejectReason.SOURCE


@pytest.mark.conformance_negative("RX-19")
@pytest.mark.parametrize("destination", ["192.0.2.2", "224.0.0.1"])
def test_rx_19_a_packet_that_is_not_for_the_group_is_refused(destination: str) -> None:
    packet = datagram(with_checksum(message()), destination=destination)
    assert reason_against(packet) is RejectReason.DESTINATION


def flawed(flaws: Collection[RejectReason]) -> bytes:
    """A datagram with exactly these flaws."""
    version = 2 if RejectReason.VERSION in flaws else 3
    kind = 2 if RejectReason.TYPE in flaws else 1
    fields: dict[str, Any] = {"first": version << 4 | kind}
    header: dict[str, Any] = {}
    if RejectReason.VIRTUAL_ROUTER_ID in flaws:
        fields["vrid"] = 9
    if RejectReason.ADDRESS_COUNT in flaws:
        fields.update(count=0, addresses=b"")
    if RejectReason.INTERVAL in flaws:
        fields["interval"] = 0
    payload = with_checksum(message(**fields))
    if RejectReason.CHECKSUM in flaws:
        payload = payload[:6] + bytes([payload[6] ^ 1]) + payload[7:]
    if RejectReason.LENGTH in flaws:
        payload += bytes(2)
    if RejectReason.TRUNCATED in flaws:
        payload = payload[:7]
    bad_header = {
        RejectReason.IP_HEADER: {"protocol": 6},
        RejectReason.TTL: {"ttl": 1},
        RejectReason.SOURCE: {"source": "0.0.0.0"},
        RejectReason.DESTINATION: {"destination": "224.0.0.1"},
    }
    for flaw in flaws:
        header.update(bad_header.get(flaw, {}))
    return datagram(payload, **header)


# The flaws that a multicast packet of version 3 over IPv4 can have together; the others have tests of their own.
FLAWS = [
    RejectReason.IP_HEADER, RejectReason.TRUNCATED, RejectReason.TTL, RejectReason.VERSION, RejectReason.TYPE,
    RejectReason.LENGTH, RejectReason.CHECKSUM, RejectReason.VIRTUAL_ROUTER_ID, RejectReason.ADDRESS_COUNT,
    RejectReason.INTERVAL, RejectReason.SOURCE, RejectReason.DESTINATION,
]  # fmt: skip


@given(st.sets(st.sampled_from(FLAWS), min_size=1))
def test_rx_the_first_failure_wins(flaws: set[RejectReason]) -> None:
    assert reason_against(flawed(flaws)) is min(flaws, key=list(RejectReason).index)


@pytest.mark.conformance("RX-16", "RX-17")
def test_rx_16_17_differences_that_do_no_harm_are_accepted_and_reported() -> None:
    packet = datagram(message(interval=200, addresses=bytes([192, 0, 2, 99])))
    mismatch, interval = received(packet).alarms
    assert (mismatch.kind, interval.kind) == ("address_list_mismatch", "interval_mismatch")
    assert "192.0.2.1 advertises 192.0.2.99, we have 192.0.2.10" in mismatch.detail
    assert "192.0.2.1 has advert_int 2 s, we have 1 s" in interval.detail


@pytest.mark.conformance("RX-17")
def test_rx_17_the_order_of_the_list_does_not_matter() -> None:
    both = ("192.0.2.10", "192.0.2.11")
    packet = datagram(message(count=2, addresses=bytes([192, 0, 2, 11, 192, 0, 2, 10])))
    assert receive_datagram(packet, type(EXPECTATIONS)(51, ADVERT.advert_int, both)).alarms == ()


@given(st.binary(max_size=80) | st.binary(max_size=60).map(datagram))
def test_any_datagram_is_received_or_refused_with_a_reason(packet: bytes) -> None:
    try:
        assert received(packet).advert.virtual_router_id == 51
    except PacketError as refused:
        assert isinstance(refused.reason, RejectReason)


def test_a_packet_can_be_attributed_before_it_is_checked() -> None:
    assert peek_virtual_router_id(datagram(message(vrid=7), ttl=1)) == 7
    assert peek_virtual_router_id(datagram(message(vrid=7), options=bytes(8))) == 7


@given(st.binary(max_size=80))
def test_attributing_never_fails(packet: bytes) -> None:
    virtual_router_id = peek_virtual_router_id(packet)
    assert virtual_router_id is None or 0 <= virtual_router_id <= 255


@pytest.mark.parametrize("size", range(22))
def test_a_datagram_too_short_for_a_virtual_router_id_is_nobodys(size: int) -> None:
    assert peek_virtual_router_id(datagram(message())[:size]) is None
