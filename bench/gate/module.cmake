# SPDX-License-Identifier: GPL-2.0-only
# The gate's module as one more target of a tree that is built as it is: given to cmake as
# CMAKE_PROJECT_nosnoop_INCLUDE, by a tree's own CMakeLists.txt where there is one, it waits until the tree's targets exist.
set(NOSNOOP_GATE_DIR ${CMAKE_CURRENT_LIST_DIR} CACHE INTERNAL "Where module.c is")

# --wrap needs a linker that sees calls as calls: the module is linked like everything else, not as one program.
function(nosnoop_gate_module)
	if(TARGET nosnoop-gate OR NOT TARGET oprun)
		return()
	endif()
	# Nothing of such a build is linked as one program, and objects for that take twice the time.
	if(CMAKE_PROJECT_nosnoop_INCLUDE AND NOSNOOP_WHOLE)
		foreach(library compat machine shadow flush iopt oplang oprun)
			if(TARGET ${library})
				target_compile_options(${library} PRIVATE -fno-lto)
			endif()
		endforeach()
	endif()
	get_filename_component(top ${NOSNOOP_GATE_DIR}/../.. ABSOLUTE)
	string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
	add_library(nosnoop-gate MODULE ${NOSNOOP_GATE_DIR}/module.c)
	set_target_properties(nosnoop-gate PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
	target_link_libraries(nosnoop-gate PRIVATE oprun)
	# Behind the tree's own: core/ is what is judged.
	target_include_directories(nosnoop-gate PRIVATE ${top})
	target_link_options(nosnoop-gate PRIVATE LINKER:--wrap=mmap LINKER:--wrap=munmap)
	target_compile_definitions(nosnoop-gate PRIVATE
		GATE_BUILD="${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION}${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_${type}}")
endfunction()
cmake_language(DEFER DIRECTORY ${CMAKE_SOURCE_DIR} CALL nosnoop_gate_module)
