#!/bin/bash
# Makes docs/report.png: the page for the rules of the first look, as a browser
# shows it. tests/install-browser.sh installs the browser.
set -euo pipefail
cd "$(dirname "$0")/.."

page=$(mktemp --suffix .html)
trap 'rm -f "$page"' EXIT
status=0
cargo run --quiet -- translate corpus/first-look/home --user ann --home-path /home/ann \
    --format html >"$page" || status=$?
# 1 says that something is left to a person.
[ "$status" -le 1 ] || exit "$status"
node tests/browser/screenshot.mjs "$page" docs/report.png 1280 960
