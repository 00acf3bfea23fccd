# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter config_problems; documented beside this file."""

from __future__ import annotations

import json
import re
import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.model.load import parse_config
from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.model.options import TOP_KEYS
from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.model.problems import ConfigError, Problem

VARIABLE_PREFIX = "mainstay_"


class FilterModule:
    """Ansible's name for the filters of a file."""

    def filters(self) -> t.Dict[str, t.Callable[..., t.Any]]:
        return {"config_problems": config_problems}


def config_problems(document: object) -> t.List[str]:
    """One sentence for everything that the daemon would refuse in `document`; empty when it would run it."""
    try:
        # By way of text: Ansible's values are its own subclasses, the daemon will see what JSON makes of them.
        parse_config(json.dumps(document))
    except TypeError as error:
        raise AnsibleFilterError(f"mainstay.ha.config_problems: no JSON can be made of this: {error}") from error
    except ConfigError as error:
        return [_as_variable(problem) for problem in error.problems]
    return []


def _as_variable(problem: Problem) -> str:
    """The problem with the name of the role's variable where the file would have its top-level key."""
    named = re.split(r"[.\[]", problem.path)[0] in TOP_KEYS
    return f"{VARIABLE_PREFIX if named else ''}{problem}"
