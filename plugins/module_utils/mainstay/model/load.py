# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a JSON document to a validated Config, or to every problem at once.

Theory of operation. The document is walked beside the option table (walk.py): unknown keys are refused with a
suggestion, each known key is read by the reader of its form (readers.py; nested.py for sections inside sections), a
problem is noted at its path and the walk goes on. If anything was noted, ConfigError carries all of it and there is
no Config. Only then is looked for what spans several options or sections (consistency.py): what a misspelt definition
would be missing for is no news.

null means "not given": the default holds. Ansible writes it for options left out.
"""

from __future__ import annotations

import typing as t

from .config import (
    BfdInstance,
    Config,
    GarpGroup,
    GlobalDefs,
    TrackFile,
    VirtualServer,
    VirtualServerGroup,
    VrrpInstance,
    VrrpScript,
    VrrpSyncGroup,
    VrrpTrackProcess,
)
from .consistency import contradictions
from .json_text import join, parse_json
from .nested import NESTED
from .options import LEFT_OUT, SECTIONS, TOP_KEYS, TOP_LEVEL, TOP_LISTS
from .parts import gathered
from .problems import ConfigError
from .text_readers import NAME
from .walk import Values, Walk

_NAME_RULE = (
    "is no usable name: it takes 1 to 64 of the characters A-Z a-z 0-9 _ . : @ + -, beginning with a letter, "
    "a digit or _."
)
_BUILD: t.Mapping[str, t.Callable[..., t.Any]] = {
    "garp_groups": GarpGroup,
    "vrrp_scripts": VrrpScript,
    "track_files": TrackFile,
    "vrrp_track_processes": VrrpTrackProcess,
    "bfd_instances": BfdInstance,
    "vrrp_sync_groups": VrrpSyncGroup,
    "vrrp_instances": VrrpInstance,
    "virtual_server_groups": VirtualServerGroup,
    "virtual_servers": VirtualServer,
}


def parse_config(text: str) -> Config:
    """The configuration that the JSON text spells. Raises ConfigError with every problem."""
    return load_config(parse_json(text))


def load_config(document: object) -> Config:
    """The configuration that the parsed document (a mapping) means. Raises ConfigError with every problem."""
    config = load_part(document)
    problems = list(contradictions(config))
    if problems:
        raise ConfigError(problems)
    return config


def load_part(document: object) -> Config:
    """As load_config, for some sections of a configuration that was judged as a whole before.

    What they refer to may be missing here, so contradictions are not looked for. Raises ConfigError.
    """
    walk = Walk(NESTED)
    config = _config(walk, document)
    if walk.problems:
        raise ConfigError(walk.problems)
    return config


def _config(walk: Walk, document: object) -> Config:
    """The whole; meaningful only when no problem was noted."""
    if not isinstance(document, t.Mapping):
        walk.note("(file)", document, "must be a mapping with " + ", ".join(TOP_KEYS) + ".")
        return Config()
    walk.refuse_unknown(document, TOP_KEYS, "", LEFT_OUT[""])
    given = document.get("global_defs")
    global_values = walk.section("global_defs", {} if given is None else given, "global_defs")
    statics: Values = {}
    for key in TOP_LISTS:
        walk.option(key, SECTIONS["statics"][key], document.get(key), key, statics)
    named: Values = {key: _named(walk, document, key, build) for key, build in _BUILD.items()}
    return Config(global_defs=GlobalDefs(**(global_values or {})), **{**statics, **named})


def _named(walk: Walk, document: t.Mapping[str, object], key: str, build: t.Callable[..., t.Any]) -> Values:
    """A mapping by name, of the entries that have no problem."""
    entries = document.get(key)
    if entries is None:
        return {}
    if not isinstance(entries, t.Mapping):
        walk.note(key, entries, "must be a mapping: a name, and below it the options.")
        return {}
    loaded = {}
    for name, entry in entries.items():
        values = _named_entry(walk, TOP_LEVEL[key], name, entry, join(key, name))
        if values is not None:
            loaded[name] = build(name=name, **gathered(build, values))
    return loaded


def _named_entry(walk: Walk, section: str, name: object, entry: object, path: str) -> t.Optional[Values]:
    before = len(walk.problems)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        walk.note(path, None, _NAME_RULE)
    values = walk.section(section, entry, path)
    return values if len(walk.problems) == before else None
