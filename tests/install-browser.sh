#!/bin/bash
# Sets up the browser that the tests of the pages drive: Debian's chromium, and
# Playwright and axe from npm. Debian; needs root for what is not there yet, and
# does nothing where all is there.
set -euo pipefail
cd "$(dirname "$0")/browser"

missing=()
command -v chromium >/dev/null || missing+=(chromium fonts-dejavu-core)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
if [ ${#missing[@]} -gt 0 ]; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

# npm writes this copy of the lock file last.
if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
    PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund
    touch node_modules/.package-lock.json
fi
