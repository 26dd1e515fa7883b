#!/usr/bin/env bash
# Measures whether readers notice that others have stopped reading: a conflated ticker with CONNECTIONS clients, first
# with none of them and then with a tenth of them stalled, and the two results side by side. The stalled ones are behind
# after a few seconds, when what their kernels take is full, and given up 10 s later.
set -euo pipefail
cd "$(dirname "$0")/.."

connections=${CONNECTIONS:-5000} hz=${HZ:-10} payload=${PAYLOAD:-4096} duration=${DURATION:-14s}
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$dir"' EXIT
go build -o "$dir/" ./cmd/gannet ./cmd/testbed

for slow in none 10%; do
  stalled=()
  [ "$slow" = none ] || stalled=(--slow "$slow")
  "$dir/testbed" -addr 127.0.0.1:0 -profile ticker -conflate -hz "$hz" -payload "$payload" -stats-json "$dir/stats-$slow" >"$dir/out" &
  server=$!
  until grep -q listening "$dir/out"; do kill -0 "$server" && sleep 0.1; done
  url=$(sed -n 's/^listening on //p' "$dir/out")
  echo "== $connections clients, $slow of them stalled"
  "$dir/gannet" bench ticker "$url" --connections "$connections" "${stalled[@]}" --duration "$duration" --lossy --pid "$server" --quiet \
    --json "$dir/$slow.json" || echo "(not a clean run)"
  kill "$server" && wait "$server"
  server=
  sed -n '/"drops"/,/}/p' "$dir/stats-$slow"
done
"$dir/gannet" bench compare "$dir/none.json" "$dir/10%.json"
