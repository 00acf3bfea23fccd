# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One machine of a lab, whichever way it is booted.

Theory of operation. Every machine is one pid namespace on the host: systemd-nspawn makes one, and a
User-Mode-Linux kernel is started in one by unshare(1). `supervisor` is the process the lab starts,
`leader` is process 1 of the namespace. So killing is the same for both: SIGKILL to the leader, and the
host's kernel ends everything inside. Freezing is SIGSTOP to every process inside. Both leave nothing
for the machine to notice, let alone to clean up.

What differs (how it is wired, what is started, how a command gets in) is a Platform.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import typing as t

from lab import command, processes
from lab.command import Completed
from lab.errors import LabError
from lab.platform import Place, Platform
from lab.processes import Process
from lab.state import MachineState
from lab.waiting import wait_for

LEADER_DEADLINE = 20.0  # seconds from starting the supervisor to process 1
END_DEADLINE = 15.0  # seconds for killed processes to be gone
CONSOLE_LINES = 15  # how much of the console an error shows
RUN_DEADLINE = 60.0  # seconds a command in a machine may take unless told otherwise

# What a command in a machine sees; nothing of the host's environment.
ENVIRONMENT = (
    "env",
    "-i",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "LANG=C.UTF-8",
    "TERM=xterm",
)


class Machine:
    """What the demo, molecule and the tests use. The state is read from the lab's file at each call, never kept."""

    def __init__(self, place: Place, platform: Platform) -> None:
        self.spec = place.spec
        self._place = place
        self._platform = platform
        self._child: subprocess.Popen[bytes] | None = None

    def create(self) -> None:
        """Wire it and boot it, from the disk it had before if it was killed; returns before it is up."""
        if self._state().processes() and self.running():
            raise LabError(f"machine {self.spec.name} is running already")
        self._platform.plug()
        supervisor = self._start()
        self._record(MachineState(supervisor=supervisor))
        leader = wait_for(
            lambda: self._leader_or_failure(supervisor),
            LEADER_DEADLINE,
            f"the first process of machine {self.spec.name}",
            evidence=self.console_tail,
        )
        self._record(MachineState(supervisor=supervisor, leader=leader))

    def wait_until_up(self) -> None:
        """Return when its services run and run() works."""
        deadline = self._platform.boot_deadline
        if self._platform.needs_helper:
            helper = self._wait(self._platform.start_helper, deadline, "ssh to answer")
            self._record(dataclasses.replace(self._state(), helper=helper))
        self._wait(self._is_up, deadline, "systemd to finish its start")

    def address(self, interface: str) -> str:
        """The first address of an interface, without prefix length."""
        return str(self.spec.interface(interface).addresses[0].ip)

    def run(
        self, argv: t.Sequence[str], deadline: float = RUN_DEADLINE, stdin: str | None = None
    ) -> Completed:
        """Run a command inside as root; raises DeadlinePassed after `deadline` seconds."""
        return command.run(self.entering(argv), deadline, stdin)

    def entering(self, argv: t.Sequence[str], terminal: bool = False) -> list[str]:
        """The host's command line that runs argv inside; raises LabError when the machine is off."""
        return self._platform.enter(self._leader(), [*ENVIRONMENT, *argv], terminal)

    def running(self) -> bool:
        """Whether its first process is there (frozen counts)."""
        leader = self._state().leader
        return leader is not None and leader.alive()

    def freeze(self) -> None:
        """Stop every process inside, as a hypervisor pauses a machine."""
        leader = self._leader()
        signalled: set[Process] = set()
        # What is forked while we go through the list is caught by the next round; stopped processes fork nothing.
        while fresh := set(processes.namespace_members(leader)) - signalled:
            for process in fresh:
                process.signal(signal.SIGSTOP)
            signalled |= fresh

    def thaw(self) -> None:
        """Undo freeze()."""
        for process in processes.namespace_members(self._leader()):
            process.signal(signal.SIGCONT)

    def kill(self) -> None:
        """Power failure: everything inside is gone at once, and so are its network ports. Its disk stays."""
        if not self.running():
            raise LabError(f"machine {self.spec.name} is not running")
        self._end()
        self._record(MachineState())

    def cut(self, interface: str, silent: bool = False) -> None:
        """Pull a cable; `silent` loses the packets and leaves the carrier."""
        name = self.spec.interface(interface).name
        if self._platform.loses_carrier and not silent:
            self._place.network.lose_carrier(self.spec.name, name)
        else:
            self._place.network.block(self.spec.name, name)

    def restore(self, interface: str) -> None:
        """Undo cut()."""
        self._place.network.carry(self.spec.name, self.spec.interface(interface).name)

    def destroy(self) -> None:
        """kill(), and forget it with its disk; for a machine that is already dead too."""
        self._end()
        self._place.disk.remove()
        self._record(MachineState())

    def console_tail(self) -> str:
        """The last lines of its console."""
        console = self._place.console
        lines = console.read_text(errors="replace").splitlines() if console.exists() else []
        return "\n".join(lines[-CONSOLE_LINES:])

    def _start(self) -> Process:
        self._place.console.parent.mkdir(parents=True, exist_ok=True)
        argv = self._platform.command_line()
        with open(self._place.console, "ab") as console:
            self._child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                cwd="/",
                start_new_session=True,
            )
        supervisor = processes.identify(self._child.pid)
        if supervisor is None:
            raise LabError(f"machine {self.spec.name} ended at once:\n{self.console_tail()}")
        return supervisor

    def _leader_or_failure(self, supervisor: Process) -> Process | None:
        self._fail_when_dead(supervisor)
        return processes.namespace_leader(supervisor.pid)

    def _fail_when_dead(self, process: Process) -> None:
        if not process.alive():
            raise LabError(
                f"machine {self.spec.name} died while starting; its console says\n{self.console_tail()}"
            )

    def _wait(self, condition: t.Callable[[], t.Any], deadline: float, what: str) -> t.Any:
        """Wait for something inside, and give up at once when the machine dies."""
        leader = self._leader()

        def checked() -> t.Any:
            self._fail_when_dead(leader)
            return condition()

        what = f"{what} in machine {self.spec.name}"
        return wait_for(checked, deadline, what, evidence=self.console_tail, interval=0.2)

    def _is_up(self) -> bool:
        # A failed unit does not keep the machine from being up: "degraded" is what the tests look at themselves.
        return self.run(["systemctl", "is-system-running"]).stdout.strip() in ("running", "degraded")

    def _end(self) -> None:
        """Kill the processes and unplug the network, in the order a power failure looks like from outside."""
        if self.running():
            for interface in self.spec.interfaces:
                self.cut(interface.name)
        recorded = self._state().processes()
        end_processes(recorded, f"the processes of machine {self.spec.name}", self._reap)
        self._platform.unplug()

    def _reap(self) -> None:
        if self._child is not None:
            self._child.poll()

    def _leader(self) -> Process:
        leader = self._state().leader
        if leader is None or not leader.alive():
            raise LabError(f"machine {self.spec.name} is not running; `python -m lab start` boots it again")
        return leader

    def _state(self) -> MachineState:
        return self._place.store.read().machines.get(self.spec.name, MachineState())

    def _record(self, state: MachineState) -> None:
        self._place.store.record(self.spec.name, state)


def nothing() -> None:
    """No child of ours to reap."""


def end_processes(recorded: t.Sequence[Process], what: str, reap: t.Callable[[], None] = nothing) -> None:
    """SIGKILL the recorded processes, and return when all of them are gone.

    The first one, a machine's leader, gets a moment to take its supervisor along: systemd-nspawn
    removes its own folders then.
    """
    me = os.getpid()

    def gone() -> bool:
        reap()
        return not any(process.alive() for process in recorded)

    for process in recorded[:1]:
        process.signal(signal.SIGKILL)
    try:
        wait_for(gone, 0.5, what, interval=0.01)
    except LabError:
        for process in recorded[1:]:
            if process.pid != me:
                process.signal(signal.SIGKILL)
    wait_for(gone, END_DEADLINE, f"{what} to end", interval=0.02)
