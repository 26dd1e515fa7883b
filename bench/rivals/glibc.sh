#!/usr/bin/env bash
# Unpacks Debian 13's C library, C++ library and dynamic loader into a folder, for programs that need a newer one than
# this system has. The system's own packages and apt sources stay as they are.
#
#   bench/rivals/glibc.sh DIR        prints the loader and its library path
set -euo pipefail

mkdir -p "$1"
dir=$(cd "$1" && pwd -P)
suite=trixie packages=(libc6 libstdc++6 libgcc-s1)

loader() { find "$dir/root" -path '*/lib/*-linux-gnu/*' -name 'ld-linux-*.so.*' 2>/dev/null | head -n 1; }

fetch() {
  # The mirror is the one that this system has for its own release.
  local uri
  uri=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' |
    awk '$1 == "Debian" && $2 !~ /security/ { print $2; exit }')
  [ -n "$uri" ] || { echo 'glibc.sh: apt has no source of Debian here' >&2; return 1; }
  mkdir -p "$dir"/{lists/partial,archives/partial,debs}
  : >"$dir/status"
  local key=/usr/share/keyrings/debian-archive-keyring.gpg
  echo "deb [signed-by=$key] $uri $suite main" >"$dir/sources.list"
  cat >"$dir/apt.conf" <<EOF
Dir::Etc::SourceList "$dir/sources.list";
Dir::Etc::SourceParts "-";
Dir::State "$dir";
Dir::State::status "$dir/status";
Dir::Cache "$dir";
APT::Sandbox::User "$(id -un)";
EOF
  export APT_CONFIG="$dir/apt.conf"
  apt-get -qq update
  (cd "$dir/debs" && apt-get -qq download "${packages[@]}")
  rm -rf "$dir/unpacked"
  local deb
  for deb in "$dir"/debs/*.deb; do dpkg-deb -x "$deb" "$dir/unpacked"; done
  (cd "$dir/debs" && ls ./*.deb) >&2
  mv -T "$dir/unpacked" "$dir/root"
  rm -rf "$dir"/{lists,archives,debs,status,pkgcache.bin,srcpkgcache.bin}
}

[ -n "$(loader)" ] || fetch >&2
found=$(loader)
[ -n "$found" ] || { echo 'glibc.sh: the packages have no loader' >&2; exit 1; }
echo "$found --library-path $(dirname "$found")"
