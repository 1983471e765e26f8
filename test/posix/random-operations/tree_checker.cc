// See tree_checker.h.
#include "tree_checker.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/xattr.h>

#include <cerrno>
#include <cstring>
#include <set>

namespace packetfs::checker {
namespace {
constexpr std::uint64_t kNames = 9;  // few, so that names meet
constexpr std::uint64_t kDepthMax = 4;
constexpr std::uint64_t kAttributes = 4;
constexpr std::uint64_t kValueBytesMax = 300;
constexpr std::uint64_t kProgressEvery = 100'000;

std::string nameOfError(int error) { return error == 0 ? "success" : std::strerror(error); }
}  // namespace

TreeChecker::TreeChecker(const Options& options)
    : options_(options),
      directory_(options.directory + "/tree-" + std::to_string(options.seed)),
      random_(options.seed) {
  ::umask(0);
  if (::mkdir(directory_.c_str(), 0755) != 0) throw Mismatch(0, "cannot make " + directory_ + ": a new one is needed");
}

void TreeChecker::run() {
  for (std::uint64_t number = 1; number <= options_.operations; number++) {
    history_.startOperation(number);
    perform();
    if (options_.remountEvery > 0 && number % options_.remountEvery == 0) {
      remount(options_.remountCommand, "unmount and mount");
    }
    if (options_.killEvery > 0 && number % options_.killEvery == 0) remount(options_.killCommand, "kill and mount");
    if (number % options_.verifyEvery == 0) verifyTree(directory_, model_.root());
    if (number % kProgressEvery == 0) std::fprintf(stderr, "%llu operations\n", (unsigned long long)number);
  }
  verifyTree(directory_, model_.root());
}

void TreeChecker::perform() {
  struct Choice {
    unsigned weight;
    void (TreeChecker::*operation)();
  };
  static constexpr Choice kChoices[] = {
      {14, &TreeChecker::create},      {14, &TreeChecker::makeDirectory},  {4, &TreeChecker::symlink},
      {8, &TreeChecker::link},         {12, &TreeChecker::unlink},         {8, &TreeChecker::removeDirectory},
      {18, &TreeChecker::rename},      {5, &TreeChecker::changeMode},      {5, &TreeChecker::changeTimes},
      {5, &TreeChecker::setAttribute}, {3, &TreeChecker::removeAttribute}, {20, &TreeChecker::look},
  };
  std::uint64_t drawn = random_.below(116);
  for (const Choice& choice : kChoices) {
    if (drawn < choice.weight) return (this->*choice.operation)();
    drawn -= choice.weight;
  }
}

/// A path of names at random: often nothing is there, or something that is no directory is in the way.
Place TreeChecker::anyPlace() {
  std::vector<std::string> path;
  const TreeNode* directory = &model_.root();
  while (path.size() < kDepthMax) {
    path.push_back("n" + std::to_string(random_.below(kNames)));
    const auto next = directory->children.find(path.back());
    const bool leads = next != directory->children.end() && next->second->isDirectory();
    if (leads ? random_.chance(25) : random_.chance(95)) break;
    if (leads) directory = next->second.get();
    if (next != directory->children.end() && S_ISLNK(next->second->mode)) break;  // a path does not go on through one
  }
  return model_.find(path);
}

/// Where something is, if possible.
Place TreeChecker::placeOfNode() {
  Place place = anyPlace();
  for (int tries = 0; tries < 6 && (place.error != 0 || !place.node()); tries++) place = anyPlace();
  return place;
}

std::string TreeChecker::pathOf(const Place& place) const {
  std::string whole = directory_;
  for (const std::string& name : place.path) whole += "/" + name;
  return whole;
}

void TreeChecker::expect(const Place& place, const char* what, int result, int due) {
  const int error = result == 0 ? 0 : errno;
  const std::string path = pathOf(place);
  history_.note(History::kEverything, text("%s %s: %s", what, path.c_str(), nameOfError(due).c_str()));
  if (error == due) return;
  throw Mismatch(
      0, text("%s %s gave %s, not %s", what, path.c_str(), nameOfError(error).c_str(), nameOfError(due).c_str()));
}

void TreeChecker::create() {
  const Place place = anyPlace();
  const auto permissions = static_cast<mode_t>(random_.below(01000));
  const bool fifo = random_.chance(15);
  const mode_t mode = (fifo ? S_IFIFO : S_IFREG) | permissions;
  expect(place, "create", ::mknod(pathOf(place).c_str(), mode, 0), model_.create(place, mode, ""));
}

void TreeChecker::makeDirectory() {
  const Place place = anyPlace();
  const auto permissions = static_cast<mode_t>(random_.below(01000));
  const int due = model_.create(place, S_IFDIR | permissions, "");
  expect(place, "mkdir", ::mkdir(pathOf(place).c_str(), permissions), due);
}

void TreeChecker::symlink() {
  const Place place = anyPlace();
  const std::string target = "nowhere-" + std::to_string(random_.below(1'000'000));
  const int due = model_.create(place, S_IFLNK | 0777, target);
  expect(place, "symlink", ::symlink(target.c_str(), pathOf(place).c_str()), due);
}

void TreeChecker::link() {
  const Place from = placeOfNode(), to = anyPlace();
  const int due = model_.link(from, to);
  expect(to, ("link " + pathOf(from) + " as").c_str(), ::link(pathOf(from).c_str(), pathOf(to).c_str()), due);
}

void TreeChecker::unlink() {
  const Place place = placeOfNode();
  expect(place, "unlink", ::unlink(pathOf(place).c_str()), model_.unlink(place));
}

void TreeChecker::removeDirectory() {
  const Place place = placeOfNode();
  expect(place, "rmdir", ::rmdir(pathOf(place).c_str()), model_.removeDirectory(place));
}

void TreeChecker::rename() {
  struct How {
    TreeModel::Renaming model;
    unsigned flags;
    const char* name;
  };
  static constexpr How kHow[] = {{TreeModel::Renaming::replace, 0, "rename "},
                                 {TreeModel::Renaming::replace, 0, "rename "},
                                 {TreeModel::Renaming::noReplace, RENAME_NOREPLACE, "rename without replacing "},
                                 {TreeModel::Renaming::exchange, RENAME_EXCHANGE, "exchange "}};
  const How& how = kHow[random_.below(std::size(kHow))];
  const Place from = placeOfNode();
  const Place to = how.model == TreeModel::Renaming::exchange ? placeOfNode() : anyPlace();
  const std::string source = pathOf(from), target = pathOf(to);
  const int due = model_.rename(from, to, how.model);
  const int result = ::renameat2(AT_FDCWD, source.c_str(), AT_FDCWD, target.c_str(), how.flags);
  expect(to, (how.name + source + " to").c_str(), result, due);
}

void TreeChecker::changeMode() {
  const Place place = placeOfNode();
  if (place.error != 0 || !place.node() || S_ISLNK(place.node()->mode)) return look();
  const auto permissions = static_cast<mode_t>(random_.below(010000));
  expect(place, "chmod", ::chmod(pathOf(place).c_str(), permissions), 0);
  TreeNode& node = *place.node();
  node.mode = (node.mode & S_IFMT) | permissions;
}

void TreeChecker::changeTimes() {
  const Place place = placeOfNode();
  if (place.error != 0 || !place.node()) return look();
  const timespec modified{.tv_sec = static_cast<time_t>(random_.below(4'000'000'000)),
                          .tv_nsec = static_cast<long>(random_.below(1'000'000'000))};
  const timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, modified};
  expect(place, "utimensat", ::utimensat(AT_FDCWD, pathOf(place).c_str(), times, AT_SYMLINK_NOFOLLOW), 0);
  place.node()->modified = modified;
  place.node()->modifiedKnown = true;
}

void TreeChecker::setAttribute() {
  const Place place = placeOfNode();
  if (place.error != 0 || !place.node()) return look();
  TreeNode& node = *place.node();
  const std::string name = "user.a" + std::to_string(random_.below(kAttributes));
  std::string value(random_.below(kValueBytesMax), '\0');
  for (char& byte : value) byte = static_cast<char>(random_.next());
  static constexpr int kFlags[] = {0, 0, XATTR_CREATE, XATTR_REPLACE};
  const int flags = kFlags[random_.below(std::size(kFlags))];
  const bool known = node.attributes.contains(name);
  int due = 0;
  if (!S_ISREG(node.mode) && !node.isDirectory()) due = EPERM;
  if (due == 0 && known && flags == XATTR_CREATE) due = EEXIST;
  if (due == 0 && !known && flags == XATTR_REPLACE) due = ENODATA;
  const int result = ::lsetxattr(pathOf(place).c_str(), name.c_str(), value.data(), value.size(), flags);
  expect(place, ("set " + name + " of").c_str(), result, due);
  if (due == 0) node.attributes[name] = value;
}

void TreeChecker::removeAttribute() {
  const Place place = placeOfNode();
  if (place.error != 0 || !place.node()) return look();
  TreeNode& node = *place.node();
  if (!S_ISREG(node.mode) && !node.isDirectory()) return look();
  const std::string name = "user.a" + std::to_string(random_.below(kAttributes));
  const int due = node.attributes.contains(name) ? 0 : ENODATA;
  expect(place, ("remove " + name + " of").c_str(), ::lremovexattr(pathOf(place).c_str(), name.c_str()), due);
  node.attributes.erase(name);
}

void TreeChecker::look() {
  const Place place = anyPlace();
  struct stat seen {};
  const int due = place.error != 0 ? place.error : place.node() ? 0 : ENOENT;
  expect(place, "lstat", ::lstat(pathOf(place).c_str(), &seen), due);
  if (due == 0) verifyNode(pathOf(place), *place.node());
}

void TreeChecker::verifyNode(const std::string& path, const TreeNode& node) {
  struct stat seen {};
  if (::lstat(path.c_str(), &seen) != 0) throw Mismatch(0, path + ": " + std::strerror(errno));
  if (seen.st_mode != node.mode)
    throw Mismatch(0, text("%s: mode 0%o, not 0%o", path.c_str(), seen.st_mode, node.mode));
  if (seen.st_nlink != node.links) {
    throw Mismatch(0, text("%s: %lu links, not %lu", path.c_str(), seen.st_nlink, node.links));
  }
  if (node.modifiedKnown &&
      (seen.st_mtim.tv_sec != node.modified.tv_sec || seen.st_mtim.tv_nsec != node.modified.tv_nsec)) {
    throw Mismatch(0, text("%s: modified %ld.%09ld, not %ld.%09ld", path.c_str(), seen.st_mtim.tv_sec,
                           seen.st_mtim.tv_nsec, node.modified.tv_sec, node.modified.tv_nsec));
  }
  if (S_ISLNK(node.mode)) {
    char target[256];
    const ssize_t length = ::readlink(path.c_str(), target, sizeof target);
    if (length < 0 || std::string(target, static_cast<std::size_t>(length)) != node.target) {
      throw Mismatch(0, path + " does not lead to " + node.target);
    }
  }
}

void TreeChecker::verifyAttributes(const std::string& path, const TreeNode& node) {
  char names[4096], value[kValueBytesMax + 1];
  const ssize_t listed = ::llistxattr(path.c_str(), names, sizeof names);
  if (listed < 0) throw Mismatch(0, path + ": its attributes cannot be listed");
  std::size_t count = 0;
  for (const char* name = names; name < names + listed; name += std::strlen(name) + 1) {
    if (std::strncmp(name, "user.", 5) == 0) count++;
  }
  if (count != node.attributes.size()) {
    throw Mismatch(0, text("%s: %zu attributes, not %zu", path.c_str(), count, node.attributes.size()));
  }
  for (const auto& [name, expected] : node.attributes) {
    const ssize_t length = ::lgetxattr(path.c_str(), name.c_str(), value, sizeof value);
    if (length < 0 || std::string(value, static_cast<std::size_t>(length)) != expected) {
      throw Mismatch(0, path + ": " + name + " has another value");
    }
  }
}

void TreeChecker::verifyTree(const std::string& path, const TreeNode& directory) {
  std::set<std::string> found;
  DIR* listing = ::opendir(path.c_str());
  if (listing == nullptr) throw Mismatch(0, path + " cannot be listed: " + std::strerror(errno));
  while (const dirent* entry = ::readdir(listing)) {
    if (!found.insert(entry->d_name).second) throw Mismatch(0, path + " lists " + entry->d_name + " twice");
  }
  ::closedir(listing);
  if (found.erase(".") == 0 || found.erase("..") == 0) throw Mismatch(0, path + " does not list . and ..");
  for (const auto& [name, node] : directory.children) {
    const std::string whole = path + "/" + name;
    if (found.erase(name) == 0) throw Mismatch(0, whole + " is not listed");
    verifyNode(whole, *node);
    verifyAttributes(whole, *node);
    if (node->isDirectory()) verifyTree(whole, *node);
  }
  if (!found.empty()) throw Mismatch(0, path + "/" + *found.begin() + " should not be there");
}

void TreeChecker::remount(const std::string& command, const char* what) {
  history_.note(History::kEverything, what);
  runHook(command);
  verifyTree(directory_, model_.root());
}

}  // namespace packetfs::checker
