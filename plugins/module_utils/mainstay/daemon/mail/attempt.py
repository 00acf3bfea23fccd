# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One attempt to deliver a mail, in a short-lived process of its own.

A resolver that hangs, a server that drips and whatever TLS may do happen there; the supervisor only watches it
(script_run) and ends it after its time. It has no descriptor of ours, no capability and leaves no core.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import typing as t
from dataclasses import asdict, replace

from ...model.config import GlobalDefs
from ...model.units import NANOSECONDS_PER_SECOND, Duration, as_seconds
from ...net.mail_values import Delivery, Letter, MailServer
from .. import scheduling
from ..key_files import secret_content
from ..process import close_all_but
from ..programs.script_run import ScriptResult
from ..programs.script_start import restore_signals
from ..programs.watched_child import Started, fork_watched

_STANDARD = (0, 1, 2)
_FAILED = 1


def server_of(defs: GlobalDefs) -> t.Optional[MailServer]:
    """Where the configuration wants mails to go; None: nowhere. Its password is read when it is needed."""
    if defs.smtp_server is None:
        return None
    return MailServer(
        defs.smtp_server,
        defs.smtp_port,
        defs.smtp_helo_name or os.uname().nodename,
        as_seconds(defs.smtp_connect_timeout),
        defs.smtp_starttls,
        defs.smtp_username,
    )


def hard_limit(server: MailServer) -> Duration:
    """After so long an attempt is ended: its answers are each limited, a resolver and a server that drips are not."""
    return round((4 * server.timeout + 5) * NANOSECONDS_PER_SECOND)


def start_attempt(server: MailServer, password_file: t.Optional[str], letter: Letter) -> Started:
    """Begin. Raises OSError when there is no room for a process."""

    def become(parent: int, output: int, told: int) -> t.NoReturn:
        _become(parent, output, told, lambda: _attempt(server, password_file, letter))

    return fork_watched(become)


def delivery_of(result: ScriptResult, letter: Letter) -> Delivery:
    """What came of it: the child's own word, or how it ended without one."""
    everybody = tuple(range(len(letter.recipients)))
    if not result.good:
        return Delivery(f"the attempt {result.reason}", again=everybody, stuck=True)
    told = json.loads(result.output)
    return Delivery(told["sentence"], tuple(told["again"]), tuple(told["refused"]), told["stuck"])


def _attempt(server: MailServer, password_file: t.Optional[str], letter: Letter) -> Delivery:
    everybody = tuple(range(len(letter.recipients)))
    if password_file is not None:
        try:
            server = replace(server, password=_password(password_file))
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            return Delivery(f"smtp_password_file {password_file}: {why}", again=everybody, stuck=True)
    from ...net.mail_delivery import deliver  # only here: it loads TLS

    scheduling.drop_capabilities()
    return deliver(server, letter)


def _password(path: str) -> str:
    """The first line. Raises OSError, and ValueError with a sentence."""
    line = secret_content(path).split(b"\n", 1)[0].rstrip(b"\r")
    if not line:
        raise ValueError("its first line is empty.")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError("must hold UTF-8 text.") from error


def _become(parent: int, output: int, told: int, work: t.Callable[[], Delivery]) -> t.NoReturn:
    """Never returns into the supervisor's stack, whatever happens."""
    status = _FAILED
    try:
        signal.set_wakeup_fd(-1)
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for number, descriptor in zip(_STANDARD, (null, output, null)):
            os.dup2(descriptor, number)
        close_all_but({told})
        restore_signals()
        scheduling.set_process_name("mainstayd-mail")
        scheduling.die_with_parent(parent)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.write(1, json.dumps(asdict(work())).encode("ascii"))
        status = 0
    except Exception as error:
        # Without it the supervisor would know a status only. No text of the error: it might hold a secret.
        os.write(told, f"failed: {type(error).__name__}".encode("ascii", "replace"))
        raise
    finally:
        os._exit(status)
