# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/configuration.md tells what the model has, and why a default is not keepalived's."""

from __future__ import annotations

import re

import pytest
from setup import configuration_page as page

from mainstay.model.load import parse_config
from mainstay.model.options import SECTIONS


def test_the_page_is_what_the_model_has() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    assert text == page.page(text), "docs/configuration.md is older than model/options.py: run `make docs`"


def test_of_every_option_we_know_what_keepalived_does() -> None:
    known = {section: set(keys) for section, keys in page.KEEPALIVED.items()}
    assert known == {section: set(options) for section, options in SECTIONS.items()}


def test_every_difference_has_its_reason_and_there_is_no_other_reason() -> None:
    differences = {
        page.reason_name(section, key)
        for section, options in SECTIONS.items()
        for key, option in options.items()
        if page.KEEPALIVED[section][key] is not ... and page.differs(option, page.KEEPALIVED[section][key])
    }
    assert differences == set(page.WHY)


def test_the_pages_example_is_a_configuration() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", page.PAGE.read_text(encoding="utf-8"), re.DOTALL)
    config = parse_config(example)
    assert list(config.vrrp_instances) == ["VI_1"]
    checks = [check for server in config.virtual_servers["web"].real_servers for check in server.checks]
    assert [check.type for check in checks] == ["http", "tcp"]


def test_a_page_without_a_place_for_a_section_is_refused() -> None:
    text = page.PAGE.read_text(encoding="utf-8").replace("<!-- end real_server -->", "")
    with pytest.raises(ValueError, match="begin real_server"):
        page.page(text)
