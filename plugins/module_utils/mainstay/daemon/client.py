# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a running daemon: what the command line and the modules use. Leaf imports only, modules start fast."""

from __future__ import annotations

import json
import os
import typing as t

from ..net.local_sockets import ask

RUN_DIRECTORY = "/run/mainstay"
_CONTROL_SOCKET = "control.sock"


class DaemonUnreachable(Exception):
    """No answer; the text says why and what to do."""


class DaemonNotRunning(DaemonUnreachable):
    """Nobody listens: it will read its files when it starts."""


def request(
    verb: str, run_directory: str = RUN_DIRECTORY, timeout: float = 10.0, **arguments: t.Any
) -> t.Dict[str, t.Any]:
    """The answer to one verb with its arguments, as the control socket knows them. `timeout` in seconds.

    Raises DaemonUnreachable, and of it DaemonNotRunning when there is none.
    """
    path = os.path.join(run_directory, _CONTROL_SOCKET)
    try:
        answer = json.loads(ask(path, json.dumps({**arguments, "verb": verb}).encode("ascii"), timeout))
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise DaemonNotRunning(
            f"mainstayd is not running (nobody listens on {path}); start it with 'systemctl start mainstay', "
            "look for the reason with 'journalctl -u mainstay -e'"
        ) from error
    except OSError as error:
        raise DaemonUnreachable(_sentence(error, path)) from error
    except ValueError as error:
        raise DaemonUnreachable(f"what listens on {path} is no mainstayd: {error}") from error
    if not isinstance(answer, dict):
        raise DaemonUnreachable(f"what listens on {path} is no mainstayd")
    return answer


def _sentence(error: OSError, path: str) -> str:
    if isinstance(error, PermissionError):
        return f"no permission for {path}; become root or a member of the group mainstay"
    if isinstance(error, TimeoutError):
        return f"mainstayd does not answer on {path} ({error.strerror}); 'systemctl restart mainstay' may mend it"
    return f"mainstayd cannot be asked on {path}: {error.strerror or error}"
