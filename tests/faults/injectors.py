# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done to a pair, in the same words for both kinds of daemon."""

from __future__ import annotations

import contextlib
import re
import signal
import sys
import time
import typing as t

from netns.attacks import ATTACKS, Scene
from netns.daemons import Daemon
from netns.flood import sender
from netns.segment import DEVICE, VIP, Node

from bench.pair import PRIORITIES, Pair
from lab.network import ip
from lab.processes import Process, identify, kill_at_one_instant

HOGS = 4
JUNK = 40_000


# ---- processes


def main_process(pair: Pair) -> Process:
    process = pair.machines["a"].process
    assert process is not None
    return process


def worker(pair: Pair) -> Process | None:
    """The process that speaks VRRP; None while there is none."""
    one = pair.machines["a"]
    if isinstance(one, Daemon):
        with contextlib.suppress(OSError, ValueError, KeyError):
            pid = one.ask("status")["vrrp"]["pid"]
            return identify(pid) if pid else None
        return None
    children = [process for process in pair.master.processes() if process.pid != main_process(pair).pid]
    return children[0] if children else None


def kill_worker(pair: Pair) -> None:
    victim = worker(pair)
    assert victim is not None
    victim.signal(signal.SIGKILL)


def kill_worker_again_and_again(pair: Pair, seconds: float = 8.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        victim = worker(pair)
        if victim is not None:
            victim.signal(signal.SIGKILL)
        time.sleep(0.05)


def kill_supervisor(pair: Pair) -> None:
    main_process(pair).signal(signal.SIGKILL)


def kill_all(pair: Pair) -> None:
    pair.kill()


def kill_everybody_and_start(pair: Pair) -> None:
    """As two machines that reboot together, without the time that booting takes."""
    kill_at_one_instant(lambda: [*pair.master.processes(), *pair.backup.processes()])
    for node in (pair.master, pair.backup):
        for address in (VIP,):
            node.run("ip", "address", "delete", f"{address}/24", "dev", DEVICE)
    for name in PRIORITIES:
        relaunch(pair, name)


def restart(pair: Pair) -> None:
    pair.stop()
    pair.await_end()
    relaunch(pair, "a")


def end_master(pair: Pair) -> None:
    """Whatever is left of it."""
    pair.master.signal_all(signal.SIGCONT)
    pair.master.signal_all(signal.SIGKILL)
    _await_empty(pair.master)


def relaunch(pair: Pair, name: str) -> None:
    one = pair.machines[name]
    if isinstance(one, Daemon):
        one.launch()
        return
    for file in ("pid", "vrrp"):
        (one.folder / file).unlink(missing_ok=True)
    one.start()


def starve(pair: Pair, seconds: float = 8.0) -> None:
    hogs = [pair.master.start([sys.executable, "-c", "while True: pass"], _log(pair)) for _count in range(HOGS)]
    time.sleep(seconds)
    for hog in hogs:
        hog.signal(signal.SIGKILL)


def hang_up_a_hundred_times(pair: Pair) -> None:
    for _count in range(100):
        main_process(pair).signal(signal.SIGHUP)


# ---- files


def _rewrite(change: t.Callable[[str], str]) -> t.Callable[[Pair], None]:
    """A configuration file that is changed, and a reload."""

    def strike(pair: Pair) -> None:
        file = config_file(pair)
        (file.parent / "good").write_text(file.read_text())
        file.write_text(change(file.read_text()))
        main_process(pair).signal(signal.SIGHUP)

    return strike


def config_file(pair: Pair) -> t.Any:
    one = pair.machines["a"]
    return one.folder / ("mainstay.json" if isinstance(one, Daemon) else "keepalived.conf")


def _impossible(text: str) -> str:
    return re.sub(r'(virtual_router_id"?:?) 51', r"\1 300", text)


def _half(text: str) -> str:
    return text[: len(text) // 2]


impossible_reload = _rewrite(_impossible)
truncated_reload = _rewrite(_half)


def right_file(pair: Pair) -> None:
    file = config_file(pair)
    file.write_text((file.parent / "good").read_text())
    if pair.master.processes():
        main_process(pair).signal(signal.SIGHUP)


# ---- the network


def flap(pair: Pair, seconds: float = 3.0) -> None:
    """Twenty times a second."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pair.cut()
        time.sleep(0.025)
        pair.heal()
        time.sleep(0.025)


def remove_interface(pair: Pair) -> None:
    pair.master.ip(f"link delete {DEVICE}")


def plug(pair: Pair) -> None:
    pair.master.plug()


def remove_address(pair: Pair) -> None:
    pair.master.ip(f"address delete {pair.master.address}/24 dev {DEVICE}")


def add_address(pair: Pair) -> None:
    pair.master.ip(f"address add {pair.master.address}/24 dev {DEVICE}")


def remove_vip(pair: Pair) -> None:
    """keepalived's has the length 24 too."""
    pair.master.ip(f"address delete {VIP}/24 dev {DEVICE}")


def filter_adverts(side: str, hook: str, condition: str) -> t.Callable[[Pair], None]:
    """One machine drops adverts for which nft's condition holds."""

    def strike(pair: Pair) -> None:
        node = getattr(pair, side)
        chain = f"type filter hook {hook} priority 0; ip protocol 112 {condition} drop"
        assert node.run("nft", f"table ip fault {{ chain c {{ {chain}; }}; }}").rc == 0

    return strike


def unfilter(pair: Pair) -> None:
    for node in (pair.master, pair.backup):
        node.run("nft", "delete table ip fault")


def port(nodes: str, *words: str) -> t.Callable[[Pair], None]:
    """Set ports of the bridge."""

    def strike(pair: Pair) -> None:
        for side in nodes.split():
            name = getattr(pair, side).port
            ip(pair.segment.namespace, f"link set {name} type bridge_slave {' '.join(words)}")

    return strike


def move_interface_away(pair: Pair) -> None:
    pair.master.ip(f"link set {DEVICE} netns {pair.segment.namespace}")


def move_interface_back(pair: Pair) -> None:
    ip(pair.segment.namespace, f"link set {DEVICE} netns {pair.master.namespace}")
    add_address(pair)
    pair.master.ip(f"link set {DEVICE} up")


def junk(pair: Pair) -> None:
    attack = next(one for one in ATTACKS if one.id == "A07")
    with sender(pair.segment.node("c")) as out:
        frames = attack.frames(Scene(pair.segment.node("c"), pair.master, pair.backup, 1.0))
        out.send(frames * (JUNK // len(frames)))


def flood_of_notifications(pair: Pair) -> None:
    """More news of links than a socket's buffer takes, while the daemon sleeps; the last removes the address."""
    batch = pair.machines["a"].folder / "batch"
    news = [f"link set lo mtu {mtu}" for mtu in range(20_000, 32_000)]
    batch.write_text("\n".join([*news, f"address delete {VIP}/24 dev {DEVICE}", ""]))
    pair.freeze()
    pair.master.run("ip", "-batch", str(batch))
    pair.thaw()


def nothing(_pair: Pair) -> None:
    """It mends itself."""


# ----


def _await_empty(node: Node) -> None:
    end = time.monotonic() + 10
    while node.processes() and time.monotonic() < end:
        time.sleep(0.02)


def _log(pair: Pair) -> t.Any:
    return pair.machines["a"].folder / "hog"


