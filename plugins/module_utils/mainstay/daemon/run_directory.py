# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the daemon keeps below its run directory: the lock, the control socket's place, running.json.

The lock is an open file description that the workers inherit: as long as one of them is alive, no second
daemon starts on the same addresses and `release` takes nothing away from it.

running.json says what in the kernel is ours: the running configuration, and until every worker has confirmed it
those that it replaces as well. It is written before the kernel is touched and removed by an end in order. Passwords
and keys are not in it, and nobody else may read it all the same.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import typing as t

from ..model.config import Config
from ..model.dump import config_text, without_secrets
from ..model.load import load_part
from .state_directory import stored

CONTROL_SOCKET = "control.sock"
_LOCK = "lock"
_RUNNING = "running.json"
_LOCK_ATTEMPTS = 10


class RunDirectoryUnusable(Exception):
    """The text says why and what to do."""


class RunDirectoryBusy(RunDirectoryUnusable):
    """A living daemon, or a worker of one, holds the lock."""


class RunDirectory:
    """The folder, locked for this process and its children."""

    def __init__(self, path: str) -> None:
        """Create the folder when it is missing, and lock it. Raises RunDirectoryUnusable."""
        self.path = path
        try:
            os.makedirs(path, mode=0o750, exist_ok=True)
            self.lock = _lock(os.path.join(path, _LOCK))
        except BlockingIOError as error:
            text = f"another mainstayd{_holder(path)} runs on {path}; stop it, or give this one its own --run-dir"
            raise RunDirectoryBusy(text) from error
        except OSError as error:
            raise RunDirectoryUnusable(f"{path} cannot be used as run directory: {error.strerror}") from error

    @property
    def control_socket(self) -> str:
        """Path of the control socket."""
        return os.path.join(self.path, CONTROL_SOCKET)

    def write_running(self, running: Config, leaving: t.Iterable[Config] = ()) -> None:
        """Replace running.json in one step. `leaving`: what not every worker has confirmed to be gone.

        Raises OSError.
        """
        temporary = os.path.join(self.path, f".{_RUNNING}.{os.getpid()}")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write('{"running": ')
            file.writelines(config_text(without_secrets(running)))
            file.write(', "leaving": [')
            for number, one in enumerate(leaving):
                file.write(", " if number else "")
                file.writelines(config_text(without_secrets(one)))
            file.write("]}")
        os.replace(temporary, os.path.join(self.path, _RUNNING))

    def read_running(self) -> t.List[Config]:
        """Configurations whose traces are ours; empty when the last daemon ended in order.

        Raises OSError and ValueError (ConfigError among them, as its cause) when the file cannot be
        understood.
        """
        try:
            with open(os.path.join(self.path, _RUNNING), encoding="utf-8") as file:
                content = stored(file.read())
        except FileNotFoundError:
            return []
        if not isinstance(content, dict):
            raise ValueError(f"{_RUNNING} is no mapping")
        leaving = content.get("leaving")
        if not isinstance(leaving, list):
            raise ValueError(f"{_RUNNING} has no list of what is leaving")
        return [load_part(one) for one in (content.get("running"), *leaving)]

    def forget_running(self) -> None:
        """Nothing in the kernel is ours any more."""
        for name in (_RUNNING, CONTROL_SOCKET):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self.path, name))

    def close(self) -> None:
        """Remove the lock and give it back."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self.path, _LOCK))
        os.close(self.lock)


def _lock(path: str) -> int:
    """A locked descriptor of the file that stands at `path`. Raises BlockingIOError when somebody has it."""
    for _attempt in range(_LOCK_ATTEMPTS):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _stands_at(path, descriptor):
                os.ftruncate(descriptor, 0)
                os.write(descriptor, f"{os.getpid()}\n".encode("ascii"))
                return descriptor
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its last owner removed it between our open and our lock: take the new one
    raise BlockingIOError


def _stands_at(path: str, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _holder(path: str) -> str:
    """ " (pid 123)", as the lock file says, or nothing."""
    with contextlib.suppress(OSError, ValueError), open(os.path.join(path, _LOCK), encoding="ascii") as file:
        return f" (pid {int(file.read(20))})"
    return ""
