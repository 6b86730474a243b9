// Talking to a daemon that is there and does nothing.
#include "io/local_socket.h"

#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/io/real_world.h"
#include "tests/test.h"

using namespace std::chrono_literals;

TEST_CASE("local sockets: who is not accepted does not wait for ever", "[io]") {
  const io_test::ScratchDirectory directory;
  const std::string path = directory.path() + "/s";
  const auto listening = io::listen_local(path);
  REQUIRE(listening);
  std::vector<io::Handle> connected;
  base::Result<io::Handle> last;
  while ((last = io::connect_local(path, 50ms)) && connected.size() < 10'000) {
    connected.push_back(*last);
  }
  REQUIRE_FALSE(last);
  CHECK(last.error().code == base::ErrorCode::limit);
  for (const io::Handle each : connected) ::close(each);
  ::close(*listening);
}
