#!/usr/bin/env bash
# Other people's clients against our demonstration. Each suite starts its own
# `egide demo` on loopback from the binary in EGIDE_BIN, built here if unset.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

if [[ -z ${EGIDE_BIN:-} ]]; then
  EGIDE_BIN=$root/bin/egide
  echo "interop: building $EGIDE_BIN"
  (cd "$root" && CGO_ENABLED=0 go build -trimpath -o "$EGIDE_BIN" ./cmd/egide)
fi
export EGIDE_BIN

echo "interop: golang.org/x/oauth2 with coreos/go-oidc"
(cd "$here/gooidc" && GOWORK=off go test -count=1 ./...)

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "interop: SKIPPED openid-client and oauth4webapi: node and npm are not installed" >&2
  [ -z "${CI:-}" ] || exit 1
  exit 0
fi
if [[ $(node -p 'process.versions.node.split(".")[0]') -lt 18 ]]; then
  echo "interop: SKIPPED openid-client and oauth4webapi: it needs node 18 or later, this is $(node --version)" >&2
  [ -z "${CI:-}" ] || exit 1
  exit 0
fi
echo "interop: npm openid-client and oauth4webapi"
cd "$here/openid-client"
npm ci --silent --no-audit --no-fund
node --test
