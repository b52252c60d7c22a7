#include "boxlite/image/import_changes.h"

#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

using ::testing::ElementsAre;

TEST(ImportChange, SetsWhatTheInstructionsOfADockerfileSet) {
  ImageConfig config;
  for (const char* line :
       {"CMD [\"sh\", \"-l\"]", "entrypoint /bin/run --it", "ENV A=1 B=\"x y\" A=2",
        "ENV C one two", "USER nobody", "WORKDIR /srv", "EXPOSE 80 53/udp", "VOLUME [\"/a b\"]",
        "VOLUME /c /d", "LABEL k=v \"l m\"=n", "STOPSIGNAL SIGINT"}) {
    EXPECT_THAT(ApplyChange(line, config), IsOk()) << line;
  }
  EXPECT_THAT(config.command, ElementsAre("sh", "-l"));
  EXPECT_THAT(config.entrypoint, ElementsAre("/bin/sh", "-c", "/bin/run --it"));
  EXPECT_THAT(config.env, ElementsAre("B=x y", "A=2", "C=one two"));
  EXPECT_EQ(config.user, "nobody");
  EXPECT_EQ(config.working_dir, "/srv");
  EXPECT_THAT(config.exposed_ports, ElementsAre("53/udp", "80/tcp"));
  EXPECT_THAT(config.volumes, ElementsAre("/a b", "/c", "/d"));
  EXPECT_EQ(config.labels.at("k"), "v");
  EXPECT_EQ(config.labels.at("l m"), "n");
  EXPECT_EQ(config.stop_signal, "SIGINT");
}

TEST(ImportChange, ThatIsNoneIsNamed) {
  ImageConfig config;
  for (const char* line : {"", "RUN true", "CMD", "ENV", "ENV A", "LABEL =x", "FROM scratch"}) {
    EXPECT_THAT(ApplyChange(line, config), HasCode(ErrorCode::kInvalidArgument)) << line;
  }
}

}  // namespace
}  // namespace boxlite
