#include "boxlite/store/image_request.h"

#include <array>
#include <utility>

#include "boxlite/oci/bounded_json.h"

namespace boxlite {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxMessageBytes = 4 * 1024 * 1024;

constexpr std::array kWorks = {
    std::pair(ImageWork::kPull, "pull"),     std::pair(ImageWork::kLoad, "load"),
    std::pair(ImageWork::kImport, "import"), std::pair(ImageWork::kSave, "save"),
    std::pair(ImageWork::kLogin, "login"),   std::pair(ImageWork::kLogout, "logout")};

constexpr std::array kKinds = {
    std::pair(ImageEventKind::kStatus, "status"), std::pair(ImageEventKind::kLayers, "layers"),
    std::pair(ImageEventKind::kLayer, "layer"),   std::pair(ImageEventKind::kImage, "image"),
    std::pair(ImageEventKind::kDone, "done"),     std::pair(ImageEventKind::kFailed, "failed")};

std::string NameOf(const auto& table, auto value) {
  for (const auto& [known, name] : table) {
    if (known == value) return name;
  }
  return "";
}

template <typename Table>
Result<typename Table::value_type::first_type> ValueOf(const Table& table,
                                                       const std::string& name) {
  for (const auto& [value, known] : table) {
    if (name == known) return value;
  }
  return Error(ErrorCode::kCorrupt, "there is no " + name + " in a message about images");
}

std::string Written(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

// Paths may have bytes that are no UTF-8; they travel as numbers.
Json Bytes(const std::string& text) {
  return Json(std::vector<std::uint8_t>(text.begin(), text.end()));
}
std::string FromBytes(const Json& json) {
  const auto bytes = json.get<std::vector<std::uint8_t>>();
  return {bytes.begin(), bytes.end()};
}

}  // namespace

std::string EncodeRequest(const ImageRequest& request) {
  return Written({{"work", NameOf(kWorks, request.work)},
                  {"names", request.names},
                  {"platform", request.platform},
                  {"anonymous", request.anonymous},
                  {"only", request.only},
                  {"config_file", Bytes(request.config_file)},
                  {"changes", request.changes},
                  {"message", request.message},
                  {"host", request.host},
                  {"user", Bytes(request.user)},
                  {"password", Bytes(request.password)}});
}

Result<ImageRequest> DecodeRequest(std::string_view text) {
  BOXLITE_ASSIGN_OR_RETURN(Json json, ParseBoundedJson("the request", text, kMaxMessageBytes));
  return DecodeJson<ImageRequest>(
      "the request", json, [](const Json& parsed) -> Result<ImageRequest> {
        ImageRequest request;
        BOXLITE_ASSIGN_OR_RETURN(request.work,
                                 ValueOf(kWorks, parsed.at("work").get<std::string>()));
        request.names = parsed.at("names").get<std::vector<std::string>>();
        request.platform = parsed.at("platform").get<std::string>();
        request.anonymous = parsed.at("anonymous").get<bool>();
        request.only = parsed.at("only").get<std::string>();
        request.config_file = FromBytes(parsed.at("config_file"));
        request.changes = parsed.at("changes").get<std::vector<std::string>>();
        request.message = parsed.at("message").get<std::string>();
        request.host = parsed.at("host").get<std::string>();
        request.user = FromBytes(parsed.at("user"));
        request.password = FromBytes(parsed.at("password"));
        return request;
      });
}

std::string EncodeEvent(const ImageEvent& event) {
  Json json = {{"event", NameOf(kKinds, event.kind)}};
  switch (event.kind) {
    case ImageEventKind::kStatus:
    case ImageEventKind::kDone:
      json["text"] = event.text;
      break;
    case ImageEventKind::kLayers:
      json["layers"] = Json::array();
      for (const ImageLayer& layer : event.layers) {
        json["layers"].push_back({{"digest", layer.digest}, {"bytes", layer.bytes}});
      }
      break;
    case ImageEventKind::kLayer:
      json["index"] = event.index;
      json["bytes"] = event.bytes;
      json["done"] = event.done;
      break;
    case ImageEventKind::kImage:
      json["digest"] = event.digest;
      json["names"] = event.names;
      json["manifest"] = event.manifest;
      json["fresh"] = event.fresh;
      break;
    case ImageEventKind::kFailed:
      json["text"] = event.text;
      json["code"] = static_cast<std::uint16_t>(event.code);
      break;
  }
  return Written(json);
}

Result<ImageEvent> DecodeEvent(std::string_view line) {
  BOXLITE_ASSIGN_OR_RETURN(Json json, ParseBoundedJson("an event", line, kMaxMessageBytes));
  return DecodeJson<ImageEvent>("an event", json, [](const Json& parsed) -> Result<ImageEvent> {
    ImageEvent event;
    BOXLITE_ASSIGN_OR_RETURN(event.kind, ValueOf(kKinds, parsed.at("event").get<std::string>()));
    event.text = parsed.value("text", "");
    for (const Json& layer : parsed.value("layers", Json::array())) {
      event.layers.push_back(
          {layer.at("digest").get<std::string>(), layer.at("bytes").get<std::uint64_t>()});
    }
    event.index = parsed.value("index", std::size_t{0});
    event.bytes = parsed.value("bytes", std::uint64_t{0});
    event.done = parsed.value("done", false);
    event.digest = parsed.value("digest", "");
    event.names = parsed.value("names", std::vector<std::string>());
    event.manifest = parsed.value("manifest", "");
    event.fresh = parsed.value("fresh", false);
    event.code = ErrorCodeFromNumber(parsed.value("code", std::uint16_t{1}));
    return event;
  });
}

}  // namespace boxlite
