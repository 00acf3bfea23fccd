# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two daemons on one segment: they elect, hand over, fail over and heal."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from netns.address_watch import AddressWatch
from netns.daemons import Daemon
from netns.pairs import LEASED, quick
from netns.segment import DEVICE, VIP, Segment

from lab.waiting import wait_for


def pair(segment: Segment, folder: Path, **options: object) -> tuple[Daemon, Daemon]:
    """A master of priority 150 and a backup of priority 100, settled."""
    a = Daemon(segment.node("a"), folder, VI_1=quick(150, **options)).start()
    a.await_state("MASTER")
    b = Daemon(segment.node("b"), folder, VI_1=quick(100, **options)).start()
    b.await_state("BACKUP")
    return a, b


@pytest.mark.fault("F13")
def test_the_higher_priority_becomes_master_and_holds_the_address_alone(segment: Segment, tmp_path: Path) -> None:
    a = Daemon(segment.node("a"), tmp_path, VI_1=quick(150))
    b = Daemon(segment.node("b"), tmp_path, VI_1=quick(100))
    a.launch()
    b.launch()
    wait_for(lambda: a.answers() and b.answers(), 20, "both daemons", evidence=a.evidence)

    a.await_state("MASTER")
    b.await_state("BACKUP")
    wait_for(lambda: b.status()["master"] == a.node.address, 10, "b to know its master", evidence=b.evidence)
    assert a.node.holds() and not b.node.holds()
    assert a.status()["addresses_held"] == [f"{VIP}/24"]
    assert b.status()["addresses_held"] == []


@pytest.mark.fault("F01")
def test_sigterm_hands_over_by_priority_zero(segment: Segment, tmp_path: Path) -> None:
    a, b = pair(segment, tmp_path)

    a.signal_and_await_end()

    b.await_state("MASTER")
    assert b.status()["counters"]["priority_zero_received"] == 1
    assert b.node.holds() and not a.node.holds()


@pytest.mark.fault("F04")
def test_after_sigkill_the_kernel_withdraws_the_address_before_the_backup_takes_it(
    segment: Segment, tmp_path: Path
) -> None:
    a, b = pair(segment, tmp_path, advert_int=LEASED)
    with AddressWatch([a.node, b.node]) as watch:
        a.node.kill_all()
        b.await_state("MASTER")
        wait_for(b.node.holds, 5, "b to hold the address", evidence=b.evidence)
        assert not a.node.holds()
        assert watch.both_held(a.node, b.node) == 0, (watch.holdings(a.node), watch.holdings(b.node))


@pytest.mark.fault("F03")
def test_a_killed_supervisor_takes_its_workers_down_in_order(segment: Segment, tmp_path: Path) -> None:
    """F03: the workers hear that it died, send priority 0 and release."""
    a, b = pair(segment, tmp_path)

    a.signal(signal.SIGKILL)

    b.await_state("MASTER")
    assert b.status()["counters"]["priority_zero_received"] == 1
    wait_for(lambda: not a.node.processes(), 10, "the workers to end", evidence=a.evidence)
    assert not a.node.holds()


@pytest.mark.fault("F05")
def test_a_frozen_master_loses_the_address_and_yields_when_it_thaws(segment: Segment, tmp_path: Path) -> None:
    a, b = pair(segment, tmp_path, advert_int=LEASED)
    with AddressWatch([a.node, b.node]) as watch:
        a.node.signal_all(signal.SIGSTOP)
        wait_for(b.node.holds, 15, "b to take over", evidence=b.evidence)
        frozen = watch.both_held(a.node, b.node)
        a.node.signal_all(signal.SIGCONT)

        # It heard on waking that b is master, goes BACKUP without a word, and preempts in order.
        wait_for(
            lambda: "without an advert of ours" in a.log.read_text(), 15, "a to know it slept", evidence=a.evidence
        )
        a.await_state("MASTER")
        b.await_state("BACKUP")
        assert frozen == 0, (watch.holdings(a.node), watch.holdings(b.node))
    assert a.node.holds() and not b.node.holds()


def test_a_short_freeze_without_a_successor_takes_the_address_again(segment: Segment, tmp_path: Path) -> None:
    a = Daemon(segment.node("a"), tmp_path, VI_1=quick(150)).start()
    a.await_state("MASTER")

    a.node.signal_all(signal.SIGSTOP)
    wait_for(lambda: not a.node.holds(), 10, "the lease to end")
    a.node.signal_all(signal.SIGCONT)

    wait_for(a.node.holds, 10, "the address to be back", evidence=a.evidence)
    assert a.state() == "MASTER"
    assert any("addresses taken again" in problem for problem in a.status()["problems"])


@pytest.mark.fault("F27")
def test_carrier_loss_is_a_fault_and_healing_goes_through_backup(segment: Segment, tmp_path: Path) -> None:
    a, b = pair(segment, tmp_path)

    a.node.cut()
    a.await_state("FAULT")
    assert not a.node.holds()
    assert a.status()["problems"] == [f"no carrier on {DEVICE}"]
    b.await_state("MASTER")

    a.node.heal()
    a.await_state("MASTER")
    b.await_state("BACKUP")
    assert "FAULT -> BACKUP" in a.log.read_text()


@pytest.mark.fault("F29")
def test_an_interface_made_anew_is_used_again(segment: Segment, tmp_path: Path) -> None:
    a, b = pair(segment, tmp_path)

    a.node.ip(f"link delete {DEVICE}")
    a.await_state("FAULT")
    b.await_state("MASTER")

    a.node.plug()
    a.await_state("MASTER")
    b.await_state("BACKUP")
    assert a.node.holds() and not b.node.holds()


@pytest.mark.fault("F30")
def test_without_an_address_to_send_from_it_is_a_fault_and_never_sends_from_the_vip(
    segment: Segment, tmp_path: Path
) -> None:
    a, b = pair(segment, tmp_path)

    a.node.ip(f"address delete {a.node.address}/24 dev {DEVICE}")
    a.await_state("FAULT")
    assert not a.node.holds()
    b.await_state("MASTER")
    assert b.status()["counters"]["priority_zero_received"] == 1, "the peer had to wait for a silent master"

    a.node.ip(f"address add {a.node.address}/24 dev {DEVICE}")
    a.await_state("MASTER")
    b.await_state("BACKUP")


@pytest.mark.fault("F31")
def test_an_address_deleted_by_hand_comes_back_and_is_reported(segment: Segment, tmp_path: Path) -> None:
    a, b = pair(segment, tmp_path)
    transitions = a.status()["transitions"]

    a.node.ip(f"address delete {VIP}/24 dev {DEVICE}")

    wait_for(a.node.holds, 5, "the address to come back", evidence=a.evidence)
    status = a.status()
    assert status["state"] == "MASTER" and status["transitions"] == transitions
    assert status["problems"] == [f"somebody removed {VIP}/24 from {DEVICE}; put back"]
    assert b.state() == "BACKUP"


@pytest.mark.fault("F52")
def test_a_lost_notification_storm_is_made_good_by_reading_everything_anew(
    segment: Segment, tmp_path: Path
) -> None:
    """F52: while the daemon is stopped, more changes than its buffer takes; the last one deletes the VIP."""
    a = Daemon(segment.node("a"), tmp_path, VI_1=quick(150, vip_lease=0)).start()
    a.await_state("MASTER")
    a.node.signal_all(signal.SIGSTOP)
    batch = tmp_path / "flood"
    flood = [f"link set lo mtu {mtu}" for mtu in range(20000, 32000)]
    batch.write_text("\n".join([*flood, f"address delete {VIP}/24 dev {DEVICE}\n"]))
    assert a.node.run("ip", "-batch", str(batch)).rc == 0
    a.node.signal_all(signal.SIGCONT)

    wait_for(a.node.holds, 10, "the address to come back", evidence=a.evidence)
    assert a.state() == "MASTER"
    assert "notifications of the kernel were lost" in a.log.read_text()
