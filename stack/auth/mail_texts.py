"""The words of log-in mail, as HTML and plain text; subjects name nobody."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template


@dataclass(frozen=True)
class Wording:
    """Without `button` the mail has a code alone."""

    subject: str
    sentence: str
    button: str = ""


_WORDINGS = {
    "signup": Wording(
        "Confirm your e-mail address",
        "Please confirm that this is your address to finish signing up.",
        "Confirm my address",
    ),
    "invite": Wording(
        "You have been invited",
        "You have been invited to create an account. Accept to choose a password.",
        "Accept the invitation",
    ),
    "magiclink": Wording("Your log-in link", "Use this link to log in. It works once.", "Log in"),
    "recovery": Wording(
        "Choose a new password",
        "Use this link to choose a new password. If you did not ask for it, do nothing.",
        "Choose a new password",
    ),
    "email_change": Wording(
        "Confirm the change of your e-mail address",
        "Please confirm that the e-mail address of your account shall change.",
        "Confirm the change",
    ),
    "reauthentication": Wording(
        "Your confirmation code", "Enter this code to confirm that it is you."
    ),
}

_HTML = """\
<!doctype html>
<html lang="en">
<body style="margin:0;padding:24px;background:#f4f6f8;font-family:Arial,sans-serif;color:#1c2733">
<div style="max-width:480px;margin:auto;background:#fff;border-radius:8px;padding:32px">
<h1 style="font-size:20px;margin-top:0">{{ wording.subject }}</h1>
<p>{{ wording.sentence }}</p>
{% if wording.button %}
<p><a href="{{ link }}" style="display:inline-block;background:#0b6e4f;color:#fff;\
padding:12px 20px;border-radius:6px;text-decoration:none">{{ wording.button }}</a></p>
<p>Or enter this code:</p>
{% endif %}
<p style="font-size:24px;letter-spacing:4px"><strong>{{ code }}</strong></p>
</div>
</body>
</html>
"""
_TEXT = """\
{{ wording.subject }}

{{ wording.sentence }}
{% if wording.button %}
{{ wording.button }}: {{ link }}

Or enter this code: {{ code }}
{% else %}
{{ code }}
{% endif %}"""


@cache
def _templates() -> tuple[Template, Template]:
    from jinja2 import Environment  # noqa: PLC0415 - start-up is faster without

    html = Environment(autoescape=True, trim_blocks=True).from_string(_HTML)
    text = Environment(autoescape=False, trim_blocks=True).from_string(_TEXT)  # noqa: S701
    return html, text


def render(action: str, link: str, code: str) -> dict[str, str]:
    """Subject, HTML and text of the mail for this action."""
    wording = _WORDINGS[action]
    html, text = _templates()
    values = {"wording": wording, "link": link, "code": code}
    return {
        "subject": wording.subject,
        "html": html.render(values),
        "text": text.render(values),
    }
