# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of auth_hmac that stand in files of their own: read, judged, put in the place of their path.

The model knows no files, so the document is completed before it is loaded; what is wrong with a file is a problem at
the path of the key that names it. The key itself is never part of a message.
"""

from __future__ import annotations

import os
import stat
import typing as t

from ..model.json_text import children
from ..model.problems import ConfigError, Problem
from ..model.text_readers import key_bytes

_PREFIX = "file:"
_MAXIMUM_BYTES = 4096
_LEAST, _MOST = 32, 64


def with_key_files(document: t.Mapping[str, object]) -> t.Mapping[str, object]:
    """The document with the content of every key file in it. Raises ConfigError with every problem."""
    instances = _copied(document.get("vrrp_instances"))
    completed = document if instances is None else {**document, "vrrp_instances": instances}
    problems: t.List[Problem] = []
    for path, entry in _entries(completed):
        text = entry["key"]
        try:
            entry["key"] = f"hex:{_secret(text[len(_PREFIX) :]).hex()}"
        except ValueError as error:
            problems.append(Problem(f"{path}.key", text, str(error)))
    if problems:
        raise ConfigError(problems)
    return completed


def _copied(value: object) -> t.Any:
    """What JSON can hold, as a copy of its own."""
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _entries(document: t.Mapping[str, object]) -> t.Iterator[t.Tuple[str, t.Dict[str, t.Any]]]:
    """Every key that names a file; what has another shape is left to loading, which refuses it."""
    instances = document.get("vrrp_instances")
    for path, instance in children(instances if isinstance(instances, dict) else {}, "vrrp_instances"):
        hmac = instance.get("auth_hmac") if isinstance(instance, dict) else None
        keys = hmac.get("keys") if isinstance(hmac, dict) else None
        for below, entry in children(keys if isinstance(keys, list) else [], f"{path}.auth_hmac.keys"):
            if isinstance(entry, dict) and isinstance(entry.get("key"), str) and entry["key"].startswith(_PREFIX):
                yield below, entry


def _secret(path: str) -> bytes:
    """The key in a file. Raises ValueError with a sentence."""
    if not path.startswith("/"):
        raise ValueError("must name the file by its absolute path: file:/etc/mainstay/hmac.key.")
    try:
        content = secret_content(path)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}.") from error
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError as error:
        raise ValueError("must hold ASCII text, or hex: and its digits.") from error
    secret = key_bytes(text[:-1] if text.endswith("\n") else text)
    if secret is None or not _LEAST <= len(secret) <= _MOST:
        raise ValueError(f"must hold a key of {_LEAST} to {_MOST} bytes on one line: ASCII text, or hex: and digits.")
    return secret


def secret_content(path: str) -> bytes:
    """Of a file that others may not read or change. Raises OSError, and ValueError with a sentence.

    What is judged is what is read: one descriptor for both.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("must be an ordinary file.")
        if found.st_mode & (stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP):
            mode = stat.S_IMODE(found.st_mode)
            raise ValueError(f"has mode {mode:04o}: others may read or change it. 'chmod 0640' it.")
        if found.st_uid not in (0, os.geteuid()):
            raise ValueError("must belong to root.")
        return file.read(_MAXIMUM_BYTES)
