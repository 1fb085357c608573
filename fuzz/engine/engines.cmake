# SPDX-License-Identifier: GPL-2.0-only
# How everything is compiled where fuzz targets are built for an engine. There nothing else is built unless it is asked
# for by name: NOSNOOP_ASIDE. A kernel tree's shared object is made by NOSNOOP_ENGINE_SO_CC with NOSNOOP_ENGINE_SO_FLAGS.
set_property(CACHE NOSNOOP_FEEDBACK PROPERTY STRINGS state switch none)
if(NOT NOSNOOP_FEEDBACK MATCHES "^(state|switch|none)$")
	message(FATAL_ERROR "NOSNOOP_FEEDBACK: \"${NOSNOOP_FEEDBACK}\", expected state, switch or none")
endif()
set(NOSNOOP_ASIDE "")
if(NOSNOOP_LIBFUZZER OR NOSNOOP_AFL)
	set(NOSNOOP_ASIDE EXCLUDE_FROM_ALL)
	add_compile_options(-UNDEBUG) # an assertion is a way to be found
endif()
if(NOSNOOP_LIBFUZZER)
	add_compile_options(-fsanitize=fuzzer-no-link)
	add_link_options(-fsanitize=fuzzer-no-link)
	set(NOSNOOP_ENGINE_SO_CC ${CMAKE_C_COMPILER})
	set(NOSNOOP_ENGINE_SO_FLAGS "-fsanitize=fuzzer-no-link")
endif()
if(NOSNOOP_AFL)
	set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env AFL_QUIET=1)
	set(CMAKE_C_LINKER_LAUNCHER ${CMAKE_COMMAND} -E env AFL_QUIET=1)
	# Of a program linked as a whole the numbers of edges are fixed, so what is opened later is made the other way.
	string(REPLACE "afl-clang-lto" "afl-clang-fast" NOSNOOP_ENGINE_SO_CC "env AFL_QUIET=1 ${CMAKE_C_COMPILER}")
	set(NOSNOOP_ENGINE_SO_FLAGS "")
	set(NOSNOOP_AFL_LTO OFF)
	if(CMAKE_C_COMPILER MATCHES "afl-clang-lto")
		set(NOSNOOP_AFL_LTO ON)
		# Archives of bitcode, and lld of the same version.
		find_program(NOSNOOP_LLVM_AR NAMES llvm-ar llvm-ar-14 REQUIRED)
		find_program(NOSNOOP_LLVM_RANLIB NAMES llvm-ranlib llvm-ranlib-14 REQUIRED)
		set(CMAKE_AR ${NOSNOOP_LLVM_AR})
		set(CMAKE_RANLIB ${NOSNOOP_LLVM_RANLIB})
	endif()
endif()
