# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration as files: the main one, and those that the modules own in conf.d beside it."""

from __future__ import annotations

import os
import typing as t

from ..model.config import Config
from ..model.json_text import MAXIMUM_BYTES, parse_json
from ..model.load import load_config
from ..model.merge import merge_documents
from ..model.problems import ConfigError, Problem
from .key_files import with_key_files
from .uncollected import uncollected

_MAXIMUM_FILES = 4096


def read_configuration(path: str, directory: t.Optional[str] = None) -> Config:
    """Read, merge and validate. `directory` is conf.d; None takes the one beside `path`, which need not
    exist.

    Raises ConfigError with every problem of every file; a file that cannot be read is one.
    """
    with uncollected():
        return _read(path, directory)


def _read(path: str, directory: t.Optional[str]) -> Config:
    problems: t.List[Problem] = []
    documents = []
    for name in [path, *_files_of(directory, path, problems)]:
        shown = os.path.basename(name) if name == path else os.path.join("conf.d", os.path.basename(name))
        try:
            documents.append((shown, parse_json(_text(name))))
        except ConfigError as error:
            problems += [_in_file(shown, problem) for problem in error.problems]
    if problems:
        raise ConfigError(problems)
    merged = merge_documents(documents)
    try:
        return load_config(with_key_files(merged.document))
    except ConfigError as error:
        raise ConfigError([merged.located(problem) for problem in error.problems]) from error


def _in_file(shown: str, problem: Problem) -> Problem:
    path = f"({shown})" if problem.path == "(file)" else f"({shown}) {problem.path}"
    return Problem(path, problem.value, problem.message)


def _files_of(directory: t.Optional[str], path: str, problems: t.List[Problem]) -> t.List[str]:
    """The *.json files of conf.d, by name; hidden ones are some editor's or a write under way."""
    folder = directory or os.path.join(os.path.dirname(os.path.abspath(path)), "conf.d")
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".json") and not name.startswith("."))
    except FileNotFoundError:
        if directory is None:
            return []
        problems.append(Problem(f"({folder})", None, "is no folder; create it or leave the option out"))
        return []
    except OSError as error:
        problems.append(Problem(f"({folder})", None, f"cannot be listed: {error.strerror}"))
        return []
    if len(names) > _MAXIMUM_FILES:
        problems.append(Problem(f"({folder})", len(names), f"holds more than {_MAXIMUM_FILES} files"))
        return []
    return [os.path.join(folder, name) for name in names]


def _text(path: str) -> str:
    """The content of one file, which is never read beyond the limit."""
    try:
        with open(path, "rb") as file:
            content = file.read(MAXIMUM_BYTES + 1)
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError([Problem("(file)", None, f"is not UTF-8 text at byte {error.start}")]) from error
    except OSError as error:
        raise ConfigError([Problem("(file)", None, f"cannot be read: {error.strerror}")]) from error
