"""Which network addresses a calendar may be fetched from: public ones, and nothing nearer.

Whoever types in a calendar's address must not be able to make the server ask its own network for
something: loopback, private and link-local ranges, cloud metadata, and the ways to write an IPv4
address inside an IPv6 one.
"""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

# Translated by gateways to the IPv4 address in their last four bytes (RFC 6052), or tunnelled.
TRANSLATED = IPv6Network("64:ff9b::/96")
TUNNELLED = (IPv6Network("2002::/16"), IPv6Network("2001::/32"), IPv6Network("64:ff9b:1::/48"))
# What some versions of `ipaddress` take for global: once site-local, kept for protocols (RFC 6890),
# and the address at which Azure tells its machines about themselves.
NEARER = (IPv6Network("fec0::/10"), IPv4Network("192.0.0.0/24"), IPv4Network("168.63.129.16/32"))


def is_public(address: str) -> bool:
    """Whether this numeric address is one of the open internet."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if ip in TRANSLATED:
            return is_public(str(IPv4Address(int(ip) & 0xFFFFFFFF)))
        if any(ip in network for network in TUNNELLED):
            return False
    if any(ip in network for network in NEARER):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def is_loopback(address: str) -> bool:
    """Whether this numeric address is this machine itself."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False
