#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds the fuzz targets as OSS-Fuzz and ClusterFuzzLite want them: from CC, CXX, CFLAGS, CXXFLAGS, LIB_FUZZING_ENGINE,
# SRC, OUT and WORK alone, into $OUT: fuzz-NAME, with its seed corpus, dictionary and options.
set -euo pipefail
: "${CC:?}" "${CXX:?}" "${LIB_FUZZING_ENGINE:?}" "${SRC:?}" "${OUT:?}" "${WORK:?}"
CFLAGS=${CFLAGS-} CXXFLAGS=${CXXFLAGS-}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$WORK/nosnoop
targets=(ops policy codec text plugin-diff)

# libFuzzer has a way of its own to hear of states; any other engine follows the edges of a switch.
case $LIB_FUZZING_ENGINE in
-fsanitize=fuzzer*) feedback=feedback_libfuzzer ;;
*) feedback=feedback_switch ;;
esac

# Compiles FILE of fuzz/engine into $build.
object() {
	# shellcheck disable=SC2086
	$CC $CFLAGS -std=gnu11 -fvisibility=hidden -UNDEBUG -I"$root" -c "$root/fuzz/engine/$1.c" -o "$build/$1.o"
}

# The seed corpus, dictionary and options of target NAME: all that is known about its inputs.
inputs() {
	local name=$1 seeds=$build/seeds-$1
	rm -rf "$seeds" && mkdir -p "$seeds"
	if [ "$name" = text ]; then
		find "$root/corpus/seed" "$root/corpus/regress" -name '*.ops' | while read -r f; do
			cp "$f" "$seeds/$(basename "$(dirname "$f")")-$(basename "$f")"
		done
		# The words of the language, as the corpus uses them.
		find "$root/corpus/seed" -name '*.ops' -exec sed 's/#.*//' {} + | grep -oE '[a-z_]{3,}' | sort -u |
			sed 's/.*/"&"/' >"$OUT/fuzz-$name.dict"
	else
		"$build/bin/fuzz-ops-replay" --encode "$seeds" "$root/corpus/seed" "$root/corpus/regress" >/dev/null
	fi
	(cd "$seeds" && python3 -m zipfile -c "$OUT/fuzz-${name}_seed_corpus.zip" ./*)
	printf '[libfuzzer]\nmax_len = 4097\nentropic = 0\ntimeout = 10\n' >"$OUT/fuzz-$name.options"
	[ ! -e "$OUT/fuzz-$name.dict" ] || printf 'dict = fuzz-%s.dict\n' "$name" >>"$OUT/fuzz-$name.options"
}

mkdir -p "$OUT" "$build"
cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_C_COMPILER="$CC" -DCMAKE_C_FLAGS="$CFLAGS -UNDEBUG" \
	-DNOSNOOP_JEMALLOC=OFF
cmake --build "$build" --target fuzztarget fuzz-ops-replay
mapfile -t libs < <(cd "$build" && find . -name 'lib*.a' ! -name libfuzzreplay.a)
object $feedback
for name in "${targets[@]}"; do
	file=target_${name//-/_}
	object "$file"
	# shellcheck disable=SC2086
	(cd "$build" && $CXX $CXXFLAGS "$file.o" $feedback.o -Wl,--start-group "${libs[@]}" -Wl,--end-group \
		$LIB_FUZZING_ENGINE -lpthread -ldl -o "$OUT/fuzz-$name")
	inputs "$name"
done
