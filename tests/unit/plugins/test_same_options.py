# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Model, argument specs, module documentation and role argument_specs describe the same options, field by field."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from setup import role_specs
from setup.option_text import lines, span, spelt

from ansible_collections.mainstay.ha.plugins.doc_fragments._balancing import ModuleDocFragment as Balancing
from ansible_collections.mainstay.ha.plugins.doc_fragments._object import ModuleDocFragment
from ansible_collections.mainstay.ha.plugins.module_utils._argspec import argument_name, check_spec, object_spec
from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.model.options import (
    CHECKS,
    SECTIONS,
    TOP_KEYS,
    Option,
)
from ansible_collections.mainstay.ha.plugins.modules import ha_check, ipvs_virtual_server, vrrp_instance

CHECKOUT = Path(__file__).resolve().parents[3]
MODULES = {"vrrp_instance": vrrp_instance, "virtual_server": ipvs_virtual_server}
OBJECTS = pytest.mark.parametrize("section", MODULES)

Documented = t.Dict[str, t.Dict[str, t.Any]]


FRAGMENTS = {
    "mainstay.ha._balancing.virtual_server": Balancing.VIRTUAL_SERVER,
    "mainstay.ha._balancing.check": Balancing.CHECK,
}


def documentation(module: t.Any) -> Documented:
    """The options of a module, those of its fragments about balancing among them."""
    document = yaml.safe_load(module.DOCUMENTATION)
    used = set(document["extends_documentation_fragment"]) & set(FRAGMENTS)
    options = dict(document.get("options", {}))
    for name in used:
        options.update(yaml.safe_load(FRAGMENTS[name])["options"])
    return t.cast(Documented, options)


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


@pytest.mark.parametrize(
    ("path", "section"),
    [(("real_servers",), "real_server"), (("real_servers", "check", "urls"), "url")],
    ids=["real_server", "url"],
)
def test_what_is_below_an_option_is_documented_as_the_model_has_it(path: tuple[str, ...], section: str) -> None:
    documented: t.Any = documentation(ipvs_virtual_server)
    spec: t.Any = object_spec("virtual_server")["argument_spec"]
    for key in path:
        documented, spec = documented[key]["suboptions"], spec[key]["options"]
    assert set(documented) == set(spec) == set(SECTIONS[section])
    for key, option in SECTIONS[section].items():
        assert_same(option, documented[key], f"{section}.{key}")
        assert spec[key].get("required", False) == option.required, key
        assert spec[key].get("default") == plain(option.default), key


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

    for section in ("vrrp_instance", "virtual_server"):
        assert list(unsaid(object_spec(section)["argument_spec"])) == []


def documented_checks() -> list[Documented]:
    pool = documentation(ipvs_virtual_server)["real_servers"]["suboptions"]
    several = {key: told["suboptions"] for key, told in pool.items() if key in ("check", "checks")}
    return [several["check"], several["checks"], documentation(ha_check)["check"]["suboptions"]]


@pytest.mark.parametrize("documented", documented_checks(), ids=["check", "checks", "ha_check"])
def test_a_check_is_documented_as_the_model_has_it(documented: Documented) -> None:
    """What differs from type to type cannot be a default or a requirement; it is told in the text."""
    assert set(documented) == set(check_spec()) == {key for options in CHECKS.values() for key in options}
    assert documented["type"]["choices"] == check_spec()["type"]["choices"] == list(CHECKS)
    for kind, options in CHECKS.items():
        for key, option in options.items():
            if key != "type":
                where = f"{kind}_check.{key}"
                assert_tells(option, documented[key], where)
                assert documented[key]["type"] == check_spec()[key]["type"] == option.ansible_type, where
                assert set(option.choices) <= set(documented[key].get("choices", [])), where
                assert "default" not in documented[key] and "default" not in check_spec()[key], where
                told = f"Its default is V({spelt(option.default)})."
                assert option.default is None or told.replace("''", '""') in text_of(documented[key]), where
                assert not option.required or f"Required for checks of type V({kind})" in text_of(documented[key])


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("path", "Only for checks of type V(http), V(https)."),
        ("connect_ip", "Not for checks of type V(misc), V(file), V(bfd)."),
        ("misc_path", "Required for checks of type V(misc), and only for them."),
    ],
)
def test_an_option_tells_which_checks_have_it(key: str, told: str) -> None:
    assert told in text_of(documented_checks()[0][key])


def test_the_parts_of_the_role_that_are_written_are_as_the_model_has_them() -> None:
    text = role_specs.SPECS.read_text(encoding="utf-8")
    assert text == role_specs.page(text), "argument_specs.yml is older than model/options.py: run `make docs`"


@pytest.mark.parametrize("name", role_specs.parts())
def test_a_part_without_a_place_is_an_error(name: str) -> None:
    text = role_specs.SPECS.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match=f"# begin {name}'"):
        role_specs.page(text.replace(f"# begin {name}\n", ""))


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
    for section in ("lvs_sync_daemon", "lvs_timeouts"):
        inner = documented[section]["options"]
        assert set(inner) == set(SECTIONS[section])
        for key, option in SECTIONS[section].items():
            assert_same(option, inner[key], f"mainstay_global_defs.{section}.{key}")


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
        ("mainstay_virtual_server_groups", ["virtual_server_group", "group_entry"]),
    ],
)
def test_the_roles_mappings_by_name_tell_every_option_of_the_model(variable: str, sections: list[str]) -> None:
    expected = [line for section in sections for line in lines(section)]
    told = [line for line in role_options()[variable]["description"] if " (" in line and line.startswith("C(")]
    assert told == expected


@pytest.mark.parametrize("role", ["director", "real_server"])
def test_a_roles_defaults_are_those_that_its_argument_specs_tell(role: str) -> None:
    """Defaults that are computed (by templates or tasks) are told in words, whichever entry point they belong to."""
    folder = CHECKOUT / "roles" / role
    defaults = yaml.safe_load((folder / "defaults/main.yml").read_text(encoding="utf-8"))
    specs = yaml.safe_load((folder / "meta/argument_specs.yml").read_text(encoding="utf-8"))
    told = [
        (name, option) for entry in specs["argument_specs"].values() for name, option in entry["options"].items()
    ]
    assert set(defaults) <= {name for name, _option in told}
    for name, option in told:
        computed = name not in defaults or (isinstance(defaults[name], str) and "{{" in defaults[name])
        if computed:
            assert "By default" in text_of(option), name
        else:
            assert option.get("default") == defaults[name], name
