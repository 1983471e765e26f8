# Makes the same random calls in two directories, as several users, and compares after each what they returned, what
# every name shows then (types, modes, owners, links, sizes, targets) and which times the call changed. One directory is
# on a filesystem that is known to be right. Left out is what differs for a reason (docs/POSIX.md), and RENAME_WHITEOUT,
# whose failures change times on ext4.
# Usage: random_calls.py RIGHT CHECKED SEED CALLS   Needs root. Exit code 0: alike; 1: the first difference is printed.
import ctypes
import errno
import os
import random
import socket
import stat
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD = -100
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
UTIME_NOW, UTIME_OMIT = 0x3FFFFFFF, 0x3FFFFFFE
NO_ID = 0xFFFFFFFF

NAMES = ["a", "b", "c", "e", "d1", "d2", "d1/x", "d1/y", "d2/x", "d2/y", "d1/s", "d1/s/z", "link", "link/x"]
NAMES += ["missing/x", "a/below", "d1/x/", ".", "d1/.", "d1/..", "d2/" + "n" * 255, "d2/" + "n" * 256]
USERS = [(0, []), (0, []), (0, []), (1000, []), (1000, [2000]), (1001, [1000])]
IDS = [-1, 0, 1000, 1001, 2000]
MODES = [0, 0o444, 0o555, 0o600, 0o644, 0o700, 0o755, 0o777, 0o1777, 0o2755, 0o2775, 0o4755, 0o6777]
TIMES = [0, 1, 10**18 + 5, -5 * 10**9 + 7, 2**33 * 10**9]


class Timespec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


def checked(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), "a call of libc")


def with_file(path, flags, act, mode=0):
    fd = os.open(path, flags | os.O_NONBLOCK, mode)
    try:
        return act(fd)
    finally:
        os.close(fd)


def nameless(path, mode):
    def describe(fd):
        about = os.fstat(fd)
        return about.st_mode, about.st_nlink, about.st_uid, about.st_gid

    return with_file(path, os.O_TMPFILE | os.O_RDWR, describe, mode)


def bind_socket(path):
    with socket.socket(socket.AF_UNIX) as endpoint:
        os.chdir(os.path.dirname(path))
        endpoint.bind(os.path.basename(path) or "x")


def set_access_list(path, name, choose):
    entries = [(1, choose([4, 6, 7]), NO_ID), (2, choose([0, 4, 7]), 1001), (4, choose([0, 5, 7]), NO_ID)]
    entries += [(16, choose([5, 7]), NO_ID), (32, choose([0, 5, 7]), NO_ID)]
    os.setxattr(path, name, struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries))


def copy_range(path, other, choose):
    arguments = choose([1, 4096, 100_000]), choose([0, 10]), choose([0, 7])
    return with_file(path, os.O_RDONLY, lambda source: with_file(
        other, os.O_WRONLY, lambda target: os.copy_file_range(source, target, *arguments)))


def list_attributes(path):
    names = sorted(os.listxattr(path))
    return names, [os.getxattr(path, name) for name in names if not name.startswith("system.")]


LISTS = ["system.posix_acl_access", "system.posix_acl_default"]
ATTRIBUTES = ["user.a", "user.b", "user.", "trusted.t", "security.x", "system.none"]

# Each takes a path, a second one, a mode, and what chooses among things as the seed has it.
CALLS = {
    "open": lambda p, q, m, c: with_file(p, c([os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_DIRECTORY]), lambda fd: None),
    "open without following": lambda p, q, m, c: with_file(p, os.O_NOFOLLOW, lambda fd: None),
    "open the path": lambda p, q, m, c: with_file(p, os.O_PATH, lambda fd: os.fstat(fd).st_mode),
    "create": lambda p, q, m, c: with_file(p, os.O_CREAT | os.O_RDWR, lambda fd: None, m),
    "create exclusively": lambda p, q, m, c: with_file(p, os.O_CREAT | os.O_EXCL | os.O_WRONLY, lambda fd: None, m),
    "create without a name": lambda p, q, m, c: nameless(p, m),
    "write": lambda p, q, m, c: with_file(p, os.O_WRONLY, lambda fd: os.write(fd, b"x" * c([0, 1, 100, 5000]))),
    "read": lambda p, q, m, c: with_file(p, os.O_RDONLY, lambda fd: os.read(fd, 20_000)),
    "copy a range": lambda p, q, m, c: copy_range(p, q, c),
    "allocate": lambda p, q, m, c: with_file(p, os.O_RDWR, lambda fd: checked(libc.fallocate(
        fd, c([0, 1, 2, 3, 16]), ctypes.c_long(c([0, 100, 4096])), ctypes.c_long(c([0, 1, 5000, 8192]))))),
    "truncate": lambda p, q, m, c: os.truncate(p, c([-1, 0, 1, 4096, 10_000, 1 << 40])),
    "open and truncate": lambda p, q, m, c: with_file(p, os.O_WRONLY | os.O_TRUNC, lambda fd: None),
    "mkdir": lambda p, q, m, c: os.mkdir(p, m),
    "rmdir": lambda p, q, m, c: os.rmdir(p),
    "unlink": lambda p, q, m, c: os.unlink(p),
    "rename": lambda p, q, m, c: os.rename(p, q),
    "rename with flags": lambda p, q, m, c: checked(libc.renameat2(
        AT_FDCWD, p.encode(), AT_FDCWD, q.encode(), c([RENAME_NOREPLACE, RENAME_EXCHANGE, 3, 8]))),
    "link": lambda p, q, m, c: os.link(p, q, follow_symlinks=c([True, False])),
    "symlink": lambda p, q, m, c: os.symlink(c(["a", "d1", "missing", "link", "../a", "x" * 4095, ""]), p),
    "mknod": lambda p, q, m, c: os.mknod(
        p, c([stat.S_IFREG, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK]) | m, os.makedev(1, 3)),
    "bind": lambda p, q, m, c: bind_socket(p),
    "chmod": lambda p, q, m, c: os.chmod(p, m),
    "chown": lambda p, q, m, c: os.chown(p, c(IDS), c(IDS), follow_symlinks=c([True, False])),
    "utimensat": lambda p, q, m, c: os.utime(p, ns=(c(TIMES), c(TIMES)), follow_symlinks=c([True, False])),
    "utimensat now": lambda p, q, m, c: checked(libc.utimensat(AT_FDCWD, p.encode(), (Timespec * 2)(
        Timespec(0, c([UTIME_NOW, UTIME_OMIT])), Timespec(0, c([UTIME_NOW, UTIME_OMIT]))), 0)),
    "access": lambda p, q, m, c: [os.access(p, wanted) for wanted in range(8)],
    "list": lambda p, q, m, c: sorted(os.listdir(p)),
    "longest name": lambda p, q, m, c: os.statvfs(p).f_namemax,
    "set an attribute": lambda p, q, m, c: os.setxattr(p, c(ATTRIBUTES), b"v" * c([0, 1, 100]),
        c([0, os.XATTR_CREATE, os.XATTR_REPLACE]), follow_symlinks=c([True, False])),
    "remove an attribute": lambda p, q, m, c: os.removexattr(p, c(ATTRIBUTES + LISTS)),
    "list attributes": lambda p, q, m, c: list_attributes(p),
    "set an access list": lambda p, q, m, c: set_access_list(p, c(LISTS), c),
    "get an access list": lambda p, q, m, c: os.getxattr(p, c(LISTS)),
}


def outcome_of(root, call):
    """In a child process, as the user that the call says."""
    name, (uid, groups), umask, first, second, mode, seed = call
    reader, writer = os.pipe()
    if os.fork() == 0:
        try:
            os.setgroups(groups)
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            os.umask(umask)
            result = CALLS[name](f"{root}/{first}", f"{root}/{second}", mode, random.Random(seed).choice)
        except OSError as error:
            result = errno.errorcode.get(error.errno, error.errno)
        os.write(writer, repr(result).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        outcome = answer.read().decode()
    os.wait()
    if outcome == "":
        sys.exit(f"the call could not be made: {call}")  # the child has said why; alike in both, it would pass
    return outcome


def look_at(root):
    """What lstat tells of each name, and apart from it the inode with its times."""
    names, inodes = {}, {}
    for directory, directories, files in os.walk(root):
        for name in [*directories, *files, ""]:
            path = os.path.join(directory, name)
            about = os.lstat(path)
            size = 0 if stat.S_ISDIR(about.st_mode) else about.st_size
            target = os.readlink(path) if stat.S_ISLNK(about.st_mode) else None
            shown = oct(about.st_mode), about.st_nlink, about.st_uid, about.st_gid, size, about.st_rdev, target
            names[os.path.relpath(path, root)] = about.st_ino, shown
            inodes[about.st_ino] = about.st_mtime_ns, about.st_ctime_ns
    return names, inodes


def change_of(before, after):
    """What each name shows, and whether its inode is new or which of its times changed."""
    _, times_before = before
    names, times = after

    def changed(inode):
        if inode not in times_before:
            return "new"
        return [now != then for now, then in zip(times[inode], times_before[inode])]

    return {name: (shown, changed(inode)) for name, (inode, shown) in names.items()}


def main():
    roots, seed, calls = sys.argv[1:3], int(sys.argv[3]), int(sys.argv[4])
    choose = random.Random(seed)
    for root in roots:
        os.chmod(root, 0o777)
    before = [look_at(root) for root in roots]
    for number in range(calls):
        call = (choose.choice(list(CALLS)), choose.choice(USERS), choose.choice([0, 0o22, 0o77]), choose.choice(NAMES),
                choose.choice(NAMES), choose.choice(MODES), choose.random())
        outcomes = [outcome_of(root, call) for root in roots]
        after = [look_at(root) for root in roots]
        shown = [change_of(*pair) for pair in zip(before, after)]
        if outcomes[0] != outcomes[1] or shown[0] != shown[1]:
            print(f"seed {seed}, call {number}: {call}\n  right:   {outcomes[0][:300]}\n  checked: {outcomes[1][:300]}")
            for name in sorted({*shown[0], *shown[1]}):
                if shown[0].get(name) != shown[1].get(name):
                    print(f"  {name[:40]}\n    right:   {shown[0].get(name)}\n    checked: {shown[1].get(name)}")
            sys.exit(1)
        before = after


main()
