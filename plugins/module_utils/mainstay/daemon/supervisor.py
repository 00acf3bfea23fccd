# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The supervisor: one process that reads the configuration, keeps two workers running and answers questions.

Theory of operation. It holds nothing of the kernel's itself and does nothing that can block for long;
adverts and checks go on while it reads files or dies. Everything is a callback of one reactor: signals,
worker channels, the control socket, a few timers.

Start: the configuration is read and validated before anything is touched (status 78 when it is bad). The
lock of the run directory makes sure that it is alone; what a daemon that died left in the kernel and what
no longer stands in the configuration is removed; then both workers are forked. READY=1 goes out when both
run the configuration.

End: the vrrp worker first, so that a peer takes over while we still forward; then the health worker. Each
has a deadline and is killed after it. A worker that did not end in order may have left something behind:
then the supervisor removes it, as `mainstay release` does.
"""

from __future__ import annotations

import os
import signal
import typing as t

from ..model.config import Config, GlobalDefs
from ..model.dump import brief_document
from ..model.problems import ConfigError
from ..model.units import Instant
from ..model.warnings import warnings
from ..net.local_sockets import Peer, SocketPathTaken
from ..version import VERSION
from . import former_timeouts, release
from .check_files import check_file_problems
from .configuration_files import read_configuration
from .control import ControlServer, Reply, Request, open_control, refusal
from .digest import digest_for_later
from .ending import Ending
from .journal import Journal
from .operations import Operations
from .operations_request import Verb
from .pool_memory import VERB as WAS_DOWN, PoolMemory
from .programs.programs import Programs
from .reactor import Reactor
from .reload import Reloader
from .run_directory import RunDirectory, RunDirectoryUnusable
from .signals import Signals
from .state_directory import open_state_directory
from .status import ConfigState, StatusRequest, patience_for, status_head
from .sync_role import SyncRole
from .systemd import ServiceManager
from .worker import DATA_PLANE, SERVED_BY, Arguments, Happening
from .worker_link import AnswerTaken, Happened, WorkerLink
from .worker_process import Role

SUBJECT = "mainstayd"
EXIT_CONFIGURATION = 78
"""EX_CONFIG of sysexits.h; the unit does not restart on it."""
EXIT_FAILURE = 1


def run_daemon(config_path: str, run_path: str, state_path: str, roles: t.Sequence[Role], journal: Journal) -> int:
    """Run until told to end; the exit status. `roles` in the order in which they end."""
    try:
        config = read_configuration(config_path)
    except ConfigError as error:
        for problem in error.problems:
            journal.error(SUBJECT, str(problem))
        journal.error(SUBJECT, f"{config_path} is refused; nothing was started and nothing was touched")
        return EXIT_CONFIGURATION
    try:
        supervisor = Supervisor(config_path, config, RunDirectory(run_path), state_path, roles, journal)
    except (RunDirectoryUnusable, SocketPathTaken) as error:
        journal.error(SUBJECT, str(error))
        return EXIT_FAILURE
    return supervisor.run()


class Supervisor:
    """One run of the daemon."""

    def __init__(
        self,
        config_path: str,
        config: Config,
        directory: RunDirectory,
        state_path: str,
        roles: t.Sequence[Role],
        journal: Journal,
    ) -> None:
        """Raises SocketPathTaken, and RunDirectoryUnusable when the control socket cannot be opened."""
        self._journal = journal
        self._directory = directory
        self._reactor = Reactor()
        self._state = ConfigState(config_path, config)
        self._digest = digest_for_later()
        self._manager = ServiceManager(os.environ)
        self._links = {
            role.name: WorkerLink(role, self._reactor, journal, (directory.lock,), self._confirmed, self._happened)
            for role in roles
        }
        self._operations = Operations(
            self._reactor,
            journal,
            open_state_directory(state_path, journal),
            self._links["vrrp"],
            self._links["lvs"],
            lambda: self._state.config,
        )
        self._memory = PoolMemory()
        self._links["lvs"].remember(WAS_DOWN, {"servers": self._memory.down})
        self._served_by: Arguments = {"engine": None}
        self._links["lvs"].remember(SERVED_BY, self._served_by)
        self._listeners: t.List[Happened] = []
        """Each is called with every Happening of the workers, in order."""
        self._programs = Programs(
            self._reactor, journal, self._publish_results, self._publish_checks, state_path, self._explain
        )
        self._sync = SyncRole(self._links["lvs"].tell)
        self._listeners += [self._programs.happened, self._operations.happened, self._sync.happened]
        self._control = ControlServer(self._reactor, open_control(directory.control_socket), self._serve)
        self._reloader = Reloader(
            self._reactor, journal, self._state, lambda: read_configuration(config_path), host=self
        )
        self._verbs: t.Mapping[str, Verb] = {
            "status": self._status,
            "reload": self._reload,
            "version": self._version,
            **self._operations.verbs,
            "servers": self._servers,
        }
        self._leaving: t.List[Config] = []
        """What was replaced and may still be in the kernel: not every worker has confirmed what came after it, or the
        data plane of before serves in the place of one that is not there."""
        self._ready = False
        self._ending = Ending(self._reactor, self._links.values(), self._ended)

    def run(self) -> int:
        """Until the end in order; the exit status."""
        Signals(
            self._reactor,
            {
                signal.SIGTERM: self._stop,
                signal.SIGINT: self._stop,
                signal.SIGHUP: self._hang_up,
                signal.SIGCHLD: self._reap,
            },
        )
        where = f"{self._state.router_id}, pid {os.getpid()}"
        self._journal.info(SUBJECT, f"version {VERSION} starts on {where}, {self._summary()}")
        self._operations.events.daemon("START", f"version {VERSION} on {where}, {self._summary()}")
        self._remove_leftovers()
        try:
            self.run_configuration(self._state.config)
        except OSError as error:
            self._journal.error(SUBJECT, self._unwritable(error))
            return EXIT_FAILURE
        self._programs.start(self._start_workers)
        self._reactor.run()
        return 0

    def _start_workers(self, now: Instant) -> None:
        """The startup_script has ended; unless we were told to stop meanwhile, begin."""
        if not self._ending.begun:
            for link in self._links.values():
                link.start(now)
            self._pet(now)

    # ---- what a reload needs

    def reload_begins(self, now: Instant) -> None:
        """Tell the service manager, unless it still waits for the start to be over."""
        if self._ready:
            self._manager.reloading(now)

    def run_configuration(self, config: Config) -> None:
        """Hand it to the workers. Raises OSError when running.json cannot be written."""
        replaced = [self._state.config] if self._state.config not in [config, *self._leaving] else []
        self._directory.write_running(config, [*self._leaving, *replaced])
        self._leaving += replaced
        document = brief_document(config)
        self._operations.before_configuration(config)
        for link in self._links.values():
            link.configure(document)
        self._operations.after_configuration(config)
        self._sync.configure(config)
        self._memory.configure(config)
        self._programs.configure(config, self._reactor.now())
        if self._ready:
            self._warn(config)

    def _warn(self, config: Config) -> None:
        """At a start this comes after it: it is much to read, and nobody waits for it."""
        for warning in (*warnings(config), *check_file_problems(config)):
            self._journal.warning(SUBJECT, str(warning))

    def unconfirmed(self) -> t.List[str]:
        """Titles of the workers that do not run yet what they were told last."""
        return [link.role.title for link in self._links.values() if not link.current]

    def ask_data_plane(self, taken: t.Callable[[t.Optional[str]], None]) -> None:
        """Why it does not serve, if so."""
        self._links["lvs"].ask(DATA_PLANE, {}, lambda answer: taken((answer or {}).get("problem")))

    def reload_ends(self, result: t.Mapping[str, t.Any]) -> None:
        """Tell the service manager, unless it still waits for the start to be over, or the end has begun."""
        self._operations.reloaded(result)
        if self._ready and not self._ending.begun:
            self._manager.ready(self._summary())

    # ---- workers

    def _confirmed(self, _now: Instant) -> None:
        """A worker runs what it was told last."""
        if not self.unconfirmed():
            self._links["lvs"].ask(DATA_PLANE, {}, self._note_running)
            if not self._ready:
                self._ready = True
                self._manager.ready(self._summary())
                self._journal.info(SUBJECT, "both workers run the configuration")
                self._warn(self._state.config)
        self._reloader.worker_confirmed()

    def _happened(self, happening: Happening, now: Instant) -> None:
        """A worker tells what happened to an instance, a group, a service or a server."""
        if self._memory.is_news(happening):
            for listener in self._listeners:
                listener(happening, now)

    def _publish_results(self, results: t.Dict[str, t.Any]) -> None:
        """What the trackers found counts in the vrrp worker."""
        self._links["vrrp"].tell("tracked", {"results": results})

    def _publish_checks(self, results: t.Dict[str, t.Any]) -> None:
        """What programs, files and BFD sessions say of real servers counts in the health worker."""
        self._links["lvs"].tell("tracked", {"results": results})

    def _explain(self, instance: str, taken: AnswerTaken) -> t.Callable[[], None]:
        """Ask why it is in its state."""
        return self._links["vrrp"].ask("explain", {"instance": instance}, taken)

    def _note_running(self, answer: t.Optional[Arguments]) -> None:
        """What was leaving has left; a data plane that serves in the place of the configured one has our services.

        Without an answer, or after the next reload has come, another confirmation follows. A full disk is no reason to
        end: what stands there names too much, no harm.
        """
        if answer is None or self.unconfirmed():
            return
        self._served_by["engine"] = answer.get("serving")
        self._leaving = _served_elsewhere(self._state.config, answer.get("serving"))
        try:
            self._directory.write_running(self._state.config, self._leaving)
        except OSError as error:
            self._journal.warning(SUBJECT, self._unwritable(error))

    def _unwritable(self, error: OSError) -> str:
        return f"running.json in {self._directory.path} cannot be written: {error.strerror}"

    def _reap(self, now: Instant) -> None:
        for link in self._links.values():
            status = link.reap(now)
            if status is not None:
                self._ending.reaped(link, status, now)

    def _pet(self, now: Instant) -> None:
        """Only a vrrp worker that breathes keeps the watchdog quiet."""
        if self._manager.watchdog is None:
            return
        if all(link.alive(now) for link in self._links.values() if link.role.punctual):
            self._manager.alive()
        self._reactor.call_at(now + self._manager.watchdog // 4, self._pet)

    # ---- the control socket

    def _serve(self, request: Request, peer: Peer, reply: Reply) -> None:
        verb = self._verbs.get(request["verb"])
        if verb is None:
            reply(refusal(f"unknown verb {request['verb'][:40]!a}; known are {', '.join(self._verbs)}"))
        else:
            verb(request, peer, reply)

    def _status(self, _request: Request, _peer: Peer, reply: Reply) -> None:
        head = {**status_head(self._digest(), self._state), **self._operations.status(), **self._programs.status()}
        StatusRequest(self._reactor, self._links, head, patience_for(self._state.config), self._completing(reply))

    def _servers(self, request: Request, peer: Peer, reply: Reply) -> None:
        self._operations.verbs["servers"](request, peer, self._completing(reply))

    def _completing(self, reply: Reply) -> Reply:
        """The health worker is told only what changes a pool; when a program ran last is known here."""
        return lambda answer: reply(self._programs.with_last_runs(answer))

    def _version(self, _request: Request, _peer: Peer, reply: Reply) -> None:
        reply({"ok": True, "version": VERSION, "digest": self._digest()})

    def _reload(self, _request: Request, peer: Peer, reply: Reply) -> None:
        self._reload_asked(f"pid {peer.pid}, uid {peer.uid}", reply, self._reactor.now())

    def _hang_up(self, now: Instant) -> None:
        self._reload_asked("SIGHUP", lambda _answer: None, now)

    def _reload_asked(self, by: str, reply: Reply, now: Instant) -> None:
        self._journal.info(SUBJECT, f"reload asked for by {by}")
        if self._ending.begun:
            self._journal.warning(SUBJECT, "no reload, mainstayd is stopping")
            reply(refusal("mainstayd is stopping"))
        else:
            self._reloader.request(reply, now)

    # ---- leftovers and the end

    def _remove_leftovers(self) -> None:
        """What a dead daemon held and we shall not hold; what we shall hold is adopted by the workers."""
        try:
            before = self._directory.read_running()
        except (OSError, ValueError, ConfigError) as error:
            self._journal.warning(SUBJECT, f"running.json of the last run is damaged ({error}); nothing is cleaned up")
            return
        other = [config for config in before if config != self._state.config]
        stale = release.holdings(other) - release.holdings([self._state.config]) if other else None
        if stale:
            report = release.remove(stale)
            for sentence in report.removed:
                self._journal.info(SUBJECT, f"left by an earlier run: {sentence}")
            for sentence in report.refused + report.remarks:
                self._journal.warning(SUBJECT, sentence)

    def _stop(self, now: Instant) -> None:
        if self._ending.begun:
            return
        self._journal.info(SUBJECT, "stopping")
        self._manager.stopping()
        self._operations.stop()
        self._programs.stop(now)
        self._ending.begin(now)

    def _ended(self, untidy: bool) -> None:
        self._control.close()
        if untidy:
            report = release.remove(release.holdings([self._state.config, *self._leaving]))
            report.add(former_timeouts.put_back(self._directory.path))
            for sentence in report.sentences():
                self._journal.warning(SUBJECT, f"left by a worker: {sentence}")
        # Nobody waits for the addresses any more; now the programs of the last states may have their time.
        self._programs.finish(self._reactor.now(), self._leave)

    def _leave(self, _now: Instant) -> None:
        self._directory.forget_running()
        self._directory.close()
        self._journal.info(SUBJECT, "stopped")
        self._operations.events.daemon("STOP", "stopped in order")
        self._reactor.stop()

    def _summary(self) -> str:
        config = self._state.config
        return f"{len(config.vrrp_instances)} vrrp_instance(s), {len(config.virtual_servers)} virtual_server(s)"


def _served_elsewhere(config: Config, serving: t.Optional[str]) -> t.List[Config]:
    """The services alone, with the data plane that has them, when that is not the configured one."""
    if serving is None or serving == config.global_defs.data_plane:
        return []
    defs = GlobalDefs(data_plane=serving)
    return [Config(defs, virtual_server_groups=config.virtual_server_groups, virtual_servers=config.virtual_servers)]
