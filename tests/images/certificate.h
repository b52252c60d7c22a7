// Certificate: a self-signed one of the tests, in files.
#pragma once

#include <string>

#include "boxlite/base/testing.h"

namespace boxlite {

class Certificate {
 public:
  // By the openssl program.
  explicit Certificate(const std::string& names = "DNS:localhost,DNS:registry.test,IP:127.0.0.1");

  std::string certificate_path() const { return directory_.Path("certificate.pem"); }
  std::string key_path() const { return directory_.Path("key.pem"); }

  // A JSON Web Token (RS256, with the certificate in its header) of these claims: JSON text.
  std::string SignToken(const std::string& claims) const;

 private:
  TestDirectory directory_;
};

}  // namespace boxlite
