#!/bin/bash -eu
# SPDX-License-Identifier: GPL-2.0-only
exec "$SRC/nosnoop/fuzz/oss-fuzz/build.sh"
