// Holders: the files that have a descriptor, and who of them was asked for it.
//
// Belongs to the control thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>

namespace sources {

class Holders {
 public:
  enum class Is : std::uint8_t {
    unasked,    // longest unused first
    asked,      // gives it back at its end, or when its turn is over
    asked_now,  // … or as soon as it lacks memory
    late,       // was asked in one of these ways a while ago, and has it still
    muted,      // its flow leaves: not to be asked
  };
  struct Holder {
    std::uint64_t number;  // the file's
    Is is;

    bool yields() const { return is != Is::unasked && is != Is::muted; }
  };
  using List = std::list<Holder>;
  using Place = List::iterator;

  Place add(std::uint64_t number, Is is) {
    List& to = list(is);
    return to.insert(to.end(), {.number = number, .is = is});
  }
  // Behind the others.
  void move(Place place, Is is) {
    List& to = list(is);
    to.splice(to.end(), list(place->is), place);
    place->is = is;
  }
  // All who were asked.
  void be_late() {
    for (const Is is : {Is::asked, Is::asked_now}) {
      while (!list(is).empty()) move(list(is).begin(), Is::late);
    }
  }
  void remove(Place place) { list(place->is).erase(place); }

  const List& operator[](Is is) const { return lists_[static_cast<std::size_t>(is)]; }
  std::size_t size() const {
    std::size_t all = 0;
    for (const List& each : lists_) all += each.size();
    return all;
  }
  // Who may answer any moment.
  std::size_t yielding() const { return (*this)[Is::asked].size() + (*this)[Is::asked_now].size(); }

 private:
  List& list(Is is) { return lists_[static_cast<std::size_t>(is)]; }

  std::array<List, 5> lists_;
};

}  // namespace sources
