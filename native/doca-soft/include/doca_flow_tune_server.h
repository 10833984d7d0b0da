/* The tune server. It can be configured, but there is none: doca_flow_tune_server_init answers DOCA_ERROR_NOT_SUPPORTED. */
#ifndef DOCA_FLOW_TUNE_SERVER_H_
#define DOCA_FLOW_TUNE_SERVER_H_

#include <doca_compat.h>
#include <doca_error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct doca_flow_tune_server_cfg;

/* soft: no effect */
DOCA_EXPERIMENTAL doca_error_t doca_flow_tune_server_cfg_create(struct doca_flow_tune_server_cfg **cfg);
/* soft: no effect */
DOCA_EXPERIMENTAL doca_error_t doca_flow_tune_server_cfg_set_cfg_file_path(struct doca_flow_tune_server_cfg *cfg,
									   const char *path);
/* soft: no effect */
DOCA_EXPERIMENTAL doca_error_t doca_flow_tune_server_cfg_destroy(struct doca_flow_tune_server_cfg *cfg);
/* soft: not supported */
DOCA_EXPERIMENTAL doca_error_t doca_flow_tune_server_init(struct doca_flow_tune_server_cfg *cfg);
/* soft: no effect */
DOCA_EXPERIMENTAL void doca_flow_tune_server_destroy(void);

#ifdef __cplusplus
}
#endif

#endif
