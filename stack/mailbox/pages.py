"""The inbox for people: a list that keeps itself current, and a page for each mail.

A mail is somebody else's HTML. It is shown in a sandboxed frame, under a policy that lets nothing
of it run and nothing be fetched from outside, wherever it is opened.
"""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web

from stack.mailbox.store import Store

HERE = Path(__file__).parent
SHOWN = 200
SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self' 'unsafe-inline'; "
    "script-src 'self'; img-src data:; connect-src 'self'; frame-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
# Links may open a tab of their own; scripts and forms stay out. Of the same origin, because a frame
# of none is painted by another process, at times after a picture of the page was taken; without
# scripts that gives nothing away.
SANDBOX = "allow-popups allow-popups-to-escape-sandbox allow-same-origin"
OF_A_MAIL = SECURITY | {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    f"frame-ancestors 'self'; form-action 'none'; sandbox {SANDBOX}",
}
HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
NEW_TAB = '<base target="_blank">'


class Pages:
    """The pages and the JSON that checks read."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self._inbox_page),
            web.get("/mail/{id}", self._mail_page),
            web.get("/mail/{id}/html", self._html),
            web.get("/mail/{id}/attachments/{position:\\d+}", self._attachment),
            web.get("/{name:page.css|refresh.js}", _asset),
            web.get("/inbox.json", self._inbox_json),
            web.delete("/inbox", self._clear),
        ]

    async def _inbox_page(self, request: web.Request) -> web.Response:
        mails = self._store.inbox(request.query.get("to"), SHOWN)
        rows = "".join(_row(mail) for mail in mails)
        body = f'<ul class="mails">{rows}</ul>' if rows else '<p class="empty">No mail yet.</p>'
        count = f"{len(mails)} {'mail' if len(mails) == 1 else 'mails'}, newest first"
        head = '<h1>Mailbox</h1><p class="quiet">Nothing here left this machine.</p>'
        main = f'<p class="quiet" role="status">{count}</p>{body}'
        return _page("Mailbox", head, main, script='<script src="/refresh.js" defer></script>')

    async def _mail_page(self, request: web.Request) -> web.Response:
        mail = self._known(request)
        head = f'<h1>{escape(mail["subject"])}</h1><p><a href="/">All mail</a></p>'
        return _page(mail["subject"], head, _mail(mail))

    async def _html(self, request: web.Request) -> web.Response:
        """The mail as it was sent; only its links lead to tabs of their own."""
        html = self._known(request)["html"] or ""
        head = HEAD.search(html)
        begin = head.end() if head else 0
        shown = html[:begin] + NEW_TAB + html[begin:]
        return web.Response(text=shown, content_type="text/html", headers=OF_A_MAIL)

    async def _attachment(self, request: web.Request) -> web.Response:
        attachments = self._known(request)["attachments"]
        position = int(request.match_info["position"])
        if position >= len(attachments) or attachments[position]["content"] is None:
            raise web.HTTPNotFound
        attachment = attachments[position]
        # Never shown as a page of ours, whatever type it claims to be.
        disposition = f"attachment; filename*=UTF-8''{quote(attachment['filename'], safe='')}"
        return web.Response(
            body=base64.b64decode(attachment["content"]),
            content_type="application/octet-stream",
            headers=SECURITY | {"Content-Disposition": disposition},
        )

    async def _inbox_json(self, request: web.Request) -> web.Response:
        shown = ("id", "from", "to", "subject", "html", "text", "headers", "attachments", "tags")
        stored = ("idempotency_key", "created_at", "last_event")
        mails = self._store.inbox(request.query.get("to"), int(request.query.get("limit", 500)))
        return web.json_response([{name: m[name] for name in (*shown, *stored)} for m in mails])

    async def _clear(self, request: web.Request) -> web.Response:
        self._store.clear()
        return web.Response(status=204)

    def _known(self, request: web.Request) -> dict[str, Any]:
        mail = self._store.mail(request.match_info["id"])
        if mail is None:
            raise web.HTTPNotFound
        return mail


async def _asset(request: web.Request) -> web.FileResponse:
    return web.FileResponse(HERE / request.match_info["name"], headers=SECURITY)


def _page(title: str, head: str, main: str, *, script: str = "") -> web.Response:
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        f'<link rel="stylesheet" href="/page.css">{script}'
        f"<body><header>{head}</header><main>{main}</main></body></html>"
    )
    return web.Response(text=text, content_type="text/html", headers=SECURITY)


def _row(mail: dict[str, Any]) -> str:
    event, to = mail["last_event"], ", ".join(mail["to"])
    return (
        f'<li><a href="/mail/{mail["id"]}"><span class="subject">{escape(mail["subject"])}</span>'
        f'{_time(mail["created_at"], "when")}<span class="to">{escape(to)}</span>'
        f'<span class="event" data-event="{event}">{event}</span></a></li>'
    )


def _time(instant: str, kind: str = "") -> str:
    local = datetime.fromisoformat(instant).astimezone()
    return f'<time class="{kind}" datetime="{instant}">{local:%d %b %H:%M:%S}</time>'


def _mail(mail: dict[str, Any]) -> str:
    facts = [(name, ", ".join(mail[name.lower()])) for name in ("To", "Cc", "Bcc")]
    facts += [("From", mail["from"]), ("Reply to", ", ".join(mail["reply_to"]))]
    facts += [("Key", mail["idempotency_key"] or ""), ("Status", mail["last_event"])]
    listed = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts if value)
    sections = [f"<dl>{listed}<dt>Accepted</dt><dd>{_time(mail['created_at'])}</dd></dl>"]
    if mail["html"]:
        source = f"/mail/{mail['id']}/html"
        sections.append(f'<iframe title="The mail" sandbox="{SANDBOX}" src="{source}"></iframe>')
    if mail["text"]:
        sections.append(f"<h2>Plain text</h2><pre>{escape(mail['text'])}</pre>")
    if mail["headers"]:
        headers = json.dumps(mail["headers"], indent=2, ensure_ascii=False)
        sections.append(f"<h2>Headers</h2><pre>{escape(headers)}</pre>")
    if mail["attachments"]:
        links = "".join(
            f'<li><a href="/mail/{mail["id"]}/attachments/{position}">'
            f"{escape(attachment['filename'])}</a> ({escape(attachment['content_type'])})</li>"
            for position, attachment in enumerate(mail["attachments"])
        )
        sections.append(f"<h2>Attachments</h2><ul>{links}</ul>")
    return "".join(sections)
