/*
 * Fields of a program's own. A program extends matches and actions by structures whose first member is doca_flow_match, or
 * doca_flow_actions, and says by definitions which field of a packet stands where behind it. Every match and every set of actions
 * that the program gives must be of such a structure then, masks and templates among them.
 */
#ifndef DOCA_FLOW_DEFINITIONS_H_
#define DOCA_FLOW_DEFINITIONS_H_

#include <doca_flow.h>

#ifdef __cplusplus
extern "C" {
#endif

DOCA_EXPERIMENTAL doca_error_t doca_flow_definitions_cfg_create(struct doca_flow_definitions_cfg **cfg);
DOCA_EXPERIMENTAL doca_error_t doca_flow_definitions_cfg_destroy(struct doca_flow_definitions_cfg *cfg);
DOCA_EXPERIMENTAL doca_error_t doca_flow_definitions_create(const struct doca_flow_definitions_cfg *cfg,
							    struct doca_flow_definitions **definitions);
DOCA_EXPERIMENTAL void doca_flow_definitions_destroy(struct doca_flow_definitions *definitions);

/* soft: "match.packet.tunnel.psp.dw6" to dw9, "actions.packet.tunnel.psp.dw6" to dw9, of 4 octets: words of the PSP header */
DOCA_EXPERIMENTAL doca_error_t doca_flow_definitions_add_field(struct doca_flow_definitions *definitions, const char *opcode,
							       uint32_t offset, uint32_t size);

#ifdef __cplusplus
}
#endif

#endif
