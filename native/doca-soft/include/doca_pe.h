/* Progress of contexts. Declared so that programs link: each function answers DOCA_ERROR_NOT_SUPPORTED. */
#ifndef DOCA_PE_H_
#define DOCA_PE_H_

#include <doca_compat.h>
#include <doca_ctx.h>
#include <doca_error.h>
#include <doca_types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct doca_pe;

/* soft: not supported */
DOCA_STABLE doca_error_t doca_pe_create(struct doca_pe **pe);
/* soft: not supported */
DOCA_STABLE doca_error_t doca_pe_destroy(struct doca_pe *pe);
/* soft: not supported */
DOCA_STABLE doca_error_t doca_pe_connect_ctx(struct doca_pe *pe, struct doca_ctx *ctx);
/* Returns whether there was progress. */
/* soft: never */
DOCA_STABLE uint8_t doca_pe_progress(struct doca_pe *pe);

#ifdef __cplusplus
}
#endif

#endif
