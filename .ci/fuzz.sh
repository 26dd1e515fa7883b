#!/usr/bin/env bash
# Fuzzes every target of the module for the given time each (20s by default).
# A failure leaves its input under testdata/fuzz of the package, to be committed with the fix.
set -euo pipefail
cd "$(dirname "$0")/.."

for_each=${1:-20s}
targets=0
failed=()
while read -r pkg; do
  while read -r target; do
    targets=$((targets + 1))
    echo "== $pkg $target"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$for_each" "$pkg" || failed+=("$pkg $target")
  done < <(go test -list '^Fuzz' "$pkg" | grep '^Fuzz' || true)
done < <(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./... | grep .)

echo "fuzz: $targets targets, ${#failed[@]} failed"
[ ${#failed[@]} -eq 0 ] || { printf '  %s\n' "${failed[@]}"; exit 1; }
