# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody on the segment who is none of the routers: what it can do without a key, and that it can do nothing with.

How long each attack keeps the address away is measured by `make faults`.
"""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from netns.address_watch import AddressWatch
from netns.attacks import ATTACKS, Attack, Scene
from netns.daemons import Daemon, instance
from netns.flood import sender
from netns.pairs import SHORT, await_adverts, nothing_moves, settled_pair
from netns.segment import DEVICE, Segment
from netns.wire import GROUP_MAC, GROUP_V6_MAC, advert, advert_v6, record_advert
from scapy.layers.l2 import Ether

from lab.waiting import wait_for

KEYS = {"keys": [{"id": 1, "key": "hex:" + "5a" * 32}], "active_key": 1}
LINES_A_SECOND = 10
MORE_THAN_FITS = 8000  # packets; 1 MiB of queue has room for some 2000
# Whoever takes all of a processor: one of them at a time.
pytestmark = pytest.mark.xdist_group("hogs")


def pair(segment: Segment, folder: Path, unicast: bool, **options: object) -> tuple[Daemon, Daemon, Scene]:
    """A settled pair and a third host. An interval that is learnt is at most their own, so that tests are short."""
    first, second, third = (segment.node(name) for name in "abc")
    daemons = []
    for node, peer, priority in ((first, second, 150), (second, first, 100)):
        more = {**options, "unicast_peer": [peer.address]} if unicast else options
        one = instance(priority, advert_int=SHORT, learn_interval_max=SHORT, **more)
        daemons.append(Daemon(node, folder, VI_1=one).start())
        daemons[-1].await_state("MASTER" if node is first else "BACKUP")
    return daemons[0], daemons[1], Scene(third, first, second, SHORT)


def strike(attack: Attack, scene: Scene) -> None:
    with sender(scene.attacker) as out:
        frames = attack.frames(scene)
        if attack.intervals == 0:
            out.send(frames)
        else:
            out.send_for(attack.intervals * SHORT, frames, attack.rate or len(frames) / SHORT)


@pytest.mark.parametrize("unicast", [False, True], ids=["multicast", "unicast"])
@pytest.mark.fault("F50", "F51", "A01", "A02", "A03", "A05", "A06", "A07", "A08", "A09")
def test_with_signed_adverts_no_attack_costs_anything(segment: Segment, tmp_path: Path, unicast: bool) -> None:
    a, b, scene = pair(segment, tmp_path, unicast, auth_hmac=KEYS)
    for attack in (one for one in ATTACKS if one.unicast == unicast):
        lines = len(logged(a, b))
        with AddressWatch([a.node, b.node]) as watch, nothing_moves(a, b):
            began = time.monotonic()
            strike(attack, scene)
            now = time.monotonic()
            assert watch.nobody_held(began, now) == 0, f"{attack.id} {attack.words}\n{a.evidence()}"
        said = logged(a, b)[lines:]
        allowed = 2 * LINES_A_SECOND * (time.monotonic() - began + 1)
        assert len(said) <= allowed, f"{attack.id}: {len(said)} lines\n" + "\n".join(said[-30:])


@pytest.mark.parametrize("unicast", [False, True], ids=["multicast", "unicast"])
@pytest.mark.fault("F50", "F51", "A01", "A02", "A03", "A05", "A06", "A07", "A08", "A09")
def test_without_signatures_most_cost_nothing_and_the_rest_passes(
    segment: Segment, tmp_path: Path, unicast: bool
) -> None:
    """A forged master of a higher priority is believed: that is VRRP. It ends with the forging."""
    a, b, scene = pair(segment, tmp_path, unicast)
    for attack in (one for one in ATTACKS if one.unicast == unicast):
        with AddressWatch([a.node, b.node]) as watch:
            began = time.monotonic()
            strike(attack, scene)
            a.await_state("MASTER")
            b.await_state("BACKUP")
            wait_for(a.node.holds, 10, f"the address to be back after {attack.id}", evidence=a.evidence)
            away = watch.nobody_held(began, time.monotonic())
        assert (away > 0) == attack.harmful, f"{attack.id} {attack.words}: away for {away:.2f} s\n{a.evidence()}"


@pytest.mark.fault("F51", "A04")
@pytest.mark.parametrize("options", [{}, {"auth_hmac": KEYS}], ids=["plain", "signed"])
def test_a_replay_of_a_dead_master_s_adverts(segment: Segment, tmp_path: Path, options: dict[str, object]) -> None:
    """Unsigned it keeps the backup from taking over for as long as it lasts; signed it is refused."""
    a, b, scene = pair(segment, tmp_path, False, **options)
    recorded = record_advert(scene.attacker)
    a.node.kill_all()
    with sender(scene.attacker) as out:
        out.send_for(10 * SHORT, [recorded], 2 / SHORT)
    if options:
        b.await_state("MASTER", 2)
        assert b.status()["counters"]["discarded"]["auth_replay"] > 0
    else:
        assert b.state() == "BACKUP", "that is what the replay does"
    b.await_state("MASTER")
    wait_for(b.node.holds, 5, "b to hold the address", evidence=b.evidence)


@pytest.mark.fault("F50", "A07")
@pytest.mark.parametrize("addresses", [(), ("fe80::51", "2001:db8::51")], ids=["IPv4", "IPv6"])
def test_junk_that_fills_the_queue_drowns_no_advert_of_a_router_that_was_heard(
    segment: Segment, tmp_path: Path, addresses: tuple[str, ...]
) -> None:
    """The backup stands still until its master's adverts are the only proof, and they came behind a full queue."""
    options = {"virtual_ipaddress": [f"{one}/64" for one in addresses]} if addresses else {}
    c = segment.node("c")
    a, b = settled_pair(segment, tmp_path, **options)
    wait_for(lambda: c.link_local, 10, "a link-local address")
    junk = advert_v6(c.link_local, addresses, hlim=64) if addresses else advert(c.address, ttl=64)

    with nothing_moves(a, b), sender(c) as out:
        b.node.signal_all(signal.SIGSTOP)
        out.send([bytes(Ether(dst=GROUP_V6_MAC if addresses else GROUP_MAC) / junk)] * MORE_THAN_FITS)
        await_adverts(a, 6)
        b.node.signal_all(signal.SIGCONT)
        wait_for(lambda: b.ask("status")["vrrp"]["interfaces"][DEVICE]["unread"], 10, "the loss", evidence=b.evidence)
        await_adverts(a, 4)


def logged(*daemons: Daemon) -> list[str]:
    return [line for daemon in daemons for line in daemon.log.read_text().splitlines()]
