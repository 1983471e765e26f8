// See operations.h. Each operation is admitted first (faults, delays, a power that is gone), then done under the disk's
// lock, so that a change and the record of how to undo it are one step.
#include "operations.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace faulty {
namespace {

Disk& disk() { return *static_cast<Disk*>(fuse_get_context()->private_data); }

struct Handle {
  int descriptor;
  std::string path;  // as it was opened, for the faults' patterns
};

Handle& handleOf(const struct fuse_file_info* file) { return *reinterpret_cast<Handle*>(file->fh); }

int orErrno(int outcome) { return outcome == -1 ? -errno : 0; }

/// Runs `change` under the lock once `operation` is admitted; gives 0 or a negative errno.
template <typename Change>
int changing(const char* operation, const char* path, Change change) {
  if (const int error = disk().admit(operation, path)) return -error;
  std::lock_guard lock(disk().mutex());
  return change(disk().at(path));
}

/// For what makes a name: the name is recorded when it was made.
template <typename Make>
int creating(const char* operation, const char* path, Make make) {
  return changing(operation, path, [&](const std::string& place) {
    const int outcome = make(place);
    return outcome < 0 ? outcome : disk().names().created(place);
  });
}

int getAttributes(const char* path, struct stat* attributes, struct fuse_file_info* file) {
  if (file != nullptr) return orErrno(::fstat(handleOf(file).descriptor, attributes));
  return orErrno(::lstat(disk().at(path).c_str(), attributes));
}

int readLink(const char* path, char* target, size_t size) {
  const ssize_t length = ::readlink(disk().at(path).c_str(), target, size - 1);
  if (length < 0) return -errno;
  target[length] = 0;
  return 0;
}

int makeNode(const char* path, mode_t mode, dev_t device) {
  return creating("create", path,
                  [=](const std::string& place) { return orErrno(::mknod(place.c_str(), mode, device)); });
}

int makeDirectory(const char* path, mode_t mode) {
  return creating("mkdir", path, [=](const std::string& place) { return orErrno(::mkdir(place.c_str(), mode)); });
}

int symbolicLink(const char* target, const char* path) {
  return creating("create", path, [=](const std::string& place) { return orErrno(::symlink(target, place.c_str())); });
}

int hardLink(const char* from, const char* to) {
  const std::string source = disk().at(from);
  return creating("create", to,
                  [&](const std::string& place) { return orErrno(::link(source.c_str(), place.c_str())); });
}

int removeFile(const char* path) {
  return changing("unlink", path, [](const std::string& place) { return -disk().names().remove(place); });
}

int removeDirectory(const char* path) {
  return changing("rmdir", path, [](const std::string& place) { return -disk().names().removeDirectory(place); });
}

int renameFile(const char* from, const char* to, unsigned int flags) {
  if (flags != 0) return -EINVAL;
  const std::string target = disk().at(to);
  return changing("rename", to, [&](const std::string&) { return -disk().names().rename(disk().at(from), target); });
}

int changeMode(const char* path, mode_t mode, struct fuse_file_info*) {
  return changing("chmod", path, [=](const std::string& place) { return orErrno(::chmod(place.c_str(), mode)); });
}

int changeOwner(const char* path, uid_t user, gid_t group, struct fuse_file_info*) {
  return changing("chown", path,
                  [=](const std::string& place) { return orErrno(::lchown(place.c_str(), user, group)); });
}

int setTimes(const char* path, const struct timespec times[2], struct fuse_file_info*) {
  return changing("utimens", path, [=](const std::string& place) {
    return orErrno(::utimensat(AT_FDCWD, place.c_str(), times, AT_SYMLINK_NOFOLLOW));
  });
}

int truncateFile(const char* path, off_t size, struct fuse_file_info*) {
  return changing("truncate", path, [=](const std::string& place) {
    const int descriptor = ::open(place.c_str(), O_RDWR | O_CLOEXEC);
    if (descriptor < 0) return -errno;
    disk().file(descriptor).willResize(static_cast<std::uint64_t>(size));
    const int outcome = orErrno(::ftruncate(descriptor, size));
    ::close(descriptor);
    return outcome;
  });
}

int keepHandle(int descriptor, const char* path, struct fuse_file_info* file) {
  if (descriptor < 0) return -errno;
  file->fh = reinterpret_cast<std::uint64_t>(std::make_unique<Handle>(Handle{descriptor, path}).release());
  return 0;
}

/// Appending is the kernel's business, and what is written partly must be readable here.
int flagsBelow(int flags) {
  const int kept = flags & ~(O_APPEND | O_EXCL | O_CREAT | O_TRUNC | O_ACCMODE | O_DIRECT);
  return kept | ((flags & O_ACCMODE) == O_RDONLY ? O_RDONLY : O_RDWR) | O_CLOEXEC;
}

int openFile(const char* path, struct fuse_file_info* file) {
  return changing("open", path, [=](const std::string& place) {
    const int descriptor = ::open(place.c_str(), flagsBelow(file->flags));
    if (descriptor >= 0 && (file->flags & O_TRUNC) != 0) {
      disk().file(descriptor).willResize(0);
      if (::ftruncate(descriptor, 0) != 0) return -errno;
    }
    return keepHandle(descriptor, path, file);
  });
}

int createFile(const char* path, mode_t mode, struct fuse_file_info* file) {
  return creating("create", path, [=](const std::string& place) {
    return keepHandle(::open(place.c_str(), flagsBelow(file->flags) | O_CREAT | O_EXCL, mode), path, file);
  });
}

int readFile(const char*, char* target, size_t size, off_t offset, struct fuse_file_info* file) {
  const Handle& handle = handleOf(file);
  if (const int error = disk().admit("read", handle.path)) return -error;
  const ssize_t count = ::pread(handle.descriptor, target, size, offset);
  return count < 0 ? -errno : static_cast<int>(count);
}

/// A disk that gets full takes what still fits: half of the first write that does not.
int writeFile(const char*, const char* bytes, size_t size, off_t offset, struct fuse_file_info* file) {
  const Handle& handle = handleOf(file);
  const int error = disk().admit("write", handle.path);
  const bool fitsPartly = error == ENOSPC && size >= 2 * kSectorBytes;
  if (error != 0 && !fitsPartly) return -error;
  const size_t taken = fitsPartly ? size / 2 : size;
  std::lock_guard lock(disk().mutex());
  disk().file(handle.descriptor).willWrite(static_cast<std::uint64_t>(offset), taken);
  const ssize_t count = ::pwrite(handle.descriptor, bytes, taken, offset);
  return count < 0 ? -errno : static_cast<int>(count);
}

int allocateFile(const char*, int mode, off_t offset, off_t length, struct fuse_file_info* file) {
  const Handle& handle = handleOf(file);
  if (const int error = disk().admit("allocate", handle.path)) return -error;
  std::lock_guard lock(disk().mutex());
  if (mode != FALLOC_FL_KEEP_SIZE) {  // that alone changes neither bytes nor size
    disk().file(handle.descriptor).willWrite(static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(length));
  }
  return orErrno(::fallocate(handle.descriptor, mode, offset, length));
}

int syncFile(const char*, int, struct fuse_file_info* file) {
  const Handle& handle = handleOf(file);
  bool lie = false;
  const int error = disk().admit("fsync", handle.path, &lie);
  std::lock_guard lock(disk().mutex());
  if (error != 0) disk().failSync(handle.descriptor);
  if (error == 0 && !lie) disk().syncFile(handle.descriptor);
  return -error;
}

int syncDirectory(const char* path, int, struct fuse_file_info*) {
  bool lie = false;
  if (const int error = disk().admit("fsyncdir", path, &lie)) return -error;
  std::lock_guard lock(disk().mutex());
  if (!lie) disk().syncDirectory(disk().at(path));
  return 0;
}

int releaseFile(const char*, struct fuse_file_info* file) {
  const std::unique_ptr<Handle> handle(&handleOf(file));
  ::close(handle->descriptor);
  return 0;
}

int readDirectory(const char* path, void* target, fuse_fill_dir_t fill, off_t, struct fuse_file_info*,
                  enum fuse_readdir_flags) {
  DIR* directory = ::opendir(disk().at(path).c_str());
  if (directory == nullptr) return -errno;
  while (const dirent* entry = ::readdir(directory)) {
    fill(target, entry->d_name, nullptr, 0, static_cast<fuse_fill_dir_flags>(0));
  }
  ::closedir(directory);
  return 0;
}

int statistics(const char* path, struct statvfs* values) { return orErrno(::statvfs(disk().at(path).c_str(), values)); }

/// What the kernel cached is never right for longer than the disk says so.
void* initialize(struct fuse_conn_info*, struct fuse_config* config) {
  config->hard_remove = 1;
  config->use_ino = 1;
  config->entry_timeout = 0;
  config->attr_timeout = 0;
  config->negative_timeout = 0;
  return fuse_get_context()->private_data;
}

}  // namespace

const struct fuse_operations& operations() {
  static const struct fuse_operations table = [] {
    struct fuse_operations all {};
    all.getattr = getAttributes;
    all.readlink = readLink;
    all.mknod = makeNode;
    all.mkdir = makeDirectory;
    all.unlink = removeFile;
    all.rmdir = removeDirectory;
    all.symlink = symbolicLink;
    all.rename = renameFile;
    all.link = hardLink;
    all.chmod = changeMode;
    all.chown = changeOwner;
    all.truncate = truncateFile;
    all.open = openFile;
    all.read = readFile;
    all.write = writeFile;
    all.statfs = statistics;
    all.release = releaseFile;
    all.fsync = syncFile;
    all.readdir = readDirectory;
    all.fsyncdir = syncDirectory;
    all.init = initialize;
    all.create = createFile;
    all.utimens = setTimes;
    all.fallocate = allocateFile;
    return all;
  }();
  return table;
}

}  // namespace faulty
