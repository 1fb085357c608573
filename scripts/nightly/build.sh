#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The build step of a night: installs what is missing, builds one preset. Exit 0; 1: it does not build; 2: something is missing.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

if [ $# -lt 2 ]; then
	die "usage: scripts/nightly/build.sh PRESET JOBS [TARGET...]"
fi
preset=$1
jobs=$2
shift 2
need nightly
cmake --preset "$preset" || exit 1
cmake --build "build/$preset" -j "$jobs" ${1:+--target "$@"} || exit 1
