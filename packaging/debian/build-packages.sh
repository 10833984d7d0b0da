#!/bin/sh
# Debian packages of the software DOCA: libdoca-soft-dev (headers, modules of pkg-config, the manual page of the mapping file,
# examples) and libdoca-soft3.1, the libraries, which programs that were built with it need. Nothing is fetched.
#
#   packaging/debian/build-packages.sh [--release 3.1] [--tree FOLDER] [--out FOLDER]
#
#   --release  the DOCA whose API it is
#   --tree     a build tree of native/doca-soft of that release, in the place of one that is made here and removed
#   --out      where the packages go; out/debian
#
# DEBFULLNAME and DEBEMAIL in the environment say who the maintainer is.
#
# Equal sources make equal packages, to the octet: all times in them are SOURCE_DATE_EPOCH, or else that of the last commit.
set -eu
umask 022
export LC_ALL=C

fail() {
  echo "build-packages: $1" >&2
  exit 1
}

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
release=3.1
tree=
out=$ROOT/out/debian
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || fail "$1 needs a value, or is unknown; there are --release, --tree and --out"
  case $1 in
  --release) release=$2 ;;
  --tree) tree=$2 ;;
  --out) out=$2 ;;
  *) fail "$1 is unknown; there are --release, --tree and --out" ;;
  esac
  shift 2
done
for program in cmake dpkg-deb dpkg-shlibdeps gzip strip; do
  command -v "$program" >/dev/null || fail "$program is not there: apt-get install cmake dpkg-dev binutils"
done

SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$ROOT" log -1 --format=%ct 2>/dev/null || stat -c %Y "$ROOT/CHANGELOG.md")}
export SOURCE_DATE_EPOCH
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$ROOT/package.json")+doca$release
architecture=$(dpkg --print-architecture)
maintainer="${DEBFULLNAME:-psp-gateway} <${DEBEMAIL:-psp-gateway@localhost}>"
library=libdoca-soft$release
development=libdoca-soft-dev
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# ---- What is installed, in two parts ----

if [ -z "$tree" ]; then
  tree=$work/tree
  # Neither the checkout's place nor the tree's is in the libraries, nor in what their build IDs are made of.
  flags="-ffile-prefix-map=$ROOT=. -ffile-prefix-map=$tree=."
  cmake -S "$ROOT/native/doca-soft" -B "$tree" -DDOCA_SOFT_RELEASE="$release" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON \
    -DCMAKE_INSTALL_LIBDIR="lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)" -DCMAKE_CXX_FLAGS="$flags" >&2
  cmake --build "$tree" --parallel "$(nproc)" >&2
fi
built=$(sed -n 's/^DOCA_SOFT_RELEASE:STRING=//p' "$tree/CMakeCache.txt")
[ "$built" = "$release" ] || fail "$tree is of release $built, not $release"
dev=$work/$development
lib=$work/$library
DESTDIR=$dev cmake --install "$tree" --prefix /usr >&2
(cd "$dev" && find usr -name 'lib*.so.*') | while read -r file; do
  mkdir -p "$lib/$(dirname "$file")"
  mv "$dev/$file" "$lib/$file"
  # Of what dlopen and the linker need nothing goes.
  [ -h "$lib/$file" ] || strip --strip-unneeded --remove-section=.comment --remove-section=.note "$lib/$file"
done
mkdir -p "$dev/usr/share/doc/$development"
mv "$dev/usr/share/doc/doca-soft/examples" "$dev/usr/share/doc/$development/examples"
rmdir "$dev/usr/share/doc/doca-soft"
gzip -9n "$dev/usr/share/man/man5/doca-soft-mapping.5"

# ---- What Debian wants besides ----

papers() { # STAGE PACKAGE
  folder=$1/usr/share/doc/$2
  mkdir -p "$folder"
  cat >"$folder/copyright" <<END
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: psp-gateway

Files: *
Copyright: $(date -ud "@$SOURCE_DATE_EPOCH" +%Y) the authors of psp-gateway
License: Apache-2.0
 On Debian systems the licence is in /usr/share/common-licenses/Apache-2.0.
END
  printf 'psp-gateway (%s) unstable; urgency=low\n\n  * What is new stands in CHANGELOG.md of psp-gateway.\n\n -- %s  %s\n' \
    "$version" "$maintainer" "$(date -uRd "@$SOURCE_DATE_EPOCH")" | gzip -9n >"$folder/changelog.gz"
}

package() { # STAGE PACKAGE SECTION, the control file's fields that only this package has in stdin
  papers "$1" "$2"
  chmod -R u=rwX,go=rX "$1"
  size=$(du -k --apparent-size -s "$1/usr" | cut -f1)
  mkdir -p "$1/DEBIAN"
  {
    printf 'Package: %s\nSource: psp-gateway\nVersion: %s\nArchitecture: %s\nMaintainer: %s\nInstalled-Size: %s\n' \
      "$2" "$version" "$architecture" "$maintainer" "$size"
    printf 'Section: %s\nPriority: optional\n' "$3"
    cat
  } >"$1/DEBIAN/control"
  (cd "$1" && find usr -type f | sort | xargs md5sum) >"$1/DEBIAN/md5sums"
  find "$1" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
  mkdir -p "$out"
  # By gzip: what other compressors make may depend on the number of processors.
  dpkg-deb --root-owner-group -Zgzip --build "$1" "$out/$2_${version}_$architecture.deb" >&2
  echo "$out/$2_${version}_$architecture.deb"
}

mkdir -p "$lib/DEBIAN" "$work/debian"
printf 'libdoca_%s %s %s (>= %s)\n' flow "$release" "$library" "$version" argp "$release" "$library" "$version" >"$lib/DEBIAN/shlibs"
echo 'activate-noawait ldconfig' >"$lib/DEBIAN/triggers"
printf 'Source: psp-gateway\n\nPackage: %s\nArchitecture: any\n' "$library" >"$work/debian/control"
needed=$(cd "$work" && find "$library" -type f -name 'lib*.so.*' | sort |
  xargs dpkg-shlibdeps -O -S"$library" -x"$library" | sed -n 's/^shlibs:Depends=//p')
[ -n "$needed" ] || fail "dpkg-shlibdeps says nothing of what $library needs"

package "$lib" "$library" libs <<END
Depends: $needed
Recommends: librte-meta-net
Description: DOCA Flow's API over DPDK ports, in software (libraries)
 What programs need at run time that were built with $development:
 pipes, entries and PSP keys of a BlueField-3 over DPDK ports, such as TAP
 interfaces and captures. The ports' drivers are in librte-meta-net.
END

package "$dev" "$development" libdevel <<END
Depends: $library (= $version), libdpdk-dev (>= 22.11)
Recommends: pkg-config
Description: DOCA Flow's API over DPDK ports, in software (development files)
 Programs for a BlueField-3 build with it and run on any Linux machine.
 It has headers as of DOCA $release, modules of pkg-config by DOCA's names,
 doca-soft-mapping(5), and examples.
END
