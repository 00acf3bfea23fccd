# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is ours in the kernel. Removing it is proven in tests/netns and tests/kernel."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from mainstay.daemon import release
from mainstay.daemon.leftover_devices import Outcome
from mainstay.daemon.release import Holdings, holdings, removable, run_release
from mainstay.daemon.run_directory import RunDirectory
from mainstay.lvs.table import ServiceKey
from mainstay.model.config import Config, VirtualAddress, VirtualServer, VrrpInstance
from mainstay.model.load import load_config
from mainstay.net import rtnl
from mainstay.net.data_plane import DataPlaneAbsent, DataPlaneUnavailable

from .daemon_process import INSTANCE
from .health.health_lab import ONE, WEB, FakeDataPlane, hand_made

SERVICE = {"address": "192.0.2.10", "port": 80, "protocol": "TCP", "lb_algo": "rr"}


def config(plane: str = "ipvs", *vips: str, **services: object) -> object:
    return load_config(
        {
            "global_defs": {"data_plane": plane},
            "vrrp_instances": {"VI_1": {**INSTANCE, "virtual_ipaddress": list(vips or ["192.0.2.10/24"])}},
            "virtual_servers": services,
        }
    )


def test_addresses_count_with_interface_and_prefix_services_with_their_plane() -> None:
    found = holdings([config("nftables", "192.0.2.10/24", "192.0.2.11/24 dev eth1", web=SERVICE)])

    assert found == Holdings(
        addresses=frozenset({("eth0", "192.0.2.10", 24), ("eth1", "192.0.2.11", 24)}),
        senders=frozenset({"eth0"}),
        services=frozenset({("nftables", ServiceKey("TCP", "192.0.2.10", 80))}),
    )


def test_what_stays_in_the_configuration_is_not_stale() -> None:
    before = holdings([config("ipvs", "192.0.2.10/24", web=SERVICE)])

    assert not before - holdings([config("ipvs", "192.0.2.10/24", web=SERVICE)])
    moved = before - holdings([config("nftables", "192.0.2.10/32", web=SERVICE)])
    assert moved.addresses == frozenset({("eth0", "192.0.2.10", 24)})
    assert moved.services == frozenset({("ipvs", ServiceKey("TCP", "192.0.2.10", 80))})


NAMES = {2: "eth0", 3: "eth1"}
TWO_LINKS = (VirtualAddress("192.0.2.10", 24), VirtualAddress("192.0.2.11", 24, "eth1"))


def held(address: str, valid_seconds: int | None = None, index: int = 2) -> rtnl.HeldAddress:
    return rtnl.HeldAddress(rtnl.AddressKey(index, address, 24), False, 0, valid_seconds)


def removed(kernel: list[rtnl.HeldAddress], priority: int = 100, vip_lease: int | None = None) -> list[str]:
    """What goes of these addresses when a daemon that had two virtual ones, on eth0 and eth1, has died."""
    instance = VrrpInstance("VI_1", "eth0", 51, TWO_LINKS, priority=priority, vip_lease=vip_lease)
    ours = holdings([Config(vrrp_instances={"VI_1": instance})])
    return [one.key.address for one in removable(kernel, NAMES, ours)]


@pytest.mark.parametrize("priority", [100, 255])
@pytest.mark.parametrize("vip_lease", [None, 0])
def test_what_has_a_lease_is_ours_wherever_it_is_listed(priority: int, vip_lease: int | None) -> None:
    assert removed([held("192.0.2.10", 2), held("192.0.2.99", 3600)], priority, vip_lease) == ["192.0.2.10"]


@pytest.mark.parametrize("priority", [100, 255])
def test_of_an_instance_with_a_lease_what_the_host_has_for_good_stays(priority: int) -> None:
    kernel = [held("192.0.2.1"), held("192.0.2.10"), held("192.0.2.11", 2, index=3)]

    assert removed(kernel, priority) == ["192.0.2.11"]


def test_without_a_lease_they_go_but_not_an_owner_s() -> None:
    kernel = [held("192.0.2.1"), held("192.0.2.10"), held("192.0.2.11", index=3)]

    assert removed(kernel, vip_lease=0) == ["192.0.2.10", "192.0.2.11"]
    assert removed(kernel, priority=255, vip_lease=0) == []


def test_the_only_address_to_send_from_stays_without_a_lease_too() -> None:
    """A mistake in the configuration must not cut the machine off."""
    assert removed([held("192.0.2.10"), held("192.0.2.11", index=3)], vip_lease=0) == ["192.0.2.11"]


def test_an_address_of_the_other_family_is_no_replacement() -> None:
    """Every interface has a link-local IPv6 address; nobody reaches an IPv4 host by it."""
    link_local = rtnl.HeldAddress(rtnl.AddressKey(2, "fe80::1", 64), False, 253, None)
    assert removed([held("192.0.2.10"), link_local], vip_lease=0) == []
    assert removed([held("192.0.2.10"), held("192.0.2.1"), link_local], vip_lease=0) == ["192.0.2.10"]


@pytest.mark.parametrize(("applied", "status"), [(True, 0), (False, 1)])
def test_a_remark_on_what_was_removed_is_told_and_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, applied: bool, status: int
) -> None:
    plane = FakeDataPlane()
    plane.table = {WEB: hand_made(WEB, ONE)}
    plane.unfinished = "flows live on" if applied else ""
    plane.refuse = lambda _operation: "" if applied else "not permitted"
    monkeypatch.setattr(release, "open_engine", lambda _name: plane)
    dead = RunDirectory(str(tmp_path))
    web = VirtualServer("web", WEB.address, WEB.port, protocol="TCP")
    dead.write_running(Config(virtual_servers={"web": web}))
    dead.close()
    said: list = []

    assert run_release("/nowhere.json", str(tmp_path), said.append) == status
    assert ("flows live on\n" if applied else "not permitted\n") in said
    assert run_release("/nowhere.json", str(tmp_path), said.append) == status, "what is done is done"


@pytest.mark.parametrize(
    ("unavailable", "status"),
    [(DataPlaneAbsent("this kernel has no ip_vs"), 0), (DataPlaneUnavailable("ip_vs does not answer"), 1)],
)
def test_only_an_engine_that_the_kernel_lacks_holds_nothing_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unavailable: Exception, status: int
) -> None:
    """What could not be asked may still hold our services: a second try must know of them."""

    def refuse_to_open(_name: str) -> t.NoReturn:
        raise unavailable

    monkeypatch.setattr(release, "open_engine", refuse_to_open)
    dead = RunDirectory(str(tmp_path))
    dead.write_running(Config(virtual_servers={"web": VirtualServer("web", WEB.address, WEB.port, protocol="TCP")}))
    dead.close()
    said: list = []

    assert run_release("/nowhere.json", str(tmp_path), said.append) == status
    assert any("ip_vs does not answer" in line for line in said) == bool(status)
    assert (tmp_path / "running.json").exists() == bool(status)


def test_nothing_is_removed_below_a_living_daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "_PATIENCE", 0.1)
    living = RunDirectory(str(tmp_path))
    said: list = []

    assert run_release("/nowhere.json", str(tmp_path), said.append) == 1
    assert said[0].startswith("nothing was removed: another mainstayd")
    living.close()


def test_workers_that_are_still_ending_are_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ending = RunDirectory(str(tmp_path))
    said: list = []
    waits: list = []

    def ends_at_the_third_look(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            ending.close()

    monkeypatch.setattr(release.time, "sleep", ends_at_the_third_look)

    assert run_release("/nowhere.json", str(tmp_path), said.append) == 0
    assert (said, len(waits)) == ([], 3)


def test_after_an_end_in_order_there_is_nothing_to_do(tmp_path: Path) -> None:
    said: list = []

    assert run_release("/nowhere.json", str(tmp_path), said.append) == 0
    assert said == []


@pytest.mark.parametrize(("refused", "status"), [([], 0), (["lvs_timeouts stay as they are: not permitted"], 1)])
def test_timeouts_of_ip_vs_are_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: t.List[str], status: int
) -> None:
    folders: list = []

    def put_back(folder: str) -> Outcome:
        folders.append(folder)
        return Outcome([] if refused else ["put the timeouts of ip_vs back"], refused)

    monkeypatch.setattr(release.former_timeouts, "put_back", put_back)
    said: list = []
    assert run_release("/nowhere.json", str(tmp_path), said.append) == status
    assert said == [f"{line}\n" for line in refused or ["put the timeouts of ip_vs back"]]
    assert folders == [str(tmp_path)]


def test_macvlans_and_the_packet_filter_are_ours_when_something_asks_for_them() -> None:
    def left(**options: object) -> Holdings:
        described = {**INSTANCE, "virtual_ipaddress": ["192.0.2.10/24", "192.0.2.11/24 dev eth1"], **options}
        return holdings([load_config({"vrrp_instances": {"VI_1": described}})])

    plain, on_macvlan, guarded = left(), left(use_vmac=True, vmac_name="web"), left(accept=False)
    assert (plain.macvlans, plain.filters) == (frozenset(), False)
    assert (on_macvlan.macvlans, on_macvlan.filters) == ({"web"}, True)
    assert (guarded.macvlans, guarded.filters) == (frozenset(), True)
    assert on_macvlan.addresses == {("web", "192.0.2.10", 24), ("eth1", "192.0.2.11", 24)}
    assert left(strict_mode=True).filters, "strict mode does not accept"
    assert (on_macvlan - guarded).macvlans == {"web"}
    assert not (on_macvlan - guarded).filters
