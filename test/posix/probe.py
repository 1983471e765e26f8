# System calls that Node lacks, for the properties of test/posix: reads requests as lines of JSON ({"code", "values"}),
# runs the code with the values and the helpers below in scope, answers with `result`, an errno's name, or a traceback.
import ctypes
import errno
import fcntl
import json
import mmap
import os
import socket
import stat
import sys
import threading
import time
import traceback

libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD = -100
RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT = 1, 2, 4
KEEP_SIZE, PUNCH_HOLE, COLLAPSE_RANGE, ZERO_RANGE, INSERT_RANGE = 1, 2, 8, 16, 32


def checked(outcome):
    if outcome < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return outcome


def renameat2(source, target, flags):
    return checked(libc.renameat2(AT_FDCWD, os.fsencode(source), AT_FDCWD, os.fsencode(target), flags))


def fallocate(fd, mode, offset, length):
    return checked(libc.fallocate(fd, mode, ctypes.c_int64(offset), ctypes.c_int64(length)))


def opened(path, flags, action):
    fd = os.open(path, flags)
    action(fd)
    os.close(fd)


def as_user(uid, action, groups=()):
    """Runs the action in a child process of another user; its OSError is raised here."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        number = 0
        try:
            os.setgroups(list(groups))
            os.setgid(uid)
            os.setuid(uid)
            action()
        except OSError as error:
            number = error.errno
        os.write(writer, number.to_bytes(4, "little"))
        os._exit(0)
    os.close(writer)
    answer = os.read(reader, 4)
    os.close(reader)
    os.waitpid(child, 0)
    number = int.from_bytes(answer, "little")
    if len(answer) != 4:
        raise RuntimeError("the child died")
    if number != 0:
        raise OSError(number, os.strerror(number))


def operations(directory, path):
    """Every call on a path, by name; `directory` has a file `source`."""
    source, free = directory + "/source", directory + "/free"
    return {
        "chmod": lambda: os.chmod(path, 0o600),
        "chown": lambda: os.chown(path, 0, 0),
        "lchown": lambda: os.lchown(path, 0, 0),
        "mkdir": lambda: os.mkdir(path),
        "mkfifo": lambda: os.mkfifo(path),
        "mknod": lambda: os.mknod(path, 0o644 | stat.S_IFREG),
        "symlink": lambda: os.symlink("target", path),
        "open": lambda: os.open(path, os.O_RDONLY | os.O_NONBLOCK),
        "create": lambda: os.open(path, os.O_CREAT | os.O_WRONLY | os.O_NONBLOCK),
        "create exclusively": lambda: os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY),
        "truncate": lambda: os.truncate(path, 1),
        "unlink": lambda: os.unlink(path),
        "rmdir": lambda: os.rmdir(path),
        "utimes": lambda: os.utime(path, (1, 1)),
        "stat": lambda: os.stat(path),
        "lstat": lambda: os.lstat(path),
        "readlink": lambda: os.readlink(path),
        "access": lambda: checked(libc.access(os.fsencode(path), os.R_OK)),
        "list": lambda: os.listdir(path),
        "chdir": lambda: os.chdir(path),
        "statvfs": lambda: os.statvfs(path),
        "setxattr": lambda: os.setxattr(path, "user.a", b"1"),
        "getxattr": lambda: os.getxattr(path, "user.a"),
        "listxattr": lambda: os.listxattr(path),
        "removexattr": lambda: os.removexattr(path, "user.a"),
        "link from": lambda: os.link(path, free),
        "link to": lambda: os.link(source, path),
        "rename from": lambda: os.rename(path, free),
        "rename to": lambda: os.rename(source, path),
    }


def outcome(action, uid=0, groups=()):
    """'ok', or the name of the errno; as another user in a child process."""
    try:
        action() if uid == 0 else as_user(uid, action, groups)
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]


def attempt_all(directory, name, uid, skipped):
    calls = operations(directory, directory + "/" + name)
    return [[call, outcome(action, uid)] for call, action in calls.items() if call not in skipped]


def times_changed(action, *watched):
    """For each watched path or descriptor, which of its times the action changes: some of 'amc', or 'gone'."""
    def about(what):
        return os.fstat(what) if isinstance(what, int) else os.lstat(what)

    before = [about(what) for what in watched]
    time.sleep(0.012)
    action()
    changes = []
    for what, old in zip(watched, before):
        new = about(what)
        changes.append("".join(kind for kind in "amc" if getattr(new, f"st_{kind}time_ns") != getattr(old, f"st_{kind}time_ns")))
    return changes


def serve():
    helpers = dict(globals())
    for line in sys.stdin:
        request = json.loads(line)
        scope = {**helpers, **request["values"], "result": None}
        try:
            exec(request["code"], scope)
            answer = {"result": scope["result"]}
        except OSError as error:
            answer = {"errno": errno.errorcode.get(error.errno, str(error.errno))}
        except Exception:
            answer = {"problem": traceback.format_exc()}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


serve()
