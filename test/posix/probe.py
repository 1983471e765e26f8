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
