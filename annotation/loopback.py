"""The one address of this machine that our Label Studio may call, and all those that it may not.

Knows nothing of what is sent there.
"""

from __future__ import annotations

from ipaddress import IPv4Network

ADDRESS = "127.83.77.1"
"""Not 127.0.0.1, where other services of this machine listen: an annotator can have the server call any
address that it may call."""

# Networks that are not the public internet (IANA special-purpose registries), without 127.0.0.0/8.
_RESERVED = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
    "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "::/127", "::ffff:0:0/96", "::ffff:0:0:0/96",
    "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fc00::/7",
    "fe80::/10", "ff00::/8",
)  # fmt: skip


def variables() -> dict[str, str]:
    """Settings of Label Studio that forbid it every address that is not public, but for ``ADDRESS``.

    Its own guard forbids all of 127.0.0.0/8 or, switched off, nothing.
    """
    others = IPv4Network("127.0.0.0/8").address_exclude(IPv4Network(ADDRESS))
    return {
        "LABEL_STUDIO_SSRF_PROTECTION_ENABLED": "true",
        "LABEL_STUDIO_USE_DEFAULT_BANNED_SUBNETS": "false",
        "LABEL_STUDIO_USER_ADDITIONAL_BANNED_SUBNETS": ",".join((*_RESERVED, *map(str, others))),
    }
