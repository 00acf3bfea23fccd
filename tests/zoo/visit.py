# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probe every animal of the zoo, all at once, several times; tell what came of it as lines of JSON.

    python -m zoo.visit FOLDER ROUNDS

The servers live in a process of their own, so that the memory measured is that of the probing one.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import threading
import tracemalloc
import typing as t
from pathlib import Path

from mainstay.daemon.reactor import Reactor
from mainstay.model.units import seconds
from mainstay.net.bounded_search import bounded_search
from mainstay.net.check_run import CheckRun
from mainstay.probes.build import probe_tasks
from mainstay.probes.outcome import ProbeOutcome

from .animal import Animal
from .inhabitants import inhabitants
from .servers import Server

Outcomes = t.Dict[str, ProbeOutcome]


def serve_in_child(servers: t.Sequence[Server]) -> int:
    """A child that serves until it is killed; its process id."""
    child = os.fork()
    if child:
        return child
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    signal.pause()
    os._exit(0)


def visit(animals: t.Sequence[Animal], ports: t.Sequence[int]) -> Outcomes:
    """One round: every check at the same time. Each begins in a turn of its own: all in one would be held up by it."""
    reactor = Reactor()
    outcomes: Outcomes = {}
    for animal, port in zip(animals, ports):
        tasks = probe_tasks(animal.check, "127.0.0.1", port, bounded_search)
        CheckRun(reactor, tasks, seconds(animal.deadline), _noted(outcomes, animal.name))
        reactor.call_at(reactor.now(), lambda _now: None)
        reactor.run_once()
    while len(outcomes) < len(animals):
        reactor.run_once()
    reactor.close()
    return outcomes


def _noted(outcomes: Outcomes, name: str) -> t.Callable[[ProbeOutcome], None]:
    def note(outcome: ProbeOutcome) -> None:
        outcomes[name] = outcome

    return note


def main(folder: Path, rounds: int) -> None:
    animals = inhabitants(folder)
    servers = [animal.server() for animal in animals]
    child = serve_in_child(servers)
    ports = [server.port for server in servers]
    try:
        _tell_round(visit(animals, ports))
        # What a round leaves behind shows at once when nothing collects it.
        gc.disable()
        tracemalloc.start()
        for _round in range(rounds - 1):
            _tell_round(visit(animals, ports))
            kept, peak = tracemalloc.get_traced_memory()
            print(json.dumps({"kept": kept, "peak": peak}))
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _tell_round(outcomes: Outcomes) -> None:
    print(json.dumps({"round": {name: _told(outcome) for name, outcome in outcomes.items()}}))


def _told(outcome: ProbeOutcome) -> t.Dict[str, t.Any]:
    verdict = outcome.verdict
    return {"up": verdict.ok, "ran": outcome.ran, "reason": verdict.reason, "notes": "; ".join(verdict.notes)}


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
