# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counters in the words of RFC 8347 and RFC 6527."""

from __future__ import annotations

import typing as t

import pytest

from mainstay.daemon.vrrp.discards import Discards
from mainstay.daemon.vrrp.statistics import error_statistics
from mainstay.vrrp.rejection import PacketError, RejectReason

from ...vrrp.packets import datagram, message, with_checksum
from .lab import OWN, PEER, Said, Story, advert

LEAVES = {
    "checksum-errors", "version-errors", "vrid-errors", "ip-ttl-errors", "interval-errors", "invalid-type-pkts-rcvd",
    "address-list-errors", "packet-length-errors", "auth-type-errors", "auth-errors", "other-errors",
}  # fmt: skip


def statistics(story: Story) -> t.Dict[str, t.Any]:
    return t.cast("t.Dict[str, t.Any]", story.status["statistics"])


@pytest.mark.conformance("MIB-01")
def test_every_counter_of_the_rfc_is_there_from_the_start() -> None:
    """MIB-01."""
    told = statistics(Story())

    assert set(told) >= LEAVES
    assert {told[leaf] for leaf in LEAVES} == {0}
    assert set(told) - LEAVES == {
        "discontinuity-datetime", "up-datetime", "last-adv-source", "new-master-reason", "master-transitions",
        "advertisement-rcvd", "advertisement-sent", "priority-zero-pkts-rcvd", "priority-zero-pkts-sent",
    }  # fmt: skip
    assert told["new-master-reason"] == "not-master" and told["up-datetime"] is None


@pytest.mark.conformance("MIB-01")
def test_adverts_priority_zero_and_transitions_are_counted() -> None:
    """MIB-01."""
    story = Story().master()
    story.hears(advert(150))
    story.hears(advert(0))
    story.passes(1)

    told = statistics(story)
    assert (told["advertisement-rcvd"], told["priority-zero-pkts-rcvd"], told["last-adv-source"]) == (2, 1, PEER)
    assert (told["master-transitions"], story.state) == (2, "MASTER")
    assert told["up-datetime"] >= told["discontinuity-datetime"]

    story.runner.stop(story.poller.now())
    told = statistics(story)
    assert (told["priority-zero-pkts-sent"], told["up-datetime"]) == (1, None)
    assert told["advertisement-sent"] == len(story.port.sent)


@pytest.mark.conformance("MIB-01")
def test_why_it_became_master() -> None:
    """MIB-01: new-master-reason of RFC 8347, vrrpNewMasterReason of RFC 6527."""
    silent = Story().master()
    assert statistics(silent)["new-master-reason"] == "no-response"

    preempting = Story().started()
    preempting.hears(advert(50))
    preempting.passes(4)
    assert statistics(preempting)["new-master-reason"] == "preempted"

    heir = Story().started()
    heir.hears(advert(150))
    heir.hears(advert(0))
    heir.passes(1)
    assert statistics(heir)["new-master-reason"] == "priority"

    died = Story().started()
    died.hears(advert(150))
    died.passes(4)
    assert statistics(died)["new-master-reason"] == "no-response"


@pytest.mark.conformance_negative("MIB-01")
@pytest.mark.parametrize(
    ("leaf", "packet"),
    [
        ("checksum-errors", datagram(message()[:6] + b"\1\1" + message()[8:])),
        ("ip-ttl-errors", datagram(with_checksum(message(vrid=51)), ttl=254)),
        ("packet-length-errors", datagram(with_checksum(message(vrid=51))[:9])),
    ],
)
def test_a_bad_packet_is_counted_under_its_leaf_and_is_no_advert(leaf: str, packet: bytes) -> None:
    """MIB-01."""
    story = Story().started()

    story.hears(packet)

    told = statistics(story)
    assert {name: told[name] for name in LEAVES if told[name]} == {leaf: 1}
    assert (told["advertisement-rcvd"], told["last-adv-source"]) == (0, None)
    assert story.worker_status["statistics"][leaf] == 1
    assert story.worker_status["interfaces"]["eth0"]["statistics"][leaf] == 1


@pytest.mark.conformance_negative("MIB-01")
@pytest.mark.parametrize("reason", list(RejectReason))
def test_no_reason_to_discard_is_lost(reason: RejectReason) -> None:
    """MIB-01: the sum over all leaves is the number of packets."""
    discards = Discards("interface eth0", Said())
    discards.count(PacketError(reason, "for a test"), OWN, 0)

    told = error_statistics(discards)
    assert sum(told.values()) == 1
    assert (told["auth-errors"] + told["auth-type-errors"] == 1) == reason.value.startswith("auth_")


@pytest.mark.conformance_negative("MIB-01")
def test_no_sender_resets_the_limit_of_the_log() -> None:
    """MIB-01: one line a second for a reason, whoever sends; every packet is counted."""
    story = Story().started()
    before = len(story.lines)

    for sender in range(200):
        story.hears(datagram(with_checksum(message(vrid=51)), ttl=1, source=f"192.0.2.{sender + 1}"))
        story.hears(advert(150))

    assert statistics(story)["ip-ttl-errors"] == 200
    assert sum("discarded" in line.message for line in story.lines[before:]) == 1
