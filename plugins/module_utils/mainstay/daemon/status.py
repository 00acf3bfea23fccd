# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status answer: what the supervisor knows, and what each worker says within a deadline.

A worker that is dead or stuck is shown as `alive: false` with the last section it gave; the answer never
waits for it longer than the deadline. Meanwhile everything else goes on: workers, signals, other requests.
"""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field

from ..model.config import Config
from ..model.dump import config_digest
from ..model.problems import Problem
from ..model.units import NANOSECONDS_PER_MILLISECOND, Duration
from ..net.polling import Poller
from ..version import VERSION
from .wall_clock import wall_clock
from .worker_link import WorkerLink

PATIENCE = 500 * NANOSECONDS_PER_MILLISECOND
"""So long the answer waits for the workers of a small configuration."""
PATIENCE_PER_SERVER = NANOSECONDS_PER_MILLISECOND // 4
"""So much longer for each real_server: the words about 10,000 of them are 3 MB, and the machine may be busy. With the
largest configuration this stays well below the 10 s that the command line waits."""
LONGEST_PATIENCE = 5000 * NANOSECONDS_PER_MILLISECOND

_EMPTY_SECTIONS: t.Mapping[str, t.Mapping[str, object]] = {
    "vrrp": {"real_time": None, "groups": {}, "instances": {}},
    "lvs": {"data_plane": None, "serving": None, "error": None, "virtual_servers": {}},
}

Answer = t.Callable[[t.Mapping[str, object]], None]


def patience_for(config: Config) -> Duration:
    """How long an answer about this configuration may take the workers."""
    servers = sum(len(service.real_servers) for service in config.virtual_servers.values())
    return min(LONGEST_PATIENCE, PATIENCE + servers * PATIENCE_PER_SERVER)


@dataclass
class ConfigState:
    """What runs, since when, and how the last reload went."""

    path: str
    config: Config
    loaded_at: str = field(default_factory=wall_clock)
    last_reload: t.Optional[t.Dict[str, object]] = None
    _digested: t.Optional[t.Tuple[Config, str]] = None
    """A configuration and its digest: of ten thousand servers it takes a tenth of a second."""

    @property
    def router_id(self) -> str:
        """How this machine is called, for people."""
        return self.config.global_defs.router_id or os.uname().nodename

    def taken(self, config: Config) -> None:
        """A reload brought this."""
        self.config = config
        self.loaded_at = wall_clock()
        self.last_reload = {"ok": True, "at": self.loaded_at, "problems": []}

    def refused(self, problems: t.Sequence[Problem]) -> None:
        """A reload found these and changed nothing."""
        listed = [problem.document() for problem in problems]
        self.last_reload = {"ok": False, "at": wall_clock(), "problems": listed}

    def document(self) -> t.Dict[str, object]:
        """The `config` section of the status."""
        return {
            "path": self.path,
            "digest": f"sha256:{self._digest()}",
            "loaded_at": self.loaded_at,
            "last_reload": self.last_reload,
        }

    def _digest(self) -> str:
        if self._digested is None or self._digested[0] is not self.config:
            self._digested = (self.config, config_digest(self.config))
        return self._digested[1]


class StatusRequest:
    """One status answer in the making."""

    def __init__(
        self,
        poller: Poller,
        links: t.Mapping[str, WorkerLink],
        head: t.Mapping[str, object],
        patience: Duration,
        answer: Answer,
    ) -> None:
        now = poller.now()
        self._poller = poller
        self._links = links
        self._head = head
        self._answer: t.Optional[Answer] = answer
        self._answered: t.Dict[str, t.Optional[int]] = {}
        self._waiting = {name for name, link in links.items() if link.alive(now)}
        self._deadline = poller.call_at(now + patience, lambda _now: self._finish())
        self._cancels = [links[name].ask_status(self._taker(name)) for name in tuple(self._waiting)]
        if not self._waiting:
            self._finish()

    def _taker(self, name: str) -> t.Callable[[t.Optional[t.Dict[str, t.Any]]], None]:
        def taken(section: t.Optional[t.Dict[str, t.Any]]) -> None:
            self._waiting.discard(name)
            if section is not None:
                self._answered[name] = self._links[name].pid
            if not self._waiting:
                self._finish()

        return taken

    def _finish(self) -> None:
        answer, self._answer = self._answer, None
        if answer is None:
            return
        self._deadline.cancel()
        for cancel in self._cancels:
            cancel()
        now = self._poller.now()
        sections = {name: self._section(name, link) for name, link in self._links.items()}
        answer({"as_of": now, **self._head, **sections})

    def _section(self, name: str, link: WorkerLink) -> t.Dict[str, object]:
        section = {**_EMPTY_SECTIONS.get(name, {}), **link.section}
        if link.role.punctual:
            section["real_time"] = link.real_time
        # One that answered and died since is another process by now. The section may be its last: it is no proof.
        alive = link.pid is not None and self._answered.get(name) == link.pid
        return {**section, "alive": alive, "pid": link.pid, "as_of": link.as_of}


def status_head(digest: str, state: ConfigState) -> t.Dict[str, object]:
    """What the supervisor knows by itself."""
    return {
        "version": VERSION,
        "digest": digest,
        "pid": os.getpid(),
        "router_id": state.router_id,
        "config": state.document(),
    }
