# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the conformance list asks of the configuration, by its ids."""

from __future__ import annotations

import typing as t

import pytest

from mainstay.model.config import VrrpInstance
from mainstay.model.defaults import RunningInstance, running
from mainstay.model.load import load_config
from mainstay.model.problems import Problem

from .model_samples import problems_of

IPV4 = {"interface": "eth0", "virtual_router_id": 51, "virtual_ipaddress": ["192.0.2.10/24"]}
LINK_LOCAL_FIRST = ["fe80::51/64", "2001:db8::10/64"]
SCRIPTS = {"fault": {"script": "/bin/chk"}, "minus": {"script": "/bin/chk", "weight": -20}}


def document(**changes: t.Any) -> t.Dict[str, t.Any]:
    return {"vrrp_scripts": SCRIPTS, "vrrp_instances": {"VI_1": {**IPV4, **changes}}}


def loaded(**changes: t.Any) -> VrrpInstance:
    return load_config(document(**changes)).vrrp_instances["VI_1"]


def as_run(**changes: t.Any) -> RunningInstance:
    config = load_config(document(**changes))
    return running(config.vrrp_instances["VI_1"], config.global_defs)


def problem(**changes: t.Any) -> Problem:
    (only,) = problems_of(document(**changes))
    return only


@pytest.mark.conformance("PKT-02")
@pytest.mark.parametrize("number", [1, 255])
def test_a_virtual_router_id_is_1_to_255(number: int) -> None:
    assert loaded(virtual_router_id=number).virtual_router_id == number


@pytest.mark.conformance_negative("PKT-02")
@pytest.mark.parametrize("number", [0, 256, -1, None])
def test_another_virtual_router_id_or_none_is_refused(number: t.Optional[int]) -> None:
    assert problem(virtual_router_id=number).path == "vrrp_instances.VI_1.virtual_router_id"


@pytest.mark.conformance("PKT-03")
def test_a_priority_is_1_to_255_and_100_when_nobody_says() -> None:
    assert [loaded(priority=given).priority for given in (1, 254, 255, None)] == [1, 254, 255, 100]
    assert loaded(state="MASTER").priority == 100, "never 255 by accident"


@pytest.mark.conformance_negative("PKT-03")
@pytest.mark.parametrize("priority", [0, 256])
def test_another_priority_is_refused(priority: int) -> None:
    assert problem(priority=priority).path == "vrrp_instances.VI_1.priority"


@pytest.mark.conformance("PKT-05", "PKT-06")
@pytest.mark.parametrize(("version", "interval"), [(2, 1), (2, 255), (3, 0.01), (3, 40.95)])
def test_an_interval_that_the_version_can_carry(version: int, interval: float) -> None:
    assert loaded(version=version, advert_int=interval).advert_int == round(interval * 1e9)


@pytest.mark.conformance_negative("PKT-05", "PKT-06")
@pytest.mark.parametrize(("version", "interval"), [(2, 0.5), (2, 256), (3, 40.96), (3, 0), (3, 0.005)])
def test_an_interval_that_it_cannot_is_refused(version: int, interval: float) -> None:
    assert problem(version=version, advert_int=interval).path == "vrrp_instances.VI_1.advert_int"


@pytest.mark.conformance("PKT-09", "PKT-10")
def test_addresses_of_one_family_the_link_local_one_first() -> None:
    assert loaded(virtual_ipaddress=LINK_LOCAL_FIRST).family == 6
    assert as_run(virtual_ipaddress=LINK_LOCAL_FIRST).version == 3


@pytest.mark.conformance_negative("PKT-09")
def test_two_families_in_one_advert_are_refused() -> None:
    assert problem(virtual_ipaddress=["192.0.2.10", "fe80::1"]).path == "vrrp_instances.VI_1.virtual_ipaddress[1]"


@pytest.mark.conformance_negative("PKT-10")
def test_an_ipv6_advert_that_begins_with_another_address_is_refused() -> None:
    assert "link-local" in problem(virtual_ipaddress=LINK_LOCAL_FIRST[::-1]).message


@pytest.mark.conformance("OWN-02")
def test_an_owner_may_fail_and_a_guest_may_weigh() -> None:
    assert loaded(priority=255, track_script=["fault"]).tracking.track_script
    assert loaded(priority=254, track_script=["minus"]).tracking.track_script


@pytest.mark.conformance_negative("OWN-02")
@pytest.mark.parametrize("reference", ["minus", "fault weight -10", "fault weight 10"])
def test_an_owner_with_weights_is_refused(reference: str) -> None:
    assert "255 and never changes" in problem(priority=255, track_script=[reference]).message


@pytest.mark.conformance("OWN-03")
def test_nopreempt_begins_as_backup() -> None:
    assert loaded(nopreempt=True, state="BACKUP").nopreempt


@pytest.mark.conformance_negative("OWN-03")
def test_nopreempt_that_begins_as_master_is_refused() -> None:
    assert problem(nopreempt=True, state="MASTER").path == "vrrp_instances.VI_1.nopreempt"


@pytest.mark.conformance("OWN-04")
def test_a_master_answers_unless_it_is_told_not_to() -> None:
    assert as_run().accept
    assert not as_run(accept=False).accept


@pytest.mark.conformance_negative("OWN-04")
def test_in_strict_mode_only_the_owner_answers() -> None:
    assert not as_run(strict_mode=True).accept
    assert problem(strict_mode=True, accept=True).path == "vrrp_instances.VI_1.accept"


@pytest.mark.conformance("AUTH-01", "AUTH-02")
def test_there_is_no_authentication_unless_version_2_asks_for_a_password() -> None:
    assert loaded().authentication is None
    password = loaded(version=2, authentication={"auth_type": "PASS", "auth_pass": "12345678"}).authentication
    assert password is not None and password.auth_pass == "12345678"  # noqa: S105 - a test's


@pytest.mark.conformance_negative("AUTH-02")
@pytest.mark.parametrize("password", ["", "123456789", "schl\u00fc", 1111])
def test_another_password_is_refused_not_cut(password: object) -> None:
    refused = problem(version=2, authentication={"auth_type": "PASS", "auth_pass": password})
    assert refused.path == "vrrp_instances.VI_1.authentication.auth_pass"
    assert refused.value is None


@pytest.mark.conformance_negative("AUTH-01", "AUTH-03")
@pytest.mark.parametrize(("kind", "said"), [("AH", "cannot be AH: it would need IPsec"), ("MD5", "one of PASS")])
def test_another_authentication_is_refused_with_the_reason(kind: str, said: str) -> None:
    assert said in problem(version=2, authentication={"auth_type": kind, "auth_pass": "1111"}).message


@pytest.mark.conformance("TMR-05")
def test_a_learnt_interval_has_a_limit() -> None:
    assert [as_run(advert_int=given).learn_interval_max / 1e9 for given in (0.01, 1, 2)] == [10, 10, 20]
    assert as_run(learn_interval_max=3).learn_interval_max / 1e9 == 3


@pytest.mark.conformance("TMR-06")
def test_down_timer_adverts_come_from_the_instance_or_global_defs() -> None:
    assert as_run().down_timer_adverts == 3
    assert as_run(down_timer_adverts=5).down_timer_adverts == 5


@pytest.mark.conformance_negative("TMR-06")
def test_strict_mode_waits_for_three() -> None:
    assert problem(strict_mode=True, down_timer_adverts=4).path == "vrrp_instances.VI_1.down_timer_adverts"
