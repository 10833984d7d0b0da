/* Buffers in memory that devices may use. Declared so that programs link: each function answers DOCA_ERROR_NOT_SUPPORTED. */
#ifndef DOCA_BUF_H_
#define DOCA_BUF_H_

#include <doca_compat.h>
#include <doca_error.h>
#include <doca_types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct doca_buf;

/* soft: not supported */
DOCA_STABLE doca_error_t doca_buf_set_data(struct doca_buf *buf, void *data, size_t data_len);
/* soft: not supported */
DOCA_STABLE doca_error_t doca_buf_chain_list(struct doca_buf *list, struct doca_buf *more);

#ifdef __cplusplus
}
#endif

#endif
