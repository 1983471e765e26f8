// A tree of files, directories, symbolic links and fifos as it must be, and the errno that Linux gives for each change
// of names that is refused.
#pragma once
#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace packetfs::checker {

struct TreeNode {
  std::uint64_t id = 0;
  mode_t mode = 0;  // type and permissions
  std::uint64_t links = 1;
  std::string target{};  // of a symbolic link
  std::map<std::string, std::string> attributes{};
  timespec modified{};
  bool modifiedKnown = false;  // set by utimensat, and not changed by anything since
  std::map<std::string, std::shared_ptr<TreeNode>> children{};

  [[nodiscard]] bool isDirectory() const { return S_ISDIR(mode); }
};

/// Where a name is: its directory, or why a path does not lead there.
struct Place {
  std::vector<std::string> path{};
  TreeNode* parent = nullptr;
  int error = 0;

  [[nodiscard]] const std::string& name() const { return path.back(); }
  [[nodiscard]] std::shared_ptr<TreeNode> node() const;
};

class TreeModel {
 public:
  TreeModel();

  [[nodiscard]] TreeNode& root() const { return *root_; }
  [[nodiscard]] Place find(const std::vector<std::string>& path) const;

  // Each returns the errno that is due, 0 when the change is made.
  int create(const Place& place, mode_t mode, const std::string& target);
  int link(const Place& from, const Place& to);
  int unlink(const Place& place);
  int removeDirectory(const Place& place);
  enum class Renaming { replace, noReplace, exchange };
  int rename(const Place& from, const Place& to, Renaming how);

 private:
  void put(TreeNode& parent, const std::string& name, std::shared_ptr<TreeNode> node);
  void take(TreeNode& parent, const std::string& name);

  std::shared_ptr<TreeNode> root_;
  std::uint64_t created_ = 0;
};

}  // namespace packetfs::checker
