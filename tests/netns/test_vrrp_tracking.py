# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an instance tracks moves its mastership: interfaces, scripts, files; and its own interface in all its lives."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from netns.daemons import Daemon, Document, instance
from netns.segment import DEVICE, VIP, Node, Segment

from lab.waiting import wait_for

SHORT = 0.3
"""advert_int of these stories: nothing in them depends on it."""


def uplink(node: Node) -> None:
    """An interface that nothing but tracking has to do with; its other end is up0p."""
    node.ip("link add up0 type veth peer name up0p")
    node.ip("link set up0 up")
    node.ip("link set up0p up")


def pair(segment: Segment, folder: Path, sections: Document | None = None, **options: object) -> tuple[Daemon, Daemon]:
    """A master of priority 150 that tracks, and a backup of priority 100 that does not, settled."""
    a = Daemon(segment.node("a"), folder)
    instances = {"VI_1": instance(150, advert_int=SHORT, **options)}
    a.write_text(json.dumps({"vrrp_instances": instances, **(sections or {})}))
    a.start().await_state("MASTER")
    b = Daemon(segment.node("b"), folder, VI_1=instance(100, advert_int=SHORT)).start()
    b.await_state("BACKUP")
    return a, b


@pytest.mark.conformance("FSM-25")
def test_a_weighted_interface_moves_mastership_there_and_back(segment: Segment, tmp_path: Path) -> None:
    """FSM-25."""
    uplink(segment.node("a"))
    a, b = pair(segment, tmp_path, track_interface=["up0 weight -60"])

    a.node.ip("link set up0p down")
    b.await_state("MASTER")
    a.await_state("BACKUP")
    assert a.status()["effective_priority"] == 90
    assert a.status()["problems"] == ["priority is 90 instead of 150: up0 -60"]

    a.node.ip("link set up0p up")
    a.await_state("MASTER")
    b.await_state("BACKUP")
    assert a.status()["effective_priority"] == 150


@pytest.mark.conformance("FSM-24")
def test_an_interface_without_weight_is_a_fault_also_when_it_does_not_exist(segment: Segment, tmp_path: Path) -> None:
    """FSM-24, F29: deleted and made anew."""
    uplink(segment.node("a"))
    a, b = pair(segment, tmp_path, track_interface=["up0"])

    a.node.ip("link delete up0")
    a.await_state("FAULT")
    b.await_state("MASTER")
    assert a.status()["faults"] == ["interface up0 is down: does not exist"]
    wait_for(lambda: b.status()["counters"]["priority_zero_received"] == 1, 5, "a farewell", evidence=b.evidence)

    uplink(a.node)
    a.await_state("MASTER")


@pytest.mark.conformance_negative("FSM-24")
def test_an_interface_that_never_was_there_keeps_it_from_becoming_master(segment: Segment, tmp_path: Path) -> None:
    """FSM-24."""
    a = Daemon(segment.node("a"), tmp_path, VI_1=instance(150, advert_int=SHORT, track_interface=["nix0"])).start()
    a.await_state("FAULT")
    assert a.status()["transitions"] == 1 and not a.node.holds()


class TestItsOwnInterface:
    def test_made_anew_bears_it_again(self, segment: Segment, tmp_path: Path) -> None:
        """F29: another index, sockets bound anew."""
        a, b = pair(segment, tmp_path)
        a.node.ip(f"link delete {DEVICE}")
        a.await_state("FAULT")
        b.await_state("MASTER")

        a.node.plug()

        a.await_state("MASTER")
        wait_for(lambda: a.node.holds() and not b.node.holds(), 5, "a alone to hold the address", evidence=a.evidence)

    @pytest.mark.fault("F29")
    def test_under_another_name_is_not_its_interface(self, segment: Segment, tmp_path: Path) -> None:
        """F29: renamed away and back."""
        a, b = pair(segment, tmp_path)
        a.node.ip(f"link set {DEVICE} down")
        a.node.ip(f"link set {DEVICE} name lan0")
        a.await_state("FAULT")
        wait_for(lambda: a.status()["faults"] == [f"interface {DEVICE} does not exist"], 5, "why", evidence=a.evidence)
        b.await_state("MASTER")

        a.node.ip(f"link set lan0 name {DEVICE}")
        a.node.ip(f"link set {DEVICE} up")
        a.await_state("MASTER")

    @pytest.mark.fault("F49")
    def test_follows_the_carrier_of_its_parent(self, segment: Segment, tmp_path: Path) -> None:
        """F49, on a macvlan: its parent is who loses the carrier."""
        node = segment.node("a")
        node.ip(f"link add link {DEVICE} name mv0 type macvlan mode bridge")
        node.ip("address add 192.0.2.101/24 dev mv0")
        node.ip("link set mv0 up")
        a = Daemon(node, tmp_path, VI_1=instance(150, advert_int=SHORT, interface="mv0")).start()
        a.await_state("MASTER")

        node.cut()
        a.await_state("FAULT")
        assert a.status()["faults"] == ["no carrier on mv0"]
        node.heal()
        a.await_state("MASTER")

    def test_without_carrier_is_borne_with_dont_track_primary(self, segment: Segment, tmp_path: Path) -> None:
        a = Daemon(segment.node("a"), tmp_path, VI_1=instance(150, advert_int=SHORT, dont_track_primary=True)).start()
        a.await_state("MASTER")

        a.node.cut()
        wait_for(lambda: "NO-CARRIER" in a.node.run("ip", "link", "show", DEVICE).stdout, 5, "the carrier to be gone")
        sent = a.status()["counters"]["adverts_sent"]
        wait_for(
            lambda: a.status()["counters"]["adverts_sent"] > sent + 10, 15, "a lease and more", evidence=a.evidence
        )
        assert a.state() == "MASTER" and a.node.holds()


class TestTrackersOfTheSupervisor:
    """Results travel from the supervisor to the vrrp worker."""

    def sections(self, folder: Path) -> Document:
        script = folder / "check"
        script.write_text(f"#!/bin/sh\ntest ! -e {folder}/broken\n")
        script.chmod(0o755)
        check = {"script": str(script), "interval": 0.2, "timeout": 5, "weight": -60}
        files = {"load": {"file": str(folder / "load"), "weight": 1}}
        return {
            "global_defs": {"script_user": "root"},
            "vrrp_scripts": {"chk": check},
            "track_files": files,
        }

    def test_a_script_that_fails_moves_mastership_there_and_back(
        self, segment: Segment, root_folder: Path, tmp_path: Path
    ) -> None:
        a, b = pair(segment, tmp_path, self.sections(root_folder), track_script=["chk"])
        (tracker,) = a.status()["trackers"]
        assert (tracker["kind"], tracker["name"], tracker["result"]) == ("script", "chk", "up"), a.evidence()

        (root_folder / "broken").touch()
        b.await_state("MASTER")
        a.await_state("BACKUP")
        assert a.status()["effective_priority"] == 90
        (tracker,) = a.status()["trackers"]
        assert tracker["result"] == "down" and "1" in tracker["why"]

        (root_folder / "broken").unlink()
        a.await_state("MASTER")

    def test_a_number_in_a_file_moves_the_priority(self, segment: Segment, root_folder: Path, tmp_path: Path) -> None:
        (root_folder / "load").write_text("0\n")
        a, b = pair(segment, tmp_path, self.sections(root_folder), track_file=["load"])

        (root_folder / "load").write_text("-70\n")
        b.await_state("MASTER")
        assert a.status()["effective_priority"] == 80

    def test_a_vrrp_worker_that_died_knows_every_result_before_it_decides(
        self, segment: Segment, root_folder: Path, tmp_path: Path
    ) -> None:
        """Its first decision already counts with what the supervisor knows."""
        (root_folder / "broken").touch()
        a = Daemon(segment.node("a"), tmp_path)
        instances = {"VI_1": instance(150, advert_int=SHORT, track_script=["chk weight 0"])}
        a.write_text(json.dumps({"vrrp_instances": instances, **self.sections(root_folder)}))
        a.start().await_state("FAULT")
        wait_for(lambda: a.status()["trackers"][0]["result"] == "down", 10, "a result", evidence=a.evidence)
        before = a.ask("status")["vrrp"]["pid"]
        os.kill(before, signal.SIGKILL)

        wait_for(lambda: a.ask("status")["vrrp"]["pid"] not in (None, before), 10, "a new worker", evidence=a.evidence)
        a.await_state("FAULT")
        assert a.status()["transitions"] == 1, "it never was BACKUP"

    def test_a_killed_daemon_that_starts_again_adopts_though_its_scripts_have_not_run_yet(
        self, segment: Segment, root_folder: Path, tmp_path: Path
    ) -> None:
        sections = self.sections(root_folder)
        a, b = pair(segment, tmp_path, sections, track_script=["chk weight 0"])
        # A long lease, so that a busy machine cannot be too slow to restart within it; the next advert tells b.
        slow = instance(150, advert_int=3, track_script=["chk weight 0"])
        a.write_document(vrrp_instances={"VI_1": slow}, **sections)
        assert a.ask("reload")["ok"] is True
        heard = b.status()["counters"]["adverts_received"]
        wait_for(lambda: b.status()["counters"]["adverts_received"] > heard, 10, "an advert", evidence=b.evidence)
        at_peer = b.status()["transitions"]

        a.node.kill_all()
        a.start().await_state("MASTER")

        assert "still held under an unexpired lease" in a.status()["last_transition"], a.evidence()
        assert b.status()["transitions"] == at_peer, b.evidence()


def test_promote_secondaries_is_set_for_as_long_as_the_daemon_runs(segment: Segment, tmp_path: Path) -> None:
    node = segment.node("a")
    setting = f"/proc/sys/net/ipv4/conf/{DEVICE}/promote_secondaries"
    node.run("sh", "-c", f"echo 0 > {setting}")
    a = Daemon(node, tmp_path, VI_1=instance(150, advert_int=SHORT, promote_secondaries=True)).start()
    a.await_state("MASTER")
    assert node.run("cat", setting).stdout.strip() == "1", a.evidence()

    a.signal_and_await_end()
    assert node.run("cat", setting).stdout.strip() == "0"


def test_an_instance_is_held_still_after_the_start_of_the_daemon(segment: Segment, tmp_path: Path) -> None:
    a = Daemon(segment.node("a"), tmp_path)
    delay = {"global_defs": {"vrrp_startup_delay": 600}}
    a.write_text(json.dumps({"vrrp_instances": {"VI_1": instance(255, advert_int=SHORT)}, **delay}))
    a.start().await_state("BACKUP")
    assert "the startup delay runs" in a.status()["last_transition"]
    assert a.status()["counters"]["adverts_sent"] == 0 and not a.node.holds(VIP)

    a.write(VI_1=instance(255, advert_int=SHORT), VI_2=instance(255, advert_int=SHORT, virtual_router_id=52,
            virtual_ipaddress=["192.0.2.12/24"]))  # fmt: skip
    assert a.ask("reload")["ok"] is True
    a.await_state("MASTER", name="VI_2")


@pytest.fixture
def root_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For scripts: every folder above belongs to root and nobody else may write there."""
    folder = tmp_path_factory.mktemp("scripts")
    folder.chmod(0o755)
    assert os.stat(folder).st_uid == 0
    return folder
