# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attacks on four pairs: ours and keepalived's, ours with signed adverts, and ours and keepalived's with peers."""

from __future__ import annotations

import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from netns.attacks import ATTACKS, Attack, Scene
from netns.daemons import Daemon, Keepalived, instance
from netns.flood import Sent, sender
from netns.wire import record_advert

from bench.pair import OURS, PRIORITIES, THEIRS, Pair
from lab.processes import Process

from .injectors import worker
from .run import Figures, Say
from .seen import Watching

ADVERT_INT = 1.0
KEYS = {"keys": [{"id": 1, "key": "hex:" + "5a" * 32}], "active_key": 1}
LONGEST = 200.0
"""Seconds until an attack that has ended has to be over: an interval of 40.95 s is believed for 3.6 of them."""
REPLAY = "A04"
_REPLAY_SECONDS = 10.0
_TICKS = 100  # of processor time a second, sysconf(_SC_CLK_TCK)
_FLOOD_SECONDS = 6.0
_EFFECT_SECONDS = 0.5
"""What a single packet does is there by then."""


class Side(t.NamedTuple):
    """A way to run a pair."""

    kind: str
    signed: bool


SIDES = {
    "mainstay": Side(OURS, False),
    "signed": Side(OURS, True),
    "keepalived": Side(THEIRS, False),
}


def measure(wanted: t.Callable[[str], bool], folder: Path, say: Say) -> Figures:
    """Every attack on every side, the sides beside each other but for floods."""
    figures: Figures = {}
    for attack in ATTACKS:
        if wanted(attack.id):
            at_once = 1 if attack.rate else len(SIDES)
            with ThreadPoolExecutor(at_once) as threads:
                runs = {name: threads.submit(_one, attack, side, folder) for name, side in SIDES.items()}
            figures[attack.id] = _columns({name: run.result() for name, run in runs.items()})
            say(f"{attack.id} {attack.words}: {figures[attack.id]}")
    if wanted(REPLAY):
        with ThreadPoolExecutor(len(SIDES)) as threads:
            runs = {name: threads.submit(_replay, side, folder) for name, side in SIDES.items()}
        figures[REPLAY] = _columns({name: run.result() for name, run in runs.items()})
        say(f"{REPLAY} replay: {figures[REPLAY]}")
    return figures


def _columns(said: t.Mapping[str, str]) -> dict[str, str]:
    return {"mainstay": f"{said['mainstay']}; signed: {said['signed']}", "keepalived": said["keepalived"]}


def _one(attack: Attack, side: Side, folder: Path) -> str:
    pair = _pair(side, attack.unicast, folder / attack.id / str(side.signed), attack.id)
    try:
        pair.settle()
        scene = Scene(pair.segment.node("c"), pair.master, pair.backup, ADVERT_INT)
        watching = Watching(pair)
        process = worker(pair)
        busy = _processor_time(process)
        with sender(scene.attacker) as out:
            frames = attack.frames(scene)
            if attack.intervals == 0:
                sent = out.send(frames)
            else:
                lasts = _FLOOD_SECONDS if attack.rate else 8 * ADVERT_INT
                sent = out.send_for(lasts, frames, attack.rate or len(frames) / ADVERT_INT)
        busy = _processor_time(process) - busy
        time.sleep(_EFFECT_SECONDS)
        _await_rest(pair)
        seen = watching.seen()
        watching.close()
        return f"outage {seen.nobody:.1f} s" + _takeovers(seen.takeovers) + _flood(attack, sent, busy, pair)
    finally:
        pair.close()


def _replay(side: Side, folder: Path) -> str:
    """The master dies; its last advert is sent on, twice an interval, for ten seconds."""
    pair = _pair(side, False, folder / REPLAY / str(side.signed), REPLAY)
    try:
        pair.settle()
        attacker = pair.segment.node("c")
        recorded = record_advert(attacker)
        watching = Watching(pair)
        pair.kill()
        with sender(attacker) as out:
            out.send_for(_REPLAY_SECONDS, [recorded], 2 / ADVERT_INT)
        end = time.monotonic() + LONGEST
        while not pair.backup.holds() and time.monotonic() < end:
            time.sleep(0.02)
        seen = watching.seen()
        watching.close()
        said = f"nobody held it for {seen.nobody:.1f} s"
        return said + (", then both" if pair.master.holds() else "")
    finally:
        pair.close()


def _pair(side: Side, unicast: bool, folder: Path, label: str) -> Pair:
    pair = Pair(side.kind, 2 * int(label[1:]) + side.signed, folder)
    addresses = {"a": pair.backup.address, "b": pair.master.address}
    for name, one in pair.machines.items():
        if isinstance(one, Daemon):
            options: dict[str, object] = {"auth_hmac": KEYS} if side.signed else {}
            if unicast:
                options["unicast_peer"] = [addresses[name]]
            one.write(VI_1=instance(PRIORITIES[name], **options))
        elif unicast and isinstance(one, Keepalived):
            file = one.folder / "keepalived.conf"
            peers = f"advert_int 1\n    unicast_peer {{\n        {addresses[name]}\n    }}"
            file.write_text(file.read_text().replace("advert_int 1", peers))
    return pair


def _await_rest(pair: Pair) -> None:
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        if pair.master.holds() and not pair.backup.holds():
            return
        time.sleep(0.05)


def _takeovers(count: int) -> str:
    return f", {count} takeover(s) of the backup" if count else ""


def _flood(attack: Attack, sent: Sent, busy: float, pair: Pair) -> str:
    if not attack.rate:
        return ""
    lines = pair.machines["a"].log.read_text().count("\n")
    return f" under {sent.rate / 1000:.0f} kpps ({100 * busy / sent.seconds:.0f} % of a core, {lines} lines of log)"


def _processor_time(process: Process | None) -> float:
    """Seconds of user and system time."""
    if process is None:
        return 0.0
    with open(f"/proc/{process.pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


