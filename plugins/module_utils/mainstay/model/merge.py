# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main file and the files of conf.d as one document.

Every file has the same shape. Each named object, each option of global_defs and each list is said by exactly one
file: who said it first is remembered, a second one is a problem that names both, so that no order of files
decides anything.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .json_text import join
from .options import TOP_KEYS, TOP_LEVEL, TOP_LISTS
from .problems import ConfigError, Problem


@dataclass(frozen=True)
class Merged:
    """One document, and which file said what."""

    document: t.Mapping[str, object]
    sources: t.Mapping[str, str]
    """Path of an object or option (vrrp_instances.VI_1) -> name of its file."""

    def located(self, problem: Problem) -> Problem:
        """The same problem, its message naming the file when there are several."""
        if len(set(self.sources.values())) < 2:
            return problem
        for path, source in self.sources.items():
            if problem.path == path or problem.path.startswith((path + ".", path + "[")):
                return Problem(problem.path, problem.value, f"{problem.message} (in {source})")
        return problem


def merge_documents(documents: t.Sequence[t.Tuple[str, object]]) -> Merged:
    """Documents with the name of their file, merged. Raises ConfigError; validates nothing else."""
    merged: t.Dict[str, t.Any] = {}
    sources: t.Dict[str, str] = {}
    problems: t.List[Problem] = []
    for source, document in documents:
        if not isinstance(document, t.Mapping):
            message = "must be a mapping with " + ", ".join(TOP_KEYS) + "."
            problems.append(Problem(f"({source})", document, message))
            continue
        for key, section in document.items():
            problems += _add_section(merged, sources, source, key, section)
    if problems:
        raise ConfigError(problems)
    return Merged(merged, sources)


def _add_section(
    merged: t.Dict[str, t.Any], sources: t.Dict[str, str], source: str, key: str, section: object
) -> t.Iterator[Problem]:
    if section is None:
        return
    if key in TOP_LISTS and key in merged:
        yield Problem(key, None, f"is given in both {sources[key]} and {source}; keep it in one of them.")
        return
    if key not in TOP_LEVEL or not isinstance(section, t.Mapping):
        # Not mergeable; loading refuses it at its path, so it only has to get there.
        sources.setdefault(join("", key), source)
        merged[key] = section
        return
    target = merged.setdefault(key, {})
    if not isinstance(target, dict):
        return  # an earlier file gave a malformed section: loading refuses that one
    for name, entry in section.items():
        path = join(key, name)
        first = sources.setdefault(path, source)
        if name in target:
            yield Problem(path, None, f"is given in both {first} and {source}; keep it in one of them.")
        else:
            target[name] = entry
