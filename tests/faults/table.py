# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults that are measured: what is done, for how long it is watched, how it is mended."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from bench.pair import OURS, THEIRS, Pair

from . import burdens, injectors as do

Act = t.Callable[[Pair], None]


@dataclass(frozen=True)
class Fault:
    """One line of docs/parity/faults.yml."""

    id: str
    strike: Act
    watched: float = 5.0
    """Seconds between the end of the strike and the mending."""
    mend: Act = do.nothing
    after: float = 0.0
    """Seconds that are watched after the mending."""
    in_step: bool = True
    """It strikes right after an advert."""
    returns: bool = True
    """The master is to hold the address in the end."""
    alone: bool = False
    """It burns the processor: one pair after the other."""
    burden: burdens.Burden | None = None
    """What the pair has to do beside VRRP; such a fault gets pairs of its own."""
    kinds: t.Sequence[str] = (OURS, THEIRS)
    """Whom it can be done to."""


def _cut(pair: Pair) -> None:
    pair.cut()


def _stop(pair: Pair) -> None:
    pair.stop()


def _freeze(pair: Pair) -> None:
    pair.freeze()


FAULTS = (
    Fault("F01", _stop, returns=False),
    Fault("F02", do.kill_worker, 8),
    Fault("F03", do.kill_supervisor, 6, do.end_master, returns=False),
    Fault("F04", do.kill_all, 10, returns=False),
    Fault("F05", _freeze, 10, Pair.thaw, 6),
    Fault("F08", do.kill_worker_again_and_again, 0, do.end_master, returns=False),
    Fault("F13", do.kill_everybody_and_start, 8),
    Fault("F14", do.restart, 8),
    Fault("F17", do.starve, 2, alone=True),
    Fault("F18", do.hang_up_a_hundred_times, 5),
    Fault("F19", do.impossible_reload, 8, do.right_file, 6),
    Fault("F21", do.truncated_reload, 8, do.right_file, 6),
    Fault("F27", _cut, 6, Pair.heal, 6),
    Fault("F28", do.flap, 8),
    Fault("F30", do.remove_address, 6, do.add_address, 6),
    Fault("F31", do.remove_vip, 5),
    Fault("F34", do.filter_adverts("backup", "input", "numgen inc mod 5 < 2"), 15, do.unfilter, 2),
    Fault("F36", do.port("master backup", "isolated", "on"), 8, do.port("master backup", "isolated", "off"), 4),
    Fault("F37", do.filter_adverts("backup", "input", "ip saddr 192.0.2.1"), 8, do.unfilter, 4),
    Fault("F44", do.port("backup", "mcast_flood", "off"), 8, do.port("backup", "mcast_flood", "on"), 4),
    Fault("F47", do.filter_adverts("master", "output", ""), 8, do.unfilter, 6),
    Fault("F52", do.flood_of_notifications, 6, alone=True),
    # These take the interface away under whoever waits for adverts.
    Fault("F29", do.remove_interface, 6, do.plug, 8),
    Fault("F48", do.move_interface_away, 6, do.move_interface_back, 8, in_step=False),
    # keepalived 2.2.7 does not always come to rest again after it.
    Fault("F50", do.junk, 3, in_step=False, alone=True),
    Fault("F56", _cut, 6, Pair.heal, 6, burden=burdens.a_service_for_ip_vs),
    Fault(
        "F62", burdens.check_the_crowd, 20, in_step=False, alone=True, burden=burdens.a_crowd_of_servers, kinds=(OURS,)
    ),
    Fault("F63", burdens.kill_the_resolver_and_reload, 40, in_step=False, burden=burdens.mails_to_a_name),
    Fault("F64", _cut, 6, Pair.heal, 6, burden=burdens.hanging_programs),
)
