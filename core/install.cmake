# SPDX-License-Identifier: GPL-2.0-only
# What `cmake --install` installs: the commands, one static library with the page core, the policies and the judges, the
# headers that its users need, and a pkg-config file that finds them wherever the tree is moved to.
if(NOSNOOP_MUSEUM)
	return() # a core with mutants in it is nobody's library
endif()
include(GNUInstallDirs)
foreach(dir INCLUDEDIR LIBDIR BINDIR)
	if(IS_ABSOLUTE "${CMAKE_INSTALL_${dir}}")
		message(FATAL_ERROR "CMAKE_INSTALL_${dir} is ${CMAKE_INSTALL_${dir}}, expected a folder below the prefix")
	endif()
endforeach()

# The modules stay libraries of their own in the build (their order is checked there); who embeds them links one.
add_library(nosnoop STATIC)
foreach(module compat machine shadow flush iopt oplang oprun)
	target_sources(nosnoop PRIVATE $<TARGET_OBJECTS:${module}>)
endforeach()
if(NOSNOOP_WHOLE)
	# Its users' compiler may be another one, which cannot read this one's intermediate code.
	add_custom_command(TARGET nosnoop POST_BUILD VERBATIM COMMAND ${CMAKE_OBJCOPY}
		--wildcard -R .gnu.lto_* -R .gnu.debuglto_* -N __gnu_lto_v1 $<TARGET_FILE:nosnoop>)
endif()
install(TARGETS nosnoop ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})

# For policies: flush.h and what it includes. For programs with the judges in them: down from judge.h. The inside of
# iopt and of the shadow is nobody's.
set(public
	compat/compat.h compat/arena.h compat/fault.h
	machine/machine.h machine/buffer.h machine/domain.h machine/observer.h machine/request.h machine/view.h
	flush/flush.h flush/flush_inline.h flush/contract.h flush/registry.h flush/clean.h
	shadow/shadow.h shadow/model.h
	op/op.h op/op_info.h op/expect.h op/program.h op/text.h op/gen.h op/trace.h
	op/backend.h op/backends.h op/policies.h op/run.h op/judge.h)
foreach(header ${public})
	cmake_path(GET header PARENT_PATH room)
	install(FILES ${CMAKE_SOURCE_DIR}/core/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/nosnoop/core/${room})
endforeach()

file(RELATIVE_PATH NOSNOOP_PC_UP /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" NOSNOOP_PC_UP "${NOSNOOP_PC_UP}")
set(NOSNOOP_PC_DL ${CMAKE_DL_LIBS})
list(TRANSFORM NOSNOOP_PC_DL PREPEND -l)
function(nosnoop_pc name description libs)
	configure_file(${CMAKE_SOURCE_DIR}/core/nosnoop.pc.in ${CMAKE_BINARY_DIR}/${name}.pc @ONLY)
	install(FILES ${CMAKE_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()
nosnoop_pc(nosnoop "Flush policies for IOMMU mappings that do not snoop: interface, page core, oracle" "-pthread ${NOSNOOP_PC_DL}")

# The benchmark library needs nothing of the rest, and has a pkg-config file of its own.
if(TARGET harness) # not where core/ is built without bench/, as for the gate
	install(TARGETS harness ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
	foreach(header harness harness_clock harness_stats)
		install(FILES ${CMAKE_SOURCE_DIR}/bench/harness/${header}.h
			DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/nosnoop/bench/harness)
	endforeach()
	nosnoop_pc(nosnoop-harness "Micro-benchmarks of code whose price depends on the state of cache lines" "-ljansson -lm -pthread")
endif()

foreach(command replay check fuzz shrink export bench)
	if(TARGET nosnoop-${command})
		install(TARGETS nosnoop-${command} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
	endif()
endforeach()
install(FILES ${CMAKE_SOURCE_DIR}/core/flush/example/mine.c ${CMAKE_SOURCE_DIR}/core/op/example/judge.c
	${CMAKE_SOURCE_DIR}/bench/harness/example/sums.c
	DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
