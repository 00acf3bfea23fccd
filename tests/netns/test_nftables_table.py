# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nftables engine on this machine's kernel: what is written, read back, repaired and refused."""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path
from unittest import mock

import pytest
from netns.nftables_director import DNS, WEB, NftablesDirector, server, service
from netns.pool_lab import Namespace

from mainstay.lvs.effects import operation_service
from mainstay.lvs.operations import AddDestination, AddService, Operation, RemoveDestination, SetDestination
from mainstay.lvs.table import Destination, DestinationKey, Service, ServiceKey
from mainstay.net.nftables_names import LOOKUPS
from mainstay.net.nftables_rules import list_map, list_table

RUNTIME = Path(__file__).parents[2] / "plugins/module_utils"
DESIRED = [
    service(server("first", weight=2), server("second", weight=0), lb_algo="wrr"),
    service(server("first"), server("second"), key=DNS, lb_algo="sh"),
]


@pytest.fixture
def host() -> t.Iterator[Namespace]:
    namespace = Namespace("host")
    yield namespace
    namespace.delete()


@pytest.fixture
def director(host: Namespace) -> t.Iterator[NftablesDirector]:
    director = NftablesDirector(host)
    yield director
    director.close()


def test_what_is_written_is_read_back(director: NftablesDirector) -> None:
    assert director.reconcile(*DESIRED) == []
    assert director.plane.read() == {desired.key: desired for desired in DESIRED}
    assert director.missing(*DESIRED) == [], "a second run has something to do"


def test_a_large_table_is_written_read_and_repaired_without_its_memory_in_this_process(
    director: NftablesDirector,
) -> None:
    """libnftables takes 200 MB for 10,000 servers; a child does what is large, this process the single edits."""
    keys = [ServiceKey("TCP", f"198.51.100.{number}", 80) for number in range(11, 51)]
    large = [service(*map(server, ("first", "second")), key=key, lb_algo="rr") for key in keys]
    wide = service(*(Destination(DestinationKey(f"192.0.2.{one}", 80), "NAT", 1) for one in range(220)), lb_algo="rr")
    with mock.patch.object(director.plane._nft, "json_cmd", wraps=director.plane._nft.json_cmd) as asked:
        assert director.reconcile(wide, *large) == []
        assert director.missing(wide, *large) == []
        assert asked.call_args_list == [], "this process did the large work"
        assert director.apply([SetDestination(keys[0], server("first", weight=3))]) == []
        assert asked.call_count == 1, "a single edit needs no child"
    director.someone_takes_out(keys[7], server("first").key)
    different = {operation_service(edit) for edit in director.missing(wide, *large)}
    assert different == {keys[0], keys[7]}, "the weight that was set and the server that was taken out"
    assert director.reconcile(wide, *large) == []
    assert director.missing(wide, *large) == []


def test_an_operator_can_read_the_table(director: NftablesDirector) -> None:
    director.reconcile(service(server("first", weight=2), server("second"), lb_algo="wrr"))
    shown = director.nft("list", "table", "inet", "mainstay")
    assert "198.51.100.10 . tcp . 80 : goto tcp/198.51.100.10/80" in shown
    assert 'dnat ip to 192.0.2.21:80 comment "weight 2"' in shown
    assert 'comment "wrr"' in shown


def test_weights_scheduler_and_servers_change_in_place(director: NftablesDirector) -> None:
    director.reconcile(*DESIRED)
    changed = [service(server("second", weight=4), lb_algo="rr"), DESIRED[1]]
    assert director.reconcile(*changed) == []
    assert director.plane.read() == {desired.key: desired for desired in changed}


def test_a_service_that_goes_takes_its_chains_along_and_the_last_one_the_table(director: NftablesDirector) -> None:
    director.reconcile(*DESIRED)
    assert director.reconcile(DESIRED[1], owned=[WEB, DNS]) == []
    assert "tcp/" not in director.nft("list", "ruleset")
    assert director.reconcile(owned=[WEB, DNS]) == []
    assert director.nft("list", "ruleset") == ""


def test_tables_of_others_stay_as_they_are(director: NftablesDirector) -> None:
    director.nft("add table ip other; add chain ip other mainstay; add rule ip other mainstay counter accept")
    before = director.nft("list", "table", "ip", "other")
    director.reconcile(*DESIRED)
    director.reconcile(owned=[WEB, DNS])
    assert director.nft("list", "ruleset") == before


DORMANT = "add table inet mainstay { flags dormant; }"
CHAIN = "tcp/198.51.100.10/80"
ELEMENT = "{ 198.51.100.10 . tcp . 80 }"


@pytest.mark.parametrize("damage", [
    "flush ruleset",
    "delete table inet mainstay",
    "flush table inet mainstay",
    DORMANT,
    "flush chain inet mainstay prerouting",
    "flush chain inet mainstay output",
    "insert rule inet mainstay prerouting accept",
    "add chain inet mainstay prerouting { policy drop; }",
    "flush map inet mainstay services4",
    f"delete element inet mainstay services4 {ELEMENT}",
    f"delete element inet mainstay services4 {ELEMENT}; "
    f"add element inet mainstay services4 {{ 198.51.100.10 . tcp . 80 : goto udp/198.51.100.10/80 }}",
    "add chain inet mainstay x; add element inet mainstay services4 { 203.0.113.1 . tcp . 25 : goto x }",
    f"flush chain inet mainstay {CHAIN}",
    f"insert rule inet mainstay {CHAIN} accept",
    f"flush chain inet mainstay {CHAIN}; add rule inet mainstay {CHAIN} goto {CHAIN}__192.0.2.22/80",
    f"flush chain inet mainstay {CHAIN}__192.0.2.21/80",
    f"flush chain inet mainstay {CHAIN}__192.0.2.21/80; "
    f'add rule inet mainstay {CHAIN}__192.0.2.21/80 meta l4proto tcp dnat ip to 192.0.2.99:80 comment "weight 2"',
    f"add chain inet mainstay {CHAIN}__192.0.2.99/80",
])  # fmt: skip
def test_damage_is_seen_and_repaired(director: NftablesDirector, damage: str) -> None:
    director.reconcile(*DESIRED)
    right = director.nft("--stateless", "list", "table", "inet", "mainstay")
    director.nft(damage)
    assert director.missing(*DESIRED) != [], f"not seen: {damage}"
    assert director.reconcile(*DESIRED) == []
    assert director.missing(*DESIRED) == []
    assert sorted(director.nft("--stateless", "list", "table", "inet", "mainstay").split()) == sorted(right.split())


WEB6 = ServiceKey("TCP", "2001:db8::10", 80)
MARK = ServiceKey("", "", 0, fwmark=5, family="inet")
EVERY = ServiceKey("UDP", "198.51.100.11", 0)
SERVER6 = Destination(DestinationKey("2001:db8::21", 8080), "NAT", 3)
HIDDEN = frozenset(["masquerade"])
RICH = [
    service(SERVER6, key=WEB6, lb_algo="mh", flags=HIDDEN | {"port"}, persistence_timeout=300,
            persistence_granularity=64),
    service(server("first"), server("second"), key=MARK, persistence_timeout=60, flags=HIDDEN),
    service(Destination(DestinationKey("192.0.2.21", 0), "NAT", 1), key=EVERY, lb_algo="sh", flags=frozenset(["port"])),
    service(key=WEB),
]  # fmt: skip


def test_services_of_every_kind_are_read_back_as_they_were_written(director: NftablesDirector) -> None:
    assert director.reconcile(*RICH) == []
    assert director.plane.read() == {desired.key: desired for desired in RICH}
    assert director.missing(*RICH) == []


def test_a_saved_ruleset_can_be_loaded_and_is_adopted_as_it_is(director: NftablesDirector, tmp_path: Path) -> None:
    director.reconcile(*RICH)
    saved = tmp_path / "saved.nft"
    saved.write_text(director.nft("--stateless", "list", "ruleset"))
    director.nft("flush", "ruleset")
    director.nft("--file", str(saved))
    assert director.missing(*RICH) == []


CHAIN6, SERVER6_CHAIN = "tcp/2001-db8--10/80", "tcp/2001-db8--10/80__2001-db8--21/8080"
MARK_SERVER = "fwmark/inet/5__192.0.2.21/80"


@pytest.mark.parametrize("damage", [
    "flush map inet mainstay marks4",
    "delete element inet mainstay marks4 { 5 }; add element inet mainstay marks4 { 6 : goto fwmark/inet/5 }",
    f"add element inet mainstay services6 {{ 2001:db8::99 . tcp . 80 : goto {CHAIN6} }}",
    f"add element inet mainstay ports4 {{ 198.51.100.10 . tcp : goto {CHAIN6} }}",
    "flush chain inet mainstay postrouting",
    "flush chain inet mainstay masquerading",
    "add rule inet mainstay masquerading masquerade",
    f"flush chain inet mainstay {SERVER6_CHAIN}; add rule inet mainstay {SERVER6_CHAIN} "
    'meta l4proto tcp dnat ip6 to [2001:db8::21]:8080 comment "weight 3"',
    f"flush chain inet mainstay {MARK_SERVER}; add rule inet mainstay {MARK_SERVER} "
    'meta l4proto { tcp, udp } dnat ip to 192.0.2.21:80 comment "weight 1"',
    f"insert rule inet mainstay {CHAIN6} ip6 saddr 2001:db8::66 accept",
    "flush chain inet mainstay tcp/198.51.100.10/80",
])  # fmt: skip
def test_damage_to_what_is_beside_the_row_is_seen_and_repaired(director: NftablesDirector, damage: str) -> None:
    director.reconcile(*RICH)
    right = director.nft("--stateless", "list", "table", "inet", "mainstay")
    director.nft(damage)
    assert director.missing(*RICH) != [], f"not seen: {damage}"
    assert director.reconcile(*RICH) == []
    assert director.missing(*RICH) == []
    assert sorted(director.nft("--stateless", "list", "table", "inet", "mainstay").split()) == sorted(right.split())


OTHER_DORMANT = "add table ip other { flags dormant; }; add chain ip other tcp/198.51.100.10/81"


def test_libnftables_lists_our_table_alone_and_never_one_with_flags(director: NftablesDirector) -> None:
    """Before 1.1.0 it prints a table's flag from freed memory: garbage at times, so whoever asks, loses at times."""
    director.nft(OTHER_DORMANT)
    director.reconcile(*DESIRED)
    with mock.patch.object(director.plane._nft, "json_cmd", wraps=director.plane._nft.json_cmd) as asked:
        assert director.missing(*DESIRED) == []
        questions = [list_table(), *map(list_map, LOOKUPS)]
        assert [call.args for call in asked.call_args_list] == [({"nftables": [one]},) for one in questions]
        asked.reset_mock()
        director.nft(DORMANT)
        found = director.plane.read()
        assert {key: held.lb_algo for key, held in found.items()} == {WEB: "altered", DNS: "altered"}
        assert asked.call_args_list == []


def test_a_sleeping_table_goes_with_its_last_service(director: NftablesDirector) -> None:
    director.reconcile(*DESIRED)
    director.nft(DORMANT)
    assert director.reconcile(owned=[WEB, DNS]) == []
    assert director.nft("list", "ruleset") == ""


def test_an_edit_that_comes_before_the_damage_is_seen_is_refused_or_comes_out_right(
    director: NftablesDirector,
) -> None:
    """A verdict edits one server at once; the whole table is read only every few seconds."""
    director.reconcile(service(server("first"), server("second")))
    out = RemoveDestination(WEB, server("first").key)
    director.nft("flush", "chain", "inet", "mainstay", CHAIN)
    assert director.apply([out]) == []
    assert director.missing(service(server("second"))) == []
    director.nft("flush", "ruleset")
    (refusal,) = director.apply([RemoveDestination(WEB, server("second").key)])
    assert refusal.reason == "service TCP 198.51.100.10:80 does not exist"
    assert director.reconcile(service(server("second"))) == []
    assert director.missing(service(server("second"))) == []


GHOST = ServiceKey("TCP", "198.51.100.10", 81)
FIRST = server("first").key


@pytest.mark.parametrize(("refused", "reason"), [
    (AddService(service(key=GHOST, lb_algo="wlc")),
     "the nftables data plane knows the schedulers rr, wrr, sh, mh; lb_algo wlc needs global_defs.data_plane: ipvs"),
    (AddService(Service(GHOST, "rr", flags=frozenset(["ops"]))),
     "the nftables data plane has no flag ops; that needs global_defs.data_plane: ipvs"),
    (AddService(Service(GHOST, "rr", 300, persistence_engine="sip")),
     "the nftables data plane has no persistence_engine; sip needs global_defs.data_plane: ipvs"),
    (AddService(service(key=ServiceKey("SCTP", "198.51.100.10", 80))),
     "the nftables data plane balances TCP and UDP; SCTP needs global_defs.data_plane: ipvs"),
    (SetDestination(WEB, Destination(FIRST, "NAT", 1, upper_threshold=9)),
     "the nftables data plane has no connection limits; uthreshold and lthreshold need global_defs.data_plane: ipvs"),
    (AddDestination(WEB, Destination(DestinationKey("2001:db8::21", 80), "NAT", 1)),
     "NAT does not change the address family; give real_servers of the family of the service"),
    (SetDestination(WEB, Destination(FIRST, "DR", 1)),
     "the nftables data plane forwards by NAT only; lb_kind DR needs global_defs.data_plane: ipvs"),
    (AddDestination(GHOST, server("first")), "service TCP 198.51.100.10:81 does not exist"),
    (RemoveDestination(WEB, DestinationKey("192.0.2.99", 80)),
     "real_server 192.0.2.99:80 of service TCP 198.51.100.10:80 does not exist"),
])  # fmt: skip
def test_a_refused_operation_is_reported_and_holds_nothing_back(
    director: NftablesDirector, refused: Operation, reason: str
) -> None:
    director.reconcile(service(server("first")))
    (refusal,) = director.apply([refused, AddDestination(WEB, server("second"))])
    assert (refusal.operation, refusal.reason) == (refused, reason)
    assert director.missing(service(server("first"), server("second"))) == []


def test_what_the_kernel_itself_refuses_is_pinned_on_its_service(director: NftablesDirector) -> None:
    """Chain names end at 127 characters; validation lets no such address pass, a broken caller might."""
    monster = ServiceKey("", "", 0, fwmark=1, family="inet" + "0" * 260)
    edits: list[Operation] = [AddService(service(key=monster)), AddService(service(lb_algo="rr"))]
    (refusal,) = director.apply([*edits, AddDestination(WEB, server("first"))])
    assert refusal.operation == edits[0]
    assert refusal.reason.startswith("nftables refused it: ")
    assert director.missing(service(server("first"))) == []


def test_a_thousand_services_are_written_and_read_back_whole(director: NftablesDirector) -> None:
    many = [
        service(server("first"), server("second"), key=ServiceKey("TCP", "198.51.100.10", 1000 + number))
        for number in range(1000)
    ]
    assert director.reconcile(*many) == []
    assert director.missing(*many) == []


ENGINE_IN_USE = """
import sys
sys.path.insert(0, sys.argv[1])
from mainstay.lvs.operations import AddDestination, AddService
from mainstay.lvs.table import Destination, DestinationKey, Service, ServiceKey
from mainstay.net.data_plane import DataPlaneUnavailable
from mainstay.net.nftables import NftablesPlane
key = ServiceKey("UDP", "198.51.100.10", 53)
server = Destination(DestinationKey("192.0.2.21", 53), "NAT", 1)
try:
    plane = NftablesPlane()
except DataPlaneUnavailable as error:
    print(error)
else:
    wanted = Service(key, "rr", 0, {server.key: server})
    refusals = plane.apply([AddService(wanted), AddDestination(key, server)])
    print(refusals, len(plane.read()), "whole" if plane.read() == {key: wanted} else plane.read())
"""


def as_nobody(host: Namespace, *setpriv: str) -> str:
    """What the system's Python, running as a user other than root, says after using the engine."""
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *setpriv]
    return host.run(*user, "/usr/bin/python3", "-c", ENGINE_IN_USE, str(RUNTIME)).strip()


def test_two_ambient_capabilities_are_enough(host: Namespace) -> None:
    granted = "+net_admin,+net_raw"
    only = [f"--inh-caps={granted}", f"--ambient-caps={granted}", f"--bounding-set=-all,{granted}"]
    assert as_nobody(host, *only) == "[] 1 whole"


def test_on_a_minimal_system_without_etc_protocols_the_table_reads_the_same(host: Namespace) -> None:
    """nft then shows 17 for udp."""
    hidden = 'mount --bind /dev/null /etc/protocols && exec /usr/bin/python3 -c "$0" "$1"'
    said = host.run("unshare", "--mount", "sh", "-c", hidden, ENGINE_IN_USE, str(RUNTIME)).strip()
    assert said == "[] 1 whole"


def test_without_the_capability_the_engine_says_what_it_lacks(host: Namespace) -> None:
    assert as_nobody(host) == (
        "mainstayd may not use nftables: it needs the capability CAP_NET_ADMIN (the unit file grants it)"
    )


def test_without_the_library_the_engine_says_what_to_install(host: Namespace) -> None:
    said = host.run("/usr/bin/python3", "-S", "-c", ENGINE_IN_USE, str(RUNTIME)).strip()
    assert said == (
        "libnftables for Python is not installed: install the package python3-nftables for this interpreter, "
        "or set global_defs.data_plane: ipvs"
    ), f"with {sys.executable}"
