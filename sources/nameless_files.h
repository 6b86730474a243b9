// NamelessFiles: files that lost their last name and are still being read, by the names they had.
//
// A compressed file, or one that mv took to another device, asks whether what it was made of is
// among them. Thousands of logs may be rotated and compressed within a minute, so only those are
// looked at whose names say that they may be meant. The control thread's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sources {

// A file's name without what rotation appends: "app.log" of "app.log", "app.log.1" and
// "app.log-20260101".
std::string_view family(std::string_view name);

class NamelessFiles {
 public:
  struct Names {
    std::size_t flow = 0;
    std::uint64_t device = 0;
    std::string home;      // as in File
    std::string path;      // … its last one
    std::string moved_to;  // … empty: not known
  };
  using Wanted = std::function<bool(std::uint64_t number)>;

  // One that is here already stays as it is.
  void insert(std::uint64_t number, Names names);
  void erase(std::uint64_t number);                         // may be none of them
  void moved(std::uint64_t number, const std::string& to);  // the same

  // Each finds one that is `wanted`, asked of nobody else than those it says. 0: none.
  //
  // Was last seen at `path`, or moved there.
  std::uint64_t find_at(std::size_t flow, std::string_view path, const Wanted& wanted) const;
  // Had a name that `path` may be made from, of whose family it is, in the same directory or in one
  // right above or below: services have logs of one name, each in its directory.
  std::uint64_t find_family(std::size_t flow, std::string_view path, const Wanted& wanted) const;
  // Had this name on another device, and was not seen to move.
  std::uint64_t find_namesake(std::size_t flow, std::string_view name, std::uint64_t device,
                              const Wanted& wanted) const;

 private:
  using Numbers = std::set<std::uint64_t>;
  using Families = std::map<std::string, Numbers, std::less<>>;
  struct Key {
    std::size_t flow;
    std::string text;  // a path, a directory or a name
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const {
      return std::hash<std::string>{}(key.text) + key.flow * 0x9e3779b97f4a7c15;
    }
  };
  template <typename Value>
  using Table = std::unordered_map<Key, Value, KeyHash>;

  void index(std::uint64_t number, const Names& names);
  void forget(std::uint64_t number, const Names& names);

  std::unordered_map<std::uint64_t, Names> all_;
  Table<Numbers> at_;                                // by path
  Table<Families> in_;                               // by directory
  Table<Families> below_;                            // by the directory above that
  Table<std::map<std::uint64_t, Numbers>> unmoved_;  // by name; device
};

}  // namespace sources
