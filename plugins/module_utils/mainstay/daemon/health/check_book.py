# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which checks run, and which servers follow them.

Theory of operation. A server of a service (ServerId) has a row of checks. One that talks to an address is a
SharedCheck: equal checks of one address and port are one and the same, run once, and all servers that list it follow.
One that somebody else carries out (a program, a file, a BFD session) is a ToldCheck.

    configure()  ->  the rows anew; what is equal to before goes on untouched, with its state, its timer and its phase
    an outcome   ->  judged(ids)   the servers that follow; who owns them decides what it means

What no row lists any more rests at once. Where a server's check changed, the new one begins in the state of the old:
a changed path takes nobody out and brings nobody in before it was tried.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ...lvs.health import DOWN, CheckHistory, CheckPolicy, Health, check_policy, first_history, told_policy
from ...lvs.keys import ServerId, server_text
from ...model.check_config import Check, EndpointCheck
from ...model.lvs_defaults import RunningService
from ...model.units import Instant
from ..check_names import told_name
from .adoption import NOTHING_FOUND, Found
from .check_phase import check_seed, target_seed
from .shared_check import Bench, SharedCheck
from .told_check import Result, ToldCheck

FollowedCheck = t.Union[SharedCheck, ToldCheck]
Row = t.Tuple[FollowedCheck, ...]
Endpoint = t.Tuple[str, int]
Services = t.Iterable[RunningService]
Results = t.Mapping[str, Result]
"""By the names that told_name() makes."""

FOUND_OUT = "was out of the pool when the daemon started, not checked yet"


class CheckBook:
    """Every check of the configuration."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._shared: t.Dict[Check, t.Dict[Endpoint, SharedCheck]] = {}
        self._rows: t.Dict[ServerId, Row] = {}
        self._told: t.Dict[str, t.List[ToldCheck]] = {}
        self._results: Results = {}
        self._resting: t.FrozenSet[str] = frozenset()
        """Names of the services whose checks rest."""

    def configure(self, services: Services, now: Instant, found: Found = NOTHING_FOUND) -> None:
        """Run the checks of these services. `found` is what the kernel showed of them when the process started."""
        builder = _Builder(self._bench, self._shared, self._rows, self._results, found, now)
        for service in services:
            builder.add(service)
        self._shared, self._rows, self._told = builder.shared, builder.rows, builder.told
        for check in builder.unlisted():
            check.rest()
        self._begin_and_rest(now)

    def row(self, server: ServerId) -> Row:
        """The checks of a server, in the order of the configuration; empty when it has none."""
        return self._rows[server]

    def distrust(self, servers: t.Iterable[ServerId], now: Instant) -> None:
        """These were out of the pool, as shows only now; what a check has said since the start counts for more."""
        for key in servers:
            for check in self._rows[key]:
                if check.history.checked is None:
                    check.history = CheckHistory(check.history.policy, Health(DOWN, now, FOUND_OUT))

    def rest_services(self, names: t.FrozenSet[str], now: Instant) -> None:
        """The checks of exactly these services rest; one that another service follows too goes on."""
        if names != self._resting:
            self._resting = names
            self._begin_and_rest(now)

    def take_results(self, results: Results, now: Instant) -> t.List[t.Tuple[ToldCheck, CheckHistory]]:
        """What those who carry out the other checks found: all of it. The checks with a new result, and how they
        stood before.
        """
        new = [key for key, result in results.items() if result != self._results.get(key)]
        self._results = results
        checks = [check for key in new for check in self._told.get(key, ())]
        taken = [(check, check.take(results[check.key], now)) for check in checks]
        return [(check, before) for check, before in taken if before is not None]

    def close(self) -> None:
        """Every check rests."""
        for check in self._all_shared():
            check.rest()

    @property
    def counts(self) -> t.Tuple[int, int]:
        """How many checks are configured, and how many run for them."""
        return sum(map(len, self._rows.values())), sum(1 for _check in self._all_shared())

    def _all_shared(self) -> t.Iterator[SharedCheck]:
        return (check for of_one in self._shared.values() for check in of_one.values())

    def _begin_and_rest(self, now: Instant) -> None:
        starting = []
        for check in self._all_shared():
            wanted = any(service not in self._resting for service, _server in check.followers)
            if wanted and check.resting:
                starting.append(check)
            elif not wanted:
                check.rest()
        for check in starting:
            check.begin(len(starting), now)


class _Builder:
    """The rows of a new configuration, from the old ones."""

    def __init__(
        self,
        bench: Bench,
        before: t.Mapping[Check, t.Mapping[Endpoint, SharedCheck]],
        rows: t.Mapping[ServerId, Row],
        results: Results,
        found: Found,
        now: Instant,
    ) -> None:
        self.shared: t.Dict[Check, t.Dict[Endpoint, SharedCheck]] = {}
        self.rows: t.Dict[ServerId, Row] = {}
        self.told: t.Dict[str, t.List[ToldCheck]] = {}
        self._bench = bench
        self._before = before
        self._old_rows = rows
        self._results = results
        self._found = found
        self._now = now
        self._listed: t.Sequence[Check] = ()
        """The checks of the server that is being added."""
        self._seeds: t.Dict[Check, int] = {}
        self._policies: t.Dict[Check, CheckPolicy] = {}
        self._beginnings: t.Dict[t.Tuple[CheckPolicy, bool], CheckHistory] = {}
        self._followers: t.Dict[SharedCheck, t.List[ServerId]] = {}

    def add(self, service: RunningService) -> None:
        for server in service.real_servers:
            key = (service.name, server_text(server))
            self._listed = server.checks
            self.rows[key] = tuple(
                self._check(key, index, check, server.address, server.port) for index, check in enumerate(server.checks)
            )

    def unlisted(self) -> t.List[SharedCheck]:
        """Those of before that no server follows now; all others know their followers from here on."""
        for check, followers in self._followers.items():
            check.followers = tuple(followers)
        everything = (check for of_one in self._before.values() for check in of_one.values())
        return [check for check in everything if check not in self._followers]

    def _check(self, key: ServerId, index: int, check: Check, address: str, port: int) -> FollowedCheck:
        if not isinstance(check, EndpointCheck):
            return self._told_check(key, index, check)
        endpoint = (check.connect_ip or address, check.connect_port or port)
        of_one = self.shared.setdefault(check, {})
        shared = of_one.get(endpoint)
        if shared is None:
            shared = self._before.get(check, {}).get(endpoint) or self._new_shared(key, index, check, endpoint)
            of_one[endpoint] = shared
        elif shared.history.checked is None and key in self._found.serving:
            # Out of one pool for another reason (a second check there): what serves elsewhere is trusted.
            shared.history = self._first_history(key, index, check)
        self._followers.setdefault(shared, []).append(key)
        return shared

    def _new_shared(self, key: ServerId, index: int, check: Check, endpoint: Endpoint) -> SharedCheck:
        seed = self._seeds.get(check)
        if seed is None:
            seed = self._seeds[check] = check_seed(check)
        history = self._first_history(key, index, check)
        return SharedCheck(self._bench, check, *endpoint, target_seed(seed, *endpoint), history)

    def _told_check(self, key: ServerId, index: int, check: Check) -> ToldCheck:
        row = self._old_rows.get(key, ())
        old = next((one for one in row if isinstance(one, ToldCheck) and one.check == check), None)
        if old is not None:
            told = old
        else:
            told = ToldCheck(told_name(key, check), key, check, self._first_history(key, index, check))
            told.take(self._results.get(told.key), self._now)
        self.told.setdefault(told.key, []).append(told)
        return told

    def _old_check(self, key: ServerId, index: int) -> t.Optional[FollowedCheck]:
        """The one that stood in this place, unless it goes on in another."""
        row = self._old_rows.get(key, ())
        old = row[index] if index < len(row) else None
        return None if old is None or old.check in self._listed else old

    def _first_history(self, key: ServerId, index: int, check: Check) -> CheckHistory:
        """A check that replaces one goes on as that stood; what the kernel showed of its server counts before alpha."""
        policy = self._policy(check)
        old = self._old_check(key, index)
        if old is not None:
            return replace(old.history, policy=policy, failures=0, passes=0)
        if key in self._found.out:
            return CheckHistory(policy, Health(DOWN, self._now, FOUND_OUT))
        trusted = key in self._old_rows or key in self._found.serving
        return self._fresh(policy, outside=policy.alpha and not trusted)

    def _fresh(self, policy: CheckPolicy, outside: bool) -> CheckHistory:
        """One value for all checks that begin alike: until its first result a check needs no memory of its own."""
        fresh = self._beginnings.get((policy, outside))
        if fresh is None:
            fresh = replace(first_history(replace(policy, alpha=outside), self._now), policy=policy)
            self._beginnings[policy, outside] = fresh
        return fresh

    def _policy(self, check: Check) -> CheckPolicy:
        """One value for all equal checks."""
        policy = self._policies.get(check)
        if policy is None:
            make = check_policy if isinstance(check, EndpointCheck) else told_policy
            policy = self._policies[check] = make(check)
        return policy
