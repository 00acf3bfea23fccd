# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keepalived does when a keyword is left out, as ours spells it, and why ours does something else.

Ellipsis: it has no such keyword. A new option of the model has to be entered here (a test asks for it).
"""

from __future__ import annotations

import typing as t

_TIMES: t.Mapping[str, object] = {
    "type": "required", "retry": None, "delay_before_retry": None, "delay_loop": None, "warmup": None, "alpha": None,
    "rise": ..., "fall": ..., "log_all_failures": None,
}  # fmt: skip
_ENDPOINT: t.Mapping[str, object] = {
    **_TIMES, "connect_timeout": None, "connect_ip": None, "connect_port": None, "bindto": None, "bind_port": None,
    "bind_if": None, "fwmark": 0,
}  # fmt: skip
_HTTP: t.Mapping[str, object] = {
    **_ENDPOINT, "path": "required", "digest": None, "regex": None, "regex_no_match": False, "regex_options": (),
    "status_code": "200-299", "virtualhost": None, "http_protocol": "1.0", "method": ..., "headers": ...,
    "body": ..., "urls": (),
}  # fmt: skip
_UNKNOWN: t.Mapping[str, object] = dict.fromkeys(_ENDPOINT, ...)
"""Of a check that keepalived has not."""

KEEPALIVED: t.Mapping[str, t.Mapping[str, object]] = {
    "global_defs": {
        "router_id": "", "data_plane": ..., "default_interface": "eth0", "lvs_sync_daemon": None, "vrrp_version": 2,
        "vrrp_mcast_group4": "224.0.0.18", "vrrp_mcast_group6": "ff02::12", "vrrp_strict": False,
        "vrrp_skip_check_adv_addr": False, "vrrp_startup_delay": 0, "vrrp_delay_after_boot": 0,
        "vrrp_down_timer_adverts": 3, "vrrp_lower_prio_no_advert": False, "vrrp_higher_prio_send_advert": False,
        "vrrp_notify_priority_changes": False, "vrrp_garp_master_delay": 5,
        "vrrp_garp_master_repeat": 5, "vrrp_garp_master_refresh": 0, "vrrp_garp_master_refresh_repeat": 1,
        "vrrp_garp_lower_prio_delay": None, "vrrp_garp_lower_prio_repeat": None, "vrrp_garp_interval": 0,
        "vrrp_gna_interval": 0, "vrrp_min_garp": False, "script_user": "keepalived_script, else root",
        "notify_fifo": None, "notify_fifo_script": None, "vrrp_notify_fifo": None, "vrrp_notify_fifo_script": None,
        "fifo_write_vrrp_states_on_reload": False, "startup_script": None, "startup_script_timeout": 10,
        "shutdown_script": None, "shutdown_script_timeout": 10, "notification_email": None,
        "notification_email_from": None, "smtp_server": None, "smtp_port": ..., "smtp_helo_name": None,
        "smtp_connect_timeout": 30, "smtp_starttls": ..., "smtp_username": ..., "smtp_password_file": ...,
        "smtp_alert": None, "smtp_alert_vrrp": None, "no_email_faults": False, "smtp_alert_checker": None,
        "lvs_timeouts": None, "lvs_flush": False, "lvs_flush_on_stop": "ours", "lvs_notify_fifo": None,
        "lvs_notify_fifo_script": None, "checker_log_all_failures": False, "maintenance_directory": ...,
    },
    "lvs_sync_daemon": {
        "interface": "required", "inst": None, "syncid": None, "maxlen": None, "port": 8848, "ttl": 1,
        "group": None,
    },
    "statics": {
        "static_ipaddress": None, "static_routes": None, "static_rules": None,
    },
    "garp_group": {
        "interfaces": "required", "garp_interval": 0, "gna_interval": 0,
    },
    "vrrp_script": {
        "script": "required", "interval": 1, "timeout": None, "weight": 0, "reverse": False, "rise": 1, "fall": 1,
        "init_fail": False,
    },
    "track_file": {
        "file": "required", "weight": 1, "reverse": False, "init_file": None, "init_file_overwrite": False,
    },
    "vrrp_track_process": {
        "process": "required", "param_match": "exact", "full_command": False, "weight": 0, "reverse": False,
        "quorum": 1, "quorum_max": None, "fork_delay": 0, "terminate_delay": 0,
    },
    "bfd_instance": {
        "neighbor_ip": "required", "source_ip": None, "min_rx": 0.01, "min_tx": 0.01, "idle_tx": 1, "multiplier": 5,
        "passive": False, "ttl": "255, IPv6 64", "max_hops": 0, "weight": 0, "reverse": False,
    },
    "vrrp_sync_group": {
        "group": "required", "sync_group_tracking_weight": False, "track_interface": None, "track_script": None,
        "track_file": None, "track_process": None, "track_bfd": None, "notify_master": None, "notify_backup": None,
        "notify_fault": None, "notify_stop": None, "notify": None, "notify_priority_changes": None, "smtp_alert":
        None,
    },
    "vrrp_instance": {
        "interface": "required", "virtual_router_id": "required", "virtual_ipaddress": None, "no_virtual_ipaddress":
        False, "virtual_ipaddress_excluded": None, "virtual_routes": None, "virtual_rules": None, "accept": None,
        "vip_lease": ..., "promote_secondaries": False, "use_vmac": False, "vmac_name": None, "vmac_xmit_base":
        False, "priority": "100, but 255 with `state MASTER`", "state": None, "advert_int": 1, "version": None,
        "nopreempt": False, "preempt_delay": 0, "down_timer_adverts": None, "lower_prio_no_advert": None,
        "higher_prio_send_advert": None, "learn_interval_max": ..., "strict_mode": None, "dont_track_primary":
        False, "mcast_src_ip": None, "mcast_dst_ip": None, "unicast_src_ip": None, "unicast_peer": None,
        "unicast_ttl": 255, "check_unicast_src": False, "skip_check_adv_addr": None, "v3_checksum": "rfc5798",
        "authentication": None, "auth_hmac": None, "garp_master_delay": None, "garp_master_repeat": None,
        "garp_master_refresh": None, "garp_master_refresh_repeat": None, "garp_lower_prio_delay": None,
        "garp_lower_prio_repeat": None, "track_interface": None, "track_script": None, "track_file": None,
        "track_process": None, "track_bfd": None, "notify_master": None, "notify_backup": None, "notify_fault":
        None, "notify_stop": None, "notify": None, "notify_priority_changes": None, "smtp_alert": None,
        "notify_deleted": None, "notify_master_rx_lower_pri": None,
    },
    "virtual_address": {
        "address": "required", "dev": None, "label": None, "brd": None, "scope": None, "preferred_lft": None,
    },
    "unicast_peer": {
        "address": "required", "min_ttl": None, "max_ttl": None,
    },
    "authentication": {
        "auth_type": "required", "auth_pass": "required",
    },
    "auth_hmac": {
        "keys": "required", "active_key": "required", "mode": "enforce", "anti_replay": "time", "time_window": None,
    },
    "hmac_key": {
        "id": "required", "key": "required",
    },
    "track_reference": {
        "name": "required", "weight": None, "reverse": None,
    },
    "command": {
        "command": "required", "user": None, "group": None,
    },
    "lvs_timeouts": {
        "tcp": None, "tcpfin": None, "udp": None,
    },
    "virtual_server_group": {
        "entries": "required",
    },
    "group_entry": {
        "address": None, "last_address": None, "port": 0, "last_port": ..., "fwmark": 0, "family": None,
    },
    "virtual_server": {
        "address": None, "port": 0, "fwmark": None, "ip_family": None, "virtual_server_group": None,
        "protocol": "UDP", "lb_algo": "wlc", "sh_port": False, "sh_fallback": False, "mh_port": False,
        "mh_fallback": False, "ops": False, "lb_kind": "NAT", "tun_type": "ipip", "tun_port": None,
        "tun_checksum": "nocsum", "nat_mask": None, "masquerade": ..., "persistence_timeout": 0,
        "persistence_granularity": None, "persistence_engine": None, "delay_loop": 60,
        "connect_timeout": "5 s for each step", "retry": None, "delay_before_retry": None, "warmup": None,
        "alpha": False, "omega": False, "inhibit_on_failure": False, "quorum": 1, "hysteresis": 0, "quorum_up": None,
        "quorum_down": None, "sorry_server": None, "sorry_server_inhibit": False, "sorry_server_lb_kind": None,
        "ha_suspend": False, "virtualhost": None, "weight": 1, "smtp_alert": None, "slow_start": ...,
        "pool_floor": ..., "flap_damping": ..., "drain_timeout": ...,
        "real_servers": "a service without any is dropped",
    },
    "sorry_server": {
        "address": "required", "port": None,
    },
    "real_server": {
        "address": "required", "port": None, "weight": None, "lb_kind": None, "tun_type": None, "tun_port": None,
        "tun_checksum": None, "uthreshold": 0, "lthreshold": 0, "inhibit_on_failure": None, "alpha": None,
        "delay_loop": None, "connect_timeout": None, "retry": None, "delay_before_retry": None, "warmup": None,
        "virtualhost": None, "slow_start": ..., "smtp_alert": None, "notify_up": None, "notify_down": None,
        "backup": ..., "check": None, "checks": None,
    },
    "tcp_check": {
        **_ENDPOINT, "send": ..., "expect": ...,
    },
    "http_check": _HTTP,
    "https_check": {
        **_HTTP, "enable_sni": False, "sni_name": None, "tls_min_version": ..., "verify": "none", "ca_file": None,
        "certificate": None, "key": None, "expiry_warning": ...,
    },
    "smtp_check": {
        **_ENDPOINT, "helo_name": "smtpchecker.keepalived.org", "hosts": (), "starttls": ..., "enable_sni": ...,
        "sni_name": ..., "tls_min_version": ..., "verify": ..., "ca_file": ..., "certificate": ..., "key": ...,
        "expiry_warning": ...,
    },
    "dns_check": {
        **_ENDPOINT, "query_type": "SOA", "name": ".", "answer": ...,
    },
    "udp_check": {
        **_ENDPOINT, "payload": "random bytes", "require_reply": False, "reply": None, "min_reply_length": 0,
        "max_reply_length": 255,
    },
    "ping_check": {key: told for key, told in _ENDPOINT.items() if key not in ("connect_port", "bind_port")},
    "misc_check": {
        **_TIMES, "misc_path": "required", "misc_timeout": None, "misc_dynamic": False,
    },
    "file_check": {
        "type": "required", "track_file": "required", "weight": None, "reverse": None,
    },
    "bfd_check": {
        "type": "required", "name": "required",
    },
    "grpc_check": {
        **_UNKNOWN, "service": ...,
    },
    "postgres_check": _UNKNOWN,
    "mysql_check": _UNKNOWN,
    "redis_check": _UNKNOWN,
    "url": {
        "path": "required", "digest": None, "regex": None, "regex_no_match": False, "regex_options": (),
        "status_code": None, "virtualhost": None, "regex_min_offset": 0, "regex_max_offset": None,
    },
    "endpoint": {
        "address": ..., "port": ...,
    },
}  # fmt: skip

# Every difference has its reason here, and nothing else is in it (a test compares).
WHY: t.Mapping[str, str] = {
    "global_defs.default_interface": "No machine is sure to have an eth0.",
    "global_defs.vrrp_version": "RFC 9568 is version 3. It carries intervals below a second, and backups take the "
    "master's. Both directors of a group must speak the same: beside keepalived, say `version 3` there.",
    "global_defs.vrrp_higher_prio_send_advert": "When a split heals, the winner may never hear the loser, and the "
    "neighbours go on asking the loser. Its last advert makes the winner announce itself again.",
    "global_defs.script_user": "Nothing runs as root that does not say root.",
    "bfd_instance.ttl": "RFC 5881 wants 255 of both families; packets with less are discarded.",
    "vrrp_instance.check_unicast_src": "Otherwise whoever reaches the machine may end the mastership.",
    "vrrp_instance.v3_checksum": "Cisco and keepalived differ (RFC 9568, RFC 5798); what a peer sends it takes.",
    "vrrp_instance.priority": "255 means the owner of the addresses (RFC 9568); a router that "
    "has it by accident takes over at once and cannot be preempted.",
    "virtual_server.port": "A service for every port is opened by one forgotten word.",
    "virtual_server.protocol": "A web service that was balanced as UDP without a word has cost many an evening.",
    "virtual_server.delay_loop": "A dead server would be offered to clients for up to a minute.",
    "virtual_server.real_servers": "An empty pool is kept and shown in the status: a service that vanishes silently "
    "looks like one that was never configured.",
    "virtual_server.connect_timeout": "One deadline for the whole probe, all its urls or hosts together. A server "
    "that sends a byte now and then would otherwise hold a probe for ever.",
    "check.path": "The most common path.",
    "url.path": "The most common path.",
    "https_check.enable_sni": "A server of several names shows the wrong certificate, or none, when nobody says which.",
    "smtp_check.helo_name": "Mail servers look the name up; this machine's is one that they may find.",
    "udp_check.payload": "What changes from probe to probe is judged differently from probe to probe.",
    "udp_check.max_reply_length": "A longer answer is an answer, too.",
}
