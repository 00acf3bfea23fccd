# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reconciliation against a real ip_vs, read back with ipvsadm."""

from __future__ import annotations

import pytest
from netns.pool_lab import PoolLab

from mainstay.lvs.operations import AddDestination, AddService, RemoveDestination, SetService
from mainstay.lvs.table import Destination, DestinationKey, ServiceKey
from mainstay.net.data_plane import DataPlaneUnavailable
from mainstay.net.ipvs import IpvsPlane

from .conftest import ModuleLoading
from .ipvs_director import DIRECT, DNS, WEB, IpvsDirector, server, service, table


def test_services_and_pools_are_added_as_configured(director: IpvsDirector) -> None:
    desired = [
        service(WEB, server("first"), server("second", weight=3), lb_algo="wrr"),
        service(DNS, server("first"), lb_algo="sh"),
        service(DIRECT, server("second", lb_kind="DR"), lb_algo="wlc", persistence=300),
    ]
    assert director.reconcile(*desired) == []
    assert director.saved() == [
        "-A -t 192.0.2.10:80 -s wlc -p 300",
        "-a -t 192.0.2.10:80 -r 192.0.2.22:80 -g -w 1",
        "-A -t 198.51.100.10:80 -s wrr",
        "-a -t 198.51.100.10:80 -r 192.0.2.21:80 -m -w 1",
        "-a -t 198.51.100.10:80 -r 192.0.2.22:80 -m -w 3",
        "-A -u 198.51.100.10:80 -s sh",
        "-a -u 198.51.100.10:80 -r 192.0.2.21:80 -m -w 1",
    ]
    assert director.plane.read() == table(*desired), "read() does not see what ipvsadm sees"
    assert director.missing(*desired) == [], "a second run has something to do"


def test_scheduler_persistence_weight_and_forwarding_change_in_place(director: IpvsDirector) -> None:
    director.reconcile(service(DIRECT, server("first"), server("second"), persistence=60))
    changed = service(DIRECT, server("first", weight=7), server("second", weight=0, lb_kind="DR"), lb_algo="lc")
    assert director.reconcile(changed) == []
    assert director.saved() == [
        "-A -t 192.0.2.10:80 -s lc",
        "-a -t 192.0.2.10:80 -r 192.0.2.21:80 -m -w 7",
        "-a -t 192.0.2.10:80 -r 192.0.2.22:80 -g -w 0",
    ]
    assert director.missing(changed) == []


def test_servers_come_and_go(director: IpvsDirector) -> None:
    director.reconcile(service(WEB, server("first")))
    assert director.reconcile(service(WEB, server("second"))) == []
    assert director.saved()[1:] == ["-a -t 198.51.100.10:80 -r 192.0.2.22:80 -m -w 1"]


def test_a_service_of_ours_goes_and_those_of_others_stay_as_they_are(director: IpvsDirector) -> None:
    foreign = [
        "-A -f 7 -s rr",
        "-a -f 7 -r 192.0.2.21:0 -g -w 1",
        "-A -u 203.0.113.1:25 -s wlc -p 50 -M 255.255.255.0 -o",
        "-a -u 203.0.113.1:25 -r 192.0.2.21:25 -i -w 5 -x 100 -y 10",
    ]
    for rule in foreign:
        director.ipvsadm(*rule.split())
    before = director.saved()
    director.reconcile(service(WEB, server("first")))
    assert director.reconcile(owned=[WEB]) == []
    assert director.saved() == before


def test_what_someone_else_changed_is_repaired(director: IpvsDirector) -> None:
    ours = service(WEB, server("first"), server("second", weight=2), lb_algo="wrr")
    director.reconcile(ours)
    right = director.saved()
    director.ipvsadm("-d", "-t", "198.51.100.10:80", "-r", "192.0.2.21:80")
    director.ipvsadm("-e", "-t", "198.51.100.10:80", "-r", "192.0.2.22:80", "-m", "-w", "9")
    director.ipvsadm("-a", "-t", "198.51.100.10:80", "-r", "192.0.2.99:80", "-m")
    director.ipvsadm("-E", "-t", "198.51.100.10:80", "-s", "lc")
    assert director.reconcile(ours) == []
    assert director.saved() == right
    director.ipvsadm("--clear")
    assert director.reconcile(ours) == []
    assert director.saved() == right


def test_a_refused_operation_is_reported_and_holds_nothing_back(director: IpvsDirector) -> None:
    ghost = ServiceKey("TCP", "198.51.100.10", 81)
    refused = [
        AddService(service(ghost, lb_algo="nosuch")),
        AddDestination(ghost, server("first")),
        SetService(service(ghost)),
        RemoveDestination(WEB, DestinationKey("192.0.2.99", 80)),
        AddService(service(WEB)),
        AddDestination(WEB, Destination(DestinationKey("192.0.2.21", 80), "NAT", 2**31)),
    ]
    director.reconcile(service(WEB, server("first")))
    refusals = director.plane.apply([*refused, AddDestination(WEB, server("second"))])
    assert [refusal.operation for refusal in refusals] == refused
    assert [refusal.reason for refusal in refusals] == [
        "scheduler nosuch is not in this kernel: load it with 'modprobe ip_vs_nosuch' (No such file or directory)",
        "real_server 192.0.2.21:80 of service TCP 198.51.100.10:81: the service does not exist (No such process)",
        "service TCP 198.51.100.10:81 does not exist (No such process)",
        "real_server 192.0.2.99:80 of service TCP 198.51.100.10:80 does not exist (No such file or directory)",
        "service TCP 198.51.100.10:80 exists already (File exists)",
        "real_server 192.0.2.21:80 of service TCP 198.51.100.10:80: the weight is out of the kernel's range"
        " (Numerical result out of range)",
    ]
    assert director.saved()[-1] == "-a -t 198.51.100.10:80 -r 192.0.2.22:80 -m -w 1"


def test_an_ipv6_service_is_an_entry_like_any_other(director: IpvsDirector) -> None:
    key = ServiceKey("TCP", "2001:db8::10", 80)
    pool = Destination(DestinationKey("2001:db8::21", 80), "NAT", 1)
    assert director.reconcile(service(key, pool)) == []
    assert director.saved() == [
        "-A -t [2001:db8::10]:80 -s rr",
        "-a -t [2001:db8::10]:80 -r [2001:db8::21]:80 -m -w 1",
    ]
    assert director.plane.read() == table(service(key, pool))


def test_a_thousand_entries_are_read_back_whole(director: IpvsDirector) -> None:
    """More than one datagram of answers, one batch of orders and one part of a dump."""
    desired = [
        service(ServiceKey("TCP", "198.51.100.10", 1000 + number), server("first"), server("second"))
        for number in range(350)
    ]
    assert director.reconcile(*desired) == []
    assert director.plane.read() == table(*desired)


def test_without_ip_vs_the_engine_says_what_to_do(lab: PoolLab, without_ip_vs: ModuleLoading) -> None:
    with pytest.raises(DataPlaneUnavailable) as refused:
        IpvsPlane()
    assert str(refused.value) == (
        "this kernel has no ip_vs: load it with 'modprobe ip_vs', or set global_defs.data_plane: nftables"
    )


def test_an_engine_whose_ip_vs_vanished_says_so_too(director: IpvsDirector, without_ip_vs: ModuleLoading) -> None:
    with pytest.raises(DataPlaneUnavailable, match="load it with 'modprobe ip_vs'"):
        director.plane.read()
