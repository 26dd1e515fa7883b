#!/usr/bin/env bash
# Runs, without the race detector, the tests of every file that is built only without it:
# allocation budgets, which -race would distort. Their names are read from those files.
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t files < <(git ls-files -co --exclude-standard '*_test.go' | xargs -r grep -lE '^//go:build .*!race' || true)
if [ ${#files[@]} -eq 0 ]; then
  echo 'budgets: no test file is built without the race detector only' >&2
  exit 1
fi

names=$(sed -nE 's/^func (Test[A-Za-z0-9_]*)\(.*/\1/p' "${files[@]}" | sort -u | paste -sd '|')
mapfile -t pkgs < <(for f in "${files[@]}"; do echo "./$(dirname "$f")"; done | sort -u)
# One package at a time: a budget counts the allocations of the whole process.
${GOTESTSUM:-.bin/gotestsum} -- -p 1 -count=1 -run "^($names)\$" "${pkgs[@]}"
