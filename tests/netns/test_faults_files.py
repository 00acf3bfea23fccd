# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are wrong, gone, full or not to be written: the address stays where it is and somebody is told."""

from __future__ import annotations

import json
import shutil
import signal
import typing as t
from pathlib import Path

import pytest
from netns.daemons import Daemon, instance
from netns.pairs import SHORT, await_adverts, await_line, nothing_moves, settled_pair
from netns.segment import NETWORK, Segment

from lab import command
from lab.waiting import wait_for

SECOND_VIP = f"{NETWORK}.11"
GOOD = json.dumps({"vrrp_instances": {"VI_1": instance(150, advert_int=SHORT)}})
BAD = {
    "a virtual router of impossible number": GOOD.replace("51", "300"),
    "a word nobody knows": GOOD.replace("priority", "priorty"),
    "cut off in the middle": GOOD[: len(GOOD) // 2],
    "empty": "",
    "bytes": "\0\1\2" * 100,
    "a list": "[]",
    "an endless nest": "[" * 100_000,
}


@pytest.mark.fault("F19", "F21")
def test_a_reload_of_anything_bad_changes_nothing_and_says_so(segment: Segment, tmp_path: Path) -> None:
    a, b = settled_pair(segment, tmp_path)
    with nothing_moves(a, b):
        for name, text in BAD.items():
            a.write_text(text)
            answer = a.ask("reload")
            assert answer["ok"] is False and answer["problems"], f"{name}: {answer}"
        (a.folder / "mainstay.json").unlink()
        assert a.ask("reload")["ok"] is False, "no file is no empty configuration"
        await_adverts(a, 4)
    a.write_text(GOOD)
    assert a.ask("reload")["ok"] is True


@pytest.fixture
def small_disk(segment: Segment, tmp_path: Path) -> t.Iterator[Path]:
    """Where a daemon keeps everything: 256 kB that can be filled."""
    folder = tmp_path / "small"
    folder.mkdir()
    command.must(["mount", "-t", "tmpfs", "-o", "size=256k", "small", str(folder)])
    yield folder
    command.must(["umount", "--lazy", str(folder)])


def on_disk(segment: Segment, disk: Path, folder: Path) -> tuple[Daemon, Daemon]:
    """A settled pair whose master writes to the small disk."""
    a = Daemon(segment.node("a"), disk, VI_1=instance(150, advert_int=SHORT))
    a.log = folder / "log"
    a.start().await_state("MASTER")
    b = Daemon(segment.node("b"), folder, VI_1=instance(100, advert_int=SHORT)).start()
    b.await_state("BACKUP")
    return a, b


@pytest.mark.fault("F23")
def test_a_full_disk_costs_a_reload_and_no_address(segment: Segment, tmp_path: Path, small_disk: Path) -> None:
    a, b = on_disk(segment, small_disk, tmp_path)
    wanted = json.loads(GOOD)
    wanted["vrrp_instances"]["VI_1"]["virtual_ipaddress"].append(f"{SECOND_VIP}/24")
    a.write_document(**wanted)
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space left"), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))

    with nothing_moves(a, b):
        answer = a.ask("reload")
        assert answer["ok"] is False and "No space left" in str(answer["problems"]), answer
        await_adverts(a, 4)
    a.node.cut()
    b.await_state("MASTER")
    a.node.heal()
    a.await_state("MASTER")
    b.await_state("BACKUP")

    filler.unlink()
    assert a.ask("reload")["ok"] is True
    wait_for(lambda: a.node.holds(SECOND_VIP), 10, "the address that was asked for", evidence=a.evidence)


@pytest.mark.fault("F24")
def test_a_run_directory_that_vanishes_costs_a_reload_and_no_address(segment: Segment, tmp_path: Path) -> None:
    """With it the control socket is gone: signals still work."""
    a, b = settled_pair(segment, tmp_path)
    a.write_text(GOOD.replace("150", "140"))
    shutil.rmtree(a.folder / "run")
    a.signal(signal.SIGHUP)
    await_line(a, "cannot be written: No such file or directory")
    received = b.status()["counters"]["adverts_received"]
    served = lambda: b.status()["counters"]["adverts_received"] >= received + 4  # noqa: E731
    wait_for(served, 10, "four adverts of a", evidence=b.evidence)
    assert a.node.holds() and b.state() == "BACKUP"

    a.signal_and_await_end()
    b.await_state("MASTER")
    assert b.status()["counters"]["priority_zero_received"] == 1
    a.start().await_state("MASTER")


@pytest.mark.fault("F24")
def test_a_state_directory_that_cannot_be_written_is_told_and_it_serves(segment: Segment, tmp_path: Path) -> None:
    a = Daemon(segment.node("a"), tmp_path, VI_1=instance(150, advert_int=SHORT))
    (a.folder / "state").write_text("a file in its place")
    a.start().await_state("MASTER")
    assert "state" in a.log.read_text() and "cannot be used" in a.log.read_text()
