# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small balanced services for the stories about them."""

from __future__ import annotations

import typing as t

from .model_samples import problems_of

Document = t.Dict[str, t.Any]

SERVER: Document = {"address": "192.0.2.21"}
ADDRESSED: Document = {"address": "192.0.2.10", "port": 80, "protocol": "TCP"}


def service(said: t.Mapping[str, t.Any], **sections: t.Any) -> Document:
    """A document with one service on 192.0.2.10 port 80, or on what is said instead."""
    elsewhere = {"fwmark", "virtual_server_group"} & set(said)
    own = {**({} if elsewhere else ADDRESSED), "real_servers": [SERVER], **said}
    return {"virtual_servers": {"web": own}, **sections}


def told(said: t.Mapping[str, t.Any], **sections: t.Any) -> t.List[t.Tuple[str, str]]:
    """Path below the service and message of each of its problems."""
    problems = problems_of(service(said, **sections))
    return [(problem.path.replace("virtual_servers.web.", ""), problem.message) for problem in problems]


def told_of_server(said: t.Mapping[str, t.Any], **more: t.Any) -> t.List[t.Tuple[str, str]]:
    """The same of one real server, and below it."""
    found = told({"real_servers": [{**SERVER, **said}], **more})
    return [(path.replace("real_servers[0].", ""), message) for path, message in found]


def told_of_check(check: t.Mapping[str, t.Any], **sections: t.Any) -> t.List[t.Tuple[str, str]]:
    """The same of its check, and below it."""
    found = told({"real_servers": [{**SERVER, "check": dict(check)}]}, **sections)
    return [(path.replace("real_servers[0].check.", ""), message) for path, message in found]
