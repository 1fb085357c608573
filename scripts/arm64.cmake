# SPDX-License-Identifier: GPL-2.0-only
# Toolchain file of the preset arm64: Debian's cross compiler, libraries as arm64-libs.sh has unpacked them, programs
# under qemu-user. Not for a build on an arm64 machine, which needs none.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)

set(arm64_root ${CMAKE_CURRENT_LIST_DIR}/../build/arm64-root)
cmake_path(NORMAL_PATH arm64_root)
set(CMAKE_FIND_ROOT_PATH ${arm64_root} /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
# pkg-config must not answer with what this machine has for itself.
set(ENV{PKG_CONFIG_LIBDIR} ${arm64_root}/usr/lib/aarch64-linux-gnu/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${arm64_root})

# The C library comes with the cross compiler; the rest is found by the build's own rpath.
find_program(NOSNOOP_QEMU NAMES qemu-aarch64 qemu-aarch64-static)
if(NOSNOOP_QEMU)
	set(CMAKE_CROSSCOMPILING_EMULATOR ${NOSNOOP_QEMU} -L /usr/aarch64-linux-gnu)
endif()
