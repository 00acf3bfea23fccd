# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the parts of the director's argument_specs anew that tell the runtime's options; the rest stays.

    PYTHONPATH=plugins/module_utils:tests python -m setup.role_specs      (make docs)

A part stands between `# begin NAME` and `# end NAME`. It has the indentation of its first mark.
"""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path

from setup.option_text import check_lines, lines, span

from mainstay.model.options import SECTIONS, Option

SPECS = Path(__file__).resolve().parents[2] / "roles" / "director" / "meta" / "argument_specs.yml"
_WIDTH = 120
_NESTED = ("lvs_sync_daemon", "lvs_timeouts")
"""Forms whose mapping an argument spec can describe: their keys are not free."""


def parts() -> dict[str, list[str]]:
    """Name of each part -> its lines, without indentation."""
    return {
        "global_defs": options_part("global_defs"),
        "virtual_server_groups": sentences(
            ["Groups of addresses and firewall marks that share a pool, by name, each a mapping."],
            lines("virtual_server_group"),
            [
                "An entry is text, like V(192.0.2.10 80), V(192.0.2.10-20 80), V(192.0.2.0/28 80-89) or"
                " V(fwmark 5 inet6), or a mapping."
            ],
            lines("group_entry"),
        ),
        "virtual_servers": sentences(
            ["Balanced services by name, each a mapping."],
            lines("virtual_server"),
            ["The C(sorry_server) is text, like V(192.0.2.30 80), or a mapping."],
            lines("sorry_server"),
            ["Each of C(real_servers) is a mapping."],
            lines("real_server"),
            ["A C(check), and each of C(checks), is a mapping with a C(type) and what checks of this type may say."],
            check_lines(),
            ["Each of the C(urls) of an http or https check is a mapping."],
            lines("url"),
            ["Each of the C(hosts) of an smtp check is text, like V(192.0.2.25 25), or a mapping."],
            lines("endpoint"),
        ),
    }


def sentences(*groups: list[str]) -> list[str]:
    """Items of a YAML list of texts."""
    told = []
    for sentence in (one for group in groups for one in group):
        told += ["- >-", *(f"  {line}" for line in textwrap.wrap(sentence, _WIDTH - 14, break_on_hyphens=False))]
    return told


def options_part(section: str) -> list[str]:
    """An argument spec of every option of a section."""
    return [line for key, option in SECTIONS[section].items() for line in _option(key, option)]


def _option(key: str, option: Option) -> list[str]:
    told = [option.help]
    if span(option):
        told.append(f"From {span(option)}{' seconds' if option.unit else ''}.")
    entry = [f"{key}:", "  description:", *(f"    {line}" for line in sentences(told))]
    entry.append(f"  type: {option.ansible_type}")
    if option.elements:
        entry.append(f"  elements: {option.elements}")
    facts = {"required": True if option.required else None, "default": option.default}
    facts["choices"] = list(option.choices) if option.choices else None
    for name, value in facts.items():
        if value is not None:
            entry.append(f"  {name}: {json.dumps(value)}")
    if option.form in _NESTED:
        entry += ["  options:", *(f"    {line}" for line in options_part(option.form))]
    return entry


def page(text: str) -> str:
    """The file with every part as the model has it. Raises ValueError for a part that has no place."""
    for name, told in parts().items():
        place = re.compile(rf"^( *)# begin {name}\n.*?^ *# end {name}\n", re.DOTALL | re.MULTILINE)
        found = place.search(text)
        if found is None:
            raise ValueError(f"the file must have '# begin {name}' and '# end {name}'")
        body = "".join(f"{found[1]}{line}\n" for line in [f"# begin {name}", *told, f"# end {name}"])
        text = text[: found.start()] + body + text[found.end() :]
    return text


if __name__ == "__main__":
    SPECS.write_text(page(SPECS.read_text(encoding="utf-8")), encoding="utf-8")
