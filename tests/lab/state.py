# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a running lab, in one file, so that another process can use and end it.

The file is replaced atomically and changed only under a lock; readers need none.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import typing as t
from pathlib import Path

from lab import spec as specs
from lab.errors import LabError
from lab.processes import Process
from lab.spec import LabSpec
from lab.waiting import wait_for

RUN_DIRECTORY = Path("/run/mainstay-lab")
LOCK_DEADLINE = 300.0  # seconds; starting a lab of User-Mode-Linux guests is what takes longest


@dataclasses.dataclass(frozen=True)
class MachineState:
    """The processes of one booted machine.

    supervisor is systemd-nspawn or unshare, leader process 1 inside, helper the ssh master of a guest.
    """

    supervisor: Process | None = None
    leader: Process | None = None
    helper: Process | None = None

    def processes(self) -> list[Process]:
        """All that are recorded; the leader first, because its death ends everything inside."""
        return [process for process in (self.leader, self.supervisor, self.helper) if process is not None]


@dataclasses.dataclass(frozen=True)
class LabState:
    """One lab: its spec, the base tree it booted from, and its machines by name."""

    spec: LabSpec
    base: Path
    machines: dict[str, MachineState]


class StateStore:
    """The run directory of one lab and the state file in it."""

    def __init__(self, name: str, run_directory: Path = RUN_DIRECTORY) -> None:
        self.name = specs.lab_name(name)
        self.directory = run_directory / name
        self.path = self.directory / "state.json"

    def exists(self) -> bool:
        """Whether a lab of this name was started and not ended."""
        return self.path.exists()

    def read(self) -> LabState:
        """The present state; raises LabError when no such lab runs."""
        try:
            return decode(json.loads(self.path.read_text()))
        except FileNotFoundError:
            raise LabError(
                f"no lab {self.name!r} is running; `python -m lab list` shows those that are"
            ) from None
        except (ValueError, KeyError, TypeError) as error:
            raise LabError(
                f"{self.path} cannot be read ({error}); `python -m lab clean` ends the lab"
            ) from error

    def write(self, state: LabState) -> None:
        """Replace the state file."""
        self.directory.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(encode(state), indent=1))
        new.replace(self.path)

    def record(self, machine: str, state: MachineState) -> None:
        """Replace what is known of one machine."""
        with _locked(self.path.with_suffix(".lock"), f"the state of lab {self.name}"):
            now = self.read()
            self.write(dataclasses.replace(now, machines={**now.machines, machine: state}))

    @contextlib.contextmanager
    def locked(self) -> t.Iterator[None]:
        """Hold the lab: one process at a time starts or ends it."""
        self.directory.parent.mkdir(parents=True, exist_ok=True)
        with _locked(
            self.directory.with_suffix(".lock"), f"lab {self.name}, which another process starts or ends"
        ):
            yield


def names(run_directory: Path = RUN_DIRECTORY) -> list[str]:
    """Every lab with a state file."""
    return sorted(path.parent.name for path in run_directory.glob("*/state.json"))


def encode(state: LabState) -> dict[str, t.Any]:
    """The JSON document; the Ansible connection plugin reads machines.NAME.leader of it."""
    return {
        "spec": specs.dump(state.spec),
        "base": str(state.base),
        "machines": {name: dataclasses.asdict(machine) for name, machine in state.machines.items()},
    }


def decode(document: dict[str, t.Any]) -> LabState:
    """The inverse of encode()."""
    machines = {
        name: MachineState(**{role: Process(**value) if value else None for role, value in roles.items()})
        for name, roles in document["machines"].items()
    }
    return LabState(specs.parse(document["spec"]), Path(document["base"]), machines)


@contextlib.contextmanager
def _locked(path: Path, what: str) -> t.Iterator[None]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        wait_for(lambda: _try_lock(handle), LOCK_DEADLINE, f"{what} (lock {path})")
        yield
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
