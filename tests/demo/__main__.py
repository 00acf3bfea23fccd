# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the demo: `make demo`, `make demo DATA_PLANE=ipvs`, `make demo KEEP=1`."""

from __future__ import annotations

import os
import sys
import time
import typing as t
from pathlib import Path

from demo import collection, scenes
from demo.directors import NAMES
from demo.promises import Ledger
from demo.services import SERVICES
from demo.site import Site
from lab import topology
from lab.errors import LabError
from lab.lab import Lab
from lab.spec import Kind

LAB = "demo"
EXAMPLES = Path("examples")  # the README's first example
INVENTORIES = {
    "ipvs": (EXAMPLES / "inventory.yml",),
    "nftables": (EXAMPLES / "inventory.yml", EXAMPLES / "nftables.yml"),
}
CABLE = "a cable of the active director is pulled (eth1, one of its two)"
BEGIN = time.monotonic()


def say(line: str = "") -> None:
    print(line, flush=True)


def headline(text: str) -> None:
    elapsed = int(time.monotonic() - BEGIN)
    say(f"\n== [{elapsed // 60:02d}:{elapsed % 60:02d}] {text}")


def host_has_ipvs() -> bool:
    """Whether machines on the host's kernel could use ip_vs: it is loaded or a module can be."""
    release = os.uname().release
    modules = Path("/lib/modules", release)
    return Path("/proc/net/ip_vs").exists() or any(modules.glob("kernel/net/netfilter/ipvs/ip_vs.ko*"))


def choose_plane(asked: str) -> tuple[str, Kind]:
    """(data plane, how the directors boot), said aloud."""
    if asked not in ("", "ipvs", "nftables"):
        raise LabError(f"DATA_PLANE={asked}: must be ipvs or nftables")
    if host_has_ipvs():
        return asked or "ipvs", Kind.NSPAWN
    if asked == "ipvs":
        say("This kernel has no ip_vs: the directors boot under User-Mode-Linux, whose kernel has it. Expect minutes.")
        return "ipvs", Kind.UML
    say("This kernel has no ip_vs: the data plane is nftables. `make demo DATA_PLANE=ipvs` shows ip_vs as well.")
    return "nftables", Kind.NSPAWN


def roll_out(site: Site, ledger: Ledger) -> bool:
    """Converge, then converge again."""
    headline("web servers: ansible-playbook tests/demo/web.yml")
    prepared = site.play("tests/demo/web.yml", show=_indented)
    headline("ansible-playbook playbooks/site.yml")
    first = site.play("playbooks/site.yml", show=_indented)
    ledger.check("the playbook converges", prepared.good and first.good, first.changes())
    if not first.good:
        return False
    headline("the same once more")
    second = site.play("playbooks/site.yml", show=_nothing)
    ledger.check("a second run changes nothing", second.unchanged, second.changes())
    if not second.unchanged:
        say(second.output)
    return True


SCENES: t.Sequence[tuple[str, t.Callable[[scenes.Stage], None]]] = (
    ("elections and checks come to rest", scenes.come_to_rest),
    ("traffic with everything up", scenes.everything_up),
    ("a real server stops at work", scenes.real_server_stopped),
    ("it stops again, drained first: mainstay drain --wait", scenes.real_server_drained),
    (CABLE, scenes.cable_pulled),
    ("the active director dies (SIGKILL of the whole machine)", scenes.active_director_killed),
    ("the director comes back", scenes.director_back),
)


def play_scenes(stage: scenes.Stage, kind: Kind) -> None:
    for title, scene in SCENES:
        headline(title)
        if title == CABLE and kind is Kind.UML:
            say("  left out: a User-Mode-Linux machine keeps its carrier whatever happens to its cable (docs/lab.md)")
            continue
        scene(stage)


def print_table(rows: t.Sequence[scenes.Row]) -> None:
    headline("what the client saw")
    say(f"  {'scene':<18}{'service':<12}{'answers':<26}{'failed':>10}{'longest gap':>14}")
    for row in rows:
        answers = ", ".join(f"{server} {count}" for server, count in sorted(row.report.answers.items()))
        failed = f"{len(row.report.failures)}/{len(row.report.requests)}"
        say(f"  {row.scene:<18}{row.service:<12}{answers:<26}{failed:>10}{row.report.longest_gap():>12.2f} s")


def print_status(lab: Lab) -> None:
    for name in NAMES:
        headline(f"{name}: mainstay status")
        if lab.machine(name).running():
            say(lab.machine(name).run(["mainstay", "status"]).stdout)


def say_goodbye(lab: Lab, keep: bool) -> None:
    if keep:
        say("\nThe lab is left running. Log in, look around, end it:")
        say(f"  PYTHONPATH=tests .venv/bin/python -m lab shell {LAB} director1")
        say("  make clean-lab")
    else:
        lab.end()
        say("\nThe lab is gone; `make demo KEEP=1` leaves it running to look around.")
    say("Where to look next: README.md, examples/, docs/architecture.md.")


def run(asked_plane: str, keep: bool) -> int:
    plane, kind = choose_plane(asked_plane)
    ledger = Ledger(say)
    headline("the collection is built and installed from its archive")
    collections = collection.install(Path(sys.executable).with_name("ansible-galaxy"))
    headline(f"five machines: two directors ({kind.value}), two web servers, one client")
    lab = Lab.start(LAB, topology.named("five", kind), report=lambda line: say(f"  {line}"))
    try:
        site = Site(lab, collections, INVENTORIES[plane])
        patience = scenes.UML_PATIENCE if kind is Kind.UML else 1.0
        stage = scenes.Stage(lab, SERVICES[plane], ledger, say, patience, [])
        if roll_out(site, ledger):
            try:
                play_scenes(stage, kind)
            except LabError as error:
                ledger.check("the scene plays to its end", False, str(error))
            print_table(stage.rows)
            print_status(lab)
    except BaseException:
        lab.end()
        raise
    say_goodbye(lab, keep)
    return verdict(ledger)


def verdict(ledger: Ledger) -> int:
    headline("verdict")
    for promise in ledger.broken:
        say(f"  FAIL  {promise.text}: {promise.seen}")
    held = len(ledger.promises) - len(ledger.broken)
    say(f"  {held} of {len(ledger.promises)} promises held")
    return 1 if ledger.broken else 0


def _indented(line: str) -> None:
    say(f"  {line}")


def _nothing(line: str) -> None:
    """Show nothing: the second run is shown only when it changed something."""


def main() -> int:
    try:
        return run(os.environ.get("DATA_PLANE", ""), os.environ.get("KEEP", "") not in ("", "0"))
    except (LabError, collection.BuildFailed) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
