# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the instances of this machine track, and what is known of it.

Results come from three sides: scripts, files and processes are watched by the supervisor, which tells all of their
results each time that one changes; interfaces are read from the mirror of links; BFD sessions of this worker are noted
one by one. Nothing is known of an object before its first result, and that is no guess: without a weight it keeps its
instances in FAULT, with one it counts as down (`vrrp/tracking.py`).
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ...model.config import Config, VrrpSyncGroup
from ...model.tracking import TrackReference
from ...model.units import Instant
from ...model.vrrp_config import Tracking
from ...net.links import LinkMirror
from ...vrrp.tracking import Assessment, Tracked, assess
from ..wall_clock import wall_clock
from .groups import groups_by_member

INTERFACE, SCRIPT, FILE, PROCESS, BFD = "interface", "script", "file", "process", "bfd"
_TOLD = frozenset({SCRIPT, FILE, PROCESS})
"""Kinds whose results the supervisor tells, always all of them."""
_WORDS = {True: "up", False: "down"}

Result = t.Union[bool, int, None]
"""True and False are up and down; a file's is its number; None is not known yet."""

Key = t.Tuple[str, str]
"""Kind and name."""


@dataclass(frozen=True)
class Finding:
    """The last result of one tracked object."""

    outcome: Result
    why: str
    """A few words: "exit status 1", "no carrier"."""
    since: str
    """Wall clock at which the outcome became what it is."""
    at: Instant
    """The same by the monotonic clock."""


class Findings:
    """What is known of everything that is tracked."""

    def __init__(self, mirror: LinkMirror) -> None:
        self._mirror = mirror
        self._known: t.Dict[Key, Finding] = {}
        self._interfaces: t.FrozenSet[str] = frozenset()

    def of(self, kind: str, name: str) -> t.Optional[Finding]:
        """The last result, or None before the first."""
        return self._known.get((kind, name))

    def tell(self, results: t.Mapping[str, t.Mapping[str, t.Any]], now: Instant) -> bool:
        """Results of all scripts, files and processes, by "kind:name"; whether anything about them is new."""
        told = {_key(word): result for word, result in results.items()}
        before = dict(self._known)
        self._known = {key: found for key, found in before.items() if key[0] not in _TOLD or key in told}
        for (kind, name), result in told.items():
            self.note(kind, name, result.get("value", result.get("up")), str(result.get("why", "")), now)
        return before != self._known

    def note(self, kind: str, name: str, outcome: Result, why: str, now: Instant) -> bool:
        """One result; whether it says anything new, and be it another reason for the same outcome."""
        known = self._known.get((kind, name))
        since, at = (known.since, known.at) if known and known.outcome == outcome else (wall_clock(), now)
        found = self._known[kind, name] = Finding(outcome, why, since, at)
        return found != known

    def follow(self, interfaces: t.FrozenSet[str], now: Instant) -> None:
        """These interfaces are tracked from now on."""
        self._known = {key: found for key, found in self._known.items() if key[0] != INTERFACE or key[1] in interfaces}
        self._interfaces = interfaces
        self.look(interfaces, now)

    def look(self, names: t.Collection[str], now: Instant) -> bool:
        """These links changed; whether that says anything new about a tracked one."""
        changed = False
        for name in self._interfaces.intersection(names):
            trouble = self._trouble(name)
            changed |= self.note(INTERFACE, name, not trouble, trouble or "up with carrier", now)
        return changed

    def _trouble(self, name: str) -> str:
        """Why an interface counts as down; one that does not exist does."""
        link = self._mirror.named(name)
        if link is None:
            return "does not exist"
        if not link.enabled:
            return "is set down"
        return "" if link.running else "no carrier"


@dataclass(frozen=True)
class Tracker:
    """One reference of an instance or its group, with the weight that counts."""

    kind: str
    name: str
    weight: int
    reverse: bool


class TrackerTable:
    """Which trackers count for which instance, by one configuration."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._groups = groups_by_member(config.vrrp_sync_groups.values())
        self._of_instance = {name: self._of(name) for name in config.vrrp_instances}
        trackings = [one.tracking for one in config.vrrp_instances.values()]
        trackings += [one.tracking for one in config.vrrp_sync_groups.values()]
        self.interfaces = frozenset(one.name for tracking in trackings for one in tracking.track_interface)
        """Names of all interfaces that are tracked."""

    def of_instance(self, name: str) -> t.List[Tracker]:
        """Its own and its group's."""
        return self._of_instance[name]

    def of_group(self, group: VrrpSyncGroup) -> t.List[Tracker]:
        """Those that apply to each of its members."""
        return self._resolve(group.tracking)

    def _of(self, name: str) -> t.List[Tracker]:
        """A member's own ones with a weight count only where the group allows it."""
        own = self._resolve(self._config.vrrp_instances[name].tracking)
        group = self._groups.get(name)
        if group is None:
            return own
        allowed = [one for one in own if not one.weight or group.sync_group_tracking_weight]
        return self.of_group(group) + allowed

    def _resolve(self, tracking: Tracking) -> t.List[Tracker]:
        """Where the reference does not say, the definition does."""
        config = self._config
        definitions: t.Mapping[str, t.Tuple[t.Sequence[TrackReference], t.Mapping[str, t.Any]]] = {
            INTERFACE: (tracking.track_interface, {}),
            SCRIPT: (tracking.track_script, config.vrrp_scripts),
            FILE: (tracking.track_file, config.track_files),
            PROCESS: (tracking.track_process, config.vrrp_track_processes),
            BFD: (tracking.track_bfd, config.bfd_instances),
        }
        return [
            _tracker(kind, reference, known.get(reference.name))
            for kind, (references, known) in definitions.items()
            for reference in references
        ]


class TrackingBook:
    """Trackers and findings together: what each instance's priority and faults come to."""

    def __init__(self, mirror: LinkMirror) -> None:
        self.findings = Findings(mirror)
        self._table = TrackerTable(Config())

    def configure(self, config: Config, now: Instant) -> None:
        """Track what this asks for."""
        self._table = TrackerTable(config)
        self.findings.follow(self._table.interfaces, now)

    def assess(self, name: str, priority: int) -> Assessment:
        """Of one instance, from its configured priority."""
        return assess(priority, [self._tracked(tracker) for tracker in self._table.of_instance(name)])

    def instance_status(self, name: str) -> t.List[t.Dict[str, object]]:
        """Its trackers, its group's among them, JSON-able."""
        return [self._shown(tracker) for tracker in self._table.of_instance(name)]

    def group_status(self, group: VrrpSyncGroup) -> t.List[t.Dict[str, object]]:
        """Those that apply to every member."""
        return [self._shown(tracker) for tracker in self._table.of_group(group)]

    def _tracked(self, tracker: Tracker) -> Tracked:
        found = self.findings.of(tracker.kind, tracker.name)
        outcome, why, at = (None, "", 0) if found is None else (found.outcome, found.why, found.at)
        return Tracked(tracker.kind, tracker.name, tracker.weight, tracker.reverse, outcome, why, at)

    def _shown(self, tracker: Tracker) -> t.Dict[str, object]:
        found = self.findings.of(tracker.kind, tracker.name)
        outcome = None if found is None else found.outcome
        return {
            "kind": tracker.kind,
            "name": tracker.name,
            "weight": tracker.weight,
            "reverse": tracker.reverse,
            "result": _WORDS.get(outcome, outcome) if isinstance(outcome, bool) else outcome,
            "why": "waits for its first result" if found is None else found.why,
            "since": None if found is None else found.since,
        }


def _tracker(kind: str, reference: TrackReference, definition: t.Any) -> Tracker:
    weight = reference.weight if reference.weight is not None else getattr(definition, "weight", 0)
    reverse = reference.reverse if reference.reverse is not None else getattr(definition, "reverse", False)
    return Tracker(kind, reference.name, weight, reverse)


def _key(word: str) -> Key:
    kind, _colon, name = word.partition(":")
    return kind, name
