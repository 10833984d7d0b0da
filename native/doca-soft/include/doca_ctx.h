/* Contexts of tasks. Declared so that programs link: each function answers DOCA_ERROR_NOT_SUPPORTED. */
#ifndef DOCA_CTX_H_
#define DOCA_CTX_H_

#include <doca_compat.h>
#include <doca_error.h>
#include <doca_types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct doca_ctx;

enum doca_ctx_states {
	DOCA_CTX_STATE_IDLE = 0,
	DOCA_CTX_STATE_STARTING = 1,
	DOCA_CTX_STATE_RUNNING = 2,
	DOCA_CTX_STATE_STOPPING = 3,
};

/* soft: not supported */
DOCA_STABLE doca_error_t doca_ctx_start(struct doca_ctx *ctx);
/* soft: not supported */
DOCA_STABLE doca_error_t doca_ctx_stop(struct doca_ctx *ctx);
/* soft: not supported */
DOCA_STABLE doca_error_t doca_ctx_get_state(const struct doca_ctx *ctx, enum doca_ctx_states *state);
/* soft: not supported */
DOCA_STABLE doca_error_t doca_ctx_set_user_data(struct doca_ctx *ctx, union doca_data user_data);
/* soft: not supported */
DOCA_STABLE doca_error_t doca_ctx_get_user_data(const struct doca_ctx *ctx, union doca_data *user_data);

#ifdef __cplusplus
}
#endif

#endif
