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
    type: int
    required: true
  check:
    description: What to check; the same as for a real server of M(mainstay.ha.ipvs_virtual_server).
    type: dict
    required: true
    suboptions:
      type:
        description:
          - Kind of the check.
        type: str
        required: true
        choices: [tcp, http]
      connect_ip:
        description:
          - Address to probe; without it the server's.
        type: str
      connect_port:
        description:
          - Port to probe; without it the server's.
          - From 1 to 65535.
        type: int
      connect_timeout:
        description:
          - Deadline of the whole probe, connect included.
          - From 0.01 to 3600 seconds.
          - Its default is V(5).
        type: float
      retry:
        description:
          - Further probes after a failed one before the server is taken out.
          - From 0 to 1000.
          - Its default is V(1).
        type: int
      delay_before_retry:
        description:
          - Pause before such a further probe.
          - From 0 to 3600 seconds.
          - Its default is V(1) for V(tcp) and V(3) for V(http).
        type: float
      path:
        description:
          - Path to GET.
          - Only for checks of type V(http). Its default is V(/).
        type: str
      status_code:
        description:
          - Status codes that mean up.
          - From 100 to 599.
          - Only for checks of type V(http). Its default is V(200-299).
        type: raw
      virtualhost:
        description:
          - Host header; without it address:port of the server.
          - Only for checks of type V(http).
        type: str
      http_protocol:
        description:
          - Version of HTTP to speak.
          - Only for checks of type V(http). Its default is V(1.0).
        type: str
        choices: ['1.0', '1.1']
  expect:
    description:
      - Fail unless the verdict is this one.
      - With V(any) the module does not fail for a verdict.
    type: str
    choices: [any, up, down]
    default: any
notes:
  - One probe is made. The options C(retry) and C(delay_before_retry) of the check are for the daemon and say
    nothing here.
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

- name: Wait until it is
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
    first_byte:
      description: Until the first byte of the answer; V(none) if none came.
      type: float
      sample: 0.0019
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mainstay.ha.plugins.module_utils._argspec import check_spec, given
from ansible_collections.mainstay.ha.plugins.module_utils._conf_d import sentences
from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.daemon.one_check import run_check
from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.model.config import RealServer
from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.model.load import load_config
from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.model.problems import ConfigError
from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.probes.outcome import ProbeOutcome

# The model checks a server as part of a service, so it gets one around it.
_SERVICE = "checked"
_AROUND = f"virtual_servers.{_SERVICE}.real_servers[0]."


def real_server(params: t.Dict[str, t.Any]) -> RealServer:
    """The server and its check as the model sees them. Raises ConfigError."""
    server = given({key: params[key] for key in ("address", "port", "check")})
    service = {"address": "192.0.2.1", "port": 1, "protocol": "TCP", "real_servers": [server]}
    return load_config({"virtual_servers": {_SERVICE: service}}).virtual_servers[_SERVICE].real_servers[0]


def result_of(outcome: ProbeOutcome) -> t.Dict[str, t.Any]:
    """An outcome in the words of this module's RETURN."""
    verdict = ("up" if outcome.verdict.ok else "down") if outcome.ran else "unknown"
    return {
        "changed": False,
        "verdict": verdict,
        "detail": outcome.verdict.reason,
        "latency": _seconds(outcome.total_ns),
        "phases": {"connect": _seconds(outcome.connect_ns), "first_byte": _seconds(outcome.first_byte_ns)},
    }


def _seconds(nanoseconds: t.Optional[int]) -> t.Optional[float]:
    return None if nanoseconds is None else round(nanoseconds / 1e9, 6)


def main() -> t.NoReturn:
    """Entry of the module."""
    module = AnsibleModule(
        argument_spec={
            "address": {"type": "str", "required": True},
            "port": {"type": "int", "required": True},
            "check": {"type": "dict", "required": True, "options": check_spec()},
            "expect": {"type": "str", "choices": ["any", "up", "down"], "default": "any"},
        },
        supports_check_mode=True,
    )
    try:
        server = real_server(module.params)
    except ConfigError as error:
        module.fail_json(msg=sentences(error.problems).replace(_AROUND, ""))
    result = result_of(run_check(server.check, server.address, server.port))
    place, expected = f"{server.address}:{server.port}", module.params["expect"]
    if expected not in ("any", result["verdict"]):
        module.fail_json(msg=f"{place} is {result['verdict']}, not {expected}: {result['detail']}", **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
