#!/usr/bin/env bash
# Every check of style and shape, one line each; goes on after a failure and fails at the end.
set -uo pipefail
cd "$(dirname "$0")/.."

failed=()
check() { # name, command…: quiet when it passes
  local name=$1 out
  shift
  if out=$("$@" 2>&1); then
    echo "ok    $name"
  else
    echo "FAIL  $name"
    printf '%s\n' "$out" | sed 's/^/      /'
    failed+=("$name")
  fi
}

sources() { git ls-files -co --exclude-standard -- "$@" | while read -r f; do [ -f "$f" ] && echo "$f"; done; }

formatted() {
  local out
  out=$(sources '*.go' | xargs -r .bin/gofumpt -d) && [ -z "$out" ] || { echo "$out"; return 1; }
}

vet() { GOOS=$1 go vet "${@:2}"; }

rejects() { # pattern, pathspec…: no such line in our sources
  local hits
  hits=$(sources "${@:2}" | xargs -r grep -nE -- "$1")
  [ -z "$hits" ] || { echo "$hits"; return 1; }
}
bare_nolint() {
  local hits
  hits=$(sources '*.go' | xargs -r grep -nE '//\s*nolint' | grep -vE '//nolint:[a-z0-9,]+ // .{8,}')
  [ -z "$hits" ] || { echo "$hits"; return 1; }
}
large() { # such as a program that was built and added by accident
  local hits
  hits=$(sources | xargs -r -d '\n' stat -c '%s %n' | awk '$1 > 1000000')
  [ -z "$hits" ] || { echo "$hits"; return 1; }
}
scripts() {
  local f ok=0
  while read -r f; do bash -n "$f" || ok=1; done < <(sources '.ci/*.sh' .ci/run '.ci/hooks/*')
  while read -r f; do node --check "$f" || ok=1; done < <(sources '*.mjs')
  return $ok
}

check 'gofumpt' formatted
check 'golangci-lint config' .bin/golangci-lint config verify
check 'golangci-lint' .bin/golangci-lint run ./...
check 'go vet linux' vet linux ./...
check 'go vet linux, debug build' vet linux -tags gannetdebug ./...
check 'go vet darwin' vet darwin ./...
check 'go vet windows' vet windows ./...
check 'go mod tidy' go mod tidy -diff
check 'import rules and api/sio.txt' go test -count=1 ./internal/archtest
check 'no go:norace' rejects '^//go:norace' '*.go'
check 'no sleeping in tests' rejects 'time\.Sleep\(' '*_test.go'
check 'every nolint has a reason' bare_nolint
check 'nothing left unfinished' rejects '\b(TODO|FIXME)\b' '*.go' '*.mjs' '*.py' '*.java' '*.sh' Makefile ':!.ci/lint.sh'
check 'no file above 1 MB' large
check 'scripts parse' scripts

if [ ${#failed[@]} -gt 0 ]; then
  echo "lint: ${#failed[@]} failed"
  exit 1
fi
echo 'lint: all passed'
