"""Where a link in a mail may lead: the site itself, loopback, or what the allow-list names."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from stack.auth.settings import AuthSettings

_USUAL_HOST = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?")


def allowed_redirect(settings: AuthSettings, *candidates: str | None) -> str:
    """The first candidate that may be redirected to, else the site's own address."""
    for candidate in candidates:
        if candidate and _is_allowed(settings, candidate):
            return candidate
    return settings.site_url


def _is_allowed(settings: AuthSettings, url: str) -> bool:
    try:
        target, site = urlsplit(url), urlsplit(settings.site_url)
        same_origin = _is_same_site(target, site)
    except ValueError:
        return False
    if same_origin:
        return True
    host = target.hostname or ""
    if host.isdigit():  # an address in decimal disguise
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        pass
    if target.scheme in ("http", "https") and not _USUAL_HOST.fullmatch(host):
        return False
    without_fragment = url.partition("#")[0]
    return any(_glob(pattern).fullmatch(without_fragment) for pattern in settings.redirect_urls)


def _is_same_site(target: SplitResult, site: SplitResult) -> bool:
    if (target.scheme, target.hostname) != (site.scheme, site.hostname):
        return False
    # Native apps listen on whatever port is free, hence RFC 8252's exception for loopback.
    return target.port == site.port or target.hostname in ("localhost", "127.0.0.1", "::1")


@lru_cache(maxsize=64)
def _glob(pattern: str) -> re.Pattern[str]:
    """`*` and `?` stop at dots and slashes, `**` does not; `{a,b}` and `[a-z]` are choices."""
    translated = ""
    for part in re.findall(r"\*\*|\*|\?|\{[^}]*\}|\[[^\]]*\]|.", pattern):
        if part == "**":
            translated += ".*"
        elif part in ("*", "?"):
            translated += "[^./]" + ("*" if part == "*" else "")
        elif part[0] == "{" and part[-1] == "}":
            translated += f"(?:{'|'.join(map(re.escape, part[1:-1].split(',')))})"
        elif part[0] == "[" and len(part) > 2:
            translated += "[" + part[1:-1].replace("!", "^", 1).replace("\\", r"\\") + "]"
        else:
            translated += re.escape(part)
    return re.compile(translated)
