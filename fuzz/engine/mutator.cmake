# SPDX-License-Identifier: GPL-2.0-only
# The mutator: linked into libFuzzer's programs whose inputs are programs, and a shared object for AFL++.
foreach(name ops policy plugin-diff diff linux)
	if(TARGET fuzz-${name}-libfuzzer)
		target_sources(fuzz-${name}-libfuzzer PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/mutator_libfuzzer.c)
	endif()
endforeach()
# afl-fuzz loads it, which knows neither sanitizers nor instrumentation: from plain presets, build/rel/bin/mutator-ops.so.
if(NOT NOSNOOP_AFL AND NOT NOSNOOP_LIBFUZZER AND NOT NOSNOOP_SANITIZE)
	add_library(mutator-ops MODULE mutator_afl.c)
	set_target_properties(mutator-ops PROPERTIES PREFIX "")
	target_link_libraries(mutator-ops PRIVATE campaign)
endif()
