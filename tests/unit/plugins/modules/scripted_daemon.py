# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fake daemon: a real control socket that gives the answers of a script, one after the other."""

from __future__ import annotations

import json
import socket
import threading
import typing as t
from pathlib import Path

Answer = t.Dict[str, t.Any]


class ScriptedDaemon:
    """Answers each verb with the next line of its script; the last line is repeated."""

    def __init__(self, path: Path, script: t.Mapping[str, t.Sequence[Answer]]) -> None:
        self.path = path
        self.asked: t.List[str] = []
        self._script = {verb: list(answers) for verb, answers in script.items()}
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> ScriptedDaemon:
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(timeout=10)

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rw") as stream:
                request = json.loads(stream.readline())
                self.asked.append(request["verb"])
                stream.write(json.dumps(self.answer(request)) + "\n")

    def answer(self, request: t.Dict[str, t.Any]) -> Answer:
        """To one request."""
        answers = self._script[request["verb"]]
        return answers.pop(0) if len(answers) > 1 else answers[0]
