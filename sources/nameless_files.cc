#include "sources/nameless_files.h"

#include <algorithm>
#include <array>
#include <utility>

#include "sources/paths.h"

namespace sources {
namespace {

using Numbers = std::set<std::uint64_t>;

std::uint64_t first_wanted(const Numbers& numbers, const NamelessFiles::Wanted& wanted) {
  const auto it = std::ranges::find_if(numbers, wanted);
  return it == numbers.end() ? 0 : *it;
}

// Of those whose family `name` begins with. What sorts between a beginning of `name` and `name`
// begins so, too: the nearest below it says how much of `name` a beginning can have at most.
std::uint64_t find_beginning(const std::map<std::string, Numbers, std::less<>>& families,
                             std::string_view name, const NamelessFiles::Wanted& wanted) {
  for (std::string_view rest = name; !rest.empty();) {
    const auto above = families.upper_bound(rest);
    if (above == families.begin()) return 0;
    const auto& [family, numbers] = *std::prev(above);
    const auto differs = std::ranges::mismatch(family, rest);
    if (differs.in1 == family.end()) {
      if (const std::uint64_t number = first_wanted(numbers, wanted); number != 0) return number;
      rest.remove_suffix(rest.size() - family.size() + 1);
    } else {
      rest = rest.substr(0, static_cast<std::size_t>(differs.in1 - family.begin()));
    }
  }
  return 0;
}

// Erases what holds nothing any more.
template <typename Outer, typename Key>
void erase_from(Outer& outer, const Key& key, auto erase_inside) {
  const auto it = outer.find(key);
  if (it == outer.end()) return;
  erase_inside(it->second);
  if (it->second.empty()) outer.erase(it);
}

// A file has three names at most, and they are alike.
std::vector<std::string> paths_of(const NamelessFiles::Names& names) {
  std::vector<std::string> paths;
  for (const std::string* const each : {&names.home, &names.path, &names.moved_to}) {
    if (!each->empty() && std::ranges::find(paths, *each) == paths.end()) paths.push_back(*each);
  }
  return paths;
}

}  // namespace

std::string_view family(std::string_view name) {
  const std::size_t last = name.find_last_not_of("0123456789.-_");
  return last == std::string_view::npos ? name : name.substr(0, last + 1);
}

void NamelessFiles::insert(std::uint64_t number, Names names) {
  const auto [it, is_new] = all_.try_emplace(number, std::move(names));
  if (is_new) index(number, it->second);
}

void NamelessFiles::erase(std::uint64_t number) {
  const auto left = all_.extract(number);
  if (left) forget(number, left.mapped());
}

void NamelessFiles::moved(std::uint64_t number, const std::string& to) {
  const auto it = all_.find(number);
  if (it == all_.end()) return;
  forget(number, it->second);
  it->second.moved_to = to;
  index(number, it->second);
}

void NamelessFiles::index(std::uint64_t number, const Names& names) {
  at_[{names.flow, names.path}].insert(number);
  if (!names.moved_to.empty()) at_[{names.flow, names.moved_to}].insert(number);
  for (const std::string& path : paths_of(names)) {
    const std::string place = directory_in(path);
    const std::string name(family(name_in(path)));
    in_[{names.flow, place}][name].insert(number);
    below_[{names.flow, directory_in(place)}][name].insert(number);
  }
  if (!names.moved_to.empty()) return;
  unmoved_[{names.flow, std::string(name_in(names.path))}][names.device].insert(number);
}

void NamelessFiles::forget(std::uint64_t number, const Names& names) {
  const auto erase_number = [number](Numbers& numbers) { numbers.erase(number); };
  erase_from(at_, Key{names.flow, names.path}, erase_number);
  erase_from(at_, Key{names.flow, names.moved_to}, erase_number);
  for (const std::string& path : paths_of(names)) {
    const std::string place = directory_in(path);
    const auto erase_name = [&](Families& families) {
      erase_from(families, family(name_in(path)), erase_number);
    };
    erase_from(in_, Key{names.flow, place}, erase_name);
    erase_from(below_, Key{names.flow, directory_in(place)}, erase_name);
  }
  erase_from(unmoved_, Key{names.flow, std::string(name_in(names.path))},
             [&](auto& devices) { erase_from(devices, names.device, erase_number); });
}

std::uint64_t NamelessFiles::find_at(std::size_t flow, std::string_view path,
                                     const Wanted& wanted) const {
  const auto it = at_.find({flow, std::string(path)});
  return it == at_.end() ? 0 : first_wanted(it->second, wanted);
}

std::uint64_t NamelessFiles::find_family(std::size_t flow, std::string_view path,
                                         const Wanted& wanted) const {
  const std::string place = directory_in(path);
  const std::array<std::pair<const Table<Families>*, std::string>, 3> tables = {
      {{&in_, place}, {&in_, directory_in(place)}, {&below_, place}}};
  for (const auto& [table, directory] : tables) {
    const auto it = table->find({flow, directory});
    if (it == table->end()) continue;
    const std::uint64_t number = find_beginning(it->second, name_in(path), wanted);
    if (number != 0) return number;
  }
  return 0;
}

std::uint64_t NamelessFiles::find_namesake(std::size_t flow, std::string_view name,
                                           std::uint64_t device, const Wanted& wanted) const {
  const auto it = unmoved_.find({flow, std::string(name)});
  if (it == unmoved_.end()) return 0;
  for (const auto& [other_device, numbers] : it->second) {
    if (other_device == device) continue;
    if (const std::uint64_t number = first_wanted(numbers, wanted); number != 0) return number;
  }
  return 0;
}

}  // namespace sources
