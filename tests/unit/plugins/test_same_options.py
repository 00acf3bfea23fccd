# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Model, argument specs, module documentation and role argument_specs describe the same options, field by field."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.mainstay.ha.plugins.doc_fragments._object import ModuleDocFragment
from ansible_collections.mainstay.ha.plugins.module_utils._argspec import argument_name, check_spec, object_spec
from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.model.options import SECTIONS, TOP_KEYS, Option
from ansible_collections.mainstay.ha.plugins.modules import ha_check, ipvs_virtual_server, vrrp_instance

from .option_text import lines, span

CHECKOUT = Path(__file__).resolve().parents[3]
MODULES = {"vrrp_instance": vrrp_instance, "virtual_server": ipvs_virtual_server}
OBJECTS = pytest.mark.parametrize("section", MODULES)

Documented = t.Dict[str, t.Dict[str, t.Any]]


def documentation(module: t.Any) -> Documented:
    return t.cast(Documented, yaml.safe_load(module.DOCUMENTATION)["options"])


def text_of(documented: t.Mapping[str, t.Any]) -> str:
    description = documented["description"]
    return description if isinstance(description, str) else " ".join(description)


def role_options() -> Documented:
    specs = yaml.safe_load((CHECKOUT / "roles/director/meta/argument_specs.yml").read_text(encoding="utf-8"))
    return t.cast(Documented, specs["argument_specs"]["main"]["options"])


def plain(default: object) -> object:
    return list(default) if isinstance(default, tuple) else default


def assert_tells(option: Option, documented: t.Mapping[str, t.Any], where: str) -> None:
    """The documentation's text has the model's help and range in it."""
    text = text_of(documented)
    assert option.help in text, where
    assert not span(option) or f"From {span(option)}" in text, f"{where}: the text does not say {span(option)!r}"


def assert_same(option: Option, documented: t.Mapping[str, t.Any], where: str) -> None:
    """The documentation of one option says what the model says."""
    assert_tells(option, documented, where)
    assert documented["type"] == option.ansible_type, where
    assert documented.get("elements", "") == option.elements, where
    assert documented.get("default") == plain(option.default), where
    assert documented.get("choices", []) == list(option.choices), where
    assert documented.get("required", False) == option.required, where


@OBJECTS
def test_a_module_documents_exactly_the_models_options(section: str) -> None:
    common = set(yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"])
    named = {argument_name(key) for key in SECTIONS[section]}
    assert set(documentation(MODULES[section])) == named
    assert set(object_spec(section)["argument_spec"]) == named | common
    assert not named & common


@OBJECTS
def test_a_module_documents_each_option_as_the_model_has_it(section: str) -> None:
    documented = documentation(MODULES[section])
    for key, option in SECTIONS[section].items():
        # Of an object that is to be absent nothing is required but its name.
        told = documented[argument_name(key)]
        assert_same(option._replace(required=False), told, f"{section}.{key}")
        needed = "Required when O(state=present)." in text_of(told)
        assert needed == option.required, f"{section}.{key}"


@OBJECTS
def test_an_argument_spec_has_each_option_as_the_model_has_it(section: str) -> None:
    spec = object_spec(section)
    for key, option in SECTIONS[section].items():
        entry = spec["argument_spec"][argument_name(key)]
        assert entry["type"] == option.ansible_type, key
        assert entry.get("elements", "") == option.elements, key
        assert entry.get("default") == plain(option.default), key
        assert entry.get("choices", []) == list(option.choices), key
    assert spec["required_if"] == [
        ("state", "present", [key for key, option in SECTIONS[section].items() if option.required])
    ]


def test_the_common_options_are_documented_as_they_are() -> None:
    documented = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    spec = object_spec("vrrp_instance")["argument_spec"]
    for key, entry in documented.items():
        assert {**entry, "description": None} == {**spec[key], "description": None}, key


def test_a_real_server_is_documented_as_the_model_has_it() -> None:
    documented = documentation(ipvs_virtual_server)["real_servers"]["suboptions"]
    spec = object_spec("virtual_server")["argument_spec"]["real_servers"]["options"]
    assert set(documented) == set(spec) == set(SECTIONS["real_server"])
    for key, option in SECTIONS["real_server"].items():
        assert_same(option, documented[key], f"real_server.{key}")
        assert spec[key].get("required", False) == option.required, key
        assert spec[key].get("default") == option.default, key


@pytest.mark.parametrize(
    ("path", "section"),
    [(("authentication",), "authentication"), (("auth_hmac",), "auth_hmac"), (("auth_hmac", "keys"), "hmac_key")],
    ids=["authentication", "auth_hmac", "keys"],
)
def test_a_mapping_with_a_secret_is_documented_and_kept_secret(path: tuple[str, ...], section: str) -> None:
    documented: t.Any = documentation(vrrp_instance)
    spec: t.Any = object_spec("vrrp_instance")["argument_spec"]
    for key in path:
        documented, spec = documented[key]["suboptions"], spec[key]["options"]
    assert set(documented) == set(spec) == set(SECTIONS[section])
    for key, option in SECTIONS[section].items():
        assert_same(option, documented[key], f"{section}.{key}")
        assert spec[key].get("required", False) == option.required, key
        assert spec[key].get("default") == option.default, key
        assert spec[key].get("no_log", False) == option.secret, key


def test_every_name_that_ansible_takes_for_a_secret_says_whether_it_is_one() -> None:
    def unsaid(spec: t.Mapping[str, t.Any]) -> t.Iterator[str]:
        for key, entry in spec.items():
            if ("key" in key or "pass" in key) and "no_log" not in entry:
                yield key
            yield from unsaid(entry.get("options", {}))

    assert list(unsaid(object_spec("vrrp_instance")["argument_spec"])) == []


def documented_checks() -> list[Documented]:
    pool = documentation(ipvs_virtual_server)["real_servers"]["suboptions"]
    return [pool["check"]["suboptions"], documentation(ha_check)["check"]["suboptions"]]


@pytest.mark.parametrize("documented", documented_checks(), ids=["ipvs_virtual_server", "ha_check"])
def test_a_check_is_documented_as_the_model_has_it(documented: Documented) -> None:
    """A default that depends on the type cannot be a default; it is told in the text."""
    tcp, http = SECTIONS["tcp_check"], SECTIONS["http_check"]
    assert set(documented) == set(check_spec()) == set(tcp) | set(http)
    assert documented["type"]["choices"] == check_spec()["type"]["choices"] == ["tcp", "http"]
    for key in set(documented) - {"type"}:
        option, text = http[key], text_of(documented[key])
        assert_same(option._replace(default=None), documented[key], key)
        assert check_spec()[key]["type"] == option.ansible_type, key
        assert "default" not in check_spec()[key], key
        assert ("Only for checks of type V(http)." in text) == (key not in tcp), key
        assert text.endswith(told_default(tcp.get(key), option)), key


def told_default(tcp: Option | None, http: Option) -> str:
    if http.default is None:
        return ""
    if tcp is None or tcp.default == http.default:
        return f"ts default is V({http.default})."
    return f"ts default is V({tcp.default}) for V(tcp) and V({http.default}) for V(http)."


def test_the_role_declares_a_variable_for_every_section_of_a_file() -> None:
    assert {f"mainstay_{key}" for key in TOP_KEYS} <= set(role_options())


def test_the_roles_lists_are_the_models() -> None:
    for key, option in SECTIONS["statics"].items():
        documented = role_options()[f"mainstay_{key}"]
        assert_same(option._replace(default=()), documented, f"mainstay_{key}")


def test_the_roles_global_defs_are_the_models() -> None:
    documented = role_options()["mainstay_global_defs"]["options"]
    assert set(documented) == set(SECTIONS["global_defs"])
    for key, option in SECTIONS["global_defs"].items():
        assert_same(option, documented[key], f"mainstay_global_defs.{key}")
    daemon = documented["lvs_sync_daemon"]["options"]
    assert set(daemon) == set(SECTIONS["lvs_sync_daemon"])
    for key, option in SECTIONS["lvs_sync_daemon"].items():
        assert_same(option, daemon[key], f"mainstay_global_defs.lvs_sync_daemon.{key}")


@pytest.mark.parametrize(
    ("variable", "sections"),
    [
        (
            "mainstay_vrrp_instances",
            [
                "vrrp_instance",
                "virtual_address",
                "unicast_peer",
                "authentication",
                "auth_hmac",
                "hmac_key",
                "track_reference",
                "command",
            ],
        ),
        ("mainstay_vrrp_sync_groups", ["vrrp_sync_group"]),
        ("mainstay_vrrp_scripts", ["vrrp_script"]),
        ("mainstay_track_files", ["track_file"]),
        ("mainstay_vrrp_track_processes", ["vrrp_track_process"]),
        ("mainstay_bfd_instances", ["bfd_instance"]),
        ("mainstay_garp_groups", ["garp_group"]),
        ("mainstay_virtual_servers", ["virtual_server", "real_server", "tcp_check", "http_check"]),
    ],
)
def test_the_roles_mappings_by_name_tell_every_option_of_the_model(variable: str, sections: list[str]) -> None:
    expected = [line for section in sections for line in lines(section)]
    told = [line for line in role_options()[variable]["description"] if " (" in line and line.startswith("C(")]
    assert told == expected


@pytest.mark.parametrize("role", ["director", "real_server"])
def test_a_roles_defaults_are_those_that_its_argument_specs_tell(role: str) -> None:
    """Defaults that are computed (templates) are told in words."""
    folder = CHECKOUT / "roles" / role
    defaults = yaml.safe_load((folder / "defaults/main.yml").read_text(encoding="utf-8"))
    specs = yaml.safe_load((folder / "meta/argument_specs.yml").read_text(encoding="utf-8"))
    options = specs["argument_specs"]["main"]["options"]
    assert set(defaults) == set(options)
    for name, default in defaults.items():
        if isinstance(default, str) and "{{" in default:
            assert "By default" in text_of(options[name]), name
        else:
            assert options[name].get("default") == default, name
