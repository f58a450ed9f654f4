"""Why the demo cannot go on, in a sentence for the person in front of the terminal."""

from __future__ import annotations


class DemoFailed(Exception):
    """The story ended early; the message says why and what to do."""
