#!/bin/sh
# What the browser tests need and the lock of Python packages cannot hold: Chromium with its driver, and axe-core.
# Debian packages where this may install them; axe-core by version and SHA-512 from package-lock.json.
set -eu
cd "$(dirname "$0")"

missing=""
command -v chromium >/dev/null || missing="$missing chromium"
command -v chromedriver >/dev/null || missing="$missing chromium-driver"
command -v npm >/dev/null || missing="$missing npm"
if [ -n "$missing" ]; then
    if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
        echo "The browser tests need$missing: install them (Debian: apt-get install$missing) and run make test again." >&2
        exit 1
    fi
    apt-get update -qq
    # shellcheck disable=SC2086  # a list of packages
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi
npm ci --silent --ignore-scripts --no-audit --no-fund
