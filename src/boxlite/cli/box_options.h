// The options that make a box, shared by run and create.
#pragma once

#include <array>

#include "boxlite/cli/arguments.h"
#include "boxlite/cli/console.h"
#include "boxlite/cli/environment.h"
#include "boxlite/cli/requests.h"

namespace boxlite::cli {

inline constexpr std::array kBoxOptions = {
    Option{"name", 0, "NAME", "Name the box; names are unique in a home"},
    Option{"env", 'e', "NAME[=VALUE]",
           "Set a variable; without =VALUE it takes the caller's value"},
    Option{"env-file", 0, "FILE", "Set variables from a file, one NAME[=VALUE] a line"},
    Option{"workdir", 'w', "DIR", "Directory that the command starts in"},
    Option{"user", 'u', "USER[:GROUP]", "User that the command runs as, by name or number"},
    Option{"entrypoint", 0, "PROGRAM", "Replace the image's entrypoint and command; '' for none"},
    Option{"cpus", 0, "N", "Virtual processors (1 unless said)"},
    Option{"memory", 'm', "SIZE", "Memory in MiB, or with a suffix: 512m, 2g (512 unless said)"},
    Option{"disk-size", 0, "SIZE",
           "Most the disk can hold, in GB or with a suffix: 20, 500m (10 unless said)"},
    Option{"hostname", 'h', "NAME", "Hostname in the box (its id unless said)"},
    Option{"label", 'l', "KEY[=VALUE]", "Attach a label; may be given again"},
    Option{"interactive", 'i', "", "Keep the command's input open, and pass stdin on"},
    Option{"tty", 't', "", "Give the command a terminal"},
    Option{"stop-signal", 0, "SIGNAL", "What stop sends to the command (the image's, or TERM)"},
    Option{"rm", 0, "", "Remove the box when it has ended"},
    Option{"pull", 0, "missing|always|never", "When a registry is asked for the image"},
    Option{"quiet", 'q', "", "Show no progress of getting the image"},
    Option{"rootfs", 0, "DIR", "Instead of IMAGE: the directory of an OCI layout, or DIR:NAME"},
    Option{"accel", 0, "auto|kvm|tcg", "How the machine runs: found by trial, KVM, or emulated"},
};

// What docker's users try and this version lacks: said so, rather than "unknown option".
inline constexpr std::array kUnavailableBoxOptions = {
    Option{"attach", 'a', "", ""},      Option{"publish", 'p', "", ""},
    Option{"publish-all", 'P', "", ""}, Option{"volume", 'v', "", ""},
    Option{"mount", 0, "", ""},         Option{"tmpfs", 0, "", ""},
    Option{"network", 0, "", ""},       Option{"net", 0, "", ""},
    Option{"dns", 0, "", ""},           Option{"add-host", 0, "", ""},
    Option{"allow-net", 0, "", ""},     Option{"cap-add", 0, "", ""},
    Option{"cap-drop", 0, "", ""},      Option{"privileged", 0, "", ""},
    Option{"security", 0, "", ""},      Option{"security-opt", 0, "", ""},
    Option{"read-only", 0, "", ""},     Option{"restart", 0, "", ""},
    Option{"platform", 0, "", ""},      Option{"init", 0, "", ""},
    Option{"stop-timeout", 0, "", ""},  Option{"cidfile", 0, "", ""},
    Option{"auto-stop", 0, "", ""},     Option{"auto-delete", 0, "", ""},
};

// What run and create say below their options.
inline constexpr std::string_view kBoxNotes =
    "Options end at the image: all behind it is the command for the box, verbatim. With --rootfs\n"
    "there is no image, and the command comes at once. An image that is not there is pulled.\n"
    "\n"
    "Without -i the command reads end-of-file at once, or, in a box that was started by 'run -d'\n"
    "or 'start', waits for ever. With -t it has a terminal: ^C, ^Z and ^D are keys for the box.\n"
    "\n"
    "Not there yet: a box has no network and no volumes. Its QEMU is confined by QEMU's own\n"
    "-sandbox only.\n";

// From -e and --env-file: the files' first, so that -e wins.
Result<Environment> ParseEnvironment(const Arguments& arguments);

// Makes the box; how getting its image goes on is shown on stderr.
Result<BoxId> CreateBox(Console& console, Runtime& runtime, const CreateRequest& request);

// A line on stderr for each: they are skipped, not set empty.
void WarnOfUnknown(Console& console, const std::vector<std::string>& names);

}  // namespace boxlite::cli
