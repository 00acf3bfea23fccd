# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How values of VRRP are written: short spellings, what is refused with which words, secrets that stay secret."""

from __future__ import annotations

import json
import typing as t

import pytest

from mainstay.model.commands import Command
from mainstay.model.config import VirtualAddress
from mainstay.model.dump import HIDDEN, config_document, hide_secrets, without_secrets
from mainstay.model.load import load_config, load_part
from mainstay.model.options import LEFT_OUT, SECTIONS, TOP_LEVEL
from mainstay.model.tracking import TrackReference
from mainstay.model.units import seconds
from mainstay.model.vrrp_config import HmacKey, UnicastPeer

from .complete_sample import complete
from .model_samples import problems_of

INSTANCE = {"interface": "eth0", "virtual_router_id": 51, "virtual_ipaddress": ["192.0.2.10/24"]}
SECRET = "correct horse battery staple 0123456789"


def with_instance(**changes: t.Any) -> t.Dict[str, t.Any]:
    return {
        "vrrp_scripts": {"chk": {"script": "/usr/local/bin/chk"}},
        "vrrp_instances": {"VI_1": {**INSTANCE, **changes}},
    }


def loaded(**changes: t.Any) -> t.Any:
    return load_config(with_instance(**changes)).vrrp_instances["VI_1"]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("eth1", TrackReference("eth1")),
        ("eth1 weight -20", TrackReference("eth1", -20)),
        ("eth1 weight 5 reverse", TrackReference("eth1", 5, True)),
        ("eth1 noreverse", TrackReference("eth1", None, False)),
        ({"name": "eth1", "weight": 0}, TrackReference("eth1", 0)),
    ],
)
def test_a_reference_is_text_or_a_mapping(text: object, meant: TrackReference) -> None:
    assert loaded(track_interface=[text]).tracking.track_interface == (meant,)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("eth1 weight", "'weight VALUE'"),
        ("eth1 weight x", "a whole number from -253 to 253"),
        ("eth1 weight 254", "-253 to 253"),
        ("eth1 wait 5", "must read 'NAME'"),
        ("eth1 reverse noreverse", "must read 'NAME'"),
        ("", "name of a network interface"),
        (7, "must be a mapping of options"),
    ],
)
def test_a_bad_reference_is_refused_where_it_stands(text: object, said: str) -> None:
    (problem,) = problems_of(with_instance(track_interface=["eth2", text]))

    assert problem.path == "vrrp_instances.VI_1.track_interface[1]"
    assert said in problem.message


@pytest.mark.parametrize(
    ("spelt", "meant"),
    [
        ("/bin/x", Command(("/bin/x",))),
        ("/bin/x 'two words' $HOME | cat", Command(("/bin/x", "two words", "$HOME", "|", "cat"))),
        ({"command": "/bin/x a", "user": "nobody"}, Command(("/bin/x", "a"), "nobody")),
    ],
)
def test_a_command_is_split_as_a_shell_would_and_nothing_more(spelt: object, meant: Command) -> None:
    assert loaded(notify_master=spelt).notifications.notify_master == meant


@pytest.mark.parametrize(
    ("spelt", "path", "said"),
    [
        ("x.sh", "", "absolute path"),
        ("", "", "absolute path"),
        ("/bin/x 'open", "", "a quotation mark has no partner"),
        ("/bin/x\n/bin/y", "", "absolute path with its arguments"),
        (["/bin/x"], "", "a mapping of options"),
        ({"command": "/bin/x", "user": "a b"}, ".user", "the name of an object"),
        ({"user": "nobody"}, ".command", "is missing"),
    ],
)
def test_a_bad_command_is_refused(spelt: object, path: str, said: str) -> None:
    (problem,) = problems_of(with_instance(notify=spelt))

    assert problem.path == f"vrrp_instances.VI_1.notify{path}"
    assert said in problem.message


def test_peers_and_addresses_in_keepalived_s_words() -> None:
    instance = loaded(
        virtual_ipaddress=["192.0.2.10/24 broadcast + scope 253 label eth0:1 preferred_lft forever"],
        unicast_peer=["192.0.2.2", "192.0.2.3 min_ttl 254"],
    )

    forever = seconds(4294967295)
    assert instance.virtual_ipaddress == (VirtualAddress("192.0.2.10", 24, None, "eth0:1", "+", "253", forever),)
    assert instance.unicast_peer == (UnicastPeer("192.0.2.2"), UnicastPeer("192.0.2.3", 254))


def test_ipv6_addresses_become_canonical() -> None:
    instance = loaded(virtual_ipaddress=["FE80:0::51/64", "2001:DB8::0:1"])

    assert [one.address for one in instance.virtual_ipaddress] == ["fe80::51", "2001:db8::1"]
    assert [one.prefix_length for one in instance.virtual_ipaddress] == [64, 128]
    assert instance.family == 6


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("mcast_dst_ip", "192.0.2.1", "multicast"),
        ("mcast_dst_ip", "ff05::12", "link-local scope"),
        ("virtual_routes", ["203.0.113.0/24 via"], "[0] ('203.0.113.0/24 via'): via needs a value"),
        ("virtual_routes", [7], "[0] is no text"),
        ("virtual_rules", ["from 192.0.2.0/24 table 100"], "names no priority"),
        ("auth_hmac", "key", "mapping"),
        ("authentication", {"auth_type": "AH", "auth_pass": "x"}, "cannot be AH"),
        ("auth_type", "PASS", "Write them below authentication"),
    ],
)
def test_a_bad_value_says_what_is_allowed(key: str, value: object, said: str) -> None:
    (problem,) = problems_of(with_instance(**{key: value}))

    assert problem.path.startswith(f"vrrp_instances.VI_1.{key}")
    assert said in problem.message


def test_every_word_left_out_has_a_sentence_and_is_no_option() -> None:
    for section, words in LEFT_OUT.items():
        known = SECTIONS.get(section, {**TOP_LEVEL, **SECTIONS["statics"]})
        for word, sentence in words.items():
            assert word not in known, f"{section}.{word} is an option"
            assert sentence[0].isupper() and sentence.endswith("."), f"{section}.{word}: {sentence}"


@pytest.mark.parametrize(
    ("document", "path", "said"),
    [
        ({"global_defs": {"enable_script_security": True}}, "global_defs.enable_script_security", "Always on"),
        ({"vrrp_script": {}}, "vrrp_script", "Did you mean vrrp_scripts?"),
        ({"net_namespace": "x"}, "net_namespace", "--run-dir"),
        (with_instance(no_accept=True), "vrrp_instances.VI_1.no_accept", "Write accept: false."),
        (with_instance(unicast_fault_no_peer=True), "vrrp_instances.VI_1.unicast_fault_no_peer", "no way from unicast"),
    ],
)
def test_a_word_of_keepalived_that_has_no_place_is_answered(document: object, path: str, said: str) -> None:
    (problem,) = problems_of(document)

    assert problem.path == path
    assert said in problem.message


# ---- secrets

KEY_PATHS = ("authentication.auth_pass", "auth_hmac.keys[0].key")


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2, "authentication": {"auth_type": "PASS", "auth_pass": SECRET}},
        {"version": 2, "authentication": SECRET},
        {"auth_hmac": {"keys": [{"id": 1, "key": SECRET * 2}], "active_key": 1}},
        {"auth_hmac": {"keys": [SECRET], "active_key": 1}},
        {"auth_hmac": {"keys": SECRET, "active_key": 1}},
        {"auth_hmac": SECRET},
    ],
    ids=["password", "as text", "key", "keys as text", "no list", "hmac as text"],
)
def test_a_refused_secret_is_in_no_message(changes: t.Dict[str, t.Any]) -> None:
    problems = problems_of(with_instance(**changes))

    assert problems
    for problem in problems:
        assert "correct" not in str(problem) + json.dumps(problem.document())


@pytest.mark.parametrize("text", ["k" * 31, "k" * 65, "hex:" + "ab" * 31, "hex:xy" * 8, "schlüssel" * 4, "file:x", ""])
def test_a_key_has_32_to_64_bytes(text: str) -> None:
    (problem,) = problems_of(with_instance(auth_hmac={"keys": [{"id": 1, "key": text}], "active_key": 1}))

    assert problem.path == "vrrp_instances.VI_1.auth_hmac.keys[0].key"
    assert problem.value is None


def test_keys_come_as_text_digits_or_the_name_of_a_file() -> None:
    spelt = ["k" * 32, "hex:" + "00ff" * 16, "file:/etc/mainstay/hmac.key"]
    keys = [{"id": index, "key": text} for index, text in enumerate(spelt, 1)]
    instance = loaded(auth_hmac={"keys": keys, "active_key": 1})

    assert instance.auth_hmac.keys == (
        HmacKey(1, b"k" * 32),
        HmacKey(2, b"\x00\xff" * 16),
        HmacKey(3, b"", "/etc/mainstay/hmac.key"),
    )


def test_there_is_a_document_without_secrets_that_loads_and_one_for_people() -> None:
    config = load_config(complete())
    secrets = ("swordfis", "ab" * 32, "cd" * 64, "ef" * 32)
    whole = json.dumps(config_document(config))
    assert all(secret in whole for secret in secrets), "the workers need them"

    bare = config_document(without_secrets(config))
    shown = hide_secrets(config_document(config))

    assert load_config(bare) == without_secrets(config)
    for text in (json.dumps(bare), json.dumps(shown)):
        assert not any(secret in text for secret in secrets)
    assert shown["vrrp_instances"]["VI_6"]["auth_hmac"]["keys"][0] == {"id": 1, "key": HIDDEN}
    assert hide_secrets({"vrrp_instances": {"key": {"priority": 1}}}) == {"vrrp_instances": {"key": {"priority": 1}}}


def test_a_part_of_a_configuration_may_lack_what_it_refers_to() -> None:
    whole = complete()
    part = {"global_defs": whole["global_defs"]}

    assert problems_of(part)
    assert load_part(part).global_defs == load_config(whole).global_defs
