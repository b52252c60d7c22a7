// FakeFiles: the one file of the fake engine's box, which can be copied out and replaced.
#pragma once

#include <kj/async.h>

#include <string>

#include "agent.capnp.h"

namespace boxlite::testing {

template <typename Params, typename Results>
using AgentCall = capnp::CallContext<Params, Results>;

class FakeFiles {
 public:
  // Its file: /greeting, with "hi\n" in it. Everything else is absent.
  void Describe(AgentCall<wire::Agent::PathInfoParams, wire::Agent::PathInfoResults> context) const;
  // Writes the file to the sink; the process of the answer has ended by then.
  kj::Promise<void> Pack(
      AgentCall<wire::Agent::PackParams, wire::Agent::PackResults> context) const;
  // The file becomes what comes, when the stream has ended. Outlives the process.
  void Unpack(AgentCall<wire::Agent::UnpackParams, wire::Agent::UnpackResults> context);

 private:
  std::string content_ = "hi\n";
};

}  // namespace boxlite::testing
