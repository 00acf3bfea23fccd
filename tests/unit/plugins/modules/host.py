# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A managed host for the modules: a folder with a configuration, and a daemon on a socket or none."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils.testing import patch_module_args

from .scripted_daemon import Answer, ScriptedDaemon

RELOADED = {"ok": True, "changed": []}


class Result(t.NamedTuple):
    """What a module printed."""

    values: t.Dict[str, t.Any]

    def __getattr__(self, name: str) -> t.Any:
        return self.values[name]

    @property
    def failed(self) -> bool:
        return bool(self.values.get("failed"))


class Host:
    """Runs modules' main() the way Ansible does and reads what they print."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.main_file = folder / "mainstay.json"
        self.conf_d = folder / "conf.d"
        self.socket = folder / "control.sock"
        self.conf_d.mkdir()
        self.main_file.write_text("{}", encoding="utf-8")
        self.warnings: t.List[str] = []
        self._capsys = capsys

    def daemon(self, **script: t.Sequence[Answer]) -> ScriptedDaemon:
        """A daemon on the host; it takes every reload if the script says nothing else."""
        return ScriptedDaemon(self.socket, {"reload": [RELOADED], **script})

    def run(self, module: t.Any, **arguments: t.Any) -> Result:
        """One object's module, with this host's paths."""
        return self.run_plain(module, config=str(self.main_file), run_dir=str(self.folder), **arguments)

    def run_plain(self, module: t.Any, **arguments: t.Any) -> Result:
        """Any module with exactly these arguments."""
        with patch_module_args(arguments), pytest.raises(SystemExit):
            module.main()
        return Result(json.loads(self._capsys.readouterr().out))

    def files(self) -> t.List[str]:
        """Names in conf.d, unfinished ones too."""
        return sorted(path.name for path in self.conf_d.iterdir())

    def content(self, name: str) -> t.Any:
        return json.loads((self.conf_d / name).read_text(encoding="utf-8"))
