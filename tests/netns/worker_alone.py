# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vrrp worker alone in a process, with the daemon's options and control protocol."""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sys
from pathlib import Path

from mainstay.daemon.reactor import Reactor
from mainstay.daemon.vrrp_worker import VrrpWorker
from mainstay.daemon.worker import LogLine
from mainstay.model.load import parse_config
from mainstay.model.problems import ConfigError
from mainstay.net.polling import READABLE


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path)
    parser.add_argument("--run-dir", type=Path)
    options = parser.parse_args()
    Alone(options.config, options.run_dir).run()


class Alone:
    """Reactor, worker, control socket."""

    def __init__(self, config: Path, run_dir: Path) -> None:
        self._config = config
        self._reactor = Reactor()
        self._worker = VrrpWorker(self._reactor, say)
        self._control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path = run_dir / "control.sock"
        path.unlink(missing_ok=True)
        self._control.bind(str(path))
        self._control.listen()

    def run(self) -> None:
        wake, woken = os.pipe()
        os.set_blocking(woken, False)
        signal.set_wakeup_fd(woken)
        signal.signal(signal.SIGTERM, lambda _number, _frame: None)
        self._reactor.watch(wake, READABLE, lambda _ready, _now: self._reactor.stop())
        self._reactor.watch(self._control.fileno(), READABLE, lambda _ready, _now: self._answer())
        self.configure()
        self._reactor.run()
        self._worker.stop(self._reactor.now())

    def configure(self) -> dict[str, object]:
        try:
            config = parse_config(self._config.read_text())
        except ConfigError as error:
            return {"ok": False, "problems": [str(problem) for problem in error.problems]}
        self._worker.configure(config, self._reactor.now())
        return {"ok": True}

    def _answer(self) -> None:
        client, _address = self._control.accept()
        with client, client.makefile("rwb") as lines:
            verb = json.loads(lines.readline())["verb"]
            answer = self.configure() if verb == "reload" else {"vrrp": self._worker.status(self._reactor.now())}
            lines.write(json.dumps(answer).encode() + b"\n")


def say(line: LogLine) -> None:
    print(f"{line.level}: {line.subject}: {line.message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
