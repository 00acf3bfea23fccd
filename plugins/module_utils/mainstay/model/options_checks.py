# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of health checks, one table a kind."""

from __future__ import annotations

import typing as t

from .option import Option, boolean, integer, seconds, word
from .options_lvs import PORT

Table = t.Dict[str, Option]

REGEX_OPTIONS = ("caseless", "dotall", "multiline", "extended", "anchored")

_OPTIONAL = "without it as the real server says."


def _kind(kind: str) -> Table:
    return {"type": word("Kind of the check.", kind, required=True)}


_TIMES: Table = {
    "retry": integer(f"Further probes after a failed one before the check has failed; {_OPTIONAL}", 0, 1000),
    "delay_before_retry": seconds(
        f"Pause before the next probe while the check is between passed and failed; {_OPTIONAL}", 0, 3600, None
    ),
    "delay_loop": seconds(f"Period of the check; {_OPTIONAL}", 0.1, 86400, None),
    "warmup": seconds(f"The first probe comes within this time; {_OPTIONAL}", 0, 86400, None),
    "alpha": boolean(f"Failed until the first probe has passed; {_OPTIONAL}", None),
    "rise": integer("Probes in a row that have to pass until a failed check has passed.", 1, 1000, 1),
    "fall": integer("Probes in a row that have to fail: retry + 1 under another name.", 1, 1001),
    "log_all_failures": boolean("Log every failed probe; without it as checker_log_all_failures.", None),
}

_ADDRESS: Table = {
    "connect_timeout": seconds(f"Deadline of one probe, connect included; {_OPTIONAL}", 0.01, 3600, None),
    "connect_ip": Option("ip_address", "Address to probe; without it the server's."),
    "bindto": Option("ip_address", "Address to probe from; without it the kernel's choice."),
    "bind_if": Option("interface", "Interface to probe from."),
    "fwmark": integer("Mark on the packets of the probe; 0: none.", 0, 4294967295, 0),
}

_PORTS: Table = {
    "connect_port": integer("Port to probe; without it the server's.", *PORT),
    "bind_port": integer("Port to probe from; without it the kernel's choice.", *PORT),
}

_ENDPOINT: Table = {**_TIMES, **_ADDRESS, **_PORTS}

_TLS: Table = {
    "enable_sni": boolean("Name the host in the handshake.", True),
    "sni_name": Option("host", "Name to send there; without it the virtualhost, without one none."),
    "tls_min_version": word("Oldest version of TLS that is spoken.", "1.0", "1.1", "1.2", "1.3", default="1.2"),
    "verify": word(
        "What of the certificate is verified: nothing, its chain, or chain and name.",
        "none",
        "ca",
        "full",
        default="none",
    ),
    "ca_file": Option("absolute_path", "PEM file of the authorities to trust; without it the system's."),
    "certificate": Option("absolute_path", "PEM file of the client's own certificate."),
    "key": Option("absolute_path", "PEM file of its key; without it in the file of the certificate."),
    "expiry_warning": seconds("Warn when the server's certificate ends within this time; 0: never.", 0, 31622400, 0),
}

_PAGE: Table = {
    "path": Option("url_path", "Path to ask for.", "/"),
    "digest": Option("digest", "MD5 or SHA-256 of the body, in hex digits."),
    "regex": Option("regex", "What the body has to match."),
    "regex_no_match": boolean("Turned round: the body must not match."),
    "regex_options": Option("words", "How the pattern is meant.", (), choices=REGEX_OPTIONS),
}

_URL_ONLY: Table = {
    "status_code": Option(
        "status_codes", "Status codes that pass; without them the check's.", minimum=100, maximum=599
    ),
    "virtualhost": Option("host", "Host header; without it the check's."),
    "regex_min_offset": integer("The pattern is looked for from this byte of the body on.", 0, 262144, 0),
    "regex_max_offset": integer("And up to this one; without it to the end.", 1, 262144),
}

URL: Table = {**_PAGE, **_URL_ONLY}

_HTTP: Table = {
    **_ENDPOINT,
    **_PAGE,
    "status_code": Option("status_codes", "Status codes that pass.", "200-299", minimum=100, maximum=599),
    "virtualhost": Option("host", "Host header; without it the real server's, without one address:port."),
    "http_protocol": word(
        "Version of HTTP to speak; 1.0C is 1.0 with Connection: close.", "1.0", "1.0C", "1.1", default="1.0"
    ),
    "method": word("Method of the request.", "GET", "HEAD", "POST", default="GET"),
    "headers": Option("headers", "Further header fields: name and value."),
    "body": Option("body", "Body of a POST."),
    "urls": Option("urls", "Several pages; all of them have to pass. Then path, digest and regex stand there.", ()),
}

_SMTP: Table = {
    **_ENDPOINT,
    "helo_name": Option("mail_host", "Name that we tell the server; without it this host's."),
    "hosts": Option("endpoints", "Addresses to ask instead of the real server; all have to pass.", ()),
    "starttls": boolean("Ask for TLS and go through the handshake."),
    **_TLS,
}

_DNS: Table = {
    **_ENDPOINT,
    "query_type": word(
        "Type of the question.", "A", "AAAA", "NS", "CNAME", "SOA", "MX", "TXT", "PTR", "SRV", default="SOA"
    ),
    "name": Option("domain", "Name that is asked for.", "."),
    "answer": Option("text", "Address, name or text that one of the answers has to be; without it any."),
}

_UDP: Table = {
    **_ENDPOINT,
    "payload": Option("hex_bytes", "What is sent, in hex digits; without it sixteen zero bytes."),
    "require_reply": boolean("No reply is a failure; without it only an ICMP error is."),
    "reply": Option("hex_pattern", "Hex digits that the reply begins with, x for any; without it any reply."),
    "min_reply_length": integer("Bytes that a reply has at least.", 0, 65535, 0),
    "max_reply_length": integer("Bytes that a reply has at most.", 0, 65535, 65535),
}

_MISC: Table = {
    **_TIMES,
    "misc_path": Option("command", "Program to run; exit status 0 is up, every other one is down.", required=True),
    "misc_timeout": seconds(
        "A run that takes longer is ended and has failed; without it delay_loop.", 0.01, 86400, None
    ),
    "misc_dynamic": boolean("Exit status 2 to 255 sets the weight to status - 2 and is up."),
}

_FILE: Table = {
    "track_file": Option("name", "Name of one of track_files, whose number is added to the weight.", required=True),
    "weight": integer(
        "The number times this is added; 0: any other number than 0 is down. Without it the file's weight.",
        -2147483647,
        2147483647,
    ),
    "reverse": boolean("The number's sign changes; without it as the file says.", None),
}

CHECKS: t.Mapping[str, Table] = {
    "tcp": {
        **_kind("tcp"),
        **_ENDPOINT,
        "send": Option("conversation", r"What is sent after the connection is open; \r \n \t \\ and \xNN are read."),
        "expect": Option("conversation", "What the answer has to contain; without it the connection is enough."),
    },
    "http": {**_kind("http"), **_HTTP},
    "https": {**_kind("https"), **_HTTP, **_TLS},
    "smtp": {**_kind("smtp"), **_SMTP},
    "dns": {**_kind("dns"), **_DNS},
    "udp": {**_kind("udp"), **_UDP},
    "ping": {**_kind("ping"), **_TIMES, **_ADDRESS},
    "misc": {**_kind("misc"), **_MISC},
    "file": {**_kind("file"), **_FILE},
    "bfd": {**_kind("bfd"), "name": Option("name", "Name of one of bfd_instances.", required=True)},
    "grpc": {
        **_kind("grpc"),
        **_ENDPOINT,
        "service": Option("text", "Service that is asked for; without it the server as a whole.", ""),
    },
    "postgres": {**_kind("postgres"), **_ENDPOINT},
    "mysql": {**_kind("mysql"), **_ENDPOINT},
    "redis": {**_kind("redis"), **_ENDPOINT},
}
"""Kind -> key -> option."""

ENDPOINT = {
    "address": Option("ip_address", "Address to ask.", required=True),
    "port": integer("Port to ask; without it 25.", *PORT),
}
"""One of an SMTP check's hosts."""
