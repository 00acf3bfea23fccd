# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fork and execute one program: what the child sheds, and who it becomes.

What fails in the child before the program runs comes back as a sentence through a pipe that a successful exec closes;
nobody waits for it: it is read when the child has ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import signal
import typing as t

from .script_identity import Identity
from .script_security import Walked
from .watched_child import Started, fork_watched

_LIBC = ctypes.CDLL(None, use_errno=True)
"""Looked up before any fork: the child should do little."""
_PR_SET_PDEATHSIG = 1
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_OPEN_FILES = 1024
_PROCESSES = 1024
"""Of the user altogether: bounds a fork bomb, which the unit's TasksMax bounds as well."""
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
_SHELL = "/bin/sh"
CANNOT_EXECUTE = 127


def start(walked: Walked, argv: t.Sequence[str], identity: Identity, null: int) -> Started:
    """Run the program. `null`: a descriptor of /dev/null. Raises OSError when there is no room for it."""

    def become(parent: int, output: int, told: int) -> t.NoReturn:
        _become(walked, argv, identity, parent, null, output, told)

    return fork_watched(become)


def _become(
    walked: Walked, argv: t.Sequence[str], identity: Identity, parent: int, null: int, output: int, told: int
) -> t.NoReturn:
    """Never returns into the supervisor's stack, whatever happens."""
    doing = "prepare"
    try:
        signal.set_wakeup_fd(-1)
        os.setsid()
        for number, descriptor in ((0, null), (1, output), (2, output)):
            os.dup2(descriptor, number)
        _keep_no_descriptors()
        _shed_privileges_of_the_service()
        doing = f"become {identity.user} (the service needs CAP_SETUID, CAP_SETGID and CAP_KILL for that)"
        _change_user(identity)
        doing = "prepare"
        _die_with(parent)
        restore_signals()
        doing = "execute"
        _execute(walked, list(argv), _environment(identity))
    except (OSError, ValueError) as error:  # ValueError: a NUL in an argument
        why = error.strerror if isinstance(error, OSError) else str(error)
        os.write(told, f"cannot {doing}: {why}".encode("utf-8", "replace"))
    finally:
        os._exit(CANNOT_EXECUTE)


def _keep_no_descriptors() -> None:
    """Ours close themselves; what the daemon was started with may not."""
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the folder's own
            if int(name) > 2:
                os.set_inheritable(int(name), False)


def _shed_privileges_of_the_service() -> None:
    """Priority, memory protection and capabilities belong to the daemon alone."""
    os.umask(0o077)
    os.chdir("/")
    with contextlib.suppress(PermissionError):  # an ordinary user may not leave a priority that was forced on him
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, 0)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("0")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for limit, most in ((resource.RLIMIT_NOFILE, _OPEN_FILES), (resource.RLIMIT_NPROC, _PROCESSES)):
        _lower(limit, most)
    _LIBC.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)


def _lower(limit: int, most: int) -> None:
    present = [most if value == resource.RLIM_INFINITY else value for value in resource.getrlimit(limit)]
    resource.setrlimit(limit, (min(present[0], most), min(present[1], most)))


def _change_user(identity: Identity) -> None:
    if identity.is_ours:
        return
    os.setgroups(identity.groups)
    os.setresgid(identity.gid, identity.gid, identity.gid)
    os.setresuid(identity.uid, identity.uid, identity.uid)


def _die_with(parent: int) -> None:
    """After the change of user, which forgets it."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(CANNOT_EXECUTE)


def restore_signals() -> None:
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if number in _IGNORED_BY_PYTHON or callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _execute(walked: Walked, argv: t.List[str], environment: t.Dict[str, str]) -> None:
    """By the proven path; a file without #! goes through sh, as every shell does it."""
    if not os.path.samestat(os.stat(walked.path), os.fstat(walked.descriptor)):
        raise OSError(0, f"{walked.path} was replaced while it was looked at")
    try:
        os.execve(walked.path, argv, environment)  # noqa: S606 - no shell is the point
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
    os.execve(_SHELL, [_SHELL, walked.path, *argv[1:]], environment)  # noqa: S606


def _environment(identity: Identity) -> t.Dict[str, str]:
    return {
        "PATH": _SEARCH_PATH,
        "HOME": identity.home,
        "USER": identity.user,
        "LOGNAME": identity.user,
        "SHELL": _SHELL,
        "LANG": "C.UTF-8",
    }
