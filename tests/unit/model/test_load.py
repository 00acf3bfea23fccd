# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading: a good document means what it says, a bad one names every fault at its place."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from mainstay.model.config import Config, HttpCheck, TcpCheck, VirtualAddress
from mainstay.model.dump import brief_document, config_document
from mainstay.model.load import load_config, load_part, parse_config
from mainstay.model.options import CHECKS, SECTIONS
from mainstay.model.problems import ConfigError
from mainstay.model.units import seconds

from .model_samples import GOOD, JSON_VALUES, NEEDED, configs, problems_of, with_value

INSTANCE = ("vrrp_instances", "VI_1")
SERVICE = ("virtual_servers", "web")
SERVER = (*SERVICE, "real_servers", 0)
NO_DEFAULT = ("real_servers", "check", "checks", "status_codes", "virtual_addresses")
CHECKED = [{"type": kind, **NEEDED.get(kind, {})} for kind in CHECKS]


def test_the_readme_example_loads() -> None:
    config = load_config(GOOD)

    instance = config.vrrp_instances["VI_1"]
    assert (instance.name, instance.virtual_router_id, instance.priority) == ("VI_1", 51, 150)
    assert instance.advert_int == seconds(1)
    assert instance.virtual_ipaddress == (VirtualAddress("192.0.2.10", 24),)
    web = config.virtual_servers["web"]
    assert (web.address, web.port, web.protocol, web.lb_algo, web.lb_kind) == ("192.0.2.10", 80, "TCP", "wrr", "DR")
    assert web.delay_loop == seconds(2)
    assert [server.checks for server in web.real_servers] == [(HttpCheck(path="/healthz"),), (TcpCheck(),)]


def test_an_empty_document_is_an_empty_configuration() -> None:
    assert load_config({}) == Config()
    assert load_config({"vrrp_instances": None, "global_defs": None}) == Config()


def test_null_means_the_default() -> None:
    assert load_config(with_value((*INSTANCE, "nopreempt"), None)) == load_config(GOOD)


def test_an_address_line_in_the_words_of_keepalived() -> None:
    line = "192.0.2.10/24 dev eth1 label eth1:vip"
    mapping = {"address": "192.0.2.10/24", "dev": "eth1", "label": "eth1:vip"}

    for spelling in (line, mapping):
        config = load_config(with_value((*INSTANCE, "virtual_ipaddress"), [spelling]))
        assert config.vrrp_instances["VI_1"].virtual_ipaddress == (
            VirtualAddress("192.0.2.10", 24, "eth1", "eth1:vip"),
        ), spelling


@pytest.mark.parametrize(
    ("spelt", "meant"),
    [
        (200, ((200, 200),)),
        ("204", ((204, 204),)),
        ("200-299", ((200, 299),)),
        ([200, "300-302"], ((200, 200), (300, 302))),
    ],
)
def test_status_codes_come_as_number_range_or_list(spelt: object, meant: object) -> None:
    config = load_config(with_value((*SERVER, "check"), {"type": "http", "status_code": spelt}))

    (check,) = config.virtual_servers["web"].real_servers[0].checks
    assert isinstance(check, HttpCheck)
    assert check.status_code == meant


BAD = [
    ((*INSTANCE, "virtual_router_id"), 0, "1 to 255"),
    ((*INSTANCE, "virtual_router_id"), 256, "1 to 255"),
    ((*INSTANCE, "virtual_router_id"), "51", "without quotes"),
    ((*INSTANCE, "virtual_router_id"), True, "1 to 255"),
    ((*INSTANCE, "virtual_router_id"), None, "is missing"),
    ((*INSTANCE, "priority"), 0, "1 to 255"),
    ((*INSTANCE, "priority"), 100.5, "whole number"),
    ((*INSTANCE, "advert_int"), 0, "0.01 to 255"),
    ((*INSTANCE, "advert_int"), 256, "0.01 to 255"),
    ((*INSTANCE, "advert_int"), 0.015, "steps of 0.01"),
    ((*INSTANCE, "advert_int"), float("nan"), "0.01 to 255"),
    ((*INSTANCE, "advert_int"), "1", "number of seconds"),
    ((*INSTANCE, "version"), 4, "one of 2, 3"),
    ((*INSTANCE, "vip_lease"), 1.5, "steps of 1"),
    ((*INSTANCE, "nopreempt"), "yes", "true or false"),
    ((*INSTANCE, "interface"), "eth0/../..", "name of a network interface"),
    ((*INSTANCE, "interface"), "..", "name of a network interface"),
    ((*INSTANCE, "interface"), "sixteen-letters-", "1 to 15"),
    ((*INSTANCE, "interface"), "eth0\n", "name of a network interface"),
    ((*INSTANCE, "virtual_ipaddress"), ["192.0.2.1"] * 256, "0 to 255 addresses"),
    ((*INSTANCE, "virtual_ipaddress"), "192.0.2.10/24", "a list of"),
    (("global_defs", "data_plane"), "nft", "one of ipvs, nftables"),
    (("global_defs", "router_id"), "lb\x1b[31m", "printable"),
    ((*SERVICE, "protocol"), "tcp", "Did you mean TCP?"),
    ((*SERVICE, "protocol"), None, "is missing"),
    ((*SERVICE, "lb_algo"), "wrrr", "Did you mean wrr?"),
    ((*SERVICE, "lb_kind"), "TUNNEL", "one of NAT, DR, TUN"),
    ((*SERVICE, "port"), 65536, "0 to 65535"),
    ((*SERVICE, "port"), None, "is missing; it must be a whole number from 1 to 65535, or 0"),
    ((*SERVICE, "address"), "224.0.0.18", "unicast"),
    ((*SERVICE, "address"), "0.0.0.0", "unicast"),
    ((*SERVICE, "address"), "192.0.2.010", "an IPv4 or IPv6 address"),
    ((*SERVICE, "persistence_timeout"), 0.5, "a number of seconds from 0 to 2678400 in steps of 1."),
    ((*SERVER, "weight"), 65536, "0 to 65535"),
    ((*SERVER, "weight"), -1, "0 to 65535"),
    ((*SERVER, "check", "type"), "htpp", "Did you mean http?"),
    ((*SERVER, "check", "status_code"), [200, "300-200"], "from 100 to 599; '300-200' is none"),
    ((*INSTANCE, "virtual_ipaddress", 0), 7, "must be '192.0.2.10/24' or a mapping"),
    ((*INSTANCE, "state"), "master", "one of MASTER, BACKUP. Did you mean MASTER?"),
    ((*INSTANCE, "preempt"), True, "is not an option. It is the default; leave it out."),
    ((*SERVER, "check"), {}, "a mapping with 'type', one of tcp, http,"),
    ((*SERVER, "check"), "http", "a mapping with 'type', one of tcp, http,"),
]


@pytest.mark.parametrize(("path", "value", "said"), BAD)
def test_a_bad_value_is_one_problem_at_its_path(path: t.Sequence[t.Any], value: object, said: str) -> None:
    (problem,) = problems_of(with_value(path, value))

    assert problem.path == spelt(path)
    assert said in problem.message
    assert problem.path in str(problem)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("192.0.2.10/33", "1 to 32"),
        ("192.0.2.10/", "1 to 32"),
        ("2001:db8::10/129", "1 to 128"),
        ("::ffff:192.0.2.10", "write the IPv4 address as such"),
        ("fe80::1%eth0", "the interface does not belong"),
        ("2001:db8::10 label x", "IPv6 address, which has no label"),
        ("2001:db8::10 brd +", "IPv6 address, which has no brd"),
        ("192.0.2.10/24 no_track", "'no_track' is not an option. Leave it out"),
        ("192.0.2.10/24 brd 2001:db8::1", "an IPv4 address, '+'"),
        ("192.0.2.10/24 scope galaxy", "global, site, link, host"),
        ("192.0.2.10/24 preferred_lft -1", "0 to 4294967295"),
        ("192.0.2.10/24 via eth1", "'dev VALUE'"),
        ("192.0.2.10/24 dev", "'dev VALUE'"),
        ("192.0.2.10/24 dev a dev b", "'dev VALUE'"),
        ("192.0.2.10/24 brd + broadcast +", "'dev VALUE'"),
        ("", "an address with its prefix length"),
        ({"address": "192.0.2.10/24", "label": "x" * 16}, "1 to 15"),
        (7, "mapping"),
    ],
)
def test_a_bad_virtual_address_is_refused_where_it_stands(address: object, said: str) -> None:
    (problem,) = problems_of(with_value((*INSTANCE, "virtual_ipaddress"), ["192.0.2.9/24", address]))

    below = ".label" if isinstance(address, dict) else ""
    assert problem.path == f"vrrp_instances.VI_1.virtual_ipaddress[1]{below}"
    assert said in problem.message


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("path", "healthz"),
        ("path", "/a b"),
        ("path", "/x\r\nHost: evil"),
        ("virtualhost", "a/b"),
        ("status_code", "2xx"),
        ("status_code", 99),
        ("status_code", "300-200"),
        ("status_code", []),
        ("status_code", [[200]]),
        ("http_protocol", "2"),
        ("connect_timeout", 0),
        ("retry", -1),
    ],
)
def test_a_bad_check_option_is_one_problem_at_its_path(option: str, value: object) -> None:
    (problem,) = problems_of(with_value((*SERVER, "check"), {"type": "http", option: value}))

    assert problem.path == f"virtual_servers.web.real_servers[0].check.{option}"


def test_a_misspelt_key_gets_a_suggestion_and_a_strange_one_the_list() -> None:
    (near,) = problems_of(with_value((*INSTANCE, "virtual_routerid"), 51))
    (strange,) = problems_of(with_value((*INSTANCE, "colour"), "red"))

    assert near.path == "vrrp_instances.VI_1.virtual_routerid"
    assert "Did you mean virtual_router_id?" in near.message
    assert "Known here: interface, virtual_router_id" in strange.message


def test_a_tcp_check_has_no_path() -> None:
    (problem,) = problems_of(with_value((*SERVER, "check"), {"type": "tcp", "path": "/"}))

    assert problem.path == "virtual_servers.web.real_servers[0].check.path"
    assert "is not an option" in problem.message


def test_every_problem_of_a_document_is_listed_at_once() -> None:
    document = with_value((*INSTANCE, "virtual_router_id"), 300)
    document["vrrp_instances"]["VI_1"]["priorty"] = 5
    document["virtual_servers"]["web"]["real_servers"][1]["port"] = 0
    document["vrrp_instance"] = {}

    assert {problem.path for problem in problems_of(document)} == {
        "vrrp_instances.VI_1.virtual_router_id",
        "vrrp_instances.VI_1.priorty",
        "virtual_servers.web.real_servers[1].port",
        "vrrp_instance",
    }


@pytest.mark.parametrize("name", ["", "a/b", "-x", "VI 1", "x" * 65, "VI_1\n", "\ud800"])
def test_a_name_that_could_escape_its_place_is_refused(name: str) -> None:
    (problem,) = problems_of({"vrrp_instances": {name: GOOD["vrrp_instances"]["VI_1"]}})

    assert "no usable name" in problem.message
    assert problem.path.isprintable()


def test_defaults_of_the_option_table_are_those_of_the_values() -> None:
    bare = load_config(
        {
            "vrrp_instances": {"v": {"interface": "e", "virtual_router_id": 1, "virtual_ipaddress": ["192.0.2.1"]}},
            "track_files": {"load": {"file": "/run/load"}},
            "bfd_instances": {"peer": {"neighbor_ip": "192.0.2.9"}},
            "virtual_servers": {
                "s": {
                    "address": "192.0.2.1",
                    "port": 1,
                    "protocol": "TCP",
                    "real_servers": [{"address": "192.0.2.2", "checks": CHECKED}],
                }
            },
        }
    )
    document = config_document(bare)
    service = document["virtual_servers"]["s"]
    sections = {
        "global_defs": document["global_defs"],
        "vrrp_instance": document["vrrp_instances"]["v"],
        "virtual_server": service,
        "real_server": service["real_servers"][0],
        **{f"{check['type']}_check": check for check in service["real_servers"][0]["checks"]},
    }
    assert {f"{kind}_check" for kind in CHECKS} < set(sections)
    for section, values in sections.items():
        for key, option in SECTIONS[section].items():
            said = section == "virtual_server" and key in ("address", "port", "protocol")
            if not option.required and option.form not in NO_DEFAULT and not said:
                default = list(option.default) if isinstance(option.default, tuple) else option.default
                assert values.get(key) == default, f"{section}.{key}"
    assert load_config(with_value((*SERVER, "check"), {"type": "http", "status_code": "200-299"})) == load_config(
        with_value((*SERVER, "check"), {"type": "http"})
    )


@given(configs())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_every_configuration_survives_the_way_through_its_file(config: Config) -> None:
    text = json.dumps(config_document(config))

    assert parse_config(text) == config


@given(JSON_VALUES)
@settings(max_examples=150, deadline=None)
def test_any_value_is_a_configuration_or_a_config_error(value: t.Any) -> None:
    refused_or_loaded(value)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_any_value_at_any_place_is_loaded_or_a_config_error(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(PLACES))

    refused_or_loaded(with_value(path, data.draw(JSON_VALUES)))


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
@settings(max_examples=150, deadline=None)
def test_any_text_is_a_configuration_or_a_config_error(text: str) -> None:
    try:
        parse_config(text)
    except ConfigError as error:
        assert error.problems


def refused_or_loaded(document: object) -> None:
    problems = problems_of(document)
    for problem in problems:
        str(problem).encode("utf-8")
        json.dumps(problem.document())
    if not problems:
        config = load_config(document)
        assert load_config(config_document(config)) == config
        assert load_part(brief_document(config)) == config


def spelt(path: t.Sequence[t.Union[str, int]]) -> str:
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return text[1:]


def _places(value: object, path: t.Tuple[t.Any, ...] = ()) -> t.Iterator[t.Tuple[t.Any, ...]]:
    if path:
        yield path
    items: t.Iterable[t.Tuple[t.Any, t.Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        yield from _places(item, (*path, key))


PLACES = [
    *_places(GOOD),
    *[("global_defs", key) for key in SECTIONS["global_defs"]],
    *[(*INSTANCE, key) for key in SECTIONS["vrrp_instance"]],
    *[(*SERVICE, key) for key in SECTIONS["virtual_server"]],
    *[(*SERVER, key) for key in SECTIONS["real_server"]],
    *[(*SERVER, "check", key) for key in SECTIONS["http_check"]],
    (*INSTANCE, "virtual_ipaddress", 0),
]
