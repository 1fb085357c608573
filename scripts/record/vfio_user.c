// SPDX-License-Identifier: GPL-2.0-only
/*
 * A user of VFIO type1 v2 that maps memory as a hypervisor does: vfio_user GROUP SHAPE N
 *
 *   ram      the RAM of a small guest (640 KiB, 256 KiB at 0xc0000, 127 MiB from 1 MiB, 128 MiB of huge pages at
 *            4 GiB), N single pages of it mapped once more elsewhere with 8 alive, everything unmapped again
 *   replug   64 MiB of RAM and 16 blocks of 2 MiB from 4 GiB on; N times a block is unmapped, its memory given
 *            back and a block with other memory mapped in its place; then the device is taken out of the
 *            container, put in again, and all of it mapped anew
 *
 * Prints what scripts/record/console.py compares with the events: dma_cc=, user_maps=, user_unmaps=,
 * user_mapped= and user_unmapped= (bytes; what the kernel unmaps by itself when the device goes counts as
 * unmapped), user_attaches=. Exit 0, or 1 with a line that begins with error=.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define KIB    ((size_t)1 << 10)
#define MIB    ((size_t)1 << 20)
#define GIB    ((uint64_t)1 << 30)
#define PAGE   ((size_t)4096)
#define ALIVE  8u
#define STRIDE 4099u /* a prime: the pages taken are far from each other */
#define BLOCKS 16u
#define BLOCK  (2 * MIB)

struct user {
	int container, group;
	unsigned long long maps, unmaps, mapped, unmapped, attaches;
};

static void die(const char *what)
{
	printf("error=vfio_user: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *memory(size_t size, int huge)
{
	char *p = mmap(NULL, size + BLOCK, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	p += -(uintptr_t)p % BLOCK;
	if (huge && madvise(p, size, MADV_HUGEPAGE))
		die("MADV_HUGEPAGE");
	memset(p, 1, size);
	return p;
}

static void dma_map(struct user *u, void *p, uint64_t iova, size_t size)
{
	struct vfio_iommu_type1_dma_map m = {
		.argsz = sizeof(m),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)p,
		.iova = iova,
		.size = size,
	};

	if (ioctl(u->container, VFIO_IOMMU_MAP_DMA, &m))
		die("VFIO_IOMMU_MAP_DMA");
	u->maps++;
	u->mapped += size;
}

static void dma_unmap(struct user *u, uint64_t iova, size_t size)
{
	struct vfio_iommu_type1_dma_unmap m = {.argsz = sizeof(m), .iova = iova, .size = size};

	if (ioctl(u->container, VFIO_IOMMU_UNMAP_DMA, &m))
		die("VFIO_IOMMU_UNMAP_DMA");
	if (m.size != size) {
		errno = EIO;
		die("VFIO_IOMMU_UNMAP_DMA: another size");
	}
	u->unmaps++;
	u->unmapped += size;
}

static void attach(struct user *u)
{
	if (ioctl(u->group, VFIO_GROUP_SET_CONTAINER, &u->container))
		die("VFIO_GROUP_SET_CONTAINER");
	if (ioctl(u->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		die("VFIO_SET_IOMMU type1v2");
	u->attaches++;
}

/* The last device takes everything that is still mapped along. */
static void detach(struct user *u)
{
	if (ioctl(u->group, VFIO_GROUP_UNSET_CONTAINER))
		die("VFIO_GROUP_UNSET_CONTAINER");
	u->unmapped = u->mapped;
}

static void open_all(struct user *u, const char *group)
{
	struct vfio_group_status status = {.argsz = sizeof(status)};

	u->container = open("/dev/vfio/vfio", O_RDWR);
	if (u->container < 0)
		die("/dev/vfio/vfio");
	u->group = open(group, O_RDWR);
	if (u->group < 0)
		die(group);
	if (ioctl(u->group, VFIO_GROUP_GET_STATUS, &status))
		die("VFIO_GROUP_GET_STATUS");
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE)) {
		errno = EBUSY;
		die("the group is not viable");
	}
}

static void run_ram(struct user *u, unsigned int n)
{
	char *low = memory(128 * MIB, 0), *high = memory(128 * MIB, 1);
	uint64_t single = 8 * GIB;
	unsigned int i;

	dma_map(u, low, 0, 640 * KIB);
	dma_map(u, low + 768 * KIB, 768 * KIB, 256 * KIB);
	dma_map(u, low + MIB, MIB, 127 * MIB);
	dma_map(u, high, 4 * GIB, 128 * MIB);
	for (i = 0; i < n; i++) {
		if (i >= ALIVE)
			dma_unmap(u, single + (i - ALIVE) * PAGE, PAGE);
		dma_map(u, low + MIB + (size_t)i * STRIDE % (127 * MIB / PAGE) * PAGE,
			single + i * PAGE, PAGE);
	}
	for (i = n > ALIVE ? n - ALIVE : 0; i < n; i++)
		dma_unmap(u, single + i * PAGE, PAGE);
	dma_unmap(u, 4 * GIB, 128 * MIB);
	dma_unmap(u, MIB, 127 * MIB);
	dma_unmap(u, 768 * KIB, 256 * KIB);
	dma_unmap(u, 0, 640 * KIB);
	detach(u);
}

/* Neighbours never follow each other: what touches and comes in a row would read as one request. */
static unsigned int nth_block(unsigned int i)
{
	return i * 5 % BLOCKS;
}

static void run_replug(struct user *u, unsigned int n)
{
	char *ram = memory(64 * MIB, 1), *block[BLOCKS];
	unsigned int i, k;

	dma_map(u, ram, MIB, 64 * MIB);
	for (i = 0; i < BLOCKS; i++) {
		k = nth_block(i);
		block[k] = memory(BLOCK, 1);
		dma_map(u, block[k], 4 * GIB + k * BLOCK, BLOCK);
	}
	for (i = 0; i < n; i++) {
		k = nth_block(i);
		dma_unmap(u, 4 * GIB + k * BLOCK, BLOCK);
		if (munmap(block[k], BLOCK))
			die("munmap");
		block[k] = memory(BLOCK, 1);
		dma_map(u, block[k], 4 * GIB + k * BLOCK, BLOCK);
	}
	detach(u);
	attach(u);
	dma_map(u, ram, MIB, 64 * MIB);
	for (i = 0; i < BLOCKS; i++)
		dma_map(u, block[nth_block(i)], 4 * GIB + nth_block(i) * BLOCK, BLOCK);
	detach(u);
}

int main(int argc, char **argv)
{
	struct user u = {0};
	unsigned int n;
	int cc;

	if (argc != 4 || (strcmp(argv[2], "ram") && strcmp(argv[2], "replug"))) {
		printf("error=usage: vfio_user GROUP ram|replug N\n");
		return 1;
	}
	n = (unsigned int)strtoul(argv[3], NULL, 10);
	open_all(&u, argv[1]);
	attach(&u);
	cc = ioctl(u.container, VFIO_CHECK_EXTENSION, VFIO_DMA_CC_IOMMU);
	if (cc < 0)
		die("VFIO_CHECK_EXTENSION");
	printf("dma_cc=%d\n", cc);
	if (!strcmp(argv[2], "ram"))
		run_ram(&u, n);
	else
		run_replug(&u, n);
	printf("user_maps=%llu\nuser_unmaps=%llu\nuser_mapped=%llu\nuser_unmapped=%llu\n"
	       "user_attaches=%llu\n",
	       u.maps, u.unmaps, u.mapped, u.unmapped, u.attaches);
	return 0;
}
