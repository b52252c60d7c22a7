// For tests only: a home of a test's own, with boxes in it that have never run.
#pragma once

#include <string>

#include "boxlite/base/testing.h"
#include "boxlite/runtime/create_box.h"
#include "boxlite/runtime/home.h"

namespace boxlite {

class TestBoxes {
 public:
  explicit TestBoxes(const std::string& below = "home") : path_(directory_.Path(below)) {
    Result<Home> opened = Home::OpenOrCreate(path_);
    if (!opened.ok()) ADD_FAILURE() << opened.error().message();
    BOXLITE_CHECK(opened.ok());
    home_.emplace(std::move(*opened));
  }

  const Home& home() const { return *home_; }
  const std::string& path() const { return path_; }

  static BoxSpec Spec(const std::string& name = "") {
    BoxSpec spec;
    spec.id = BoxId::Random().str();
    spec.name = name;
    spec.argv = {"/bin/true"};
    spec.hostname = "host";
    return spec;
  }

  BoxId Make(const std::string& name = "") const {
    const BoxSpec spec = Spec(name);
    Status made = PublishBox(home(), spec);
    if (!made.ok()) ADD_FAILURE() << made.error().message();
    return *BoxId::Parse(spec.id);
  }

  Fd Open(const BoxId& id) const {
    Result<Fd> box = home().OpenBox(id);
    BOXLITE_CHECK(box.ok());
    return std::move(*box);
  }

 private:
  TestDirectory directory_;
  std::string path_;
  std::optional<Home> home_;
};

}  // namespace boxlite
