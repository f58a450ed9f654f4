"""The colours of mails, in light and in dark, and which of them meet as text and background.

Every pair has a contrast of at least 4.5 to 1 (WCAG 2.2, level AA); a test computes it.
"""

from __future__ import annotations

TONES = ("good", "changed", "cancelled")

LIGHT = {
    "page": "#f1f5f9",
    "card": "#ffffff",
    "rule": "#e2e8f0",
    "text": "#0f172a",
    "quiet": "#475569",
    "link": "#1d4ed8",
    "good": "#0f766e",
    "changed": "#b45309",
    "cancelled": "#b91c1c",
    "on_button": "#ffffff",
}
DARK = {
    "page": "#0f172a",
    "card": "#1e293b",
    "rule": "#475569",
    "text": "#f1f5f9",
    "quiet": "#cbd5e1",
    "link": "#93c5fd",
    "good": "#5eead4",
    "changed": "#fcd34d",
    "cancelled": "#fca5a5",
    "on_button": "#0f172a",
}
# Text and what it stands on; buttons are filled with their tone.
PAIRS = [
    *((text, ground) for text in ("text", "quiet", "link") for ground in ("page", "card")),
    *((tone, "card") for tone in TONES),
    *(("on_button", tone) for tone in TONES),
]
