"""Why a mail was not accepted, as every transport says it."""

from __future__ import annotations


class MailError(Exception):
    """The mail was not accepted, as far as is known.

    `retry_after` is in seconds, None where the provider named no delay. `refused`: it certainly was
    not accepted; otherwise it may have been. `alone`: it was refused together with others, because
    of some of them; by itself it may be accepted. `closed`: nobody's mail is accepted at present,
    so that this says nothing about the mail. The reason is a code, never an address.
    """

    def __init__(
        self,
        reason: str,
        *,
        retry_after: float | None = None,
        permanent: bool = False,
        refused: bool = False,
        alone: bool = False,
        closed: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after
        self.permanent = permanent
        self.refused = refused
        self.alone = alone
        self.closed = closed
