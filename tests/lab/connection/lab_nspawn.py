# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connection plugin for the nspawn machines of a lab."""

from __future__ import annotations

import json
import subprocess
import typing as t
from pathlib import Path

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.connection import ConnectionBase
from ansible.utils.display import Display

DOCUMENTATION = r"""
name: lab_nspawn
author: The Mainstay authors
short_description: Run tasks in an nspawn machine of the lab
description:
  - Enters the namespaces of the machine's first process with nsenter(1). Needs root on the controller.
  - The process is looked up in the lab's state file at each task, so that a machine that was killed
    and booted again is found.
extends_documentation_fragment:
  - connection_pipelining
options:
  state:
    description: The lab's state file.
    type: path
    required: true
    vars:
      - name: ansible_lab_state
  machine:
    description: The name of the machine in the lab.
    type: str
    required: true
    vars:
      - name: ansible_lab_machine
"""

display = Display()

ENVIRONMENT = (
    "env",
    "-i",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "USER=root",
    "LANG=C.UTF-8",
)


class Connection(ConnectionBase):
    """nsenter into the machine, once for each command."""

    transport = "lab_nspawn"
    has_pipelining = True

    def _connect(self) -> Connection:
        """Nothing is kept open."""
        self._connected = True
        return self

    def exec_command(
        self, cmd: str, in_data: bytes | None = None, sudoable: bool = True
    ) -> tuple[int, bytes, bytes]:
        """Run a shell command line in the machine."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        display.vvv(f"ENTER {self.get_option('machine')}: {cmd}", host=self.get_option("machine"))
        return self._run(cmd, in_data if in_data is not None else b"")

    def put_file(self, in_path: str, out_path: str) -> None:
        """Write a file of the controller's into the machine."""
        super().put_file(in_path, out_path)
        self._must(f"cat > {self._shell.quote(out_path)}", Path(in_path).read_bytes())

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Read a file of the machine's."""
        super().fetch_file(in_path, out_path)
        Path(out_path).write_bytes(self._must(f"cat {self._shell.quote(in_path)}", b""))

    def close(self) -> None:
        """Nothing is kept open."""
        self._connected = False

    def _must(self, command: str, stdin: bytes) -> bytes:
        rc, stdout, stderr = self._run(command, stdin)
        if rc != 0:
            raise AnsibleError(f"{command} in machine {self.get_option('machine')} failed: {stderr.decode()}")
        return stdout

    def _run(self, command: str, stdin: bytes) -> tuple[int, bytes, bytes]:
        argv = ["nsenter", "--target", str(self._leader()), "--all", *ENVIRONMENT, "/bin/sh", "-c", command]
        done = subprocess.run(argv, input=stdin, capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def _leader(self) -> int:
        """Process id of the machine's first process; raises when the machine is off."""
        machine, path = self.get_option("machine"), Path(self.get_option("state"))
        try:
            leader = json.loads(path.read_text())["machines"][machine]["leader"]
        except (OSError, ValueError, KeyError) as error:
            raise AnsibleConnectionFailure(f"{path} knows no machine {machine}: {error!r}") from error
        if leader is None or _start_time(leader["pid"]) != leader["start_time"]:
            raise AnsibleConnectionFailure(f"machine {machine} is not running")
        return int(leader["pid"])


def _start_time(pid: int) -> t.Optional[int]:
    """When the process with this id started, in clock ticks since boot; None when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return int(text.rpartition(")")[2].split()[19])
