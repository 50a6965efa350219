"""Keep a process to its own folder: Linux's Landlock, namespaces of its own, no privileges.

Called once in a process that has run nothing of anybody's yet; what it gives up it cannot get back.
Everything here is a thin cover over system calls; the numbers are the kernel's.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import struct
import sys
from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL = 1 << 14, 1 << 15
_READ = _EXECUTE | _READ_FILE | _READ_DIR
#: What can be allowed for a file that is no folder.
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
#: Rights on files that each version of Landlock knows; later versions know the last one's.
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_SIGNALS_AND_ABSTRACT_SOCKETS = 0b11
_NEW_USER, _NEW_NETWORK, _NEW_MOUNTS = 0x10000000, 0x40000000, 0x00020000
_PRIVATE, _QUIET = 0x40000 | 0x4000, 0x2 | 0x4 | 0x8  # rec, private; nosuid, nodev, noexec
_PDEATHSIG, _SUBREAPER, _NO_NEW_PRIVILEGES = 1, 36, 38


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: object) -> int:
    return int(_libc().syscall(ctypes.c_long(number), *arguments))


def version() -> int:
    """Version of Landlock that the kernel has; 0 where it has none."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, _call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(1)))


def keep_to(read: Iterable[str], write: Iterable[str]) -> None:
    """Leave this process, and all it will start, nothing but some files and folders.

    Parameters
    ----------
    read : iterable of str
        What it may read and execute. Names that do not exist are skipped.
    write : iterable of str
        What it may also write and delete.

    Raises
    ------
    OSError
        If the kernel has no Landlock, or refuses.
    """
    abi = version()
    if not abi:
        raise OSError("this kernel has no Landlock")
    every = (1 << _RIGHTS[min(abi, 5)]) - 1
    scoped = _SIGNALS_AND_ABSTRACT_SOCKETS if abi >= 6 else 0
    attributes = struct.pack("=QQQ", every, 0, scoped)[: 24 if abi >= 6 else 16 if abi >= 4 else 8]
    ruleset = _call(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint(0))
    _check(ruleset, "landlock_create_ruleset")
    try:
        for names, rights in ((read, _READ), (write, every)):
            for name in names:
                _allow(ruleset, name, rights & every)
        _check(_libc().prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "prctl")
        _check(_call(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint(0)), "landlock")
    finally:
        os.close(ruleset)


def _allow(ruleset: int, name: str, rights: int) -> None:
    try:
        place = os.open(name, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(name):
            rights &= _OF_FILES
        rule = struct.pack("=Qi", rights, place)
        _check(
            _call(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(1), rule, ctypes.c_uint(0)), name
        )
    finally:
        os.close(place)


def _check(result: int, what: str) -> None:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def apart() -> list[str]:
    """Give this process a network and shared memory of its own, as far as the machine allows.

    Returns
    -------
    list of str
        What it has: ``network``, with nothing on it but 127.0.0.1; ``shared memory``, which is
        bounded and ends with it.
    """
    if not sys.platform.startswith("linux"):
        return []
    user, group = os.getuid(), os.getgid()
    libc = _libc()
    if libc.unshare(_NEW_NETWORK | _NEW_MOUNTS):
        if libc.unshare(_NEW_USER | _NEW_NETWORK | _NEW_MOUNTS):
            return []
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            with contextlib.suppress(OSError), open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    found = []
    private = libc.mount(None, b"/", None, _PRIVATE, None) == 0
    if private and libc.mount(b"tmpfs", b"/dev/shm", b"tmpfs", _QUIET, b"size=64m,mode=1777") == 0:
        found.append("shared memory")
    if _loopback_up():
        found.append("network")
    return found


def _loopback_up() -> bool:
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            fcntl.ioctl(one, 0x8914, struct.pack("16sH14x", b"lo", 0x1 | 0x40))
        except OSError:
            return False
    return True


def give_up_privileges() -> None:
    """Drop every capability, root's included."""
    if sys.platform.startswith("linux"):
        header = struct.pack("=Ii", 0x20080522, 0)
        libc = _libc()
        libc.capset(header, struct.pack("=6I", *[0] * 6))
        libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)


def adopt_orphans() -> None:
    """Make this process the parent of whatever its children leave behind."""
    if sys.platform.startswith("linux"):
        _libc().prctl(_SUBREAPER, 1, 0, 0, 0)


def end_with_parent() -> None:
    """Let this process be killed when its parent ends."""
    if sys.platform.startswith("linux"):
        _libc().prctl(_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def bound(memory: int, file: int, files: int = 256) -> None:
    """Bound what this process and each of its children may use.

    Parameters
    ----------
    memory : int
        Bytes of address space.
    file : int
        Bytes of one file.
    files : int, optional
        Open files.
    """
    import resource

    for what, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, file),
        (resource.RLIMIT_NOFILE, files),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        try:
            resource.setrlimit(what, (value, value))
        except (OSError, ValueError):  # macOS has no bound on the address space
            continue
