// load and import: images from files.
#include <unistd.h>

#include "boxlite/cli/image_progress.h"
#include "boxlite/cli/image_requests.h"
#include "boxlite/cli/image_view.h"
#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {
namespace {

constexpr Option kLoadOptions[] = {
    {"input", 'i', "PATH", "The archive, or the directory of an OCI layout (stdin unless said)"},
    {"tag", 't', "NAME", "Name the one image so, whatever the archive calls it"},
    {"platform", 0, "OS/ARCH", "Of an image for several platforms this one (what boxes run)"},
    {"quiet", 'q', "", "Show no progress"},
};

constexpr Option kImportOptions[] = {
    {"change", 'c', "INSTRUCTION", "Set the configuration, as in a Dockerfile; may be given again"},
    {"message", 'm', "TEXT", "What its history says of it"},
    {"platform", 0, "OS/ARCH", "What it is for (what boxes run, unless said)"},
};

Status ExpectNoTerminal(const std::string& path) {
  if (path != "-" || ::isatty(STDIN_FILENO) != 1) return {};
  return Error(ErrorCode::kInvalidArgument,
               "stdin is a terminal: pipe the archive in, or name its file");
}

int ExecuteLoad(Session& session, const LoadRequest& request) {
  Status usable = ExpectNoTerminal(request.options.path);
  if (!usable.ok()) return session.Fail(usable.error());
  ImageProgress progress(session.console().err_fd(), request.quiet);
  Result<std::vector<GotImage>> got = session.images().Load(request.options, progress.Sink());
  progress.Finish();
  if (!got.ok()) return session.Fail(got.error());
  for (const GotImage& image : *got) {
    for (const std::string& name : image.names) {
      session.console().Print("Loaded image: " + FamiliarName(name) + "\n");
    }
    if (image.names.empty()) session.console().Print("Loaded image ID: " + image.digest + "\n");
  }
  return kExitOk;
}

int ExecuteImport(Session& session, const ImportOptions& options) {
  Status usable = ExpectNoTerminal(options.path);
  if (!usable.ok()) return session.Fail(usable.error());
  ImageProgress progress(session.console().err_fd(), /*quiet=*/true);
  Result<GotImage> got = session.images().Import(options, progress.Sink());
  if (!got.ok()) return session.Fail(got.error());
  session.console().Print(got->digest + "\n");
  return kExitOk;
}

}  // namespace

Result<LoadRequest> ParseLoad(const Arguments& arguments) {
  BOXLITE_RETURN_IF_ERROR(ExpectNoPositionals(arguments));
  LoadRequest request;
  request.options.path = arguments.LastOr("input", "-");
  request.options.name = arguments.LastOr("tag", "");
  request.options.platform = arguments.LastOr("platform", "");
  request.quiet = arguments.Has("quiet");
  return request;
}

Result<ImportOptions> ParseImport(const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.positionals();
  if (words.empty() || words.size() > 2) {
    return Error(ErrorCode::kInvalidArgument, "it takes a tar, or - for stdin, and maybe a name");
  }
  if (words[0].find("://") != std::string::npos) {
    return Error(ErrorCode::kUnsupported, "nothing is imported over a network: download it first");
  }
  ImportOptions options;
  options.path = words[0];
  if (words.size() == 2) options.name = words[1];
  options.changes = arguments.All("change");
  options.message = arguments.LastOr("message", "");
  options.platform = arguments.LastOr("platform", "");
  return options;
}

constinit const Subcommand kLoad = {
    .name = "load",
    .aliases = "",
    .purpose = "Load images from an archive or an OCI layout",
    .usage = "[OPTIONS]",
    .notes =
        "It takes what docker save, podman save, skopeo, umoci and buildah write: archives of\n"
        "docker's and of OCI's kind, plain or compressed, and directories with an OCI layout.\n"
        "Everything is verified against its digests. The names are the archive's.\n",
    .examples =
        "boxlite load -i app.tar\n"
        "docker save app:1 | boxlite load\n"
        "boxlite load -i layout/ -t app:1\n",
    .syntax = {kLoadOptions, {}},
    .prepare = Prepare<ParseLoad, ExecuteLoad>,
};

constinit const Subcommand kImport = {
    .name = "import",
    .aliases = "",
    .purpose = "Make an image of a tar of a filesystem",
    .usage = "[OPTIONS] FILE|- [IMAGE]",
    .notes =
        "The tar, plain or compressed with gzip or zstd, becomes the image's only layer. An\n"
        "INSTRUCTION is CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME or WORKDIR\n"
        "with what follows it in a Dockerfile.\n",
    .examples =
        "boxlite import rootfs.tar.gz my/system:1\n"
        "mmdebstrap bookworm - | boxlite import -c 'CMD [\"bash\"]' - debian:mine\n",
    .syntax = {kImportOptions, {}},
    .prepare = Prepare<ParseImport, ExecuteImport>,
};

}  // namespace boxlite::cli
