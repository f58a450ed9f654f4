"""A mail to the letter, as it is handed to a transport and kept in the database until it is sent.

It is written down before its first try, so that any later try, by whichever worker, after whatever
change of names, templates or settings, is the same request under the same idempotency key.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from appoint.mail import Attachment, Mail

FASTEST = 1


@dataclass(frozen=True, slots=True)
class FrozenMail:
    """Everything a transport needs but the key."""

    sender: str
    to: str
    subject: str
    html: str
    text: str
    attachments: tuple[Attachment, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, mail: Mail, *, to: str) -> FrozenMail:
        return cls(
            mail.sender, to, mail.subject, mail.html, mail.text, mail.attachments, mail.headers
        )

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> FrozenMail:
        """Read what `as_json` wrote. Raises KeyError, TypeError or ValueError if it did not."""
        try:
            packed = zlib.decompress(base64.b64decode(kept["packed"], validate=True))
        except zlib.error as error:
            raise ValueError("packed in another way") from error
        parts = json.loads(packed)
        return cls(
            sender=parts["from"],
            to=kept["to"],
            subject=parts["subject"],
            html=parts["html"],
            text=parts["text"],
            attachments=tuple(
                Attachment(
                    filename=file["filename"],
                    content_type=file["content_type"],
                    content=base64.b64decode(file["content"], validate=True),
                )
                for file in parts["attachments"]
            ),
            headers=dict(parts["headers"]),
        )

    def as_json(self) -> dict[str, Any]:
        """What the database keeps: the address, which it compares, and all parts in a third of
        their size, for all that they pass through on their way there."""
        parts = json.dumps(self.parts(), ensure_ascii=False).encode()
        packed = base64.b64encode(zlib.compress(parts, FASTEST)).decode()
        return {"to": self.to, "packed": packed}

    def parts(self) -> dict[str, Any]:
        """All of it, in words that JSON has."""
        return {
            "from": self.sender,
            "to": self.to,
            "subject": self.subject,
            "html": self.html,
            "text": self.text,
            "attachments": [
                {
                    "filename": file.filename,
                    "content_type": file.content_type,
                    "content": base64.b64encode(file.content).decode(),
                }
                for file in self.attachments
            ],
            "headers": dict(self.headers),
        }
