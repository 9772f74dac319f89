#!/bin/sh
# autogen.sh - makes ./configure.  Needs autoconf, automake and pkg-config.
set -e
cd "$(dirname "$0")"
exec autoreconf --install --force --warnings=all,no-portability "$@"
