/* SPDX-License-Identifier: GPL-2.0-only */
/* Part of kenv.h: The rest of a kernel that the iommu headers name: modules, devices, files, dma-bufs. */
#ifndef NOSNOOP_KENV_DEVICE_H
#define NOSNOOP_KENV_DEVICE_H

struct work_struct {
	void (*func)(struct work_struct *work);
};
struct module;
struct file;
struct inode;
struct dentry;
struct kobject {
	int unused;
};
struct device_node;
struct fwnode_handle;
struct bus_type;
struct notifier_block;
struct msi_desc;
struct msi_msg;
struct attribute_group;
struct of_phandle_args;
struct dev_iommu;
struct iommu_group;
struct irq_domain;
struct scatterlist;
struct sg_table {
	struct scatterlist *sgl;
	unsigned int nents, orig_nents;
};
struct device {
	struct kobject kobj;
	struct device *parent;
	struct dev_iommu *iommu;
	struct iommu_group *iommu_group;
	const struct bus_type *bus;
	struct fwnode_handle *fwnode;
	void *driver_data;
};
struct pci_dev {
	struct device dev;
	struct pci_dev *physfn;
	unsigned int is_virtfn : 1;
	struct pci_dev *bus_self;
};
#define to_pci_dev(d)	      container_of(d, struct pci_dev, dev)
#define dev_is_pci(d)	      false
#define PCI_PASID_CTRL_ENABLE 1
#define PCI_PASID_CTRL_EXEC   2
#define PCI_PASID_CTRL_PRIV   4
#define pci_pasid_status(p)   (-EINVAL)
#define THIS_MODULE	      ((struct module *)NULL)
#define EXPORT_SYMBOL(s)
#define EXPORT_SYMBOL_GPL(s)
#define EXPORT_SYMBOL_NS_GPL(s, ns)
#define EXPORT_SYMBOL_FOR_MODULES(s, m)
#define MODULE_IMPORT_NS(ns)
#define MODULE_PARM_DESC(name, s)
#define module_param(name, type, mode)
#define MODULE_LICENSE(s)
#define MODULE_DESCRIPTION(s)
#define MODULE_ALIAS(s)
#define module_init(f)
#define module_exit(f)
#define fs_initcall(f)
#define core_initcall(f)
static inline struct device *get_device(struct device *dev)
{
	return dev;
}
static inline void put_device(struct device *dev)
{
}
static inline const char *dev_name(const struct device *dev)
{
	return "nosnoop";
}
static inline void *dev_get_drvdata(const struct device *dev)
{
	return dev->driver_data;
}

/* Files, dma-bufs: newer kernels map them; no op of nosnoop does. */
struct phys_vec {
	phys_addr_t paddr;
	size_t len;
};
struct maple_tree {
	void *ma_root;
};
struct dma_resv;
struct dma_buf {
	size_t size;
	struct dma_resv *resv;
};
struct dma_buf_attachment {
	struct dma_buf *dmabuf;
	void *importer_priv;
};
struct dma_buf_attach_ops {
	bool allow_peer2peer;
	void (*invalidate_mappings)(struct dma_buf_attachment *attach);
	void (*move_notify)(struct dma_buf_attachment *attach);
};
struct dma_buf *dma_buf_get(int fd);
void dma_buf_put(struct dma_buf *buf);
struct dma_buf_attachment *dma_buf_dynamic_attach(struct dma_buf *buf, struct device *dev,
						  const struct dma_buf_attach_ops *ops, void *priv);
void dma_buf_detach(struct dma_buf *buf, struct dma_buf_attachment *attach);
int dma_buf_pin(struct dma_buf_attachment *attach);
void dma_buf_unpin(struct dma_buf_attachment *attach);
int dma_resv_lock(struct dma_resv *resv, void *ctx);
void dma_resv_unlock(struct dma_resv *resv);
int vfio_pci_dma_buf_iommufd_map(struct dma_buf_attachment *attach, struct phys_vec *phys);
#define symbol_get(s) (&(s))
#define symbol_put(s) ((void)0)
struct file *get_file(struct file *f);
struct file *fget(unsigned int fd);
void fput(struct file *f);
long memfd_pin_folios(struct file *memfd, loff_t start, loff_t end, struct folio **folios,
		      unsigned int max_folios, unsigned long *offset);
int folio_add_pins(struct folio *folio, unsigned int pins);
void unpin_folios(struct folio **folios, unsigned long n);

#endif
