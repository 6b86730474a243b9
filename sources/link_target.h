// LinkTarget: where a file lies that was found by a link. Few are, and the others, of which there
// may be very many, pay for a pointer. A value.
#pragma once

#include <memory>
#include <string>
#include <utility>

namespace sources {

class LinkTarget {
 public:
  LinkTarget() = default;
  explicit LinkTarget(std::string path) {
    if (!path.empty()) path_ = std::make_unique<const std::string>(std::move(path));
  }
  LinkTarget(const LinkTarget& other) : LinkTarget(other.path()) {}
  LinkTarget(LinkTarget&&) noexcept = default;
  LinkTarget& operator=(const LinkTarget& other) { return *this = LinkTarget(other); }
  LinkTarget& operator=(LinkTarget&&) noexcept = default;
  ~LinkTarget() = default;

  bool empty() const { return path_ == nullptr; }
  std::string path() const { return path_ == nullptr ? std::string() : *path_; }

  bool operator==(const LinkTarget& other) const { return path() == other.path(); }

 private:
  std::unique_ptr<const std::string> path_;
};

}  // namespace sources
