# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nftables engine against a library without a kernel: every way from table to table, and every complaint.

That the rules do what they say is proven with real traffic in tests/netns.
"""

from __future__ import annotations

import errno
import json
import typing as t
from unittest import mock

import pytest
from hypothesis import given, settings, strategies as st

from mainstay.lvs.operations import AddService, RemoveDestination, SetDestination
from mainstay.lvs.reconcile import operations
from mainstay.lvs.table import DestinationKey, ServiceKey, Table
from mainstay.net import nftables
from mainstay.net.data_plane import DataPlaneUnavailable, Unfinished
from mainstay.net.nftables import NftablesPlane
from mainstay.net.nftables_names import parse_chain, server_chain, service_chain

from .nft_library import Json, Library, Table as NftTable
from .nftables_stage import KEYS, MARK, OTHER, TABLES, WEB, WEB6, Stage, opened, server, service


@pytest.fixture
def stage() -> Stage:
    return Stage()


@settings(max_examples=40)
@given(TABLES, TABLES)
def test_from_any_table_to_any_other_and_what_is_read_is_what_was_written(first: Table, second: Table) -> None:
    stage = Stage()
    for desired in (first, second, {}):
        assert stage.reconcile(desired) == []
        assert stage.plane.read() == stage.read() == desired
        assert bool(stage.library.tables) == bool(desired), "a table without services is no table"


@settings(max_examples=40)
@given(TABLES, TABLES, TABLES)
def test_edits_in_a_row_without_reading_end_at_the_same_rules(first: Table, second: Table, third: Table) -> None:
    stage, held = Stage(), t.cast(Table, {})
    for desired in (first, second, third):
        assert stage.plane.apply(operations(held, desired, KEYS)) == []
        held = desired
    assert stage.plane.read() == stage.read() == third


def test_a_change_is_one_transaction(stage: Stage) -> None:
    stage.reconcile({WEB: service(server(21)), OTHER: service(server(22), key=OTHER)})
    stage.reconcile({WEB: service(server(22)), OTHER: service(server(21), key=OTHER)})
    assert stage.library.transactions == 2


@pytest.mark.parametrize(("limit", "transactions"), [(1, 4), (3, 4), (4, 2), (1000, 1)])
def test_many_changes_are_transactions_of_whole_services(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, limit: int, transactions: int
) -> None:
    """Four new services of two servers: three edits each."""
    monkeypatch.setattr(nftables, "_PART", limit)
    desired = {key: service(server(21, key=key), server(22, key=key), key=key) for key in (WEB, OTHER, WEB6, MARK)}
    assert stage.reconcile(desired) == []
    assert stage.library.transactions == transactions
    assert stage.plane.read() == stage.read() == desired


@settings(max_examples=40)
@given(TABLES, TABLES, st.sampled_from([WEB, OTHER, MARK]))
def test_what_is_refused_in_one_of_them_is_all_that_stays_away(first: Table, second: Table, bad: ServiceKey) -> None:
    stage = Stage()
    with mock.patch.object(nftables, "_PART", 2):
        assert stage.reconcile(first) == []
        stage.library.refuses = lambda body: body.get("name") == service_chain(bad)
        stage.reconcile(second)
        stage.reconcile(second)
    others = {key: one for key, one in stage.look().items() if key != bad}
    assert others == {key: one for key, one in second.items() if key != bad}


def test_without_a_change_there_is_no_transaction(stage: Stage) -> None:
    stage.reconcile({WEB: service(server(21))})
    stage.reconcile({WEB: service(server(21))})
    assert stage.library.transactions == 1


def test_what_nobody_has_touched_is_not_listed_again(stage: Stage) -> None:
    stage.reconcile({WEB: service(server(21))})
    stage.library.listings = 0
    for weight in (2, 3):
        stage.reconcile({WEB: service(server(21, weight))})
    stage.plane.read()
    assert stage.library.listings == 0
    stage.library.tables["other"] = NftTable()
    stage.plane.read()
    assert stage.library.listings == 1, "somebody changed something"


def test_what_somebody_changes_beside_an_edit_of_ours_is_seen(stage: Stage) -> None:
    stage.reconcile({WEB: service(server(21)), OTHER: service(server(22), key=OTHER)})
    answer = stage.library.json_cmd

    def meddled(document: Json) -> t.Any:
        said = answer(document)
        stage.library.generation()
        stage.library.table().rules[service_chain(OTHER)].clear()
        return said

    with mock.patch.object(stage.library, "json_cmd", meddled):
        stage.plane.apply([SetDestination(WEB, server(21, weight=2))])
    assert stage.plane.read()[OTHER].lb_algo == "altered"


def test_of_several_services_only_the_refused_one_stays_away(stage: Stage) -> None:
    stage.library.refuses = lambda body: body.get("name") == service_chain(OTHER)
    refusals = stage.reconcile({WEB: service(server(21)), OTHER: service(server(22), key=OTHER)})
    assert refusals[0].operation == AddService(service(server(22), key=OTHER))
    assert refusals[0].reason == "nftables refused it: Could not process rule: No such file or directory"
    assert list(stage.look()) == [WEB]


def test_an_edit_on_an_outdated_view_starts_from_a_fresh_one(stage: Stage) -> None:
    stage.reconcile({WEB: service(server(21), server(22))})
    stage.library.tables.clear()
    (refusal,) = stage.plane.apply([RemoveDestination(WEB, server(21).key)])
    assert refusal.reason == "service TCP 192.0.2.10:80 does not exist"
    assert stage.reconcile({WEB: service(server(22))}) == []


DNS = ServiceKey("UDP", "192.0.2.10", 53)
NTP = ServiceKey("UDP", "192.0.2.10", 123)


def test_flows_of_all_changed_services_are_ended_in_one_go_after_the_edits(stage: Stage) -> None:
    conntrack = stage.conntrack()
    stage.reconcile({key: service(server(21), server(22), key=key) for key in (WEB, DNS, NTP)})
    stage.finish()
    stage.ended.clear()
    conntrack.end_flows.reset_mock()
    for key in (WEB, DNS, NTP):
        assert stage.plane.apply([RemoveDestination(key, server(21).key)]) == []
    assert not conntrack.end_flows.called, "an edit does not wait for it"
    stage.finish()
    assert stage.ended == [{key: [server(22).key] for key in (WEB, DNS, NTP)}]
    stage.finish()
    assert len(stage.ended) == 1, "what is done is done"


def test_a_drained_server_and_a_service_that_goes_keep_their_tcp_connections(stage: Stage) -> None:
    stage.conntrack()
    stage.reconcile({WEB: service(server(21), server(22))})
    stage.reconcile({WEB: service(server(21, weight=0), server(22))})
    stage.reconcile({})
    stage.finish()
    assert stage.ended == []


def test_a_weight_leads_no_udp_flow_astray(stage: Stage) -> None:
    stage.conntrack()
    stage.reconcile({DNS: service(server(21), server(22), key=DNS)})
    stage.finish()
    stage.reconcile({DNS: service(server(21, weight=3), server(22), key=DNS)})
    stage.finish()
    assert len(stage.ended) == 1


def test_flows_that_cannot_be_ended_are_told_and_tried_again_the_next_time(stage: Stage) -> None:
    stage.conntrack()
    stage.reconcile({DNS: service(server(21), server(22), key=DNS)})
    stage.finish()
    stage.conntrack("no nf_conntrack_netlink")
    assert stage.plane.apply([RemoveDestination(DNS, server(21).key)]) == []
    assert server(21).key not in stage.look()[DNS].destinations, "the table waits for nobody"
    for _time in range(2):
        with pytest.raises(Unfinished) as left:
            stage.finish()
        assert str(left.value) == "done, but flows of servers taken out live on: no nf_conntrack_netlink"
        assert left.value.services == {DNS}
    stage.conntrack()
    stage.finish()
    assert stage.ended[-1] == {DNS: [server(22).key]}


def test_what_was_begun_and_given_up_is_done_by_the_next(stage: Stage) -> None:
    stage.conntrack()
    stage.reconcile({DNS: service(server(21), key=DNS)})
    given_up = stage.plane.finish()
    next(given_up)
    given_up.close()
    assert stage.ended == []
    stage.finish()
    assert stage.ended == [{DNS: [server(21).key]}]


def test_an_edit_during_the_walk_gets_one_of_its_own(stage: Stage) -> None:
    stage.conntrack()
    stage.reconcile({DNS: service(server(21), server(22), key=DNS), NTP: service(server(21), key=NTP)})
    walk = stage.plane.finish()
    next(walk)
    stage.plane.apply([RemoveDestination(DNS, server(21).key)])
    assert list(walk) == [None]
    assert [set(services) for services in stage.ended] == [{DNS, NTP}, {DNS}]


def test_what_somebody_else_does_to_a_service_makes_no_strays_of_its_flows(stage: Stage) -> None:
    stage.conntrack()
    stage.reconcile({DNS: service(server(21), server(22), key=DNS)})
    stage.library.tables.clear()
    assert stage.look() == {}
    stage.finish()
    assert stage.ended == [{DNS: [server(21).key, server(22).key]}]


@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
def test_protocols_shown_as_numbers_are_the_same_protocols(stage: Stage, protocol: str) -> None:
    """As on a minimal Debian, which has no /etc/protocols: the daemon found its own table altered every 5 s."""
    key = ServiceKey(protocol, "192.0.2.10", 80)
    stage.reconcile({key: service(server(21), key=key)})
    named = stage.library._list

    def numbered(kind: str, body: Json) -> t.Any:
        return json.loads(json.dumps(named(kind, body)).replace('"tcp"', "6").replace('"udp"', "17"))

    with mock.patch.object(stage.library, "_list", numbered):
        assert stage.look() == {key: service(server(21), key=key)}


DORMANT, OWNER = 0x1, 0x2


@pytest.mark.parametrize("flags", [DORMANT, OWNER, DORMANT | OWNER])
def test_a_table_with_flags_is_never_listed_and_written_anew_whole(stage: Stage, flags: int) -> None:
    """nft 1.0.6 prints a flag from freed memory: garbage, half an answer, or nothing ever again."""
    desired = {WEB: service(server(21), server(22)), OTHER: service(server(22), key=OTHER)}
    stage.reconcile(desired)
    stage.library.table().flags, stage.library.listings = flags, 0
    assert {key: held.lb_algo for key, held in stage.look().items()} == {WEB: "altered", OTHER: "altered"}
    assert stage.library.listings == 0
    assert stage.reconcile(desired) == []
    assert stage.library.table().flags == 0
    assert stage.look() == desired


def test_a_table_with_flags_goes_with_its_last_service(stage: Stage) -> None:
    stage.reconcile({WEB: service(server(21))})
    stage.library.table().flags = DORMANT
    assert stage.reconcile({}) == []
    assert stage.library.tables == {}


def test_of_a_table_with_flags_only_our_own_chains_count(stage: Stage) -> None:
    stage.reconcile({WEB: service(server(21))})
    stage.library.table().flags = DORMANT
    stage.library.tables["other"] = NftTable()
    stage.library.tables["other"].chains[service_chain(OTHER)] = {}
    assert set(stage.look()) == {WEB}


def test_flags_of_other_tables_do_not_matter(stage: Stage) -> None:
    stage.library.tables["other"] = NftTable()
    stage.library.tables["other"].flags = DORMANT
    stage.reconcile({WEB: service(server(21))})
    assert stage.look() == {WEB: service(server(21))}


@pytest.mark.parametrize("shown", ["dormant", ["dormant"], "Lester Gooch #5"], ids=["one", "several", "nft 1.0.6"])
def test_flags_that_come_between_two_questions_are_seen_in_the_listing(
    stage: Stage, shown: t.Union[str, list[str]]
) -> None:
    stage.reconcile({WEB: service(server(21))})
    plain = stage.library._list

    def flagged(kind: str, body: Json) -> t.Any:
        listing = plain(kind, body)
        return [{"table": {**listing[0]["table"], "flags": shown}}, *listing[1:]] if kind == "table" else listing

    with mock.patch.object(stage.library, "_list", flagged):
        assert stage.look()[WEB].lb_algo == "altered"


def test_a_listing_spoilt_by_flags_that_come_between_two_questions_is_no_complaint(stage: Stage) -> None:
    stage.reconcile({WEB: service(server(21))})
    answer = stage.library.json_cmd

    def flagged_meanwhile(document: Json) -> t.Any:
        stage.library.table().flags = DORMANT
        return answer(document)

    with mock.patch.object(stage.library, "json_cmd", flagged_meanwhile):
        assert stage.look()[WEB].lb_algo == "altered"


def test_a_listing_spoilt_by_anything_else_is_a_complaint(stage: Stage) -> None:
    stage.reconcile({WEB: service(server(21))})
    spoilt = mock.patch.object(stage.library, "_list", side_effect=ValueError("Expecting value"))
    with spoilt, pytest.raises(DataPlaneUnavailable, match="not JSON: Expecting value"):
        stage.look()


def test_a_table_deleted_between_two_questions_is_no_table(stage: Stage) -> None:
    """Somebody says `nft flush ruleset` after we saw that it is there and before we asked what is in it."""
    stage.reconcile({WEB: service(server(21))})
    answer = stage.library.json_cmd

    def gone_meanwhile(document: Json) -> t.Any:
        stage.library.tables.clear()
        return answer(document)

    with mock.patch.object(stage.library, "json_cmd", gone_meanwhile):
        assert stage.look() == {}
    assert stage.reconcile({WEB: service(server(21))}) == []


def test_a_table_that_is_there_and_cannot_be_listed_is_a_complaint(stage: Stage) -> None:
    stage.reconcile({WEB: service(server(21))})
    stage.library.refuses = lambda body: body.get("name") == "mainstay"
    with pytest.raises(DataPlaneUnavailable):
        stage.look()


FORBIDDEN = "mainstayd may not use nftables: it needs the capability CAP_NET_ADMIN (the unit file grants it)"
NO_NF_TABLES = "this kernel has no nf_tables: load it with 'modprobe nf_tables'"


@pytest.mark.parametrize(("number", "sentence"), [
    (errno.EPERM, FORBIDDEN),
    (errno.EINVAL, NO_NF_TABLES),
    (errno.EPROTONOSUPPORT, NO_NF_TABLES),
    (errno.ENOBUFS, "nftables does not work in this kernel: No buffer space available"),
])  # fmt: skip
def test_an_engine_that_cannot_even_look_says_why_and_leaves_no_socket(number: int, sentence: str) -> None:
    library = Library()
    library.errno = number
    with pytest.raises(DataPlaneUnavailable) as refused:
        opened(library)
    assert str(refused.value) == sentence
    assert library.sockets == 0


def test_a_kernel_that_makes_no_table_is_told_at_once_and_one_that_has_it_is_not_asked(stage: Stage) -> None:
    """nf_tables without NAT, or without one family."""
    library, standing = Library(), stage.library
    opened(library)
    assert library.tables == {}
    stage.reconcile({WEB: service(server(21))})
    library.refuses = standing.refuses = lambda body: body.get("type") == "nat"
    with pytest.raises(DataPlaneUnavailable, match="nftables does not work in this kernel: Could not process rule"):
        opened(library)
    assert list(opened(standing).read()) == [WEB]


def test_a_kernel_without_netfilters_netlink_has_no_nf_tables() -> None:
    library = Library()
    refused_socket = mock.Mock(side_effect=OSError(errno.EPROTONOSUPPORT, ""))
    with mock.patch.object(library, "open_socket", refused_socket), pytest.raises(DataPlaneUnavailable) as refused:
        opened(library)
    assert str(refused.value) == NO_NF_TABLES


def test_a_kernel_that_does_not_answer_in_time_is_a_complaint(stage: Stage) -> None:
    silent = mock.patch.object(stage.library, "ask", side_effect=TimeoutError("timed out"))
    with silent, pytest.raises(DataPlaneUnavailable, match="no answer in time"):
        stage.look()


@pytest.mark.parametrize(("complaint", "sentence"), [
    ("internal:0:0-0: Error: Operation not permitted (you must be root)\n", FORBIDDEN),
    ("internal:0:0-0: Error: Protocol not supported\n\n",
     "nftables does not work in this kernel: Protocol not supported"),
])  # fmt: skip
def test_what_libnftables_complains_about_is_told(stage: Stage, complaint: str, sentence: str) -> None:
    stage.reconcile({WEB: service(server(21))})
    stage.library.complaint = complaint
    with pytest.raises(DataPlaneUnavailable) as refused:
        stage.look()
    assert str(refused.value) == sentence


def test_without_the_library_the_engine_says_what_to_install() -> None:
    with mock.patch.object(nftables, "libnftables", None), pytest.raises(DataPlaneUnavailable) as refused:
        NftablesPlane()
    assert str(refused.value).startswith("libnftables for Python is not installed: install the package python3-nft")


def test_chains_are_named_for_what_they_are_about() -> None:
    key = DestinationKey("192.0.2.21", 8080)
    assert parse_chain(service_chain(WEB)) == (WEB, None)
    assert parse_chain(server_chain(WEB, key)) == (WEB, key)


@pytest.mark.parametrize("name", ["prerouting", "tcp/192.0.2.10", "sctp/192.0.2.10/80", "tcp/192.0.2.10/80__x", ""])
def test_a_chain_of_another_kind_is_about_nothing(name: str) -> None:
    assert parse_chain(name) is None
