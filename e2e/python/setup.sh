#!/usr/bin/env bash
# Makes python-socketio available and prints, on its last line, the interpreter that has it and its version: from PyPI
# in a virtual environment, else Debian's package.
set -uo pipefail
cd "$(dirname "$0")/.."
source ../.ci/versions.env

version() { "$1" -c 'import importlib.metadata as m, aiohttp, requests, websocket; print(m.version("python-socketio"))' 2>/dev/null; }

venv=.venv/bin/python
if [ "$(version $venv)" != "$PYTHON_SOCKETIO" ]; then
  python3 -m venv .venv && .venv/bin/pip install -q --disable-pip-version-check \
    "python-socketio==$PYTHON_SOCKETIO" aiohttp requests websocket-client
fi
if found=$(version $venv); then
  echo "$PWD/$venv $found"
  exit 0
fi

debian=/usr/bin/python3
if ! version $debian >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    python3-socketio python3-aiohttp python3-requests python3-websocket >/dev/null
fi
found=$(version $debian) && echo "$debian $found"
