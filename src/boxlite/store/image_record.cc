#include "boxlite/store/image_record.h"

#include "boxlite/oci/bounded_json.h"

namespace boxlite {
namespace {

using Json = nlohmann::json;

constexpr unsigned kFormat = 1;

Status CheckFormat(const std::string& what, const Json& json) {
  if (json.value("format", kFormat) <= kFormat) return {};
  return Error(ErrorCode::kUnsupported, what + " is of a later version of boxlite");
}

Result<std::string> DigestText(const Json& json) {
  BOXLITE_ASSIGN_OR_RETURN(Digest digest, Digest::Parse(json.get<std::string>()));
  return digest.text();
}

std::string Written(const Json& json) {
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string EncodeImage(const StoredImage& image) {
  Json json = Json::parse(EncodeConfig(image.config));
  json["format"] = kFormat;
  json["digest"] = image.digest;
  json["name"] = image.name;
  json["stored_ns"] = image.stored_ns;
  return Written(json);
}

Result<StoredImage> DecodeImage(std::string_view text) {
  BOXLITE_ASSIGN_OR_RETURN(Json json, ParseBoundedJson("image.json", text, kMaxImageRecordBytes));
  return DecodeJson<StoredImage>(
      "image.json", json, [&](const Json& parsed) -> Result<StoredImage> {
        BOXLITE_RETURN_IF_ERROR(CheckFormat("image.json", parsed));
        StoredImage image;
        BOXLITE_ASSIGN_OR_RETURN(image.digest, DigestText(parsed.at("digest")));
        image.name = parsed.value("name", "");
        image.stored_ns = parsed.value("stored_ns", std::int64_t{0});
        BOXLITE_ASSIGN_OR_RETURN(image.config, ParseConfig(text));
        return image;
      });
}

std::string EncodeTag(const ImageTag& tag) {
  Json json = {{"format", kFormat},
               {"name", tag.name},
               {"image", tag.image},
               {"searched", tag.searched},
               {"tagged_ns", tag.tagged_ns}};
  if (tag.manifest) json["manifest"] = tag.manifest->text();
  return Written(json);
}

Result<ImageTag> DecodeTag(std::string_view text) {
  BOXLITE_ASSIGN_OR_RETURN(Json json, ParseBoundedJson("the tag", text, kMaxImageRecordBytes));
  return DecodeJson<ImageTag>("the tag", json, [](const Json& parsed) -> Result<ImageTag> {
    BOXLITE_RETURN_IF_ERROR(CheckFormat("the tag", parsed));
    ImageTag tag;
    tag.name = parsed.at("name").get<std::string>();
    BOXLITE_ASSIGN_OR_RETURN(tag.image, DigestText(parsed.at("image")));
    if (parsed.contains("manifest")) {
      BOXLITE_ASSIGN_OR_RETURN(tag.manifest,
                               Digest::Parse(parsed.at("manifest").get<std::string>()));
    }
    tag.searched = parsed.value("searched", false);
    tag.tagged_ns = parsed.value("tagged_ns", std::int64_t{0});
    return tag;
  });
}

}  // namespace boxlite
