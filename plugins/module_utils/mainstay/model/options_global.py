# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the whole daemon."""

from __future__ import annotations

from .option import Option, boolean, integer, seconds, word

_MACHINE = {
    "router_id": Option("text", "Label of this machine in status, logs and mails; without it the host name.", ""),
    "data_plane": word(
        "Engine that forwards. nftables is for kernels without ip_vs: lb_kind NAT, lb_algo rr, wrr, sh or mh.",
        "ipvs",
        "nftables",
        default="ipvs",
    ),
    "default_interface": Option("interface", "For static_ipaddress without dev."),
    "lvs_sync_daemon": Option("lvs_sync_daemon", "The kernel's connection synchronisation (ip_vs); without it none."),
}

_MAIL = {
    "notification_email": Option("mail_addresses", "Who gets mails about transitions."),
    "notification_email_from": Option("mail_address", "Sender of the mails; without it mainstay@ and the host name."),
    "smtp_server": Option("mail_host", "Mail server, name or address; without it no mail is sent."),
    "smtp_port": integer("Port of the mail server.", 1, 65535, 25),
    "smtp_helo_name": Option("mail_host", "Name that we tell the mail server; without it the host name."),
    "smtp_connect_timeout": seconds("Limit of the connection and of each answer.", 1, 3600, 30),
    "smtp_starttls": boolean("Go on only with TLS and a server whose certificate is good."),
    "smtp_username": Option("text", "User at the mail server; without it nobody logs in."),
    "smtp_password_file": Option("absolute_path", "File whose first line is that user's password."),
    "smtp_alert": boolean("Mail at transitions of whatever says nothing itself; without it no.", None),
    "smtp_alert_vrrp": boolean("The same for instances and groups; without it as smtp_alert.", None),
    "smtp_alert_checker": boolean("The same for virtual and real servers; without it as smtp_alert.", None),
    "no_email_faults": boolean("No mails about FAULT."),
}

_SCRIPTS = {
    "script_user": Option("script_user", "Who runs scripts; without it mainstay. root has to be said."),
    "notify_fifo": Option("absolute_path", "FIFO that every transition is written to."),
    "notify_fifo_script": Option("command", "Program that reads notify_fifo; its path follows the arguments."),
    "vrrp_notify_fifo": Option("absolute_path", "FIFO that transitions of VRRP are written to."),
    "vrrp_notify_fifo_script": Option("command", "Program that reads vrrp_notify_fifo."),
    "lvs_notify_fifo": Option("absolute_path", "FIFO that events of virtual and real servers are written to."),
    "lvs_notify_fifo_script": Option("command", "Program that reads lvs_notify_fifo."),
    "fifo_write_vrrp_states_on_reload": boolean("A reload writes every present state to the FIFOs again."),
    "startup_script": Option("command", "Run once before the workers start."),
    "startup_script_timeout": seconds("It is ended after so long.", 1, 1000, 10),
    "shutdown_script": Option("command", "Run once after the workers have ended."),
    "shutdown_script_timeout": seconds("It is ended after so long.", 1, 1000, 10),
}

_VRRP = {
    "vrrp_version": word("VRRP version of instances that name none. IPv6 is always 3.", 2, 3, default=3),
    "vrrp_mcast_group4": Option("multicast4", "Group of IPv4 adverts.", "224.0.0.18"),
    "vrrp_mcast_group6": Option("multicast6", "Group of IPv6 adverts.", "ff02::12"),
    "vrrp_strict": boolean("Only what the RFC allows."),
    "vrrp_skip_check_adv_addr": boolean("The addresses of an advert are not compared with ours."),
    "vrrp_startup_delay": seconds("Every instance holds still so long after the start.", 0, 3600, 0),
    "vrrp_delay_after_boot": seconds("The same, counted from the machine's boot; the later end counts.", 0, 3600, 0),
    "vrrp_down_timer_adverts": integer("So many adverts are missing until a backup takes over.", 1, 100, 3),
    "vrrp_lower_prio_no_advert": boolean("A master does not answer a lesser advert at once; strict mode: never."),
    "vrrp_higher_prio_send_advert": boolean(
        "A master that yields sends one more advert, so that the winner announces itself; strict mode: never.", True
    ),
    "vrrp_notify_priority_changes": boolean("Changes of the priority are written to the FIFOs."),
}

_ANNOUNCEMENTS = {
    "vrrp_garp_master_delay": seconds(
        "Second burst of gratuitous ARP so long after becoming master; 0 = none.", 0, 3600, 5
    ),
    "vrrp_garp_master_repeat": integer("Gratuitous ARPs per address in one burst.", 1, 100, 5),
    "vrrp_garp_master_refresh": seconds("Period of gratuitous ARP while master; 0 = off.", 0, 86400, 0),
    "vrrp_garp_master_refresh_repeat": integer("Gratuitous ARPs per address at each refresh.", 1, 100, 1),
    "vrrp_garp_lower_prio_delay": seconds(
        "Second burst so long after a lesser master was heard, 0 = none; without it as garp_master_delay.",
        0,
        3600,
        None,
    ),
    "vrrp_garp_lower_prio_repeat": integer(
        "Gratuitous ARPs per address after a lesser master was heard; without it as garp_master_repeat.", 0, 100
    ),
    "vrrp_garp_interval": seconds("Least gap between two gratuitous ARPs of one interface; 0 = none.", 0, 10, 0),
    "vrrp_gna_interval": seconds("Least gap between two unsolicited neighbour advertisements; 0 = none.", 0, 10, 0),
    "vrrp_min_garp": boolean("One gratuitous ARP per address, no second burst."),
}

_BALANCING = {
    "lvs_timeouts": Option("lvs_timeouts", "Timeouts of ip_vs while the daemon runs; without it unchanged."),
    "lvs_flush": boolean("Remove what others have in ip_vs when the daemon starts."),
    "lvs_flush_on_stop": word(
        "What is removed from ip_vs when the daemon stops: our services, or all of them.", "ours", "all", default="ours"
    ),
    "checker_log_all_failures": boolean("Log every failed probe of checks that do not say otherwise."),
    "maintenance_directory": Option(
        "absolute_path",
        "A file there named SERVICE, SERVICE@ADDRESS:PORT or ADDRESS takes servers out while it is there.",
    ),
}

GLOBAL_DEFS = {**_MACHINE, **_BALANCING, **_VRRP, **_ANNOUNCEMENTS, **_SCRIPTS, **_MAIL}

LVS_SYNC_DAEMON = {
    "interface": Option("interface", "Interface that connections are sent on.", required=True),
    "inst": Option("name", "vrrp_instance that it follows: master sends, backup receives; without it both, always."),
    "syncid": integer("Number of the group; without it the instance's virtual_router_id, without inst 0.", 0, 255),
    "maxlen": integer("Bytes of one message; without it as the kernel chooses.", 1, 65507),
    "port": integer("Port of the messages.", 1, 65535, 8848),
    "ttl": integer("TTL of the messages.", 1, 255, 1),
    "group": Option("multicast", "Group that they go to; without it 224.0.0.81."),
}

STATICS = {
    "static_ipaddress": Option("many_addresses", "Addresses that are always there."),
    "static_routes": Option("routes", "Routes that are always there."),
    "static_rules": Option("rules", "Policy rules that are always there."),
}
"""Lists at the top of the document."""
