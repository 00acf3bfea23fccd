# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every key of every section: it loads, it survives the way through a file, its range is enforced at its path."""

from __future__ import annotations

import json
import typing as t

import pytest

from mainstay.model.dump import brief_document, config_document, config_text
from mainstay.model.load import load_config, load_part
from mainstay.model.options import REFERENCES, SECTIONS, TOP_KEYS, TOP_LEVEL, TOP_LISTS, Option
from mainstay.model.plan import plan

from .complete_sample import COMPLETE, complete
from .model_samples import problems_of

Path = t.Tuple[t.Union[str, int], ...]

INNER = {
    "lvs_sync_daemon": "lvs_sync_daemon",
    "lvs_timeouts": "lvs_timeouts",
    "sorry_server": "sorry_server",
    "group_entries": "group_entry",
    "real_servers": "real_server",
    "urls": "url",
    "endpoints": "endpoint",
    "virtual_addresses": "virtual_address",
    "many_addresses": "virtual_address",
    "unicast_peers": "unicast_peer",
    "authentication": "authentication",
    "auth_hmac": "auth_hmac",
    "hmac_keys": "hmac_key",
    "command": "command",
    **dict.fromkeys(REFERENCES, "track_reference"),
}
OF_NFTABLES = {("virtual_server", "masquerade")}
"""Keys that cannot stand beside what only ip_vs can do."""
SPELT_AS_TEXT = ("sorry_server", "group_entry", "endpoint")
"""Sections that come back in their short spelling."""


def places(section: str, value: t.Any, path: Path) -> t.Iterator[t.Tuple[Path, str, str]]:
    """(path, section, key) of everything said in a section, and of the sections in it."""
    for key, item in value.items():
        yield (*path, key), section, key
        form = SECTIONS[section][key].form
        entries = [((*path, key, index), one) for index, one in enumerate(item)] if isinstance(item, list) else []
        for below, one in entries or [((*path, key), item)]:
            inner = f"{one['type']}_check" if form in ("check", "checks") else INNER.get(form)
            if inner and isinstance(one, dict):
                yield from places(inner, one, below)


def said() -> t.Iterator[t.Tuple[Path, str, str]]:
    for key, section in TOP_LEVEL.items():
        if key == "global_defs":
            yield from places(section, COMPLETE[key], (key,))
        else:
            for name, entry in COMPLETE.get(key, {}).items():
                yield from places(section, entry, (key, name))
    for key in TOP_LISTS:
        yield (key,), "statics", key


SAID = list(said())
RANGED = [
    (path, SECTIONS[section][key])
    for path, section, key in SAID
    if SECTIONS[section][key].minimum is not None and section != "track_reference"
]


def spelt(path: Path) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)[1:]


def put(path: Path, value: object) -> t.Dict[str, t.Any]:
    document = complete()
    at(document, path[:-1])[path[-1]] = value
    return document


def at(document: t.Any, path: Path) -> t.Any:
    for step in path:
        document = document[step]
    return document


def within(said: t.Any, found: t.Any) -> bool:
    """Whether what was said is found, among defaults that were not, in mappings inside lists too."""
    if isinstance(said, dict) and isinstance(found, dict):
        return all(key in found and within(item, found[key]) for key, item in said.items() if item is not None)
    if isinstance(said, list) and isinstance(found, list) and any(isinstance(item, dict) for item in said):
        short = [str(item) for item in found if isinstance(item, str)]
        return len(said) == len(found) and (bool(short) or all(map(within, said, found)))
    return bool(said == found)


def test_the_sample_says_every_key_of_the_model() -> None:
    told = {(section, key) for _path, section, key in SAID}
    known = {(section, key) for section, keys in SECTIONS.items() for key in keys}

    assert known - told == OF_NFTABLES
    assert set(COMPLETE) == set(TOP_KEYS)


def test_a_brief_document_spells_only_what_is_not_as_by_default() -> None:
    servers = [{"address": "10.0.0.1", "check": {"type": "tcp", "retry": 2}}, {"address": "10.0.0.2", "weight": 7}]
    service = {"address": "192.0.2.10", "port": 80, "protocol": "TCP", "real_servers": servers}
    said = {"virtual_servers": {"web": {**service, "quorum": 1, "alpha": False, "delay_loop": 6}}}

    brief = brief_document(load_config(said))

    assert brief["virtual_servers"] == {"web": service}
    assert brief["global_defs"] == {}
    assert load_part(brief) == load_config(said)


def test_every_key_loads_and_comes_back_as_it_was_said() -> None:
    config = load_config(complete())
    document = json.loads(json.dumps(config_document(config)))
    assert json.loads("".join(config_text(config))) == document

    assert load_config(document) == config
    assert load_part(json.loads(json.dumps(brief_document(config)))) == config
    for path, section, key in SAID:
        if section not in SPELT_AS_TEXT and INNER.get(SECTIONS[section][key].form) not in SPELT_AS_TEXT:
            assert within(at(COMPLETE, path), at(document, path)), spelt(path)


def test_no_key_of_the_sample_has_its_default() -> None:
    for path, section, key in SAID:
        value = at(COMPLETE, path)
        option = SECTIONS[section][key]
        if not option.required and (section, key) not in ROUND_THE_DEFAULT:
            assert value != option.default or path in SAID_ELSEWHERE, spelt(path)


# Said once with another value, and once more with the default because a contradiction leaves no choice.
ROUND_THE_DEFAULT = {
    ("auth_hmac", "anti_replay"),
    ("vrrp_instance", "priority"),
    ("vrrp_instance", "strict_mode"),
    # What only ip_vs can do is in the same sample.
    ("global_defs", "data_plane"),
}
SAID_ELSEWHERE = {("vrrp_instances", "VI_U", "nopreempt")}


@pytest.mark.parametrize(("path", "option"), RANGED, ids=[spelt(path) for path, _option in RANGED])
def test_a_number_outside_of_its_range_is_refused_at_its_path(path: Path, option: Option) -> None:
    assert option.minimum is not None and option.maximum is not None
    below = option.minimum - (1 if option.form == "integer" else 0.0000001)
    for value in (below, option.maximum + 1, "7", True):
        told = [one for one in problems_of(put(path, value)) if one.path == spelt(path)]
        assert told, f"{spelt(path)} = {value!r} is taken"
        assert option.expected in told[0].message


@pytest.mark.parametrize("section", [name for name in SECTIONS if name != "statics"])
def test_a_strange_key_is_refused_in_every_section(section: str) -> None:
    path = next(path[:-1] for path, name, _key in SAID if name == section)

    (problem,) = problems_of(put((*path, "colour"), "red"))

    assert problem.path == spelt((*path, "colour"))
    assert "is not an option" in problem.message


def test_every_change_of_a_key_is_in_the_plan() -> None:
    before = load_config(complete())
    document = complete()
    document["vrrp_instances"]["VI_4"]["track_script"] = []
    document["vrrp_instances"]["VI_4"]["smtp_alert"] = None
    document["static_rules"] = []
    document["vrrp_scripts"]["chk_dns"] = {"script": "/usr/local/bin/chk_dns"}
    del document["garp_groups"]

    assert plan(before, load_config(document)).sentences() == [
        "static_rules: changed",
        "garp_group switch1: removed",
        "vrrp_script chk_dns: added",
        "vrrp_instance VI_4: changed track_script, smtp_alert",
    ]
