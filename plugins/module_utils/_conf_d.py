# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One object in a file of its own beside the others: /etc/mainstay/conf.d/KIND-NAME.json.

Private to this collection. Everything is judged together with all other files by the runtime's own model, so what
is written here is what the daemon takes.
"""

from __future__ import annotations

import json
import os
import tempfile
import typing as t

from .mainstay.model.config import Config
from .mainstay.model.dump import config_document
from .mainstay.model.json_text import parse_json
from .mainstay.model.load import load_config, load_part
from .mainstay.model.merge import merge_documents
from .mainstay.model.problems import ConfigError, Problem

Document = t.Dict[str, t.Any]


class ObjectFile:
    """The file of one object: where it is, what it says, what would be if it said something else."""

    def __init__(self, main_file: str, section: str, name: str) -> None:
        self.main_file = main_file
        self.directory = os.path.join(os.path.dirname(main_file), "conf.d")
        self.section = section
        self.name = name
        # vrrp_instances -> vrrp_instance-VI_1.json
        self.path = os.path.join(self.directory, f"{section[:-1]}-{name}.json")

    def text(self) -> t.Optional[str]:
        """What the file holds; None without a file. Raises OSError."""
        return _read(self.path) if os.path.exists(self.path) else None

    def object(self) -> t.Optional[Document]:
        """The object as the file says it, with its defaults; None without one. Raises OSError."""
        text = self.text()
        if text is None:
            return None
        try:
            return self.resolved(parse_json(text))
        except ConfigError:
            # Nothing of it can be kept, so it counts as different from whatever is wanted. It may hold a secret.
            return {"unreadable": self.path}

    def document(self, options: Document) -> Document:
        """A file's content: the object with nothing around it but its section and name."""
        return {self.section: {self.name: options}}

    def resolved(self, document: object) -> t.Optional[Document]:
        """The object as `document` says it, defaults spelt out. Raises ConfigError.

        What it refers to is in other files, so here it is not asked for; `judged` does.
        """
        found = config_document(load_part(document))[self.section].get(self.name)
        return t.cast("t.Optional[Document]", found)

    def judged(self, document: t.Optional[Document]) -> Config:
        """What all files mean together when this one holds `document`, or is gone. Raises ConfigError, OSError."""
        documents = [(path, parse_json(_read(path))) for path in self._others()]
        if document is not None:
            documents.append((self.path, document))
        merged = merge_documents(documents)
        try:
            return load_config(merged.document)
        except ConfigError as error:
            raise ConfigError([merged.located(problem) for problem in error.problems]) from error

    def elsewhere(self) -> t.Optional[str]:
        """Another file that has an object of this name. Raises ConfigError, OSError."""
        for path in self._others():
            document = parse_json(_read(path))
            section = document.get(self.section) if isinstance(document, dict) else None
            if isinstance(section, dict) and self.name in section:
                return path
        return None

    def put(self, text: t.Optional[str]) -> None:
        """Make the file hold `text`, or remove it for None; complete or not at all. Raises OSError."""
        if text is None:
            os.unlink(self.path)
            return
        # A new file under a name that the daemon does not read, in the same folder, then renamed.
        descriptor, unfinished = tempfile.mkstemp(dir=self.directory, prefix=".")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                # Like the folder's: the group by which the daemon may read.
                os.fchown(descriptor, -1, os.stat(self.directory).st_gid)
                os.fchmod(descriptor, 0o640)
                os.fsync(descriptor)
            os.replace(unfinished, self.path)
        except OSError:
            os.unlink(unfinished)
            raise

    def _others(self) -> t.List[str]:
        """Every file that the daemon reads but this one, in its order."""
        names = sorted(name for name in os.listdir(self.directory) if _is_read(name))
        paths = [os.path.join(self.directory, name) for name in names]
        main = [self.main_file] if os.path.exists(self.main_file) else []
        return main + [path for path in paths if path != self.path]


def file_text(document: Document) -> str:
    """A document as a person reads it in a file."""
    return json.dumps(document, indent=4, sort_keys=True) + "\n"


def sentences(problems: t.Iterable[Problem]) -> str:
    """All problems in one message."""
    return "; ".join(str(problem).rstrip(".") for problem in problems) + "."


def _is_read(name: str) -> bool:
    return name.endswith(".json") and not name.startswith(".")


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()
