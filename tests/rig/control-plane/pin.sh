#!/bin/sh
# Pins the Kubernetes modules: ./pin.sh v1.36.4
#
# k8s.io/kubernetes requires its staging modules at v0.0.0 and replaces them
# with directories that are not in the published module, so every user of it has
# to repeat the replacements, here with the releases of the same patch.
set -eu
cd "$(dirname "$0")"

version=$1
staging=v0.${version#v1.}

go mod edit -require "k8s.io/kubernetes@$version"
go mod download "k8s.io/kubernetes@$version"
upstream=$(go env GOMODCACHE)/cache/download/k8s.io/kubernetes/@v/$version.mod
sed -n 's|^[[:space:]]*\(k8s.io/[a-z-]*\) => ./staging/.*|\1|p' "$upstream" |
	while read -r module; do
		go mod edit -replace "$module=$module@$staging"
	done
go mod tidy
