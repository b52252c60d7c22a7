// Three machines at once, sixty boots: none hangs. A microvm without a PIT whose kernel fails its
// quick TSC calibration spins for ever; two in three did, under load, before the kernel was told
// the frequency.
#include <vector>

#include "integration/cli_runner.h"

namespace boxlite::testing {
namespace {

using BootStorm = CliTest;

TEST_F(BootStorm, SixtyBootsThreeAtOnceNeverHang) {
  constexpr int kBoots = 60;
  constexpr int kAtOnce = 3;
  for (int done = 0; done < kBoots; done += kAtOnce) {
    std::vector<RunningCli> boots;
    for (int i = 0; i < kAtOnce; ++i) {
      boots.push_back(
          Launch({"run", "--rm", "boxlite/base", "echo", "up"}, {"BOXLITE_BOOT_TIMEOUT_MS=60000"}));
    }
    for (RunningCli& boot : boots) {
      const CliResult result = boot.Finish();
      ASSERT_EQ(result.out, "up\n") << "boot " << done << ": " << result.err;
    }
  }
}

}  // namespace
}  // namespace boxlite::testing
