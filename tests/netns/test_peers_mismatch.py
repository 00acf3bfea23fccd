# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of both sides that do not go together: two masters stand, and ours says why and what to do (F40-F42)."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from netns.encounter import Encounter, two_nodes
from netns.peers import FrrPeer, KeepalivedPeer, Manner, Manners, Peer
from netns.segment import Node, Segment

from lab.waiting import wait_for

Make = t.Callable[[Node, Path, Manners, int], Peer]


class Mismatch(t.NamedTuple):
    manner: Manner
    counter: str
    """Of the packets that are discarded."""
    alarm: str
    """Words of the problem in the status, and of the warning in the log."""


def old(number: int, ours: dict[str, object], theirs: str, their_version: int = 2) -> Manner:
    return Manner(number, ours, theirs, version=2, advert_int=1, their_version=their_version)


def password(word: str) -> dict[str, object]:
    return {"authentication": {"auth_type": "PASS", "auth_pass": word}}


THEIR_PASSWORD = "authentication {{\n auth_type PASS\n auth_pass 1111\n }}"  # noqa: S105
OTHER_ADDRESS = {"virtual_ipaddress": ["192.0.2.99/24"]}
WITH_KEEPALIVED = {
    "another_password": Mismatch(old(21, password("2222"), THEIR_PASSWORD), "auth_password", "set the same on all"),
    "no_password": Mismatch(old(22, {}, THEIR_PASSWORD), "auth_type_mismatch", "set the same on all"),
    "interval": Mismatch(old(23, {}, "advert_int 2"), "advert_int_mismatch", "has advert_int 2 s, we have 1 s"),
    "theirs_is_newer": Mismatch(old(24, {}, "", 3), "version", "version 3"),
    "theirs_is_older": Mismatch(Manner(25, advert_int=1, their_version=2), "version", "version 2"),
    "addresses": Mismatch(old(26, OTHER_ADDRESS, ""), "address_list", "give all routers the same virtual_ipaddress"),
}
WITH_FRR = {
    "interval": Mismatch(old(23, {}, "vrrp {n} advertisement-interval 2000"), "advert_int_mismatch", "we have 1 s"),
    "theirs_is_newer": Mismatch(old(24, {}, "", 3), "version", "version 3"),
    "theirs_is_older": Mismatch(Manner(25, advert_int=1, their_version=2), "version", "version 2"),
}


@pytest.mark.fault("F40", "F41", "F42")
@pytest.mark.conformance("INT-06")
@pytest.mark.conformance_negative("INT-06", "INT-08", "INT-09", "AUTH-02", "RX-14", "RX-15", "RX-17")
@pytest.mark.parametrize(
    ("make", "mismatches"),
    [(KeepalivedPeer, WITH_KEEPALIVED), (FrrPeer, WITH_FRR)],
    ids=["keepalived", "FRR"],
)
def test_two_masters_stand_and_ours_names_the_reason_and_the_remedy(
    segment: Segment, tmp_path: Path, make: Make, mismatches: dict[str, Mismatch]
) -> None:
    a, b = two_nodes(segment)
    manners = {name: one.manner for name, one in mismatches.items()}
    both = Encounter(a, tmp_path, manners, make(b, tmp_path, manners, 150), 100)
    both.peer.start()
    both.ours.start()

    def discarded() -> dict[str, int]:
        counted = both.counters("counters", "discarded")
        return {name: counted[name].get(one.counter, 0) for name, one in mismatches.items()}

    def masters() -> dict[str, bool]:
        states = both.counters("state")
        return {name: (states[name], both.peer.state(name)) == ("MASTER", "MASTER") for name in manners}

    wait_for(lambda: all(masters().values()), 20, "both to be master", evidence=lambda: f"{masters()}\n{both.seen()}")
    # keepalived sends less often while it discards what it hears, so one of each has to do.
    wait_for(lambda: min(discarded().values()) >= 1, 20, "discards", evidence=lambda: f"{discarded()}\n{both.seen()}")

    log = both.ours.log.read_text().splitlines()
    for name, problems in both.counters("problems").items():
        assert any(mismatches[name].alarm in problem and b.address in problem for problem in problems), (name, problems)
        told = [line for line in log if "warning" in line and f"vrrp_instance {name}:" in line]
        assert any(mismatches[name].alarm in line for line in told), (name, told)
    assert both.counters("transitions") == dict.fromkeys(manners, 2), "to BACKUP and to MASTER, and no more"
    assert "2222" not in both.ours.log.read_text() and "1111" not in both.ours.log.read_text()


@pytest.mark.conformance("CS-05")
def test_the_message_only_checksum_is_one_that_this_keepalived_drops(segment: Segment, tmp_path: Path) -> None:
    """The reason for what `v3_checksum: auto` begins with. It hardly sends meanwhile: we see nothing of it."""
    a, b = two_nodes(segment)
    manners = {"VI_1": Manner(31, {"v3_checksum": "rfc9568"})}
    both = Encounter(a, tmp_path, manners, KeepalivedPeer(b, tmp_path, manners, 100), 150)
    both.ours.start()
    both.await_ours("MASTER")
    both.peer.start()
    both.await_peer("MASTER")
    assert any("checksum" in line.lower() for line in both.peer.complaints())
    assert both.counters("state") == {"VI_1": "MASTER"}
