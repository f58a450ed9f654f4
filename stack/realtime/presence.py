"""Who is present on a topic: each channel tracks one state under its key, shared by all."""

from __future__ import annotations

import secrets
from collections import defaultdict
from typing import Any

Metas = dict[str, dict[str, list[dict[str, Any]]]]


class Presence:
    """The states tracked on one topic, by whoever tracks (a channel)."""

    def __init__(self) -> None:
        self._tracked: dict[object, tuple[str, dict[str, Any]]] = {}

    def state(self) -> Metas:
        """Everybody present, by key."""
        grouped: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: {"metas": []})
        for key, meta in self._tracked.values():
            grouped[key]["metas"].append(meta)
        return dict(grouped)

    def track(self, who: object, key: str, state: dict[str, Any]) -> dict[str, Metas]:
        """Set a state; returns the difference to announce."""
        meta = {**state, "phx_ref": secrets.token_urlsafe(12)}
        leaves: Metas = {}
        if who in self._tracked:
            old_key, old = self._tracked[who]
            meta["phx_ref_prev"] = old["phx_ref"]
            leaves = {old_key: {"metas": [old]}}
        self._tracked[who] = (key, meta)
        return {"joins": {key: {"metas": [meta]}}, "leaves": leaves}

    def untrack(self, who: object) -> dict[str, Metas] | None:
        """Forget a state; returns the difference to announce, None if there was none."""
        if who not in self._tracked:
            return None
        key, meta = self._tracked.pop(who)
        return {"joins": {}, "leaves": {key: {"metas": [meta]}}}
