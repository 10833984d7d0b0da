/* Memory that devices may use. Declared so that programs link: each function answers DOCA_ERROR_NOT_SUPPORTED. */
#ifndef DOCA_MMAP_H_
#define DOCA_MMAP_H_

#include <doca_compat.h>
#include <doca_dev.h>
#include <doca_error.h>
#include <doca_types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct doca_mmap;

/* soft: not supported */
DOCA_STABLE doca_error_t doca_mmap_create(struct doca_mmap **mmap);
/* soft: not supported */
DOCA_STABLE doca_error_t doca_mmap_destroy(struct doca_mmap *mmap);
/* soft: not supported */
DOCA_STABLE doca_error_t doca_mmap_start(struct doca_mmap *mmap);
/* soft: not supported */
DOCA_STABLE doca_error_t doca_mmap_add_dev(struct doca_mmap *mmap, struct doca_dev *dev);
/* soft: not supported */
DOCA_STABLE doca_error_t doca_mmap_set_memrange(struct doca_mmap *mmap, void *addr, size_t len);
/* soft: not supported */
DOCA_STABLE doca_error_t doca_mmap_get_memrange(const struct doca_mmap *mmap, void **addr, size_t *len);

#ifdef __cplusplus
}
#endif

#endif
