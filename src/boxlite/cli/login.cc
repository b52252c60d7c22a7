// login and logout: what registries are shown.
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "boxlite/base/cleanup.h"
#include "boxlite/cli/image_progress.h"
#include "boxlite/cli/image_requests.h"
#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {
namespace {

constexpr Option kLoginOptions[] = {
    {"username", 'u', "NAME", "Who logs in (asked for unless said)"},
    {"password", 'p', "PASSWORD", "Others see it in the list of processes: prefer stdin"},
    {"password-stdin", 0, "", "Read the password from stdin"},
    {"config", 0, "FILE", "How registries are reached (registries.json of the home unless said)"},
};
constexpr Option kLogoutOptions[] = {
    {"config", 0, "FILE", "How registries are reached (registries.json of the home unless said)"},
};

constexpr char kDefaultHost[] = "docker.io";
constexpr std::size_t kMaxLine = 64 * 1024;

// Up to the line's end, or to the end of it all.
Result<std::string> ReadLine() {
  std::string line;
  for (char byte = 0;;) {
    const ssize_t count = ::read(STDIN_FILENO, &byte, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoError("read from stdin");
    if (count == 0 || byte == '\n') break;
    line += byte;
    if (line.size() > kMaxLine) return Error(ErrorCode::kInvalidArgument, "the line is too long");
  }
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

Result<std::string> Ask(Console& console, const std::string& question) {
  if (::isatty(STDIN_FILENO) != 1) {
    return Error(ErrorCode::kInvalidArgument,
                 "there is no terminal to ask at: use --username and --password-stdin");
  }
  console.Print(question);
  return ReadLine();
}

Result<std::string> AskUnseen(Console& console, const std::string& question) {
  termios before = {};
  const bool is_terminal = ::tcgetattr(STDIN_FILENO, &before) == 0;
  termios silent = before;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  if (is_terminal) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  const Cleanup restore([&] {
    if (is_terminal) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
  });
  Result<std::string> answer = Ask(console, question);
  if (is_terminal) console.Print("\n");
  return answer;
}

Status LogIn(Session& session, const LoginRequest& request) {
  Console& console = session.console();
  std::string user;
  if (request.user) {
    user = *request.user;
  } else {
    BOXLITE_ASSIGN_OR_RETURN(user, Ask(console, "Username: "));
  }
  std::string password;
  if (request.password) {
    password = *request.password;
  } else if (request.password_on_stdin) {
    BOXLITE_ASSIGN_OR_RETURN(password, ReadLine());
  } else {
    BOXLITE_ASSIGN_OR_RETURN(password, AskUnseen(console, "Password: "));
  }
  if (user.empty()) return Error(ErrorCode::kInvalidArgument, "the username is empty");
  if (password.empty()) return Error(ErrorCode::kInvalidArgument, "the password is empty");
  return session.images().Login(request.host, user, password, request.config_file);
}

int ExecuteLogin(Session& session, const LoginRequest& request) {
  if (request.password) {
    session.console().Note(
        "warning: other users see a password of the command line; --password-stdin hides it");
  }
  Status done = LogIn(session, request);
  if (!done.ok()) return session.Fail(done.error());
  session.console().Print("Login Succeeded\n");
  return kExitOk;
}

int ExecuteLogout(Session& session, const LoginRequest& request) {
  bool told = false;
  Status done =
      session.images().Logout(request.host, request.config_file, [&](const ImageEvent& event) {
        session.console().Print(event.text + "\n");
        told = true;
      });
  if (!done.ok()) return session.Fail(done.error());
  if (!told) session.console().Print("Removed the credentials for " + request.host + "\n");
  return kExitOk;
}

}  // namespace

Result<LoginRequest> ParseLogout(const Arguments& arguments) {
  if (arguments.positionals().size() > 1) {
    return Error(ErrorCode::kInvalidArgument, "it takes one registry");
  }
  LoginRequest request;
  request.host = arguments.positionals().empty() ? kDefaultHost : arguments.positionals()[0];
  BOXLITE_ASSIGN_OR_RETURN(request.host, ParseRegistryHost(request.host));
  request.config_file = arguments.LastOr("config", "");
  return request;
}

Result<LoginRequest> ParseLogin(const Arguments& arguments) {
  BOXLITE_ASSIGN_OR_RETURN(LoginRequest request, ParseLogout(arguments));
  request.user = arguments.Last("username");
  request.password = arguments.Last("password");
  request.password_on_stdin = arguments.Has("password-stdin");
  if (request.password && request.password_on_stdin) {
    return Error(ErrorCode::kInvalidArgument, "--password and --password-stdin exclude each other");
  }
  if (request.password_on_stdin && !request.user) {
    return Error(ErrorCode::kInvalidArgument, "--password-stdin needs --username");
  }
  return request;
}

constinit const Subcommand kLogin = {
    .name = "login",
    .aliases = "",
    .purpose = "Log in to a registry",
    .usage = "[OPTIONS] [HOST]",
    .notes =
        "The registry is asked first; then the credentials are kept where docker keeps them: by\n"
        "the credential helper that its config.json names, else in config.json. Without HOST it "
        "is\n"
        "docker.io.\n",
    .examples = "boxlite login -u me --password-stdin registry.example:5000 < password\n",
    .syntax = {kLoginOptions, {}},
    .prepare = Prepare<ParseLogin, ExecuteLogin>,
};

constinit const Subcommand kLogout = {
    .name = "logout",
    .aliases = "",
    .purpose = "Forget the credentials for a registry",
    .usage = "[OPTIONS] [HOST]",
    .notes = "",
    .examples = "boxlite logout registry.example:5000\n",
    .syntax = {kLogoutOptions, {}},
    .prepare = Prepare<ParseLogout, ExecuteLogout>,
};

}  // namespace boxlite::cli
