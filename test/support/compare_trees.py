# Compares two trees by everything that a copy should keep: types, bytes (SHA-256), modes, owners, modification times to
# the nanosecond, symbolic link targets, hard-link groups, extended attributes (ACLs among them), device numbers. Shares
# no code with PacketFS. Prints one line per difference; exit code 0 equal, 1 different.
# The root directory itself is compared without times and links: it existed before the copy. Usage: compare_trees.py A B
import hashlib
import os
import stat
import sys

DIFFERENCES_SHOWN_MAX = 50
READ_BYTES = 1 << 20


def digest(path):
    hash = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        while block := file.read(READ_BYTES):
            hash.update(block)
    return hash.hexdigest()


def attributes_of(path):
    try:
        return {
            name: os.getxattr(path, name, follow_symlinks=False)
            for name in os.listxattr(path, follow_symlinks=False)
            if not name.startswith("security.selinux")
        }
    except OSError as error:
        return {"error": error.strerror}


def describe(path, about, is_root):
    facts = {
        "type": stat.S_IFMT(about.st_mode),
        "mode": oct(stat.S_IMODE(about.st_mode)),
        "owner": (about.st_uid, about.st_gid),
        "attributes": attributes_of(path),
    }
    if not is_root:
        facts["modified"] = about.st_mtime_ns
    if stat.S_ISREG(about.st_mode):
        facts["size"] = about.st_size
        facts["content"] = digest(path)
        facts["links"] = about.st_nlink
    elif stat.S_ISLNK(about.st_mode):
        facts["target"] = os.readlink(path)
    elif stat.S_ISBLK(about.st_mode) or stat.S_ISCHR(about.st_mode):
        facts["device"] = about.st_rdev
    elif stat.S_ISDIR(about.st_mode):
        facts["links"] = about.st_nlink if not is_root else None
    return facts


def read_tree(root):
    entries, groups = {}, {}
    pending = [b""]
    while pending:
        name = pending.pop()
        path = os.path.join(root, name) if name else root
        about = os.lstat(path)
        entries[name] = describe(path, about, name == b"")
        if stat.S_ISDIR(about.st_mode):
            pending.extend(os.path.join(name, child) for child in os.listdir(path))
        elif about.st_nlink > 1:
            groups.setdefault((about.st_dev, about.st_ino), []).append(name)
    for names in groups.values():
        for name in names:
            entries[name]["linked with"] = tuple(sorted(names))
    return entries


def differences(left, right):
    for name in sorted(left.keys() | right.keys()):
        shown = os.fsdecode(name) or "."
        if name not in right:
            yield f"only in the first: {shown}"
        elif name not in left:
            yield f"only in the second: {shown}"
        else:
            for fact in sorted(left[name].keys() | right[name].keys()):
                one, other = left[name].get(fact), right[name].get(fact)
                if one != other:
                    yield f"{fact} of {shown}: {one!r} and {other!r}"


def main():
    left, right = (read_tree(os.fsencode(path)) for path in sys.argv[1:3])
    found = list(differences(left, right))
    for line in found[:DIFFERENCES_SHOWN_MAX]:
        print(line)
    if len(found) > DIFFERENCES_SHOWN_MAX:
        print(f"and {len(found) - DIFFERENCES_SHOWN_MAX} more")
    print(f"{len(left)} entries compared, {len(found)} differences")
    sys.exit(1 if found else 0)


main()
