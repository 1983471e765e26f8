// Random changes of a tree: names of every kind of node, links, renames with their flags, permissions, times, extended
// attributes. What each call returns, errno included, and what is there afterwards is held against TreeModel.
#pragma once
#include <string>
#include <vector>

#include "history.h"
#include "options.h"
#include "random.h"
#include "system.h"
#include "tree_model.h"

namespace packetfs::checker {

class TreeChecker {
 public:
  explicit TreeChecker(const Options& options);

  /// Throws Mismatch.
  void run();
  [[nodiscard]] const History& history() const { return history_; }

 private:
  void create();
  void makeDirectory();
  void symlink();
  void link();
  void unlink();
  void removeDirectory();
  void rename();
  void changeMode();
  void changeTimes();
  void setAttribute();
  void removeAttribute();
  void look();

  void perform();
  void remount(const std::string& command, const char* what);
  void verifyNode(const std::string& path, const TreeNode& node);
  void verifyTree(const std::string& path, const TreeNode& directory);
  void verifyAttributes(const std::string& path, const TreeNode& node);

  Place anyPlace();
  Place placeOfNode();
  [[nodiscard]] std::string pathOf(const Place& place) const;
  void expect(const Place& place, const char* what, int result, int due);

  const Options& options_;
  std::string directory_;
  Random random_;
  History history_{};
  TreeModel model_{};
};

}  // namespace packetfs::checker
