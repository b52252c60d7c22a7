#!/usr/bin/env bash
# The copyright file of the Debian packages, with the exact sources of what is inside them and not ours:
# copyright.sh BUILD_DIR SOURCE_DIR > copyright
set -euo pipefail
build=$1
root=$2
source_of() { dpkg-query -W -f '${source:Package} (version ${source:Version})' "$1"; }
kernel_package=$(sed -n 's/^Package: //p' "$build/tools/guest/kernel/package")
kernel_version=$(sed -n 's/^Version: //p' "$build/tools/guest/kernel/package")
test -n "$kernel_package" -a -n "$kernel_version"
cat <<TEXT
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: BoxLite for C++
Comment:
 Some files of these packages are, or contain, programs of others under the GNU General Public License,
 version 2. Their complete corresponding source is in Debian's archive, in the source packages named below
 with their exact versions: apt-get source PACKAGE=VERSION, or http://snapshot.debian.org/ for versions that
 Debian has replaced since.

Files: *
Copyright: The BoxLite for C++ authors
License: Apache-2.0

Files: usr/libexec/boxlite/vmlinux
Copyright: Linus Torvalds and others
License: GPL-2
Comment:
 The Linux kernel, unpacked and otherwise unchanged, of Debian's package $kernel_package,
 version $kernel_version. Source package: linux (version $kernel_version).

Files: usr/libexec/boxlite/initramfs.cpio
Copyright: The BoxLite for C++ authors; Linus Torvalds and others
License: Apache-2.0 and GPL-2
Comment:
 The guest's agent (Apache-2.0), and modules of the same kernel (GPL-2), without their signatures.
 Source package: linux (version $kernel_version).

Files: usr/libexec/boxlite/images/base/base.ext4
Copyright: Erik Andersen, Rob Landley, Denys Vlasenko and others
License: GPL-2
Comment:
 A filesystem with busybox, unchanged. Source package: $(source_of busybox-static).

Files: usr/bin/boxlite usr/libexec/boxlite/boxlite-shim
Copyright: The BoxLite for C++ authors and those named below
License: Apache-2.0
Comment:
 Statically linked, they contain parts of: $(source_of libcapnp-dev), MIT;
 $(source_of nlohmann-json3-dev), MIT; $(source_of libstdc++-12-dev), GPL-3 with the GCC runtime
 library exception; $(source_of libc6-dev), LGPL-2.1: whoever wants another C library links these
 programs again from our source, which is published whole.

License: Apache-2.0
 On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.

License: GPL-2
 On Debian systems the text is in /usr/share/common-licenses/GPL-2.
TEXT
test -s "$root/LICENSE"
