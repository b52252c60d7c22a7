// More clients at once than a shim has descriptors for.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "boxlite/base/fd.h"
#include "testing/test_home.h"

namespace boxlite::testing {
namespace {

// The soft limit of this process, put back at the end.
class SoftDescriptorLimit {
 public:
  SoftDescriptorLimit() { ::getrlimit(RLIMIT_NOFILE, &before_); }
  ~SoftDescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  void Set(rlim_t soft) const {
    const rlimit limit = {soft, before_.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  }

 private:
  rlimit before_ = {};
};

TEST(Storm, OfClientsDoesNotMakeABoxDeafForEver) {
  TestHome home;
  SoftDescriptorLimit limit;
  limit.Set(128);
  const std::string id = home.Start();  // its shim inherits the limit
  limit.Set(512);
  Fd box(::open(home.box(id).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_TRUE(box.valid());
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string path = "/proc/self/fd/" + std::to_string(box.get()) + "/shim.sock";
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  {
    std::vector<Fd> clients;
    for (int i = 0; i < 180; ++i) {  // within the backlog beyond the limit: none of them blocks
      Fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
      ASSERT_TRUE(client.valid());
      ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
      clients.push_back(std::move(client));
    }
    // Not only the first failure: a second try that fails must be followed by a third.
    EXPECT_TRUE(home.AwaitShimLog(id, "boxlite/shim/box_socket.cc", 3));
    EXPECT_EQ(home.State(id), "running") << "looking needs no answer of the shim's";
  }
  const Answer exec = home.Run({"exec", id, "exit", "7"});
  EXPECT_EQ(exec.shell(), 7) << exec.text();
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "0"})));
}

}  // namespace
}  // namespace boxlite::testing
