# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of keepalived that have no place here, each with what to do about it."""

from __future__ import annotations

import typing as t

from .left_out_lvs import LEFT_OUT_OF_SERVICES, each

LEFT_OUT: t.Mapping[str, t.Mapping[str, str]] = {
    "": {
        **each(
            "net_namespace instance use_pid_dir net_namespace_ipvs namespace_with_ipsets",
            "Several daemons: give each its own --run-dir and --config, and start it inside its network namespace.",
        ),
        **each(
            "linkbeat_use_polling linkbeat_interfaces",
            "Links are always watched through netlink; leave it out.",
        ),
        "interface_up_down_delays": (
            "Not built: a flap costs one transition, and the way back waits for a whole down interval. Leave it out."
        ),
        "track_group": "Losing a static address never faults an instance: it comes back. Leave it out.",
        "virtual_server_group": "Write virtual_server_groups: {NAME: {entries: [...]}}.",
        "virtual_server": "Write virtual_servers: {NAME: {address: ..., port: ..., protocol: ...}}.",
        "SSL": "Write ca_file, certificate and key in the checks: each may have its own.",
        "child_wait_time": "Not built in this version; leave it out.",
        "vrrp_track_file": "Write track_files.",
        "include": "There are no includes: every file of conf.d is read.",
        "track_interface": "Write an instance's own interface and weight in its track_interface.",
    },
    "global_defs": {
        "dynamic_interfaces": "Always on: an interface may be missing, vanish and come back. Leave it out.",
        "no_checker_emails": "Always on: mails tell of servers and of quorum, never of one check. Leave it out.",
        "vrrp_check_unicast_src": (
            "Always on for instances with unicast_peer; check_unicast_src: false turns it off for one."
        ),
        "v3_checksum_as_v2": "Write v3_checksum: rfc9568 in the instance; its default auto follows the peer.",
        **each(
            "nftables nftables_priority nftables_counters nftables_ifindex vrrp_iptables vrrp_ipsets",
            "Leave it out: accept: false of an instance always uses nftables, in a table of our own.",
        ),
        **each(
            "max_auto_priority min_auto_priority_delay vrrp_rt_priority checker_rt_priority bfd_rt_priority "
            "vrrp_priority checker_priority bfd_priority vrrp_rlimit_rttime checker_rlimit_rttime "
            "bfd_rlimit_rttime vrrp_rlimit_rtime checker_rlimit_rtime bfd_rlimit_rtime",
            "Leave it out: the vrrp worker asks for real-time priority and says when it is refused.",
        ),
        **each(
            "vrrp_cpu_affinity checker_cpu_affinity bfd_cpu_affinity",
            "Leave it out: the vrrp worker and the health worker never share a processor where there are two.",
        ),
        **each(
            "vrrp_no_swap checker_no_swap bfd_no_swap",
            "Leave it out: the vrrp worker locks its memory, the health worker need not.",
        ),
        "enable_script_security": "Always on; leave it out.",
        "rs_init_notifies": (
            "Not built: a server that is up from the start has not come up, so no notify_up runs. Leave it out."
        ),
        "lvs_flush_onstop": "Write lvs_flush_on_stop: all, or leave it out: our own services always go.",
        **each(
            "nftables_ipvs nftables_ipvs_priority nftables_ipvs_start_fwmark",
            "Not built: every address of a virtual_server_group is a service of its own. Leave it out.",
        ),
        **each(
            "snmp_socket enable_snmp_vrrp enable_snmp_checker enable_snmp_rfc enable_snmp_rfcv2 "
            "enable_snmp_rfcv3 enable_traps snmp_vs_stats_update_interval snmp_rs_stats_update_interval",
            "There is no SNMP agent: 'mainstay status --json' has the same counters. Leave it out.",
        ),
        **each(
            "enable_dbus dbus_service_name dbus_no_interface_name",
            "There is no D-Bus service: the control socket answers. Leave it out.",
        ),
        "reload_check_config": "Always on: a reload is a transaction. Leave it out.",
        **each(
            "reload_time_file reload_repeat reload_file",
            "Reload with 'mainstay reload' when it is time; leave it out.",
        ),
        "include_check": (
            "There are no includes: conf.d is read whole, and a file that cannot be read is an error. Leave it out."
        ),
        **each(
            "state_dump_file stats_dump_file json_dump_file json_version data_use_instance config_save_dir "
            "tmp_config_directory",
            "There are no dump files: 'mainstay status --json' asks the daemon itself. Leave it out.",
        ),
        **each(
            "vmac_prefix vmac_addr_prefix",
            "Write vmac_name in the instance.",
        ),
        **each(
            "vrrp_rx_bufs_policy vrrp_rx_bufs_multiplier vrrp_netlink_cmd_rcv_bufs "
            "vrrp_netlink_monitor_rcv_bufs lvs_netlink_cmd_rcv_bufs lvs_netlink_monitor_rcv_bufs "
            "vrrp_netlink_cmd_rcv_bufs_force vrrp_netlink_monitor_rcv_bufs_force "
            "lvs_netlink_cmd_rcv_bufs_force lvs_netlink_monitor_rcv_bufs_force process_monitor_rcv_bufs "
            "process_monitor_rcv_bufs_force",
            "Leave it out: socket buffers are sized by what they have to hold.",
        ),
        "lvs_sync_daemon_interface": "Write lvs_sync_daemon as a mapping: {interface: eth0, inst: VI_1}.",
        "log_unknown_vrids": ("Always on: strangers' adverts are counted, and told of once an hour. Leave it out."),
        "vrrp_owner_ignore_adverts": "Leave it out: two owners settle it by their addresses (RFC 9568).",
        **each(
            "vrrp_garp_extra_if vrrp_vmac_garp_intvl",
            "Not built: the address's own interface is announced on. Use vrrp_garp_master_refresh.",
        ),
        **each(
            "process_names process_name vrrp_process_name checker_process_name lvs_process_name bfd_process_name umask "
            "random_seed iproute_usr_dir iproute_etc_dir disable_local_igmp",
            "Leave it out: the processes have names of their own.",
        ),
        **each(
            "use_symlink_paths set_supplementary_groups",
            "Leave it out: scripts run by their resolved path, with the groups of their user.",
        ),
        "user": "Write script_user.",
    },
    "virtual_address": {
        "broadcast": "Write brd.",
        **each(
            "no_track track_group",
            "Leave it out: an address that somebody removes comes back and never costs the mastership.",
        ),
        "peer": "Point-to-point addresses are not built; leave it out.",
        "use_vmac": "Write use_vmac in the instance.",
        **each(
            "-nodad nodad",
            "Leave it out: addresses are always added without duplicate address detection.",
        ),
        **each(
            "home mngtmpaddr noprefixroute autojoin nopreferred",
            "Not supported; leave it out.",
        ),
    },
    "track_file": {
        "overwrite": "Write weight and reverse as keys of their own.",
    },
    "vrrp_track_process": {
        "delay": "Write fork_delay and terminate_delay.",
    },
    "vrrp_script": {
        **each(
            "user group",
            "Write it in the command: script: {command: ..., user: ...}.",
        ),
    },
    "bfd_instance": {
        "neighbour_ip": "Write neighbor_ip.",
        "hoplimit": "Write ttl.",
        "multihop": "Leave it out: sessions are single hop (RFC 5881).",
        **each(
            "vrrp checker",
            "Leave it out: whoever names the session in track_bfd follows it.",
        ),
    },
    "vrrp_sync_group": {
        "global_tracking": "Write sync_group_tracking_weight.",
        **each(
            "notify_deleted notify_master_rx_lower_pri",
            "Write it in the instance: groups have no such script.",
        ),
    },
    "garp_group": {
        "interface": "Write interfaces, a list.",
    },
    "vrrp_instance": {
        "preempt": "It is the default; leave it out. nopreempt turns it off.",
        "no_accept": "Write accept: false.",
        "native_ipv6": "Leave it out: the addresses of virtual_ipaddress tell the family.",
        "unicast_fault_no_peer": (
            "Leave it out: an empty unicast_peer is refused, there is no way from unicast to multicast."
        ),
        "track_src_ip": "Always on; leave it out. Without its source address the instance is in FAULT.",
        "v3_checksum_as_v2": "Write v3_checksum: rfc9568, or leave it out: auto follows the peer.",
        "old_unicast_checksum": "Leave it out: v3_checksum auto believes such peers too.",
        "use_vmac_addr": "Not built: with use_vmac addresses without another dev are on the macvlan.",
        "use_ipvlan": "Not built; write use_vmac, or leave it out.",
        "vrf": "Write interface, the device that adverts are sent on.",
        "linkbeat_use_polling": "Leave it out: links are always watched through netlink.",
        "lvs_sync_daemon_interface": "Write lvs_sync_daemon in global_defs: {interface: eth0, inst: NAME}.",
        "owner_ignore_adverts": "Leave it out: two owners settle it by their addresses (RFC 9568).",
        **each(
            "timer_expired_backup thread_timer_expired",
            "Always on; leave it out. A master that was too late hears its peers first.",
        ),
        "kernel_rx_buf_size": "Leave it out: socket buffers are sized by what they have to hold.",
        "debug": "It does nothing in keepalived either; leave it out.",
        **each(
            "garp_extra_if vmac_garp_intvl",
            "Write garp_master_refresh: the addresses' own interfaces are announced on.",
        ),
        **each(
            "auth_type auth_pass",
            "Write them below authentication: {auth_type: PASS, auth_pass: ...}.",
        ),
    },
    "auth_hmac": {
        "key": "Write keys, a list: [{id: 1, key: ...}].",
    },
    "lvs_sync_daemon": {
        "id": "Write syncid.",
    },
    **LEFT_OUT_OF_SERVICES,
}
"""Section ("" is the top of the document) -> word -> what to do about it."""
