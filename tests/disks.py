"""Disks that are full, read-only or small: file systems in memory, which a process mounts for itself alone."""

from __future__ import annotations

import subprocess
from functools import cache

APART = ["unshare", "--user", "--map-root-user", "--mount"]
STATES = {
    "full": "mount -t tmpfs -o size=64k tmpfs {cache} && (cat /dev/zero > {cache}/all 2>/dev/null; true)",
    "a little room": "mount -t tmpfs -o size=4k tmpfs {cache}",
    "no more names": "mount -t tmpfs -o nr_inodes=2 tmpfs {cache}",
    "read-only": "mount -t tmpfs tmpfs {cache} && mount -o remount,ro {cache}",
    "nothing anywhere": (
        "mount -t tmpfs -o size=64k tmpfs {cache} && (cat /dev/zero > {cache}/all 2>/dev/null; true) && "
        "mkdir -p {temporary} && mount -t tmpfs -o size=64k tmpfs {temporary}"
    ),
}


def mounted(mount: str, command: list[str]) -> list[str]:
    """The command as it runs where ``mount`` of a shell has been done before."""
    return [*APART, "sh", "-c", f'{mount} && exec "$@"', "sh", *command]


@cache
def can_mount() -> bool:
    """Whether processes may mount for themselves here."""
    try:
        words = mounted("mount -t tmpfs tmpfs /mnt", ["true"])
        return subprocess.run(words, check=False, capture_output=True).returncode == 0
    except OSError:
        return False
