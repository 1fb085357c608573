# SPDX-License-Identifier: GPL-2.0-only
# How everything is compiled where fuzz targets are built for an engine. There nothing else is built unless it is asked
# for by name: NOSNOOP_ASIDE. A kernel tree's shared object is made by NOSNOOP_ENGINE_SO_CC with NOSNOOP_ENGINE_SO_FLAGS.
set_property(CACHE NOSNOOP_FEEDBACK PROPERTY STRINGS state switch none)
if(NOT NOSNOOP_FEEDBACK MATCHES "^(state|switch|none)$")
	message(FATAL_ERROR "NOSNOOP_FEEDBACK: \"${NOSNOOP_FEEDBACK}\", expected state, switch or none")
endif()
set(NOSNOOP_ASIDE EXCLUDE_FROM_ALL)
add_compile_options(-UNDEBUG) # an assertion is a way to be found
set(no_edges ${CMAKE_CURRENT_LIST_DIR}/no-edges.list)
# A change of the list compiles everything anew: compilers do not name it among what they read.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${no_edges})
file(SHA256 ${no_edges} no_edges_hash)
add_compile_definitions(NOSNOOP_NO_EDGES="${no_edges_hash}")
# For targets whose subject is the language itself: the list up to where that begins.
file(READ ${no_edges} lines)
string(REGEX REPLACE "# The language.*" "" lines "${lines}")
set(no_edges_language ${CMAKE_BINARY_DIR}/no-edges-language.list)
file(WRITE ${no_edges_language} "${lines}")
# Archives of bitcode: by clang's own ar.
macro(nosnoop_bitcode)
	string(REGEX MATCH "^[0-9]+" major "${CMAKE_C_COMPILER_VERSION}")
	find_program(NOSNOOP_LLVM_AR NAMES llvm-ar-${major} llvm-ar REQUIRED)
	find_program(NOSNOOP_LLVM_RANLIB NAMES llvm-ranlib-${major} llvm-ranlib REQUIRED)
	set(CMAKE_AR ${NOSNOOP_LLVM_AR})
	set(CMAKE_RANLIB ${NOSNOOP_LLVM_RANLIB})
endmacro()
# What runs most stands together in the text, which is some ten times a first-level cache: a tenth of the time, and as much
# again where libFuzzer's programs are optimised as a whole besides, at ten seconds a link.
if(NOSNOOP_PROFILE)
	if(NOT EXISTS ${NOSNOOP_PROFILE})
		message(FATAL_ERROR "NOSNOOP_PROFILE: ${NOSNOOP_PROFILE}: no such file, expected what scripts/fuzz-profile.sh left")
	endif()
	set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${NOSNOOP_PROFILE})
	file(SHA256 ${NOSNOOP_PROFILE} profile_hash) # as for the list above
	add_compile_definitions(NOSNOOP_PROFILE_HASH="${profile_hash}")
	# A function that has changed since, or was never called, is compiled as always.
	add_compile_options(-fprofile-instr-use=${NOSNOOP_PROFILE} -Wno-profile-instr-out-of-date
		-Wno-profile-instr-unprofiled -Wno-backend-plugin)
	if(NOSNOOP_LIBFUZZER AND NOT NOSNOOP_SANITIZE)
		add_compile_options(-flto)
		add_link_options(-flto -fuse-ld=lld)
		nosnoop_bitcode()
	endif()
endif()
if(NOSNOOP_LIBFUZZER)
	# Operands of comparisons are traced where sanitizers cost more than that; elsewhere it would be a tenth of the time.
	set(edges -fsanitize-coverage=inline-8bit-counters,pc-table)
	if(NOSNOOP_SANITIZE)
		set(edges -fsanitize=fuzzer-no-link)
		add_link_options(${edges})
	endif()
	add_compile_options(${edges} -fsanitize-coverage-ignorelist=${no_edges})
	set(NOSNOOP_ENGINE_SO_CC ${CMAKE_C_COMPILER})
	set(NOSNOOP_ENGINE_SO_FLAGS "${edges}")
endif()
if(NOSNOOP_AFL)
	set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env AFL_QUIET=1 AFL_LLVM_DENYLIST=${no_edges})
	if(NOSNOOP_AFL_CMPLOG)
		list(APPEND CMAKE_C_COMPILER_LAUNCHER AFL_LLVM_CMPLOG=1)
	endif()
	set(CMAKE_C_LINKER_LAUNCHER ${CMAKE_C_COMPILER_LAUNCHER})
	# Of a program linked as a whole the numbers of edges are fixed, so what is opened later is made the other way.
	string(REPLACE "afl-clang-lto" "afl-clang-fast" NOSNOOP_ENGINE_SO_CC "env AFL_QUIET=1 ${CMAKE_C_COMPILER}")
	set(NOSNOOP_ENGINE_SO_FLAGS "")
	set(NOSNOOP_AFL_LTO OFF)
	if(CMAKE_C_COMPILER MATCHES "afl-clang-lto")
		set(NOSNOOP_AFL_LTO ON)
		nosnoop_bitcode()
	endif()
endif()
