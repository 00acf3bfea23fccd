# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our daemon and a peer that share several virtual routers, told as one: who is master of all of them."""

from __future__ import annotations

import typing as t
from pathlib import Path

from netns.daemons import Daemon
from netns.peers import Manners, Peer
from netns.segment import DEVICE, Node, Segment

from lab.waiting import wait_for

SECONDS = 20.0
"""Four times what the slowest step takes, which is version 2's three seconds of silence and the skew."""
_ADVERTS = 4
"""More than a backup may miss: whoever heard none of these would have taken over."""


class Encounter:
    """Ours on node a, the peer on node b."""

    def __init__(self, node: Node, folder: Path, manners: Manners, peer: Peer, priority: int) -> None:
        self.manners = manners
        self.peer = peer
        self.ours = Daemon(node, folder)
        self.write(priority)

    def write(self, priority: int) -> None:
        """Write our configuration with every instance at this priority."""
        self.ours.write(**{name: one.instance(priority) for name, one in self.manners.items()})

    def kill_ours(self) -> None:
        """Ours dies without a word."""
        self.ours.node.kill_all()

    def await_ours(self, state: str) -> None:
        """All of ours are in this state, and hold their addresses as masters only."""
        wanted = self._all(state, state == "MASTER")
        wait_for(lambda: self._ours() == wanted, SECONDS, f"ours to be {state}", evidence=self.seen)

    def await_peer(self, state: str) -> None:
        """All of the peer's are in this state, and hold their addresses as masters only."""
        wanted = self._all(state, state == "MASTER")
        wait_for(lambda: self._peers() == wanted, SECONDS, f"the peer to be {state}", evidence=self.seen)

    def await_released(self) -> None:
        """Our machine has none of the addresses."""
        held = lambda: [one.address for one in self.manners.values() if self.ours.node.holds(one.address)]  # noqa: E731
        wait_for(lambda: not held(), 5, "the addresses to leave our machine", evidence=lambda: str(held()))

    def settle(self) -> None:
        """Several adverts pass in each virtual router, and nothing changes."""
        before, states = self._adverts(), (self._ours(), self._peers())
        moved = self._transitions()

        def passed() -> bool:
            return all(after >= before[name] + _ADVERTS for name, after in self._adverts().items())

        wait_for(passed, SECONDS, f"{_ADVERTS} adverts of each", evidence=self.seen)
        assert ((self._ours(), self._peers()), self._transitions()) == (states, moved), self.seen()

    def counters(self, *path: str) -> dict[str, t.Any]:
        """One entry of the status of each of ours."""
        found = {name: self.ours.status(name) for name in self.manners}
        for word in path:
            found = {name: one[word] for name, one in found.items()}
        return found

    def assert_content(self) -> None:
        """Neither side found fault with the other."""
        faults: dict[str, dict[str, object]] = {"problems": self.counters("problems")}
        faults["discarded"] = self.counters("counters", "discarded")
        found = [f"{name}: {kind}: {fault}" for kind, all_ in faults.items() for name, fault in all_.items() if fault]
        found += self.peer.complaints()
        assert found == [], "\n".join(found[:10])

    def _all(self, state: str, holds: bool) -> dict[str, tuple[str, bool]]:
        return dict.fromkeys(self.manners, (state, holds))

    def _ours(self) -> dict[str, tuple[str, bool]]:
        status = self.ours.ask("status")["vrrp"]["instances"]
        return {name: (status[name]["state"], self.ours.node.holds(one.address)) for name, one in self.manners.items()}

    def _peers(self) -> dict[str, tuple[str, bool]]:
        return {name: (self.peer.state(name), self.peer.holds(name)) for name in self.manners}

    def _adverts(self) -> dict[str, int]:
        kinds = ("adverts_sent", "adverts_received")
        return {name: sum(one[kind] for kind in kinds) for name, one in self.counters("counters").items()}

    def _transitions(self) -> dict[str, int]:
        return self.counters("transitions")

    def seen(self) -> str:
        """What an engineer wants to see of both."""
        ours = self._ours() if self.ours.answers() else "no answer"
        return f"ours {ours}\npeer {self._peers()}\n{self.ours.evidence()}\n{self.peer.log.read_text()[-3000:]}"


def two_nodes(segment: Segment) -> tuple[Node, Node]:
    """Nodes a and b with an address of each family."""
    nodes = segment.node("a"), segment.node("b")
    for number, node in enumerate(nodes, 1):
        node.ip(f"address add 2001:db8::a:{number}/64 dev {DEVICE} nodad")
    for node in nodes:
        wait_for(lambda node=node: node.link_local and "tentative" not in node.shown(node.link_local), 10, "addresses")
    return nodes
