#include "boxlite/image/make_image.h"
#include "boxlite/image/works.h"
#include "boxlite/registry/client.h"
#include "boxlite/registry/login.h"

namespace boxlite {
namespace {

Result<RegistryOptions> OptionsOf(const WorkPlace& place, const ImageRequest& request) {
  RegistryOptions options;
  options.docker_config = DefaultDockerConfigDirectory();
  Result<RegistryConfig> config = request.config_file.empty()
                                      ? ReadRegistryConfigOfHome(place.home_fd)
                                      : ReadRegistryConfig(request.config_file);
  if (!config.ok()) return std::move(config).error();
  options.config = std::move(*config);
  return options;
}

void TellStatus(const WorkPlace& place, const std::string& text) {
  ImageEvent event;
  event.text = text;
  place.tell(event);
}

// What the name stands for, down to the manifest of one platform.
struct PulledManifest {
  Reference reference;  // where it was found
  Digest digest;        // of what the name stands for: the index, if it is one
  std::string bytes;
};

Result<PulledManifest> FetchManifestFor(RegistryClient& client, const Reference& reference,
                                        const Platform& wanted) {
  BOXLITE_ASSIGN_OR_RETURN(Resolved resolved, client.Resolve(reference));
  FetchedManifest& top = resolved.manifest;
  BOXLITE_ASSIGN_OR_RETURN(ManifestKind kind, ManifestKindOf(top.media_type, top.bytes));
  if (kind == ManifestKind::kManifest) {
    return PulledManifest{resolved.reference, top.digest, std::move(top.bytes)};
  }
  BOXLITE_ASSIGN_OR_RETURN(OciIndex index, ParseIndex(top.bytes));
  BOXLITE_ASSIGN_OR_RETURN(Descriptor chosen, ChoosePlatform(index, wanted));
  BOXLITE_ASSIGN_OR_RETURN(FetchedManifest manifest,
                           client.FetchManifest(resolved.reference.WithDigest(chosen.digest)));
  if (manifest.bytes.size() != chosen.size) {
    return Error(ErrorCode::kCorrupt,
                 "the manifest " + chosen.digest.text() + " is not as long as its index says");
  }
  BOXLITE_ASSIGN_OR_RETURN(kind, ManifestKindOf(manifest.media_type, manifest.bytes));
  if (kind == ManifestKind::kManifest) {
    return PulledManifest{resolved.reference, top.digest, std::move(manifest.bytes)};
  }
  return Error(ErrorCode::kCorrupt, "the index " + top.digest.text() + " names an index in turn");
}

Result<std::string> ReadWhole(ByteSource& source, std::uint64_t size) {
  std::string bytes(static_cast<std::size_t>(size) + 1, '\0');
  std::size_t got = 0;
  for (;;) {
    BOXLITE_ASSIGN_OR_RETURN(std::size_t count, source.Read(std::span(bytes).subspan(got)));
    if (count == 0) break;
    got += count;
    if (got > size) return Error(ErrorCode::kCorrupt, "there are more bytes than were told");
  }
  bytes.resize(got);
  return bytes;
}

Result<std::string> FetchConfig(RegistryClient& client, const Reference& reference,
                                const Descriptor& config) {
  if (config.size > kMaxConfigBytes) {
    return Error(ErrorCode::kCorrupt,
                 "the configuration of " + reference.Familiar() + " is larger than any image's");
  }
  BOXLITE_ASSIGN_OR_RETURN(
      std::unique_ptr<ByteSource> source,
      client.FetchBlob(reference, config.digest, config.size, config.media_type));
  return ReadWhole(*source, config.size);
}

Result<MadeImage> Pull(const WorkPlace& place, RegistryClient& client,
                       const PulledManifest& manifest, const Platform& wanted) {
  BOXLITE_ASSIGN_OR_RETURN(OciManifest parsed, ParseManifest(manifest.bytes));
  const std::string digest = parsed.config.digest.text();
  if (place.store.Has(digest)) return MadeImage{digest, false};
  ImageSource source;
  source.what = manifest.reference.Familiar();
  source.manifest = manifest.bytes;
  source.arrival = Arrival::kFetchAhead;
  BOXLITE_ASSIGN_OR_RETURN(source.config, FetchConfig(client, manifest.reference, parsed.config));
  for (const Descriptor& layer : parsed.layers) {
    source.layers.push_back({layer.digest.text(), layer.size});
  }
  source.open_layer = [&](std::size_t index) {
    const Descriptor& layer = parsed.layers.at(index);
    return client.FetchBlob(manifest.reference, layer.digest, layer.size, layer.media_type);
  };
  return MakeImage(place.store, source, wanted, place.tell);
}

}  // namespace

Status PullImage(const WorkPlace& place, const ImageRequest& request) {
  BOXLITE_ASSIGN_OR_RETURN(Reference reference, Reference::Parse(request.names.at(0)));
  BOXLITE_ASSIGN_OR_RETURN(Platform wanted, WantedPlatform(request.platform));
  BOXLITE_ASSIGN_OR_RETURN(RegistryOptions options, OptionsOf(place, request));
  BOXLITE_ASSIGN_OR_RETURN(std::unique_ptr<RegistryClient> client,
                           RegistryClient::Create(std::move(options)));
  TellStatus(place, "Pulling " + reference.Familiar());
  BOXLITE_ASSIGN_OR_RETURN(PulledManifest manifest, FetchManifestFor(*client, reference, wanted));
  BOXLITE_ASSIGN_OR_RETURN(MadeImage made, Pull(place, *client, manifest, wanted));
  ImageTag tag;
  tag.name = manifest.reference.Full();
  tag.image = made.digest;
  tag.manifest = manifest.digest;
  tag.searched = !reference.qualified();
  BOXLITE_RETURN_IF_ERROR(place.store.Tag(tag));
  ImageEvent event;
  event.kind = ImageEventKind::kImage;
  event.digest = made.digest;
  event.fresh = made.fresh;
  event.names = {tag.name};
  event.manifest = manifest.digest.text();
  place.tell(event);
  return {};
}

Status LoginTo(const WorkPlace& place, const ImageRequest& request) {
  BOXLITE_ASSIGN_OR_RETURN(RegistryOptions options, OptionsOf(place, request));
  return Login(options, {request.host, request.user, request.password});
}

Status LogoutFrom(const WorkPlace& place, const ImageRequest& request) {
  BOXLITE_ASSIGN_OR_RETURN(RegistryOptions options, OptionsOf(place, request));
  BOXLITE_ASSIGN_OR_RETURN(bool was_there, Logout(options, request.host));
  if (!was_there) TellStatus(place, "Not logged in to " + request.host);
  return {};
}

}  // namespace boxlite
