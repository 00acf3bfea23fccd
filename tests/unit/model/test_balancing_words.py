# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every word that keepalived has for balancing is an option here, or is answered with what to do instead."""

from __future__ import annotations

import typing as t

import pytest

from mainstay.model.options import LEFT_OUT, SECTIONS, TOP_KEYS

COMMON = (
    "connect_ip connect_port bindto bind_port bind_if fwmark connect_timeout retry delay_before_retry warmup "
    "delay_loop alpha log_all_failures"
)
HTTP = (
    "http_protocol virtualhost fast_recovery nb_get_retry enable_sni sni_name url path status_code digest regex "
    "regex_no_match regex_options"
)
KEYWORDS: t.Mapping[str, str] = {
    "": "virtual_server_group virtual_server SSL",
    "global_defs": (
        "smtp_alert smtp_alert_checker no_checker_emails lvs_notify_fifo lvs_notify_fifo_script lvs_sync_daemon "
        "lvs_timeouts lvs_flush lvs_flush_on_stop lvs_flush_onstop nftables_ipvs nftables_ipvs_priority "
        "nftables_ipvs_start_fwmark rs_init_notifies checker_log_all_failures checker_process_name lvs_process_name "
        "checker_priority checker_rt_priority checker_rlimit_rttime checker_rlimit_rtime checker_no_swap "
        "checker_cpu_affinity enable_snmp_checker lvs_netlink_cmd_rcv_bufs lvs_netlink_monitor_rcv_bufs "
        "lvs_netlink_cmd_rcv_bufs_force lvs_netlink_monitor_rcv_bufs_force"
    ),
    "virtual_server": (
        "lvs_sched lb_algo lvs_method lb_kind protocol ip_family persistence_timeout persistence_granularity "
        "persistence_engine ops sh-port sh-fallback mh-port mh-fallback flag-1 flag-2 flag-3 hashed delay_loop "
        "connect_timeout retry delay_before_retry warmup inhibit_on_failure alpha omega quorum hysteresis quorum_up "
        "quorum_down sorry_server sorry_server_inhibit sorry_server_lvs_method ha_suspend virtualhost weight "
        "smtp_alert snmp_name real_server nat_mask fwmark group"
    ),
    "real_server": (
        "weight lvs_method uthreshold lthreshold inhibit_on_failure notify_up notify_down alpha retry "
        "delay_before_retry warmup connect_timeout delay_loop smtp_alert virtualhost snmp_name HTTP_GET SSL_GET "
        "TCP_CHECK UDP_CHECK PING_CHECK SMTP_CHECK DNS_CHECK MISC_CHECK FILE_CHECK BFD_CHECK"
    ),
    "tcp_check": COMMON,
    "http_check": f"{COMMON} {HTTP}",
    "https_check": f"{COMMON} {HTTP} tls_compliant",
    "url": (
        "path status_code digest virtualhost regex regex_no_match regex_options regex_min_offset regex_max_offset "
        "regex_stack tls_compliant"
    ),
    "udp_check": f"{COMMON} payload require_reply min_reply_length max_reply_length",
    "ping_check": " ".join(set(COMMON.split()) - {"connect_port", "bind_port"}),
    "smtp_check": f"{COMMON} helo_name host",
    "dns_check": f"{COMMON} name",
    "misc_check": "misc_path misc_timeout misc_dynamic user retry delay_before_retry warmup delay_loop alpha",
    "file_check": "track_file weight reverse dynamic",
    "bfd_check": "name alpha",
}


@pytest.mark.parametrize("section", KEYWORDS)
def test_every_word_has_a_place_or_an_answer(section: str) -> None:
    known = {*SECTIONS.get(section, TOP_KEYS), *LEFT_OUT.get(section, {})}

    assert set(KEYWORDS[section].split()) - known == set()
