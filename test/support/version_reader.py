# Reads a file again and again while a peer rewrites it in place; each version is one byte repeated, so a mixture shows.
# Usage: version_reader.py PATH SECONDS MODE
#   whole   one read(2) of everything         pieces  a read of 64 KiB at a time, with one open
#   mapped  through a mapping, twice          held    one open, everything read again and again
# Prints a JSON object: how often it read, which versions it saw in which order, what was wrong.
import json
import mmap
import os
import sys
import time

path, seconds, mode = sys.argv[1], float(sys.argv[2]), sys.argv[3]
PIECE = 64 * 1024
reads, versions, wrong = 0, [], []


def pieces(descriptor):
    found = []
    while piece := os.read(descriptor, PIECE):
        found.append(piece)
        time.sleep(0.002)
    return b''.join(found)


def mapped(descriptor):
    size = os.fstat(descriptor).st_size
    with mmap.mmap(descriptor, size, prot=mmap.PROT_READ) as mapping:
        first = mapping[:]
        time.sleep(0.02)
        if mapping[:] != first:
            wrong.append('a mapping changed')
        return first


def judge(content):
    """A version is its number repeated, and longer with each number."""
    if len(set(content)) != 1:
        wrong.append(f'a mixture of {sorted(set(content))} in {len(content)} bytes')
        return None
    version = content[0]
    if len(content) != 600_000 + version * 1_000:
        wrong.append(f'{len(content)} bytes of version {version}')
    return version


end = time.monotonic() + seconds
held = os.open(path, os.O_RDONLY) if mode == 'held' else None
while time.monotonic() < end:
    descriptor = held if held is not None else os.open(path, os.O_RDONLY)
    if mode == 'pieces':
        content = pieces(descriptor)
    elif mode == 'mapped':
        content = mapped(descriptor)
    else:
        content = os.pread(descriptor, 8 << 20, 0)
    if held is None:
        os.close(descriptor)
    reads += 1
    version = judge(content)
    if not versions or versions[-1] != version:
        versions.append(version)
if mode == 'held' and len(versions) != 1:
    wrong.append(f'one open saw versions {versions}')
if mode != 'held' and versions != sorted(versions):
    wrong.append(f'versions went back: {versions}')
print(json.dumps({'reads': reads, 'versions': len(versions), 'wrong': wrong[:5]}))
