// The verbs about images, as a user has them: images that other tools made, loaded, pulled, saved,
// removed; killed at any instant, wanted by many at once; and run.
#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <set>

#include "boxlite/base/spawn.h"
#include "boxlite/base/testing.h"
#include "images/certificate.h"
#include "images/docker_registry.h"
#include "images/registry_testing.h"
#include "integration/cli_runner.h"

namespace boxlite::testing {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

std::string Shell(const std::string& script) {
  Result<std::string> output = RunProgram({"/bin/sh", "-ec", script});
  EXPECT_THAT(output, IsOk()) << script;
  return output.ok() ? *output : "";
}

// Made once: by umoci a layout of three layers, from it by skopeo what docker and podman save.
class MadeImages {
 public:
  static const MadeImages& Get() {
    static const MadeImages images;
    return images;
  }
  std::string Path(const std::string& name) const { return directory_.Path(name); }

 private:
  MadeImages() {
    Shell("cd " + directory_.path() + R"sh(
      umask 022
      mkdir -p root/bin root/etc root/srv root/tmp
      cp /bin/busybox root/bin/
      for name in sh cat echo id pwd ls sleep stat; do ln -s busybox root/bin/$name; done
      echo first > root/etc/hello; echo gone > root/etc/gone; echo old > root/srv/old
      echo 'root:x:0:0::/root:/bin/sh' > root/etc/passwd
      echo 'app:x:1234:1234::/srv:/bin/sh' >> root/etc/passwd
      echo 'root:x:0:' > root/etc/group; echo 'app:x:1234:' >> root/etc/group
      tar -C root -cf 1.tar .
      mkdir -p two/etc two/srv
      echo second > two/etc/hello; : > two/etc/.wh.gone; : > two/srv/.wh..wh..opq; echo new > two/srv/new
      tar -C two -cf 2.tar .
      mkdir -p three/srv; ln three/../root/bin/busybox three/busybox
      head -c 3000000 /dev/urandom > three/srv/large
      tar -C three -cf 3.tar .
      umoci init --layout lay; umoci new --image lay:bb
      for layer in 1 2 3; do umoci raw add-layer --image lay:bb $layer.tar; done
      umoci config --image lay:bb --config.cmd sh --config.cmd -c \
        --config.cmd 'echo "$COLOUR $(id -un) $(pwd)"; cat /etc/hello' --config.env COLOUR=blue \
        --config.env PATH=/bin --config.workingdir /srv --config.user app --config.label k=v \
        --config.exposedports 80/tcp --config.volume /data
      skopeo --insecure-policy copy oci:lay:bb docker-archive:docker.tar:app:1
      skopeo --insecure-policy copy oci:lay:bb oci-archive:oci.tar:app:1
      gzip -k docker.tar; zstd -q oci.tar -o oci.tar.zst
    )sh");
  }
  TestDirectory directory_;
};

class ImageCommands : public CliTest {
 protected:
  const MadeImages& made_ = MadeImages::Get();
  TestDirectory work_;

  std::set<std::string> Ids() {
    std::set<std::string> ids;
    std::string id;
    for (const char c : Ok({"images", "-q", "--no-trunc"}) + "\n") {
      if (c != '\n') id += c;
      if (c == '\n') ids.insert(std::exchange(id, ""));
    }
    return ids;
  }
  // What is in images/ of the home, all of it.
  std::set<std::string> Files() const {
    std::set<std::string> names;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(home() + "/images", none)) {
      names.insert(entry.path().filename());
    }
    return names;
  }
  void Configure(const std::string& registries) {
    fs::create_directories(home());
    ASSERT_THAT(WriteFileAtomically(AT_FDCWD, home() + "/registries.json", registries,
                                    Durability::kVolatile),
                IsOk());
  }
};

TEST_F(ImageCommands, LoadEveryFormatAsTheSameImage) {
  Ok({"load", "-q", "-i", made_.Path("lay"), "-t", "one"});
  EXPECT_EQ(Ok({"load", "-q", "-i", made_.Path("docker.tar")}), "Loaded image: app:1");
  for (const char* archive : {"docker.tar.gz", "oci.tar", "oci.tar.zst"}) {
    EXPECT_EQ(Ok({"load", "-i", made_.Path(archive)}), "Loaded image: app:1") << archive;
  }
  Shell("BOXLITE_HOME=" + home() + " " BOXLITE_PROGRAM " load < " + made_.Path("oci.tar"));
  Shell("cat " + made_.Path("docker.tar.gz") + " | BOXLITE_HOME=" + home() +
        " " BOXLITE_PROGRAM " load");
  EXPECT_EQ(Ids().size(), 2u) << "the shipped one, and this";
  EXPECT_EQ(Files().size(), 1u);
  EXPECT_EQ(Ok({"images", "--format", "{{.Repository}}:{{.Tag}}", "one"}), "one:latest");
}

TEST_F(ImageCommands, RunAnImageThatAnotherToolMade) {
  Ok({"load", "-q", "-i", made_.Path("docker.tar")});
  EXPECT_EQ(Ok({"run", "--rm", "app:1"}), "blue app /srv\nsecond");
  EXPECT_EQ(Ok({"run", "--rm", "-u", "0", "-e", "COLOUR=red", "-w", "/", "app:1", "sh", "-c",
                "echo $COLOUR $(id -u) $(pwd) $(ls /srv | tr '\\n' ' ')"}),
            "red 0 / large new");
  const std::string shown = Ok({"image", "inspect", "-f",
                                "{{json .Config.ExposedPorts}} {{json .Config.Volumes}}", "app:1"});
  EXPECT_EQ(shown, R"({"80/tcp":{}} {"/data":{}})");
}

TEST_F(ImageCommands, StartABoxWhoseSourceIsGone) {
  Shell("cp -a " + made_.Path("lay") + " " + work_.Path("lay"));
  Ok({"create", "--name", "b", "--rootfs", work_.Path("lay") + ":bb", "echo", "still here"});
  Shell("rm -r " + work_.Path("lay"));
  EXPECT_EQ(Ok({"start", "-a", "b"}), "still here");
  const std::string digest = Inspect("b", "{{.ImageDigest}}");
  EXPECT_THAT(Run({"rmi", digest}).err, HasSubstr("is needed by"));
  Ok({"gc"});
  Ok({"image", "prune", "-a", "-f"});
  EXPECT_EQ(Ok({"start", "-a", "b"}), "still here");
}

TEST_F(ImageCommands, KeepWhatABoxNeeds) {
  Ok({"load", "-q", "-i", made_.Path("docker.tar")});
  Ok({"create", "--name", "b", "app:1"});
  const CliResult refused = Run({"rmi", "app:1"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("conflict"));
  EXPECT_THAT(Ok({"images"}), HasSubstr("app"));
  EXPECT_EQ(Ok({"rmi", "-f", "app:1"}), "Untagged: app:1");
  Ok({"gc"});
  Ok({"image", "prune", "-a", "-f"});
  EXPECT_EQ(Files().size(), 1u);
  Ok({"rm", "b"});
  EXPECT_THAT(Ok({"gc", "--dry-run"}), HasSubstr("deleted: sha256:"));
  EXPECT_THAT(Ok({"gc"}), HasSubstr("deleted: sha256:"));
  EXPECT_EQ(Files().size(), 0u);
}

TEST_F(ImageCommands, AreSeenWholeOrNotAtAllWhenKilledAtAnyInstant) {
  std::minstd_rand random(7);  // NOLINT: the same instants each time
  int killed_before_the_end = 0;
  for (int round = 0; round < 25; ++round) {
    RunningCli load = Launch({"load", "-q", "-i", made_.Path("docker.tar.gz")});
    ::usleep(random() % 300'000);
    load.Signal(SIGKILL);
    static_cast<void>(load.Finish());
    const CliResult images = Run({"images"});
    ASSERT_EQ(images.code, 0) << images.err;
    if (images.out.find("app") == std::string::npos) {
      ++killed_before_the_end;
    } else {
      EXPECT_EQ(Run({"rmi", "app:1"}).code, 0);
    }
  }
  EXPECT_GT(killed_before_the_end, 0);
  Ok({"load", "-q", "-i", made_.Path("docker.tar.gz")});
  EXPECT_EQ(Files().size(), 1u) << "the next one took away what the dead left";
  EXPECT_EQ(Shell("e2fsck -fn " + home() + "/images/*/base.ext4 >/dev/null 2>&1 && echo clean"),
            "clean\n");
}

TEST_F(ImageCommands, MakeOneCopyForSixteenAtOnce) {
  DockerRegistry registry;
  ASSERT_THAT(registry.Push(made_.Path("lay") + ":bb", "team/app:1", {"--dest-tls-verify=false"}),
              IsOk());
  Configure(R"({"registries":[{"host":")" + registry.host() + R"(","transport":"http"}]})");
  const std::string name = registry.host() + "/team/app:1";
  std::vector<RunningCli> pulls;
  for (int i = 0; i < 16; ++i) pulls.push_back(Launch({"pull", name}));
  int fresh = 0;
  for (RunningCli& pull : pulls) {
    const CliResult result = pull.Finish();
    EXPECT_EQ(result.code, 0) << result.err;
    if (result.out.find("Downloaded newer image") != std::string::npos) ++fresh;
  }
  EXPECT_EQ(fresh, 1);
  EXPECT_EQ(Files().size(), 1u);
}

TEST_F(ImageCommands, RunAPrivateImageByItsNameOnACleanHome) {
  const Certificate certificate;
  const Result<std::string> hashed =
      RunProgram({"/usr/bin/htpasswd", "-Bbn", "-C", "4", "me", "word"});
  ASSERT_THAT(hashed, IsOk());
  ASSERT_THAT(WriteFileAtomically(work_.fd(), "htpasswd", *hashed, Durability::kVolatile), IsOk());
  DockerRegistry registry(
      {"  tls:\n    certificate: " + certificate.certificate_path() +
           "\n    key: " + certificate.key_path() + "\n",
       "auth:\n  htpasswd:\n    realm: tests\n    path: " + work_.Path("htpasswd") + "\n"});
  ASSERT_THAT(registry.Push(made_.Path("lay") + ":bb", "team/app:1",
                            {"--dest-tls-verify=false", "--dest-creds", "me:word"}),
              IsOk());
  const std::string name = registry.host() + "/team/app:1";
  const CliResult unknown = Run({"run", "--rm", name});
  EXPECT_EQ(unknown.code, 1) << "a certificate that nobody vouches for";
  Configure(R"({"registries":[{"host":")" + registry.host() + R"(","ca_file":")" +
            certificate.certificate_path() + R"("}]})");
  const CliResult stranger = Run({"run", "--rm", name});
  EXPECT_EQ(stranger.code, 1);
  EXPECT_THAT(stranger.err, HasSubstr("permission_denied"));
  EXPECT_EQ(Files().size(), 0u);
  // HOME of these processes is not there: docker's directory is where DOCKER_CONFIG says.
  const std::string with_config =
      "DOCKER_CONFIG=" + work_.path() + " BOXLITE_HOME=" + home() + " " + BOXLITE_PROGRAM + " ";
  EXPECT_NE(Run({"login", "-u", "me", "--password-stdin", registry.host()}, "wrong").code, 0);
  EXPECT_THAT(
      Shell("echo word | " + with_config + "login -u me --password-stdin " + registry.host()),
      HasSubstr("Login Succeeded"));
  EXPECT_THAT(Shell(with_config + "run --rm " + name + " 2>/dev/null"), HasSubstr("blue app /srv"));
  // Present now: no registry is asked any more.
  EXPECT_EQ(Ok({"run", "--rm", "--pull", "never", name}), "blue app /srv\nsecond");
  EXPECT_THAT(Ok({"images", "--digests", "--format", "{{.Digest}}", registry.host() + "/team/app"}),
              HasSubstr("sha256:"));
}

TEST_F(ImageCommands, AreGivenUpOnASignalAndLeaveNothing) {
  // A registry that says nothing.
  HttpServer silent(
      [](const ServerRequest&, ServerConnection& connection) { connection.WaitForPeer(); });
  Configure(R"({"registries":[{"host":")" + silent.host() + R"(","transport":"http"}]})");
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"pull", silent.host() + "/a/b:1"},
        std::vector<std::string>{"run", "--rm", silent.host() + "/a/b:1"}}) {
    const std::size_t before = silent.requests().size();
    RunningCli cli = Launch(words);
    while (silent.requests().size() == before) ::usleep(10'000);
    cli.Signal(SIGINT);
    EXPECT_EQ(cli.Finish().code, 128 + SIGINT) << words[0];
  }
  EXPECT_EQ(Files().size(), 0u);
  EXPECT_EQ(Ok({"ls", "-aq"}), "");
}

TEST_F(ImageCommands, SaveWhatOtherToolsRead) {
  Ok({"load", "-q", "-i", made_.Path("docker.tar")});
  Ok({"tag", "app:1", "app:2"});
  const std::string file = work_.Path("saved.tar");
  Ok({"save", "-o", file, "app:1", "app:2"});
  for (const char* kind : {"docker-archive", "oci-archive"}) {
    const std::string shown =
        Shell("skopeo inspect --config " + std::string(kind) + ":" + file + ":app:2");
    EXPECT_THAT(shown, HasSubstr("COLOUR=blue")) << kind;
  }
  // The same files, seen by a tool that is not ours.
  Shell("cd " + work_.path() + "; skopeo --insecure-policy copy oci-archive:" + file +
        ":app:1 oci:saved:x; umoci unpack --image saved:x ours; umoci unpack --image " +
        made_.Path("lay") + ":bb theirs; diff -r --no-dereference ours/rootfs theirs/rootfs");
  EXPECT_NE(Run({"save", "-o", work_.Path("none.tar"), "nothing:1"}).code, 0);
  EXPECT_FALSE(fs::exists(work_.Path("none.tar")));
}

TEST_F(ImageCommands, ImportATarOfAFilesystem) {
  const std::string id = Ok({"import", "-c", "CMD [\"cat\", \"/etc/hello\"]", "-c", "ENV PATH=/bin",
                             made_.Path("1.tar"), "root:1"});
  EXPECT_EQ(Ok({"run", "--rm", "root:1"}), "first");
  EXPECT_EQ(Ok({"images", "-q", "--no-trunc", "root"}), id);
}

TEST_F(ImageCommands, TellOfADiskThatIsTooSmallBeforeItIsFull) {
  // 60 MB: less than what stays free for boxes that run.
  const std::string script = "mkdir -p " + home() + "; mount -t tmpfs -o size=60m none " + home() +
                             "; BOXLITE_HOME=" + home() + " " BOXLITE_PROGRAM " load -i " +
                             made_.Path("docker.tar") + " 2>&1 || true; ls -A " + home() +
                             "/images";
  const std::string said = Shell("unshare -m sh -ec '" + script + "'");
  EXPECT_THAT(said, HasSubstr("(resource_exhausted)"));
  EXPECT_EQ(said.back(), '\n');
  EXPECT_EQ(said.find("sha256-"), std::string::npos);
}

}  // namespace
}  // namespace boxlite::testing
