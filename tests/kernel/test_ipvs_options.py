# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of a service and of a server against a real ip_vs, with ipvsadm as the oracle in both directions."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from netns.pool_lab import PORT, SERVERS6

from mainstay.lvs.operations import AddDestination, SetDestination, SetService
from mainstay.lvs.table import Destination, DestinationKey, Service, ServiceKey, Tunnel
from mainstay.net.ipvs_timeouts import TimeoutControl, Timeouts

from .ipvs_director import DIRECT, DNS, WEB, IpvsDirector, server, service, table
from .wide_lab import MARKED, MARKED6, WEB6, server6

SCTP = ServiceKey("SCTP", "198.51.100.10", PORT)
EVERY_PORT = ServiceKey("TCP", "198.51.100.10", 0)
ANY_PORT = Destination(DestinationKey("192.0.2.21", 0), "DR", 1)
SCHEDULERS = ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "fo", "ovf", "sed", "nq", "mh"]


def flagged(key: ServiceKey, lb_algo: str, *flags: str) -> Service:
    return replace(service(key, lb_algo=lb_algo), flags=frozenset(flags))


def persistent(key: ServiceKey, granularity: int | None = None, engine: str = "") -> Service:
    plain = service(key, persistence=300)
    return replace(plain, persistence_granularity=granularity, persistence_engine=engine)


def tunnelled(kind: str, port: int = 0, checksum: str = "nocsum") -> Destination:
    return replace(server("first", lb_kind="TUN"), tunnel=Tunnel(kind, port, checksum))


SERVICES = [
    (service(SCTP), "-A --sctp-service 198.51.100.10:80 -s rr"),
    (service(MARKED), "-A -f 7 -s rr"),
    (service(MARKED6), "-A -f 7 -6 -s rr"),
    (persistent(EVERY_PORT), "-A -t 198.51.100.10:0 -s rr -p 300"),
    (persistent(WEB, 24), "-A -t 198.51.100.10:80 -s rr -p 300 -M 255.255.255.0"),
    (persistent(WEB6), "-A -t [2001:db8:1::10]:80 -s rr -p 300"),
    (persistent(WEB6, 64), "-A -t [2001:db8:1::10]:80 -s rr -p 300 -M 64"),
    (persistent(MARKED6, 48), "-A -f 7 -6 -s rr -p 300 -M 48"),
    (persistent(DNS, engine="sip"), "-A -u 198.51.100.10:80 -s rr -p 300 --pe sip"),
    (flagged(DNS, "rr", "ops"), "-A -u 198.51.100.10:80 -s rr -o"),
    (flagged(WEB, "sh", "port"), "-A -t 198.51.100.10:80 -s sh -b sh-port"),
    (flagged(WEB, "sh", "fallback", "port"), "-A -t 198.51.100.10:80 -s sh -b sh-fallback,sh-port"),
    (flagged(WEB, "mh", "port"), "-A -t 198.51.100.10:80 -s mh -b mh-port"),
    (flagged(WEB, "mh", "fallback"), "-A -t 198.51.100.10:80 -s mh -b mh-fallback"),
    (flagged(WEB, "wlc", "flag-3"), "-A -t 198.51.100.10:80 -s wlc -b flag-3"),
]

SERVERS = [
    (WEB, server("first", weight=65535), "-r 192.0.2.21:80 -m -w 65535"),
    (DIRECT, server("first", lb_kind="DR"), "-r 192.0.2.21:80 -g -w 1"),
    (DIRECT, tunnelled("ipip"), "-r 192.0.2.21:80 -i -w 1 --tun-type ipip"),
    (DIRECT, tunnelled("gue", 5555), "-r 192.0.2.21:80 -i -w 1 --tun-type gue --tun-port 5555 --tun-nocsum"),
    (DIRECT, tunnelled("gue", 5555, "csum"), "-r 192.0.2.21:80 -i -w 1 --tun-type gue --tun-port 5555 --tun-csum"),
    (DIRECT, tunnelled("gue", 99, "remcsum"), "-r 192.0.2.21:80 -i -w 1 --tun-type gue --tun-port 99 --tun-remcsum"),
    (DIRECT, tunnelled("gre"), "-r 192.0.2.21:80 -i -w 1 --tun-type gre --tun-nocsum"),
    (DIRECT, tunnelled("gre", checksum="csum"), "-r 192.0.2.21:80 -i -w 1 --tun-type gre --tun-csum"),
    (DIRECT, server6("first", lb_kind="TUN"), "-r [2001:db8:2::21]:80 -i -w 1 --tun-type ipip"),
    (WEB6, server6("first", weight=0), "-r [2001:db8:2::21]:80 -m -w 0"),
    (MARKED, ANY_PORT, "-r 192.0.2.21:0 -g -w 1"),
]  # fmt: skip

FOREIGN = [
    "-A -t 203.0.113.1:25 -s wlc -p 50 -M 255.0.255.0\n-a -t 203.0.113.1:25 -r 192.0.2.21:25 -i -w 5 -x 100 -y 10",
    "-A -f 4294967295 -s mh -b flag-1,flag-3 -o\n-a -f 4294967295 -r 192.0.2.21:0 -g -w 2147483647",
    "-A -f 9 -6 -s rr\n-a -f 9 -6 -r [2001:db8:2::21]:0 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum",
    "-A --sctp-service 203.0.113.1:5060 -s lblcr\n-a --sctp-service 203.0.113.1:5060 -r 192.0.2.22:5060 -m -w 0",
    "-A -u 203.0.113.1:5060 -s sh -p 60 --pe sip\n-a -u 203.0.113.1:5060 -r 192.0.2.22:5060 -m -w 3",
]


@pytest.mark.parametrize(("desired", "rule"), SERVICES, ids=[rule for _service, rule in SERVICES])
def test_a_service_is_taken_shown_and_read_back_as_it_is(director: IpvsDirector, desired: Service, rule: str) -> None:
    assert director.reconcile(desired) == []
    assert director.saved() == [rule]
    assert director.plane.read() == table(desired)
    assert director.missing(desired) == []


@pytest.mark.parametrize(("desired", "rule"), SERVICES, ids=[rule for _service, rule in SERVICES])
def test_a_plain_service_is_edited_into_it_and_back_in_place(
    director: IpvsDirector, desired: Service, rule: str
) -> None:
    plain = service(desired.key, lb_algo="lc")
    director.reconcile(plain)
    before = director.saved()
    assert [type(edit) for edit in director.missing(desired)] == [SetService]
    assert director.reconcile(desired) == []
    assert director.saved() == [rule]
    assert director.reconcile(plain) == []
    assert director.saved() == before


@pytest.mark.parametrize(("key", "desired", "rule"), SERVERS, ids=[rule for _key, _server, rule in SERVERS])
def test_a_server_is_taken_shown_and_read_back_as_it_is(
    director: IpvsDirector, key: ServiceKey, desired: Destination, rule: str
) -> None:
    whole = service(key, desired)
    assert director.reconcile(whole) == []
    assert director.saved()[1].endswith(f" {rule}")
    assert director.plane.read() == table(whole)


@pytest.mark.parametrize(("key", "desired", "rule"), SERVERS, ids=[rule for _key, _server, rule in SERVERS])
def test_another_server_is_edited_into_it_in_place(
    director: IpvsDirector, key: ServiceKey, desired: Destination, rule: str
) -> None:
    kind = "TUN" if desired.lb_kind == "TUN" else "DR"
    director.reconcile(service(key, Destination(desired.key, kind, 7, 5, 4, Tunnel() if kind == "TUN" else None)))
    assert [type(edit) for edit in director.missing(service(key, desired))] == [SetDestination]
    assert director.reconcile(service(key, desired)) == []
    assert director.saved()[1].endswith(f" {rule}")


def test_thresholds_are_set_edited_and_read_back(director: IpvsDirector) -> None:
    for upper, lower in ((100, 70), (50, 0), (0, 0)):
        limited = replace(server("first"), upper_threshold=upper, lower_threshold=lower)
        assert director.reconcile(service(WEB, limited)) == []
        shown = director.ipvsadm("-Ln", "--thresholds").replace("192.0.2.21:80", "").split()
        assert shown[-4:-2] == [str(upper), str(lower)], "not shown"
        assert director.plane.read() == table(service(WEB, limited))


@pytest.mark.parametrize("rules", FOREIGN, ids=[rules.partition("\n")[0] for rules in FOREIGN])
def test_what_ipvsadm_made_is_read_and_could_be_made_again_without_loss(director: IpvsDirector, rules: str) -> None:
    for rule in rules.splitlines():
        director.ipvsadm(*rule.split())
    before, found = director.saved(), director.plane.read()
    assert director.missing(*found.values()) == []
    director.ipvsadm("--clear")
    assert director.reconcile(*found.values()) == []
    assert director.saved() == before


@pytest.mark.parametrize("lb_algo", SCHEDULERS)
def test_every_scheduler_is_taken_by_the_kernel(director: IpvsDirector, lb_algo: str) -> None:
    assert director.reconcile(service(WEB, server("first"), lb_algo=lb_algo)) == []
    assert director.saved()[0] == f"-A -t 198.51.100.10:80 -s {lb_algo}"


MISSING = [
    (service(WEB, lb_algo="twos"), "scheduler twos is not in this kernel: load it with 'modprobe ip_vs_twos'"),
    (
        replace(persistent(WEB), persistence_engine="h323"),
        "persistence_engine h323 is not in this kernel: load it with 'modprobe ip_vs_pe_h323'",
    ),
]


@pytest.mark.fault("F57")
@pytest.mark.parametrize(("desired", "reason"), MISSING, ids=["scheduler", "persistence engine"])
def test_what_this_kernel_does_not_have_is_named_and_holds_nothing_back(
    director: IpvsDirector, desired: Service, reason: str
) -> None:
    (refusal,) = director.reconcile(desired, service(WEB6))
    assert refusal.reason == f"{reason} (No such file or directory)"
    assert director.saved() == ["-A -t [2001:db8:1::10]:80 -s rr"]
    director.reconcile(service(WEB))
    (refusal,) = director.reconcile(desired)
    assert refusal.reason == f"{reason} (No such file or directory)", "as an edit"
    assert "-A -t 198.51.100.10:80 -s rr" in director.saved()


IN_WEB = "of service TCP 198.51.100.10:80"
WRONG: list[tuple[Destination, str]] = [
    (
        server6("first"),
        f"real_server [2001:db8:2::21]:80 {IN_WEB}: a server of another address family than its service's"
        " needs lb_kind TUN (Invalid argument)",
    ),
    (tunnelled("gue"), f"real_server 192.0.2.21:80 {IN_WEB}: tun_type gue needs tun_port (Invalid argument)"),
    (
        Destination(DestinationKey("224.0.0.1", PORT), "NAT", 1),
        f"real_server 224.0.0.1:80 {IN_WEB}: no server can have this address (multicast, broadcast or link-local?)"
        " (Invalid argument)",
    ),
    (
        replace(server("first"), lower_threshold=5),
        f"real_server 192.0.2.21:80 {IN_WEB}: lthreshold is above uthreshold (Numerical result out of range)",
    ),
]


@pytest.mark.parametrize(("wrong", "reason"), WRONG, ids=["family", "gue", "multicast", "thresholds"])
def test_a_server_that_the_kernel_refuses_is_named_with_the_reason(
    director: IpvsDirector, wrong: Destination, reason: str
) -> None:
    director.reconcile(service(WEB))
    refusals = director.plane.apply([AddDestination(WEB, wrong), AddDestination(WEB, server("second"))])
    assert [refusal.reason for refusal in refusals] == [reason]
    assert director.saved()[1:] == ["-a -t 198.51.100.10:80 -r 192.0.2.22:80 -m -w 1"]


def test_while_connections_are_synchronised_families_cannot_be_mixed(director: IpvsDirector) -> None:
    director.ipvsadm("--start-daemon", "master", "--mcast-interface", "clients")
    try:
        (refusal,) = director.reconcile(service(DIRECT, server6("first", lb_kind="TUN")))
    finally:
        director.ipvsadm("--stop-daemon", "master")
    assert refusal.reason == (
        f"real_server [{SERVERS6['first']}]:80 of service TCP 192.0.2.10:80: ip_vs cannot mix address families while it"
        " synchronises connections (lvs_sync_daemon) (Invalid argument)"
    )


def test_flush_takes_all_also_what_is_not_ours(director: IpvsDirector) -> None:
    director.ipvsadm("-A", "-f", "5")
    director.reconcile(service(WEB, server("first")))
    director.plane.flush()
    assert director.saved() == []


@pytest.fixture
def timeouts(director: IpvsDirector) -> t.Iterator[TimeoutControl]:
    with director.inside():
        control = TimeoutControl()
    before = control.read()
    yield control
    control.write(before)
    control.close()


def test_timeouts_are_set_one_by_one_and_put_back(director: IpvsDirector, timeouts: TimeoutControl) -> None:
    director.ipvsadm("--set", "900", "120", "300")
    before = timeouts.read()
    assert before == Timeouts(900, 120, 300)
    assert timeouts.write(Timeouts(tcp=3600, udp=5)) == ""
    assert director.ipvsadm("-L", "--timeout").split()[-3:] == ["3600", "120", "5"]
    assert timeouts.write(before) == ""
    assert director.ipvsadm("-L", "--timeout").split()[-3:] == ["900", "120", "300"]
    assert timeouts.write(Timeouts()) == ""
    assert timeouts.write(Timeouts(tcp=2**31)) == "ip_vs refused lvs_timeouts (Invalid argument)"
    assert timeouts.read() == before
