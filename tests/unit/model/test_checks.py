# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health checks of every kind: how their values are spelt, and what they may not say."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given, strategies as st

from mainstay.model.byte_text import bytes_text, parse_bytes
from mainstay.model.check_config import HttpsCheck, SmtpCheck, TcpCheck, Tls, UdpCheck
from mainstay.model.check_regex import compiled_regex
from mainstay.model.load import load_config

from .service_samples import SERVER, service, told, told_of_check

FILES = {"track_files": {"load": {"file": "/run/load"}}}
SESSIONS = {"bfd_instances": {"peer": {"neighbor_ip": "192.0.2.9"}}}
MISC = {"type": "misc", "misc_path": "/usr/local/bin/check"}


def loaded(check: t.Mapping[str, t.Any]) -> t.Any:
    (found,) = (
        load_config(service({"real_servers": [{**SERVER, "check": check}]}))
        .virtual_servers["web"]
        .real_servers[0]
        .checks
    )
    return found


def test_bytes_are_text_with_escapes_or_hex_digits() -> None:
    check = loaded({"type": "tcp", "send": "PING\\r\\n\\\\", "expect": "+PONG\\x00\\tü"})
    assert check == TcpCheck(send=b"PING\r\n\\", expect=b"+PONG\0\t\xc3\xbc")

    check = loaded({"type": "udp", "payload": "00Ff", "require_reply": True, "reply": "0xfF"})
    assert check == UdpCheck(payload=b"\0\xff", require_reply=True, reply=(0, None, 15, 15))


@given(st.binary(max_size=64))
def test_any_bytes_survive_their_spelling(content: bytes) -> None:
    assert parse_bytes(bytes_text(content)) == content


def test_the_keys_of_tls_stand_in_the_check() -> None:
    check = loaded({"type": "https", "verify": "full", "tls_min_version": "1.3", "expiry_warning": 1})
    assert check == HttpsCheck(tls=Tls(verify="full", tls_min_version="1.3", expiry_warning=1_000_000_000))


def test_a_host_of_an_smtp_check_is_text_or_a_mapping_and_its_port_25() -> None:
    hosts = ["192.0.2.25", "192.0.2.26 587", {"address": "2001:db8::25", "port": 465}]
    check = loaded({"type": "smtp", "hosts": hosts})
    assert check == SmtpCheck(hosts=(("192.0.2.25", 25), ("192.0.2.26", 587), ("2001:db8::25", 465)))


@pytest.mark.parametrize(
    ("options", "body", "found"),
    [
        ((), b"xx ok", True),
        (("caseless",), b"OK", True),
        (("anchored",), b"xx ok", False),
        (("anchored", "extended"), b"ok", True),
        (("multiline",), b"no\nok", True),
    ],
)
def test_the_options_of_a_pattern(options: t.Tuple[str, ...], body: bytes, found: bool) -> None:
    pattern = "^ok" if "multiline" in options else "ok  # a comment" if "extended" in options else "ok"
    assert bool(compiled_regex(pattern, options).search(body)) == found


@pytest.mark.parametrize(
    "check",
    [
        {"type": "tcp", "expect": "220"},
        {"type": "http", "method": "HEAD"},
        {"type": "http", "method": "POST", "body": ""},
        {"type": "https", "certificate": "/etc/c.pem"},
        {"type": "https", "verify": "ca", "ca_file": "/etc/ca.pem"},
        {"type": "smtp", "starttls": True, "verify": "full"},
        {"type": "udp", "require_reply": True, "min_reply_length": 4, "max_reply_length": 4},
        {"type": "dns", "name": "example.com.", "query_type": "MX"},
        {"type": "dns", "name": "example.com.", "query_type": "A", "answer": "192.0.2.1"},
        {"type": "dns", "name": "example.com.", "query_type": "AAAA", "answer": "2001:DB8:0::1"},
        {"type": "dns", "name": "_sip._udp.example.com", "query_type": "SRV"},
        {"type": "ping", "bindto": "192.0.2.1"},
        {"type": "tcp", "connect_ip": "2001:db8::1", "bindto": "2001:db8::2"},
        {"type": "tcp", "fall": 3, "rise": 2},
        {"type": "tcp", "retry": 0, "warmup": 0},
        {**MISC, "misc_dynamic": True},
    ],
)
def test_what_a_check_may_say(check: t.Dict[str, t.Any]) -> None:
    assert told_of_check(check) == []


@pytest.mark.parametrize(
    ("check", "path", "message"),
    [
        ({"type": "tcp", "fall": 2, "retry": 1}, "fall", "beside retry"),
        ({"type": "tcp", "send": "x"}, "send", "needs expect"),
        ({"type": "tcp", "expect": "\\q"}, "expect", "\\q is no escape"),
        ({"type": "tcp", "expect": "\\x1"}, "expect", "is no escape"),
        ({"type": "tcp", "expect": "\\"}, "expect", "is no escape"),
        ({"type": "tcp", "expect": ""}, "expect", "1 to 4096 characters"),
        ({"type": "tcp", "expect": "\ud800"}, "expect", "1 to 4096 characters"),
        ({"type": "tcp", "connect_ip": "2001:db8::1", "bindto": "192.0.2.1"}, "bindto", "same family as connect_ip"),
        ({"type": "tcp", "bindto": "2001:db8::1"}, "bindto", "family of the address that is asked, 192.0.2.21"),
        ({"type": "ping", "connect_port": 7}, "connect_port", "is not an option"),
        ({"type": "http", "body": "x"}, "body", "needs method: POST"),
        ({"type": "http", "method": "PUT"}, "method", "one of GET, HEAD, POST"),
        ({"type": "http", "method": "HEAD", "digest": "0" * 32}, "digest", "which the answer to HEAD has not"),
        ({"type": "http", "digest": "0" * 33}, "digest", "32 hex digits (MD5) or 64"),
        ({"type": "http", "regex": "("}, "regex", "a regular expression"),
        ({"type": "http", "regex": "a{99999999999}"}, "regex", "a regular expression"),
        ({"type": "http", "regex": "(?x)a#(", "regex_options": ["anchored"]}, "regex", "with these regex_options"),
        ({"type": "http", "regex": "x", "regex_options": ["ungreedy"]}, "regex_options", "some of caseless"),
        ({"type": "http", "regex": "x", "regex_options": ["dotall", "dotall"]}, "regex_options", "twice"),
        ({"type": "http", "regex_no_match": True}, "regex_no_match", "does nothing without regex"),
        ({"type": "http", "headers": {"Host": "x"}}, "headers", "Write virtualhost."),
        ({"type": "http", "headers": {"A": "b\r\nC: d"}}, "headers", "the value of A is none"),
        ({"type": "http", "headers": {"A b": "c"}}, "headers", "'A b' is no name"),
        ({"type": "http", "headers": ["A: b"]}, "headers", "a mapping"),
        ({"type": "http", "path": "/a", "urls": [{"path": "/b"}]}, "path", "beside urls"),
        (
            {"type": "http", "urls": [{"path": "/b", "regex_max_offset": 1}]},
            "urls[0].regex_max_offset",
            "without regex",
        ),
        (
            {"type": "http", "urls": [{"regex": "x", "regex_min_offset": 5, "regex_max_offset": 5}]},
            "urls[0].regex_max_offset",
            "larger than regex_min_offset",
        ),
        ({"type": "http", "urls": ["/b"]}, "urls[0]", "must be a mapping of options"),
        ({"type": "http", "enable_sni": True}, "enable_sni", "write type: https"),
        ({"type": "https", "key": "/etc/k.pem"}, "key", "needs certificate"),
        ({"type": "https", "ca_file": "/etc/ca.pem"}, "ca_file", "needs verify: ca or full"),
        ({"type": "https", "sni_name": "a.example", "enable_sni": False}, "sni_name", "beside enable_sni: false"),
        ({"type": "https", "tls_min_version": 1.2}, "tls_min_version", "one of 1.0, 1.1, 1.2, 1.3"),
        ({"type": "smtp", "verify": "full"}, "verify", "without starttls: true"),
        ({"type": "smtp", "hosts": ["192.0.2.25"], "connect_port": 26}, "hosts", "beside connect_ip and connect_port"),
        ({"type": "smtp", "hosts": ["mail.example.com"]}, "hosts[0]", "an IPv4 or IPv6 address"),
        ({"type": "smtp", "hosts": ["192.0.2.25 smtp"]}, "hosts[0]", "must read 'ADDRESS'"),
        ({"type": "smtp", "host": {}}, "host", "Write hosts"),
        ({"type": "dns", "query_type": "ANY"}, "query_type", "one of A, AAAA"),
        ({"type": "dns", "query_type": "A", "answer": "web"}, "answer", "must be an IPv4 address"),
        ({"type": "dns", "query_type": "A", "answer": "2001:db8::1"}, "answer", "must be an IPv4 address"),
        ({"type": "dns", "query_type": "AAAA", "answer": "192.0.2.1"}, "answer", "must be an IPv6 address"),
        ({"type": "dns", "name": "a..b"}, "name", "a domain name"),
        ({"type": "dns", "name": "a" * 64}, "name", "a domain name"),
        ({"type": "udp", "payload": "0"}, "payload", "hex digits"),
        ({"type": "udp", "reply": "0x"}, "reply", "needs require_reply: true"),
        ({"type": "udp", "require_reply": True, "reply": "0g"}, "reply", "hex digits, x for any"),
        ({"type": "udp", "min_reply_length": 4}, "min_reply_length", "needs require_reply: true"),
        (
            {"type": "udp", "require_reply": True, "min_reply_length": 4, "max_reply_length": 3},
            "min_reply_length",
            "at most max_reply_length 3",
        ),
        ({"type": "misc"}, "misc_path", "is missing"),
        ({**MISC, "misc_path": "check"}, "misc_path", "absolute path"),
        ({**MISC, "user": "root"}, "user", "Write it in the program"),
        ({**MISC, "connect_timeout": 1}, "connect_timeout", "Write misc_timeout"),
        ({"type": "file"}, "track_file", "is missing"),
        ({"type": "file", "track_file": "laod"}, "track_file", "Did you mean load?"),
        ({"type": "file", "track_file": "load", "dynamic": True}, "dynamic", "does nothing in keepalived either"),
        ({"type": "bfd", "name": "nobody"}, "name", "is not defined in bfd_instances"),
        ({"type": "bfd", "name": "peer", "retry": 1}, "retry", "is not an option"),
        ({"type": "grpc", "service": "x" * 65}, "service", "at most 64 printable"),
        ({"type": "redis", "path": "/"}, "path", "is not an option"),
        ({"type": "HTTP_GET"}, "type", "must be one of tcp, http, https"),
    ],
)
def test_what_a_check_may_not_say(check: t.Dict[str, t.Any], path: str, message: str) -> None:
    ((place, words),) = told_of_check(check, **FILES, **SESSIONS)

    assert place == path
    assert message in words


def test_definitions_that_a_check_names_are_enough() -> None:
    assert told_of_check({"type": "file", "track_file": "load"}, **FILES) == []
    assert told_of_check({"type": "bfd", "name": "peer"}, **SESSIONS) == []


@pytest.mark.parametrize("kind", ["tcp", "https", "grpc", "redis"])
def test_a_check_needs_a_port_from_somewhere(kind: str) -> None:
    marked = {"fwmark": 5, "real_servers": [{**SERVER, "check": {"type": kind}}]}
    ((path, message),) = told(marked)
    assert path == "real_servers[0].check.connect_port"
    assert "neither the real server nor the service" in message

    for enough in ({"port": 80, "check": {"type": kind}}, {"check": {"type": kind, "connect_port": 80}}):
        assert told({"fwmark": 5, "real_servers": [{**SERVER, **enough}]}) == []


def test_a_ping_needs_none() -> None:
    assert told({"fwmark": 5, "real_servers": [{**SERVER, "check": {"type": "ping"}}]}) == []


def test_only_one_program_may_set_the_weight() -> None:
    setting = {**MISC, "misc_dynamic": True}
    ((path, message),) = told({"real_servers": [{**SERVER, "checks": [setting, MISC, setting]}]})

    assert path == "real_servers[0].checks[2].misc_dynamic"
    assert "virtual_servers.web.real_servers[0].checks[0]" in message


def test_a_problem_in_a_list_of_checks_is_told_at_its_own() -> None:
    checks = [{"type": "tcp"}, {"type": "tcp", "send": "x"}, {"type": "tpc"}]
    found = told({"real_servers": [{**SERVER, "checks": checks}]})
    assert [path for path, _message in found] == ["real_servers[0].checks[1].send", "real_servers[0].checks[2].type"]


@pytest.mark.parametrize(
    ("said", "path"), [({"checks": [{"type": "file", "track_file": "laod"}]}, "checks[0]"),
                       ({"check": {"type": "file", "track_file": "laod"}}, "check")]
)  # fmt: skip
def test_what_a_check_refers_to_is_told_as_the_file_spells_it(said: t.Dict[str, t.Any], path: str) -> None:
    found = told({"real_servers": [{**SERVER, **said}]}, **FILES)
    assert [place for place, _message in found] == [f"real_servers[0].{path}.track_file"]


def test_one_check_is_the_same_however_it_is_spelt() -> None:
    one, listed = ({**SERVER, **said} for said in ({"check": {"type": "tcp"}}, {"checks": [{"type": "tcp"}]}))
    assert load_config(service({"real_servers": [one]})) == load_config(service({"real_servers": [listed]}))
