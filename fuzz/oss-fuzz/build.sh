#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds the fuzz targets as OSS-Fuzz and ClusterFuzzLite want them: from CC, CXX, CFLAGS, CXXFLAGS, LIB_FUZZING_ENGINE,
# SRC, OUT and WORK alone, into $OUT: fuzz-NAME, with its seed corpus, dictionary and options.
set -euo pipefail
: "${CC:?}" "${CXX:?}" "${LIB_FUZZING_ENGINE:?}" "${SRC:?}" "${OUT:?}" "${WORK:?}"
CFLAGS=${CFLAGS-} CXXFLAGS=${CXXFLAGS-}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$WORK/nosnoop
targets=(fuzz-ops fuzz-policy fuzz-codec fuzz-text fuzz-plugin-diff)

# libFuzzer has ways of its own to hear of states and to be given mutations; any other engine follows the edges of a switch.
case $LIB_FUZZING_ENGINE in
-fsanitize=fuzzer*) feedback=feedback_libfuzzer mutator=mutator_libfuzzer ;;
*) feedback=feedback_switch mutator= ;;
esac

# Compiles FILE of fuzz/engine into $build.
object() {
	# shellcheck disable=SC2086
	$CC $CFLAGS -std=gnu11 -fvisibility=hidden -UNDEBUG -I"$root" -c "$root/fuzz/engine/$1.c" -o "$build/$1.o"
}

mkdir -p "$OUT" "$build"
cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_C_COMPILER="$CC" -DCMAKE_C_FLAGS="$CFLAGS -UNDEBUG" \
	-DNOSNOOP_JEMALLOC=OFF
cmake --build "$build" --target fuzztarget "${targets[@]/%/-replay}"
mapfile -t libs < <(cd "$build" && find . -name 'lib*.a' ! -name libfuzzreplay.a)
object $feedback
[ -z "$mutator" ] || object $mutator
for target in "${targets[@]}"; do
	name=${target#fuzz-}
	file=target_${name//-/_}
	objects=("$file.o" "$feedback.o")
	case $name in
	text | codec) ;; # inputs are bytes
	*) [ -z "$mutator" ] || objects+=("$mutator.o") ;;
	esac
	object "$file"
	# shellcheck disable=SC2086
	(cd "$build" && $CXX $CXXFLAGS "${objects[@]}" -Wl,--start-group "${libs[@]}" -Wl,--end-group \
		$LIB_FUZZING_ENGINE -lpthread -ldl -lm -o "$OUT/$target")
done
# Seed corpora, dictionaries, options.
python3 -B "$root/scripts/fuzz-seeds.py" --out "$OUT" --bin "$build/bin" --prefix fuzz- --zip "$root/corpus/seed" "$root/corpus/regress"
