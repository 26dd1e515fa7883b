#!/usr/bin/env bash
# Installs the named tools (all of them by default) at their pinned versions into .bin.
# A tool that is already there at that version is left alone.
#
#   .ci/tools.sh gotestsum golangci-lint
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=versions.env
source .ci/versions.env

export GOBIN="$PWD/.bin" GOTOOLCHAIN=local
mkdir -p "$GOBIN"

spec() {
  case $1 in
    golangci-lint) echo "$GOLANGCI_LINT" ;;
    gofumpt) echo "$GOFUMPT" ;;
    gotestsum) echo "$GOTESTSUM" ;;
    benchstat) echo "$BENCHSTAT" ;;
    deadcode) echo "$DEADCODE" ;;
    *)
      echo "tools.sh: no pinned version of $1 in .ci/versions.env" >&2
      return 1
      ;;
  esac
}

installed() { # name, pkg@version: is exactly that version of the module in .bin?
  [ -x ".bin/$1" ] || return 1
  go version -m ".bin/$1" 2>/dev/null | awk -v want="${2##*@}" '$1 == "mod" { found = ($3 == want) } END { exit !found }'
}

[ $# -gt 0 ] || set -- golangci-lint gofumpt gotestsum benchstat deadcode
for name in "$@"; do
  want=$(spec "$name")
  if ! installed "$name" "$want"; then
    echo "installing $want"
    go install "$want"
  fi
done
