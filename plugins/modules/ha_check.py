#!/usr/bin/python
# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ha_check
short_description: Run one health check from the managed host, now
version_added: 1.0.0
author:
  - The Mainstay authors (@mainstay)
description:
  - Checks a server once, the way the daemon would, from the host that the module runs on. No daemon is needed there.
  - Tells before a director is configured whether a check and a server fit, and in an operation whether a server is
    up again.
extends_documentation_fragment:
  - mainstay.ha._attributes
  - mainstay.ha._balancing.check
attributes:
  check_mode:
    support: full
    details: Changes nothing, so it checks in check mode too.
  diff_mode:
    support: N/A
    details: Changes nothing.
  idempotent:
    support: N/A
    details: Changes nothing.
options:
  address:
    description: Address of the server.
    type: str
    required: true
  port:
    description:
      - Port of the server.
      - From 1 to 65535.
      - May be left out for a check that needs none, or that says C(connect_port).
    type: int
  expect:
    description:
      - Fail unless the verdict is this one.
      - With V(any) the module does not fail for a verdict.
    type: str
    choices: [any, up, down]
    default: any
  report:
    description:
      - Read the page of an HTTP check to its end, and return its length and its digests in RV(details).
      - A page that does not end in time or in order is then a failure, which it is not for the daemon.
    type: bool
    default: false
notes:
  - One probe is made. The options C(retry) and C(delay_before_retry) of the check are for the daemon and say
    nothing here.
  - Checks of the types C(file) and C(bfd) are refused. The running daemon alone can tell, and M(mainstay.ha.ha_info)
    says what it does.
requirements:
  - Python 3.9 or later on the managed host
seealso:
  - module: mainstay.ha.ipvs_virtual_server
"""

EXAMPLES = r"""
- name: Is the web server up, seen from the directors?
  mainstay.ha.ha_check:
    address: 192.0.2.21
    port: 80
    check:
      type: http
      path: /healthz
      status_code: 200
  register: web

- name: What has to stand in digest for this page?
  mainstay.ha.ha_check:
    address: 192.0.2.21
    port: 443
    check: {type: https, path: /healthz, verify: full, sni_name: www.example.com}
    report: true
  register: page

- name: Does the mail server talk, and is its certificate good for two more weeks?
  mainstay.ha.ha_check:
    address: 192.0.2.25
    port: 25
    check: {type: smtp, starttls: true, verify: full, sni_name: mail.example.com, expiry_warning: 1209600}
    expect: up

- name: Wait until the web server is up
  mainstay.ha.ha_check:
    address: 192.0.2.21
    port: 80
    check: {type: tcp, connect_timeout: 1}
    expect: up
  register: web
  until: web is succeeded
  retries: 10
  delay: 1
"""

RETURN = r"""
verdict:
  description: What the check says of the server. V(unknown) when this host could not probe at all.
  returned: always
  type: str
  choices: [up, down, unknown]
  sample: down
detail:
  description: Why, in one sentence.
  returned: always
  type: str
  sample: HTTP 503, accepted are 200
latency:
  description: Seconds from the start of the check to its verdict.
  returned: always
  type: float
  sample: 0.0021
phases:
  description: Seconds from the start of the check.
  returned: always
  type: dict
  contains:
    connect:
      description: Until the connection was open; V(none) if it never was.
      type: float
      sample: 0.0004
    tls:
      description: Until TLS was agreed; V(none) if it never was, or was not asked for.
      type: float
      sample: 0.0011
    first_byte:
      description: Until the first byte of the answer; V(none) if none came.
      type: float
      sample: 0.0019
weight:
  description: What the check says that the server's weight should be; V(none) when it says nothing of it.
  returned: always
  type: int
  sample: 80
notes:
  description: What an operator should hear although the check passed.
  returned: always
  type: list
  elements: str
  sample: [the certificate ends in 5 days]
details:
  description: What the answer was, by name, all of it text; which names there are depends on the type of the check.
  returned: always
  type: dict
  sample:
    status: '200'
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mainstay.ha.plugins.module_utils._argspec import check_spec, given
from ansible_collections.mainstay.ha.plugins.module_utils._conf_d import sentences
from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.daemon.one_check import run_check
from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.model.load import load_config
from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.model.lvs_defaults import (
    RunningServer,
    running_services,
)
from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.model.problems import ConfigError
from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.probes.outcome import ProbeOutcome

# The model checks a server as part of a service, so it gets one around it.
_SERVICE = "checked"
_AROUND = f"virtual_servers.{_SERVICE}.real_servers[0]."

_OF_THE_DAEMON = {
    "file": "only the running daemon follows track_files",
    "bfd": "only the running daemon has BFD sessions",
}


def real_server(params: t.Dict[str, t.Any]) -> RunningServer:
    """The server and its check as the daemon would run them. Raises ConfigError."""
    server = given({key: params[key] for key in ("address", "port", "check")})
    # A mark has neither address nor port nor family that could contradict the server's.
    config = load_config({"virtual_servers": {_SERVICE: {"fwmark": 1, "real_servers": [server]}}})
    return running_services(config)[_SERVICE].real_servers[0]


def result_of(outcome: ProbeOutcome) -> t.Dict[str, t.Any]:
    """An outcome in the words of this module's RETURN."""
    verdict = ("up" if outcome.verdict.ok else "down") if outcome.ran else "unknown"
    return {
        "changed": False,
        "verdict": verdict,
        "detail": outcome.verdict.reason,
        "latency": _seconds(outcome.total_ns),
        "phases": {
            "connect": _seconds(outcome.connect_ns),
            "tls": _seconds(outcome.tls_ns),
            "first_byte": _seconds(outcome.first_byte_ns),
        },
        "weight": outcome.verdict.weight,
        "notes": list(outcome.verdict.notes),
        "details": dict(outcome.verdict.details),
    }


def _seconds(nanoseconds: t.Optional[int]) -> t.Optional[float]:
    return None if nanoseconds is None else round(nanoseconds / 1e9, 6)


def main() -> t.NoReturn:
    """Entry of the module."""
    module = AnsibleModule(
        argument_spec={
            "address": {"type": "str", "required": True},
            "port": {"type": "int"},
            "check": {"type": "dict", "required": True, "options": check_spec()},
            "expect": {"type": "str", "choices": ["any", "up", "down"], "default": "any"},
            "report": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    kind = module.params["check"]["type"]
    if kind in _OF_THE_DAEMON:
        module.fail_json(msg=f"check.type = {kind!r}: {_OF_THE_DAEMON[kind]}; mainstay.ha.ha_info tells what it says")
    try:
        server = real_server(module.params)
    except ConfigError as error:
        module.fail_json(msg=sentences(error.problems).replace(_AROUND, ""))
    try:
        result = result_of(run_check(server.checks[0], server.address, server.port, module.params["report"]))
    except ValueError as error:
        module.fail_json(msg=f"check: {error}.")
    place, expected = f"{server.address}:{server.port}", module.params["expect"]
    if expected not in ("any", result["verdict"]):
        module.fail_json(msg=f"{place} is {result['verdict']}, not {expected}: {result['detail']}", **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
