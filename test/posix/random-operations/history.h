// What was done, for the report of a mismatch: the last operations, each with the file or node that it was about.
#pragma once
#include <cstdint>
#include <cstdio>
#include <deque>
#include <stdexcept>
#include <string>

namespace packetfs::checker {

/// What the filesystem did is not what the model says.
struct Mismatch : std::runtime_error {
  Mismatch(std::uint64_t subjectId, const std::string& sentence) : std::runtime_error(sentence), subject(subjectId) {}
  std::uint64_t subject;
};

/// printf into a string.
template <typename... Values>
std::string text(const char* format, Values... values) {
  char buffer[512];
  std::snprintf(buffer, sizeof buffer, format, values...);
  return buffer;
}

class History {
 public:
  static constexpr std::uint64_t kEverything = 0;  // a subject that every report shows

  void startOperation(std::uint64_t number) { number_ = number; }
  [[nodiscard]] std::uint64_t number() const { return number_; }

  void note(std::uint64_t subject, std::string what) {
    if (entries_.size() == kEntriesKept) entries_.pop_front();
    entries_.push_back({number_, subject, std::move(what)});
  }

  /// The last `count` entries about this subject, oldest first.
  void print(std::uint64_t subject, std::size_t count) const {
    std::deque<const Entry*> shown;
    for (auto entry = entries_.rbegin(); entry != entries_.rend() && shown.size() < count; ++entry) {
      if (entry->subject == subject || entry->subject == kEverything) shown.push_front(&*entry);
    }
    for (const Entry* entry : shown) {
      std::fprintf(stderr, "  %9llu %s\n", static_cast<unsigned long long>(entry->number), entry->what.c_str());
    }
  }

 private:
  static constexpr std::size_t kEntriesKept = 20'000;

  struct Entry {
    std::uint64_t number = 0;
    std::uint64_t subject = 0;
    std::string what{};
  };

  std::uint64_t number_ = 0;
  std::deque<Entry> entries_{};
};

}  // namespace packetfs::checker
