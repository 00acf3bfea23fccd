# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module ha_maintenance on a director whose workers the test plays."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.mainstay.ha.plugins.modules import ha_maintenance
from mainstay.net.local_sockets import Peer

from .host import Host, Result
from .played_director import A, B, PlayedDirector

IN_WEB = f"web {A}"
WEB_A = {"virtual_server": "web", "real_server": A}
STATES = [
    ("drained", {}, ("web", A, "drain")),
    ("maintenance", {}, ("web", A, "maintenance")),
    ("forced", {}, ("web", A, "force")),
    ("weighted", {"weight": 3}, ("web", A, "weight")),
]


@pytest.fixture
def director(host: Host) -> t.Iterator[PlayedDirector]:
    with PlayedDirector(host.socket) as played:
        yield played


def run(host: Host, **arguments: t.Any) -> Result:
    return host.run_plain(ha_maintenance, run_dir=str(host.folder), **arguments)


@pytest.mark.parametrize(("state", "more", "order"), STATES)
def test_an_order_is_given_once(
    host: Host, director: PlayedDirector, state: str, more: dict[str, t.Any], order: tuple[str, str, str]
) -> None:
    first = run(host, state=state, **WEB_A, **more, wait=True)
    again = run(host, state=state, **WEB_A, **more, wait=True)
    assert [first.changed, again.changed] == [True, False], (first, again)
    assert director.orders == [order] and director.ordered == [order[2]]
    assert first.diff["before"] == f"web {A}: as configured\n"
    assert again.diff["before"] == again.diff["after"] == first.diff["after"]
    (server,) = first.real_servers
    assert (server["real_server"], server["order"]["action"]) == (A, order[2])


@pytest.mark.parametrize(("state", "more", "_order"), STATES)
def test_check_mode_tells_and_orders_nothing(
    host: Host, director: PlayedDirector, state: str, more: dict[str, t.Any], _order: object
) -> None:
    foreseen = run(host, state=state, **WEB_A, **more, wait=True, _ansible_check_mode=True)
    assert foreseen.changed and director.orders == []
    done = run(host, state=state, **WEB_A, **more)
    assert foreseen.diff == done.diff
    assert not run(host, state=state, **WEB_A, **more, _ansible_check_mode=True).changed


def test_restored_ends_whatever_holds_and_is_content_when_nothing_does(host: Host, director: PlayedDirector) -> None:
    run(host, state="maintenance", **WEB_A)
    foreseen = run(host, state="restored", **WEB_A, _ansible_check_mode=True)
    assert foreseen.changed and director.orders == [("web", A, "maintenance")]
    ended = run(host, state="restored", **WEB_A, wait=True)
    again = run(host, state="restored", **WEB_A, wait=True)
    assert ended.changed and not again.changed and director.orders == []
    assert ended.diff["before"] == f"web {A}: maintenance\n" and ended.diff == foreseen.diff
    assert ended.real_servers[0]["order"] is None


def test_restored_of_a_service_is_about_all_its_servers(host: Host, director: PlayedDirector) -> None:
    run(host, state="drained", virtual_server="web", real_server=[A, B])
    run(host, state="drained", virtual_server="mail", real_server=A)
    assert run(host, state="restored", virtual_server="web").changed
    assert director.orders == [("mail", A, "drain")]


def test_without_a_service_an_address_is_meant_wherever_it_serves(host: Host, director: PlayedDirector) -> None:
    result = run(host, state="drained", real_server="192.0.2.21", reason="new disk", wait=True)
    assert director.orders == [("web", A, "drain"), ("mail", A, "drain")]
    assert [one["virtual_server"] for one in result.real_servers] == ["web", "mail"]
    assert result.real_servers[1]["order"]["reason"] == "new disk"


def test_only_what_differs_is_ordered(host: Host, director: PlayedDirector) -> None:
    run(host, state="drained", **WEB_A)
    result = run(host, state="drained", virtual_server="web", real_server=[A, B])
    assert result.changed and director.ordered == ["drain", "drain"]
    assert result.diff["before"] == f"web {A}: drain\nweb {B}: as configured\n"


def test_another_weight_is_another_order(host: Host, director: PlayedDirector) -> None:
    run(host, state="weighted", weight=3, **WEB_A)
    assert run(host, state="weighted", weight=4, **WEB_A).diff == {
        "before": f"web {A}: weight 3\n",
        "after": f"web {A}: weight 4\n",
    }


@pytest.mark.parametrize("state", ["drained", "maintenance", "forced", "demoted", "restored"])
@pytest.mark.parametrize(
    "empty",
    [{"real_server": []}, {"virtual_server": ""}, {"vrrp_instance": []}, {"all_instances": False}],
    ids=lambda empty: next(iter(empty)),
)
def test_a_variable_that_came_out_empty_means_nobody_rather_than_everybody(
    host: Host, director: PlayedDirector, state: str, empty: dict[str, t.Any]
) -> None:
    run(host, state="drained", **WEB_A)
    result = run(host, state=state, **empty)
    assert result.failed and director.orders == [("web", A, "drain")], result
    if state == "restored":
        ((key, value),) = empty.items()
        assert result.msg == f"{key} = {value!r} names nobody; leave it out or name whom you mean. Nothing was ordered"


def test_an_empty_list_beside_a_service_is_not_all_of_its_servers(host: Host, director: PlayedDirector) -> None:
    run(host, state="drained", **WEB_A)
    result = run(host, state="restored", virtual_server="web", real_server=[])
    assert result.failed and "real_server = []" in result.msg and director.orders == [("web", A, "drain")]


# ---- waiting


def test_drained_waits_until_the_last_connection_has_ended(host: Host, director: PlayedDirector) -> None:
    director.connections[IN_WEB] = [9, 9, 2, 1, 0, 0]
    result = run(host, state="drained", **WEB_A, wait=True, wait_timeout=20)
    assert not result.failed and result.real_servers[0]["active_connections"] == 0
    assert director.connections[IN_WEB] == [0]


def test_one_quiet_look_is_not_enough(host: Host, director: PlayedDirector) -> None:
    """Given a handshake that was under way at the first look, then its connection is waited for too."""
    director.connections[IN_WEB] = [5, 5, 0, 1, 0, 0]
    assert not run(host, state="drained", **WEB_A, wait=True, wait_timeout=20).failed
    assert director.connections[IN_WEB] == [0]


def test_weight_0_drains(host: Host, director: PlayedDirector) -> None:
    director.connections[IN_WEB] = [2, 2, 1, 0, 0]
    run(host, state="weighted", weight=0, **WEB_A, wait=True, wait_timeout=20)
    assert director.connections[IN_WEB] == [0]


@pytest.mark.parametrize("state", [{"state": "drained"}, {"state": "weighted", "weight": 0}])
def test_connections_that_nobody_can_count_are_no_success(
    host: Host, director: PlayedDirector, state: dict[str, t.Any]
) -> None:
    director.connections[IN_WEB] = [None]
    result = run(host, **state, **WEB_A, wait=True, wait_timeout=1)
    assert result.failed and f"web {A}: connections cannot be counted: too many flows" in result.msg


def test_connections_that_stay_fail_the_task_and_the_order_holds(host: Host, director: PlayedDirector) -> None:
    director.connections[IN_WEB] = [3]
    result = run(host, state="drained", **WEB_A, wait=True, wait_timeout=0)
    assert result.failed and result.changed
    assert f"not drained after 0 s: web {A}: 3 established connections" in result.msg and "still holds" in result.msg
    assert director.orders and result.real_servers[0]["active_connections"] == 3


@pytest.mark.parametrize(("state", "more", "_order"), STATES)
def test_an_order_that_no_worker_takes_is_not_done(
    host: Host, director: PlayedDirector, state: str, more: dict[str, t.Any], _order: object
) -> None:
    director.takes_orders = False
    result = run(host, state=state, **WEB_A, **more, wait=True, wait_timeout=0)
    assert result.failed and "has not taken the order yet" in result.msg
    director.alive = False
    silent = run(host, state=state, **WEB_A, **more, wait=True, wait_timeout=0)
    assert silent.failed and "the health worker does not answer" in silent.msg


def test_restored_waits_until_the_checks_pass(host: Host, director: PlayedDirector) -> None:
    run(host, state="drained", **WEB_A)
    director.states[IN_WEB] = ["down", "down", "down", "up"]
    assert not run(host, state="restored", **WEB_A, wait=True, wait_timeout=20).failed
    assert director.states[IN_WEB] == ["up"]


def test_a_server_that_does_not_come_back_fails_the_task(host: Host, director: PlayedDirector) -> None:
    run(host, state="drained", **WEB_A)
    director.states[IN_WEB] = ["down"]
    result = run(host, state="restored", **WEB_A, wait=True, wait_timeout=0)
    assert result.failed and f"not restored after 0 s: web {A}: it is down" in result.msg


# ---- refusals


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"virtual_server": "wbe", "real_server": A}, "there is no virtual_server wbe. Did you mean web?"),
        ({"virtual_server": "web", "real_server": "192.0.2.23:80"}, "has no real_server 192.0.2.23:80. Did you mean"),
        ({"real_server": "192.0.2.99"}, "no virtual_server has a real_server 192.0.2.99"),
        ({**WEB_A, "reason": "x" * 201}, "reason must be text of at most 200"),
        ({**WEB_A, "state": "weighted", "weight": 65536}, "weight = 65536: must be a whole number from 0 to 65535"),
        ({**WEB_A, "weight": 1}, "weight goes with state=weighted alone"),
        ({**WEB_A, "state": "weighted"}, "missing: weight"),
        ({"virtual_server": "web"}, "missing: real_server"),
        ({"vrrp_instance": "VI_1", "real_server": A}, "mutually exclusive"),
        ({"state": "demoted", **WEB_A}, "any of the following are missing: vrrp_instance, all_instances"),
        ({"state": "demoted", "vrrp_instance": "VI_l"}, "there is no vrrp_instance or vrrp_sync_group VI_l. Did you"),
        ({"state": "restored", "vrrp_instance": "VI_l"}, "virtual_server VI_l. Did you mean"),
        ({"state": "restored"}, "any of the following are missing"),
    ],
)
def test_a_wrong_call_is_refused_in_check_mode_too(
    host: Host, director: PlayedDirector, arguments: dict[str, t.Any], message: str, check_mode: bool
) -> None:
    result = run(host, **{"state": "drained", **arguments}, _ansible_check_mode=check_mode)
    assert result.failed and message in result.msg, result.msg
    assert director.orders == [] and director.demoted == []


@pytest.mark.parametrize("check_mode", [False, True])
def test_who_may_only_look_is_refused(host: Host, check_mode: bool) -> None:
    with PlayedDirector(host.socket, Peer(7, 4711, 4711)) as director:
        result = run(host, state="drained", **WEB_A, _ansible_check_mode=check_mode)
        assert result.failed and "uid 4711 may look but not change anything" in result.msg and director.orders == []


@pytest.mark.parametrize("names", [WEB_A, {"vrrp_instance": "VI_1", "state": "demoted"}])
def test_without_a_daemon_it_fails_and_says_so(host: Host, names: dict[str, t.Any]) -> None:
    result = run(host, **{"state": "drained", **names})
    assert result.failed and "mainstayd is not running" in result.msg


def test_an_order_that_the_disk_did_not_take_is_a_warning(
    host: Host, director: PlayedDirector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mainstay.daemon.order_file.replace_file", full)
    assert run(host, state="drained", **WEB_A).changed
    (warning,) = host.warnings
    assert "No space left on device" in warning


# ---- virtual routers


def test_a_router_is_demoted_once_with_its_group_and_put_back(host: Host, director: PlayedDirector) -> None:
    first = run(host, state="demoted", vrrp_instance="VI_2", wait=True)
    again = run(host, state="demoted", vrrp_instance=["VI_3", "pair"], wait=True)
    assert [first.changed, again.changed] == [True, False] and director.demoted == ["VI_2", "VI_3"]
    assert [one["name"] for one in first.vrrp_instances] == ["VI_2", "VI_3"]
    assert first.diff == {"before": "VI_2: in the election\n", "after": "VI_2: demoted\n"}
    back = run(host, state="restored", vrrp_instance="VI_2", wait=True)
    assert back.changed and director.demoted == []
    assert not run(host, state="restored", vrrp_instance="VI_2").changed


def test_a_whole_director_is_demoted_and_put_back(host: Host, director: PlayedDirector) -> None:
    assert run(host, state="demoted", all_instances=True, _ansible_check_mode=True).changed and director.demoted == []
    assert run(host, state="demoted", all_instances=True, wait=True).changed
    assert not run(host, state="demoted", all_instances=True).changed
    assert not run(host, state="demoted", vrrp_instance="VI_1").changed
    assert director.demoted == ["VI_1", "VI_2", "VI_3"]
    for check_mode in (True, False):
        one = run(host, state="restored", vrrp_instance="VI_1", _ansible_check_mode=check_mode)
        assert one.failed and "all_instances=true" in one.msg
    assert run(host, state="restored", all_instances=True, wait=True).changed and director.demoted == []
    assert not run(host, state="restored", all_instances=True).changed


def test_restoring_everything_ends_single_demotions(host: Host, director: PlayedDirector) -> None:
    run(host, state="demoted", vrrp_instance="VI_1")
    result = run(host, state="restored", all_instances=True)
    assert result.changed and result.diff["before"] == "VI_1: demoted\n" and director.demoted == []


def test_the_last_router_that_can_stays_master_and_the_task_says_so(host: Host, director: PlayedDirector) -> None:
    director.others_take_over = False
    result = run(host, state="demoted", vrrp_instance="VI_1", wait=True, wait_timeout=0)
    assert result.failed and "vrrp_instance VI_1: it is still master, nobody else takes over" in result.msg


def test_a_silent_vrrp_worker_is_not_waited_for_in_vain(host: Host, director: PlayedDirector) -> None:
    director.alive = False
    result = run(host, state="demoted", vrrp_instance="VI_1", wait=True, wait_timeout=0)
    assert result.failed and "the vrrp worker does not answer" in result.msg
