# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A daemon as a process of its own, and ways to watch it. Every wait has a deadline and says what it saw."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from mainstay.daemon.client import DaemonUnreachable, request

HERE = Path(__file__).resolve().parent
RUNTIME = HERE.parents[2] / "plugins" / "module_utils"
PATIENCE = 15.0

INSTANCE = {"interface": "eth0", "virtual_router_id": 51, "virtual_ipaddress": ["192.0.2.10/24"]}


def wait_for(what: str, condition: t.Callable[[], t.Any], seconds: float = PATIENCE) -> t.Any:
    """The condition's first true value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"not within {seconds} s: {what}")


class NotifyListener:
    """Stands in for systemd: a datagram socket that remembers."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.setblocking(False)
        self._messages: t.List[str] = []

    def messages(self) -> t.List[str]:
        with contextlib.suppress(BlockingIOError):
            while True:
                self._messages.append(self._socket.recv(4096).decode())
        return self._messages

    def count(self, assignment: str) -> int:
        return sum(assignment in message.split("\n") for message in self.messages())

    def close(self) -> None:
        self._socket.close()


class DaemonProcess:
    """The real supervisor with fake workers."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.config = folder / "mainstay.json"
        self.run_directory = folder / "run"
        self.stderr_path = folder / f"stderr-{len(list(folder.glob('stderr-*')))}"
        self._events = folder / "events"
        arguments = [str(self.config), str(self.run_directory), str(folder / "state"), str(self._events)]
        with self.stderr_path.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "fake_workers_program.py"), *arguments],
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(RUNTIME), **environment},
                stderr=stderr,
                start_new_session=True,
            )

    def stderr(self) -> str:
        return self.stderr_path.read_text()

    def events(self, worker: str = "", event: str = "") -> t.List[t.Dict[str, t.Any]]:
        """What the fakes wrote down, in order."""
        lines = self._events.read_text().splitlines() if self._events.exists() else []
        told = [json.loads(line) for line in lines]
        return [one for one in told if worker in ("", one["worker"]) and event in ("", one["event"])]

    def ask(self, verb: str) -> t.Dict[str, t.Any]:
        return request(verb, str(self.run_directory))

    def status(self) -> t.Dict[str, t.Any]:
        return self.ask("status")

    def wait_until_ready(self) -> DaemonProcess:
        try:
            wait_for("both workers run", lambda: "both workers run the configuration" in self.stderr())
        except AssertionError as error:
            raise AssertionError(f"{error}\nstandard error:\n{self.stderr()}") from error
        return self

    def worker_pid(self, section: str) -> t.Optional[int]:
        with contextlib.suppress(DaemonUnreachable):
            return t.cast("t.Optional[int]", self.status()[section]["pid"])
        return None

    def new_worker(self, section: str, before: t.Optional[int]) -> int:
        """Process id of the worker that took the place of `before`, once it answers."""

        def answering() -> t.Optional[int]:
            answer = self.status()[section]
            fresh = answer["alive"] and answer["pid"] not in (None, before)
            return answer["pid"] if fresh else None

        return int(wait_for(f"a new {section} worker instead of {before}", answering))

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the daemon did not end; standard error:\n{self.stderr()}") from None

    def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return self.wait()

    def end_everything(self) -> None:
        """For after the story: what still runs of this session's processes goes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def write_config(folder: Path, document: t.Mapping[str, t.Any]) -> None:
    (folder / "mainstay.json").write_text(json.dumps(document))


def document(router_id: str = "lb1", **instances: t.Any) -> t.Dict[str, t.Any]:
    return {"global_defs": {"router_id": router_id}, "vrrp_instances": instances or {"VI_1": INSTANCE}}
