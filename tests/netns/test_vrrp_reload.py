# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing the configuration under a running master, and restarting under unexpired leases."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from netns.address_watch import AddressWatch
from netns.daemons import Daemon, Document
from netns.pairs import quick
from netns.segment import DEVICE, NETWORK, VIP, Segment

from lab.waiting import wait_for

SECOND_VIP = f"{NETWORK}.11"


def test_a_reload_changes_a_master_without_a_transition(segment: Segment, tmp_path: Path) -> None:
    a = Daemon(segment.node("a"), tmp_path, VI_1=quick(150)).start()
    a.await_state("MASTER")
    b = Daemon(segment.node("b"), tmp_path, VI_1=quick(100)).start()
    b.await_state("BACKUP")
    transitions = a.status()["transitions"]

    with AddressWatch([a.node, b.node]) as watch:
        a.write(VI_1=quick(140, virtual_ipaddress=[f"{VIP}/24", f"{SECOND_VIP}/24"]))
        assert a.ask("reload")["ok"] is True
        wait_for(lambda: a.node.holds(SECOND_VIP), 10, "the new address", evidence=a.evidence)
        a.write(VI_1=quick(140, virtual_ipaddress=[f"{VIP}/24"]))
        assert a.ask("reload")["ok"] is True
        wait_for(lambda: not a.node.holds(SECOND_VIP), 10, "it to be released", evidence=a.evidence)

        status = a.status()
        assert (status["state"], status["priority"], status["transitions"]) == ("MASTER", 140, transitions)
        assert len(watch.holdings(a.node)) == 1, "the address that stayed was never away"
    assert b.state() == "BACKUP" and "BACKUP -> MASTER" not in b.log.read_text()


def test_what_was_just_taken_is_not_reported_as_removed(segment: Segment, tmp_path: Path) -> None:
    """An owner takes its address while it is configured, a master one that a reload adds: before hearing of either."""
    a = Daemon(segment.node("a"), tmp_path, VI_1=quick(255)).start()
    a.await_state("MASTER")
    a.write(VI_1=quick(255, virtual_ipaddress=[f"{VIP}/24", f"{SECOND_VIP}/24"]))
    assert a.ask("reload")["ok"] is True
    wait_for(lambda: len(a.status()["addresses_held"]) == 2, 10, "both addresses", evidence=a.evidence)

    assert a.status()["problems"] == [] and "put back" not in a.log.read_text()


def test_another_name_for_an_instance_is_no_failover(segment: Segment, tmp_path: Path) -> None:
    a = Daemon(segment.node("a"), tmp_path, VI_1=quick(150)).start()
    a.await_state("MASTER")
    b = Daemon(segment.node("b"), tmp_path, VI_1=quick(100)).start()
    b.await_state("BACKUP")
    before = a.status()

    with AddressWatch([a.node, b.node]) as watch:
        a.write(web=quick(150))
        assert a.ask("reload")["ok"] is True
        sent = a.status("web")["counters"]["adverts_sent"]
        assert sent >= before["counters"]["adverts_sent"], "its counters go on with it"
        wait_for(
            lambda: a.status("web")["counters"]["adverts_sent"] > sent + 4, 10, "a lease's time", evidence=a.evidence
        )
        assert len(watch.holdings(a.node)) == 1 and watch.holdings(b.node) == []

    after = a.status("web")
    assert (after["state"], after["transitions"], after["since"]) == ("MASTER", before["transitions"], before["since"])
    assert b.status()["counters"]["priority_zero_received"] == 0 and b.state() == "BACKUP"
    assert list(a.ask("status")["vrrp"]["instances"]) == ["web"]
    a.signal_and_await_end()
    b.await_state("MASTER")


@pytest.mark.parametrize(("giver", "taker"), [("VI_1", "VI_2"), ("VI_2", "VI_1")])
def test_an_address_that_moves_to_another_instance_is_never_away(
    segment: Segment, tmp_path: Path, giver: str, taker: str
) -> None:
    own = {"VI_1": [f"{NETWORK}.21/24"], "VI_2": [f"{NETWORK}.22/24"]}

    def with_vip_at(holder: str) -> dict[str, Document]:
        both = {}
        for number, (name, addresses) in enumerate(own.items(), 51):
            held = [*addresses, f"{VIP}/24"] if name == holder else addresses
            both[name] = quick(150, virtual_router_id=number, virtual_ipaddress=held)
        return both

    def adverts() -> int:
        return int(a.status(taker)["counters"]["adverts_sent"])

    a = Daemon(segment.node("a"), tmp_path, **with_vip_at(giver)).start()
    a.await_state("MASTER", name="VI_1")
    a.await_state("MASTER", name="VI_2")

    with AddressWatch([a.node]) as watch:
        a.write(**with_vip_at(taker))
        assert a.ask("reload")["ok"] is True
        wait_for(lambda: f"{VIP}/24" in a.status(taker)["addresses_held"], 10, "it to move", evidence=a.evidence)
        sent = a.status(taker)["counters"]["adverts_sent"]
        wait_for(
            lambda: a.status(taker)["counters"]["adverts_sent"] > sent + 3, 10, "a lease's time", evidence=a.evidence
        )

        assert len(watch.holdings(a.node)) == 1, "the address was never away"
    shown = a.node.run("ip", "-oneline", "-4", "address", "show").stdout
    assert shown.count(f" {VIP}/") == 1, shown
    assert a.status(giver)["problems"] == a.status(taker)["problems"] == []
    assert "put back" not in a.log.read_text()


def test_a_lower_priority_after_a_reload_hands_over(segment: Segment, tmp_path: Path) -> None:
    a = Daemon(segment.node("a"), tmp_path, VI_1=quick(150)).start()
    a.await_state("MASTER")
    b = Daemon(segment.node("b"), tmp_path, VI_1=quick(100)).start()
    b.await_state("BACKUP")

    a.write(VI_1=quick(50))
    assert a.ask("reload")["ok"] is True

    b.await_state("MASTER")
    a.await_state("BACKUP")
    assert b.node.holds() and not a.node.holds()


@pytest.mark.fault("F22")
def test_an_instance_that_leaves_the_configuration_is_released_and_the_other_stays(
    segment: Segment, tmp_path: Path
) -> None:
    other = quick(150, virtual_router_id=52, virtual_ipaddress=[f"{SECOND_VIP}/24"])
    a = Daemon(segment.node("a"), tmp_path, VI_1=quick(150), VI_2=other).start()
    a.await_state("MASTER", name="VI_1")
    a.await_state("MASTER", name="VI_2")
    b = Daemon(segment.node("b"), tmp_path, VI_1=quick(100), VI_2={**other, "priority": 100}).start()
    b.await_state("BACKUP", name="VI_2")

    a.write(VI_1=quick(150))
    assert a.ask("reload")["ok"] is True

    b.await_state("MASTER", name="VI_2")
    assert b.status("VI_2")["counters"]["priority_zero_received"] == 1
    assert not a.node.holds(SECOND_VIP) and a.node.holds(VIP)
    assert list(a.ask("status")["vrrp"]["instances"]) == ["VI_1"]


@pytest.mark.fault("F14")
def test_a_killed_daemon_that_comes_back_within_the_lease_goes_on_as_master(segment: Segment, tmp_path: Path) -> None:
    a = Daemon(segment.node("a"), tmp_path, VI_1=quick(150)).start()
    a.await_state("MASTER")
    # A long lease, so that a busy machine cannot be too slow to restart within it.
    a.write(VI_1=quick(150, advert_int=5))
    assert a.ask("reload")["ok"] is True
    assert a.status()["vip_lease"] == 14

    with AddressWatch([a.node]) as watch:
        a.node.kill_all()
        a.start()
        assert a.state() == "MASTER"
        assert len(watch.holdings(a.node)) == 1, "the address was never away"
    assert "under an unexpired lease" in a.status()["last_transition"]


@pytest.mark.fault("F02")
def test_a_killed_vrrp_worker_is_replaced_and_its_successor_goes_on_as_master(segment: Segment, tmp_path: Path) -> None:
    """F02: no gap, no transition for the segment."""
    a = Daemon(segment.node("a"), tmp_path, VI_1=quick(150)).start()
    a.await_state("MASTER")
    a.write(VI_1=quick(150, advert_int=5))
    assert a.ask("reload")["ok"] is True
    killed = a.ask("status")["vrrp"]["pid"]

    with AddressWatch([a.node]) as watch:
        os.kill(killed, signal.SIGKILL)
        successor = "a successor of the killed worker"
        wait_for(lambda: a.ask("status")["vrrp"]["pid"] not in (killed, None), 12, successor, evidence=a.evidence)
        a.await_state("MASTER")
        assert len(watch.holdings(a.node)) == 1, "the address was never away"
    assert "under an unexpired lease" in a.status()["last_transition"]


@pytest.mark.conformance_negative("FSM-04")
def test_an_address_without_a_lease_is_no_proof_and_is_removed_at_the_start(segment: Segment, tmp_path: Path) -> None:
    node = segment.node("a")
    node.ip(f"address add {VIP}/24 dev {DEVICE}")
    a = Daemon(node, tmp_path, VI_1=quick(150)).start()

    assert not node.holds()
    assert a.state() == "BACKUP"
    assert "is removed" in a.log.read_text()


def test_the_owner_keeps_what_its_interface_has_for_good(segment: Segment, tmp_path: Path) -> None:
    """Priority 255: the virtual address is the host's own. It is never leased and survives the daemon."""
    node = segment.node("a")
    a = Daemon(node, tmp_path, VI_1=quick(255, virtual_ipaddress=[f"{node.address}/24"])).start()
    a.await_state("MASTER")
    assert node.holds(node.address)

    a.signal_and_await_end()

    assert "forever" in node.run("ip", "-4", "address", "show", DEVICE).stdout
    assert node.holds(node.address)
