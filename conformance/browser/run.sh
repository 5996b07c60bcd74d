#!/usr/bin/env bash
# A real Chromium through the demonstration: EGIDE_BIN is the built provider.
set -euo pipefail
cd "$(dirname "$0")"
for need in chromium npm; do
  if ! command -v "$need" >/dev/null; then
    echo "browser: SKIPPED, $need is not installed: all browser tests" >&2
    [ -z "${CI:-}" ] || exit 1
    exit 0
  fi
done
node --test ../../assets/card_test.mjs ../../assets/app/core_test.mjs # the reader of QR codes is held by a unit test
npm ci --silent --no-audit --no-fund
go test -count=1 -timeout 10m ./...
