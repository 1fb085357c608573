#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A night: builds, replays the corpus, checks, samples the museum, gates against the last night, fuzzes, and writes a mail.
# nightly/nightly.py does the work; what its build step needs, it installs (nightly/build.sh).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if ! command -v python3 >/dev/null 2>&1; then
	(
		# shellcheck source=scripts/lib.sh
		. "$here/lib.sh"
		need required
	) >&2
fi
exec python3 -B "$here/nightly/nightly.py" "$@"
