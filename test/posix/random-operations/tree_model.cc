// See tree_model.h; the order of the refusals is that of the kernel's fs/namei.c.
#include "tree_model.h"

#include <algorithm>
#include <cerrno>

namespace packetfs::checker {
namespace {

/// Whether `path` is `prefix` or leads through it.
bool startsWith(const std::vector<std::string>& path, const std::vector<std::string>& prefix) {
  return path.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), path.begin());
}

}  // namespace

std::shared_ptr<TreeNode> Place::node() const {
  const auto found = parent->children.find(name());
  return found == parent->children.end() ? nullptr : found->second;
}

TreeModel::TreeModel() : root_(std::make_shared<TreeNode>()) {
  root_->mode = S_IFDIR | 0755;
  root_->links = 2;
}

Place TreeModel::find(const std::vector<std::string>& path) const {
  Place place{.path = path, .parent = root_.get()};
  for (std::size_t i = 0; i + 1 < path.size(); i++) {
    const auto next = place.parent->children.find(path[i]);
    if (next == place.parent->children.end()) {
      place.error = ENOENT;
    } else if (!next->second->isDirectory()) {
      place.error = ENOTDIR;
    }
    if (place.error != 0) return place;
    place.parent = next->second.get();
  }
  return place;
}

void TreeModel::put(TreeNode& parent, const std::string& name, std::shared_ptr<TreeNode> node) {
  if (node->isDirectory()) parent.links++;
  parent.modifiedKnown = false;
  parent.children[name] = std::move(node);
}

void TreeModel::take(TreeNode& parent, const std::string& name) {
  if (parent.children.at(name)->isDirectory()) parent.links--;
  parent.modifiedKnown = false;
  parent.children.erase(name);
}

int TreeModel::create(const Place& place, mode_t mode, const std::string& target) {
  if (place.error != 0) return place.error;
  if (place.node()) return EEXIST;
  auto node = std::make_shared<TreeNode>();
  node->id = ++created_;
  node->mode = mode;
  if (S_ISDIR(mode)) node->mode |= place.parent->mode & S_ISGID;  // as a setgid directory hands down
  node->target = target;
  node->links = S_ISDIR(mode) ? 2 : 1;
  put(*place.parent, place.name(), std::move(node));
  return 0;
}

int TreeModel::link(const Place& from, const Place& to) {
  if (from.error != 0) return from.error;
  const std::shared_ptr<TreeNode> node = from.node();
  if (!node) return ENOENT;
  if (to.error != 0) return to.error;
  if (to.node()) return EEXIST;
  if (node->isDirectory()) return EPERM;
  node->links++;
  put(*to.parent, to.name(), node);
  return 0;
}

int TreeModel::unlink(const Place& place) {
  if (place.error != 0) return place.error;
  const std::shared_ptr<TreeNode> node = place.node();
  if (!node) return ENOENT;
  if (node->isDirectory()) return EISDIR;
  node->links--;
  take(*place.parent, place.name());
  return 0;
}

int TreeModel::removeDirectory(const Place& place) {
  if (place.error != 0) return place.error;
  const std::shared_ptr<TreeNode> node = place.node();
  if (!node) return ENOENT;
  if (!node->isDirectory()) return ENOTDIR;
  if (!node->children.empty()) return ENOTEMPTY;
  take(*place.parent, place.name());
  return 0;
}

int TreeModel::rename(const Place& from, const Place& to, Renaming how) {
  if (from.error != 0) return from.error;
  if (to.error != 0) return to.error;
  const std::shared_ptr<TreeNode> source = from.node(), target = to.node();
  if (!source) return ENOENT;
  if (target && how == Renaming::noReplace) return EEXIST;
  if (!target && how == Renaming::exchange) return ENOENT;
  const bool isSame = from.path == to.path;
  if (source->isDirectory() && !isSame && startsWith(to.path, from.path)) return EINVAL;
  if (target && target->isDirectory() && !isSame && startsWith(from.path, to.path)) {
    return how == Renaming::exchange ? EINVAL : ENOTEMPTY;
  }
  if (source == target) return 0;
  if (how == Renaming::exchange) {
    take(*from.parent, from.name());
    take(*to.parent, to.name());
    put(*from.parent, from.name(), target);
    put(*to.parent, to.name(), source);
    return 0;
  }
  if (target) {
    if (source->isDirectory() && !target->isDirectory()) return ENOTDIR;
    if (!source->isDirectory() && target->isDirectory()) return EISDIR;
    if (!target->children.empty()) return ENOTEMPTY;
    target->links--;
    take(*to.parent, to.name());
  }
  take(*from.parent, from.name());
  put(*to.parent, to.name(), source);
  return 0;
}

}  // namespace packetfs::checker
