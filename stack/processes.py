"""What child processes get from their parent: of its environment, and of its life."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def inherited(*names: str) -> dict[str, str]:
    """These variables of our own environment, as far as they are set: it may be empty."""
    return {name: os.environ[name] for name in names if name in os.environ}


def die_with_parent(number: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn` after which the kernel sends `number` when the parent ends, however it ends.

    It must run after the child's user is set: the kernel forgets the wish at a change of user.
    """
    libc = ctypes.CDLL(None)

    def ask_kernel() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(number))

    return ask_kernel
