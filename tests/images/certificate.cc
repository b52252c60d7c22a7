#include "images/certificate.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "boxlite/base/base64.h"
#include "boxlite/base/spawn.h"

namespace boxlite {
namespace {

std::string Base64Url(std::string_view bytes) {
  std::string text = Base64Encode(bytes);
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  text.erase(text.find_last_not_of('=') + 1);
  return text;
}

std::string Signature(const std::string& key_path, const std::string& text) {
  std::FILE* file = std::fopen(key_path.c_str(), "re");
  BOXLITE_CHECK(file != nullptr);
  EVP_PKEY* key = PEM_read_PrivateKey(file, nullptr, nullptr, nullptr);
  std::fclose(file);
  BOXLITE_CHECK(key != nullptr);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t size = 0;
  BOXLITE_CHECK(EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key) == 1);
  BOXLITE_CHECK(EVP_DigestSign(context, nullptr, &size, bytes, text.size()) == 1);
  std::vector<unsigned char> signature(size);
  BOXLITE_CHECK(EVP_DigestSign(context, signature.data(), &size, bytes, text.size()) == 1);
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  return {reinterpret_cast<const char*>(signature.data()), size};
}

}  // namespace

Certificate::Certificate(const std::string& names) {
  const std::vector<std::string> command = {"/usr/bin/openssl",
                                            "req",
                                            "-x509",
                                            "-newkey",
                                            "rsa:2048",
                                            "-nodes",
                                            "-keyout",
                                            key_path(),
                                            "-out",
                                            certificate_path(),
                                            "-days",
                                            "2",
                                            "-subj",
                                            "/CN=boxlite tests",
                                            "-addext",
                                            "subjectAltName=" + names};
  const Result<std::string> made = RunProgram(command);
  if (!made.ok()) std::fprintf(stderr, "%s\n", made.error().message().c_str());
  BOXLITE_CHECK(made.ok());
}

std::string Certificate::SignToken(const std::string& claims) const {
  std::string pem = *ReadFile(AT_FDCWD, certificate_path(), 65536);
  std::string chain;
  for (std::size_t line = pem.find('\n') + 1; pem[line] != '-';) {
    const std::size_t end = pem.find('\n', line);
    chain += pem.substr(line, end - line);
    line = end + 1;
  }
  const std::string header = R"({"typ":"JWT","alg":"RS256","x5c":[")" + chain + "\"]}";
  const std::string text = Base64Url(header) + "." + Base64Url(claims);
  return text + "." + Base64Url(Signature(key_path(), text));
}

}  // namespace boxlite
