/*
 * A PSP tunnel with itself, in DOCA Flow's own API: packets of the VF are encapsulated, encrypted and sent to the uplink; what
 * comes in there is decrypted, checked against the session and given back to the VF. With an uplink that returns what it is
 * given (a cable, or net_ring of the software DOCA) every packet comes back as it was.
 *
 *     psp_pipeline PCI PACKETS [EAL arguments]
 *
 * ends when so many packets have come in by the uplink, or after ten seconds and then with 1, and prints its counters. Crypto
 * stands in the pipes' actions, and releases.h has what differs between releases.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <doca_dev.h>
#include <doca_dpdk.h>
#include <doca_flow.h>
#include <doca_log.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>

#define PROGRAM "psp_pipeline"
#include "devices.h"
#include "releases.h"

#define INNER_SOURCE 0x0a000001u
#define INNER_DESTINATION 0x0a000002u
#define CRYPTO_ID 1u
#define ENTRY_QUEUE 0
#define HEADER_OCTETS 78

static const uint8_t outer_addresses[32] = {0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
					    0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};

/* ---- Ports ---- */

static uint16_t pf, vf;
/* Looks at no field. */
static const struct doca_flow_match everything;
static struct doca_flow_port *switch_port;

static struct doca_dev_rep *open_first_representor(struct doca_dev *dev)
{
	struct doca_devinfo_rep **list;
	struct doca_dev_rep *rep;
	uint32_t count;
	must(doca_devinfo_rep_create_list(dev, DOCA_DEVINFO_REP_FILTER_NET, &list, &count), "list of representors");
	if (count == 0)
		must(DOCA_ERROR_NOT_FOUND, "a representor");
	must(doca_dev_rep_open(list[0], &rep), "open representor");
	doca_devinfo_rep_destroy_list(list);
	return rep;
}

static struct doca_flow_port *start_flow_port(uint16_t id, struct doca_dev *dev, struct doca_dev_rep *rep)
{
	struct doca_flow_port_cfg *cfg;
	struct doca_flow_port *port;
	must(doca_flow_port_cfg_create(&cfg), "port cfg");
	must(set_port(cfg, id, dev, rep), "port");
	must(set_actions_memory(cfg, 1 << 20), "actions memory");
	must(doca_flow_port_start(cfg, &port), "port start");
	doca_flow_port_cfg_destroy(cfg);
	return port;
}

/* ---- Entries ---- */

static int entries_failed;

static void entry_done(struct doca_flow_pipe_entry *entry, uint16_t queue, enum doca_flow_entry_status status,
		       enum doca_flow_entry_op op, void *user_ctx)
{
	(void)entry;
	(void)queue;
	(void)op;
	(void)user_ctx;
	if (status != DOCA_FLOW_ENTRY_STATUS_SUCCESS)
		entries_failed++;
}

static void wait_for_entries(void)
{
	must(doca_flow_entries_process(switch_port, ENTRY_QUEUE, 1000000, 0), "process entries");
	if (entries_failed > 0)
		must(DOCA_ERROR_DRIVER, "an entry");
}

/* ---- Pipes ---- */

struct pipe_options {
	const char *name;
	enum doca_flow_pipe_type type;
	enum doca_flow_pipe_domain domain;
	bool is_root;
	const struct doca_flow_match *match;
	struct doca_flow_actions *actions;
	const struct doca_flow_fwd *fwd;
	const struct doca_flow_fwd *miss;
};

static struct doca_flow_pipe *create_pipe(const struct pipe_options *options)
{
	struct doca_flow_pipe_cfg *cfg;
	struct doca_flow_pipe *pipe;
	struct doca_flow_monitor count;
	memset(&count, 0, sizeof(count));
	count.counter_type = DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
	must(doca_flow_pipe_cfg_create(&cfg, switch_port), options->name);
	must(doca_flow_pipe_cfg_set_name(cfg, options->name), options->name);
	must(doca_flow_pipe_cfg_set_type(cfg, options->type), options->name);
	must(doca_flow_pipe_cfg_set_domain(cfg, options->domain), options->name);
	must(doca_flow_pipe_cfg_set_is_root(cfg, options->is_root), options->name);
	must(doca_flow_pipe_cfg_set_nr_entries(cfg, 8), options->name);
	if (options->match != NULL)
		must(doca_flow_pipe_cfg_set_match(cfg, options->match, NULL), options->name);
	if (options->actions != NULL)
		must(doca_flow_pipe_cfg_set_actions(cfg, &options->actions, NULL, NULL, 1), options->name);
	if (options->type == DOCA_FLOW_PIPE_BASIC)
		must(doca_flow_pipe_cfg_set_monitor(cfg, &count), options->name);
	must(doca_flow_pipe_create(cfg, options->fwd, options->miss, &pipe), options->name);
	doca_flow_pipe_cfg_destroy(cfg);
	return pipe;
}

static struct doca_flow_pipe_entry *add_entry(struct doca_flow_pipe *pipe, const struct doca_flow_match *match,
					      const struct doca_flow_actions *actions)
{
	struct doca_flow_pipe_entry *entry;
	must(add_to_basic(ENTRY_QUEUE, pipe, match, actions, &entry), "entry");
	return entry;
}

static void add_root_entry(struct doca_flow_pipe *root, uint32_t priority, const struct doca_flow_match *match,
			   const struct doca_flow_match *mask, const struct doca_flow_fwd *fwd)
{
	struct doca_flow_pipe_entry *entry;
	must(add_to_control(ENTRY_QUEUE, priority, root, match, mask, fwd, &entry), "root entry");
}

static uint64_t packets_of(struct doca_flow_pipe_entry *entry)
{
	struct doca_flow_resource_query query;
	must(doca_flow_resource_query_entry(entry, &query), "query");
	return query.counter.total_pkts;
}

/* The outer headers: Ethernet, IPv6, UDP to port 1000, PSP version 1. The device fills in the rest. */
static void fill_header(uint8_t *header, uint32_t spi)
{
	static const uint8_t ethernet[14] = {2, 0, 0, 0, 0, 0xb0, 2, 0, 0, 0, 0, 0xa0, 0x86, 0xdd};
	const uint32_t spi_be = htonl(spi);
	memset(header, 0, HEADER_OCTETS);
	memcpy(header, ethernet, sizeof(ethernet));
	header[14] = 0x60;
	header[20] = 17;
	header[21] = 50;
	memcpy(header + 22, outer_addresses, sizeof(outer_addresses));
	header[56] = 1000 >> 8;
	header[57] = 1000 & 0xff;
	header[62] = 4; /* IPv4 inside */
	header[63] = 1;
	header[65] = 1 << 2 | 1;
	memcpy(header + 66, &spi_be, sizeof(spi_be));
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: psp_pipeline PCI PACKETS [EAL arguments]\n");
		return 2;
	}
	const uint64_t wanted = strtoull(argv[2], NULL, 10);
	struct doca_log_backend *log;
	must(doca_log_backend_create_with_file_sdk(stderr, &log), "log");

	char *eal[32] = {argv[0], "-a00:00.0"};
	int eal_count = 2;
	for (int i = 3; i < argc && eal_count < 32; i++)
		eal[eal_count++] = argv[i];
	if (rte_eal_init(eal_count, eal) < 0)
		must(DOCA_ERROR_INITIALIZATION, "EAL");

	struct doca_dev *dev = open_device(argv[1]);
	struct doca_dev_rep *rep = open_first_representor(dev);
	must(probe(dev, rep, "dv_flow_en=2,dv_xmeta_en=4,fdb_def_rule_en=0"), "probe");
	must(doca_dpdk_get_first_port_id(dev, &pf), "port id");
	vf = pf + 1;
	start_dpdk_port(pf);

	struct doca_flow_cfg *cfg;
	must(doca_flow_cfg_create(&cfg), "cfg");
	must(doca_flow_cfg_set_pipe_queues(cfg, 1), "pipe queues");
	must(doca_flow_cfg_set_mode_args(cfg, "switch,hws,isolated,expert"), "mode");
	must(doca_flow_cfg_set_nr_counters(cfg, 64), "counters");
	must(doca_flow_cfg_set_nr_shared_resource(cfg, CRYPTO_ID + 1, DOCA_FLOW_SHARED_RESOURCE_PSP), "key slots");
	must(doca_flow_cfg_set_cb_entry_process(cfg, entry_done), "callback");
	must(doca_flow_init(cfg), "init");
	doca_flow_cfg_destroy(cfg);
	struct doca_flow_port *pf_port = start_flow_port(pf, dev, NULL);
	struct doca_flow_port *vf_port = start_flow_port(vf, dev, rep);
	switch_port = doca_flow_port_switch_get(NULL);

	/* The key comes from this device's own master key, because the device is its own peer. */
	struct doca_flow_crypto_psp_spi_key_bulk *bulk;
	uint32_t spi, key[8], crypto_id = CRYPTO_ID;
	must(doca_flow_crypto_psp_master_key_rotate(switch_port), "rotate");
	must(doca_flow_crypto_psp_master_key_rotate(switch_port), "rotate");
	must(doca_flow_crypto_psp_spi_key_bulk_alloc(switch_port, DOCA_FLOW_CRYPTO_KEY_256, 1, &bulk), "bulk");
	must(doca_flow_crypto_psp_spi_key_bulk_generate(bulk), "generate");
	must(doca_flow_crypto_psp_spi_key_bulk_get(bulk, 0, &spi, key), "get");
	must(doca_flow_shared_resources_bind(DOCA_FLOW_SHARED_RESOURCE_PSP, &crypto_id, 1, pf_port), "bind");
	struct doca_flow_shared_resource_cfg slot;
	memset(&slot, 0, sizeof(slot));
	slot.psp_cfg.key_cfg.key_type = DOCA_FLOW_CRYPTO_KEY_256;
	slot.psp_cfg.key_cfg.key = key;
	must(doca_flow_shared_resource_set_cfg(DOCA_FLOW_SHARED_RESOURCE_PSP, CRYPTO_ID, &slot), "key slot");
	memset(key, 0, sizeof(key));
	doca_flow_crypto_psp_spi_key_bulk_clear(bulk);
	doca_flow_crypto_psp_spi_key_bulk_free(bulk);

	const struct doca_flow_fwd drop = {.type = DOCA_FLOW_FWD_DROP};
	struct doca_flow_fwd to_wire, to_vf, to_pipe;
	memset(&to_wire, 0, sizeof(to_wire));
	to_wire.type = DOCA_FLOW_FWD_PORT;
	to_wire.port_id = pf;
	to_vf = to_wire;
	to_vf.port_id = vf;
	memset(&to_pipe, 0, sizeof(to_pipe));
	to_pipe.type = DOCA_FLOW_FWD_PIPE;

	/* Egress: match the inner addresses of the session, then encapsulate and encrypt. */
	struct doca_flow_match match;
	struct doca_flow_actions actions;
	memset(&match, 0, sizeof(match));
	match.outer.l3_type = DOCA_FLOW_L3_TYPE_IP4;
	match.parser_meta.outer_l3_type = DOCA_FLOW_L3_META_IPV4;
	match.outer.ip4.src_ip = UINT32_MAX;
	match.outer.ip4.dst_ip = UINT32_MAX;
	memset(&actions, 0, sizeof(actions));
	actions.has_crypto_encap = true;
	actions.crypto_encap.action_type = DOCA_FLOW_CRYPTO_REFORMAT_ENCAP;
	actions.crypto_encap.net_type = DOCA_FLOW_CRYPTO_HEADER_PSP_TUNNEL;
	actions.crypto_encap.icv_size = 16;
	actions.crypto_encap.data_size = HEADER_OCTETS;
	memset(actions.crypto_encap.encap_data, 0xff, HEADER_OCTETS);
	actions.crypto.action_type = DOCA_FLOW_CRYPTO_ACTION_ENCRYPT;
	actions.crypto.resource_type = DOCA_FLOW_CRYPTO_RESOURCE_PSP;
	actions.crypto.crypto_id = UINT32_MAX;
	struct doca_flow_pipe *encrypt = create_pipe(&(struct pipe_options){
		"ENCRYPT", DOCA_FLOW_PIPE_BASIC, DOCA_FLOW_PIPE_DOMAIN_SECURE_EGRESS, false, &match, &actions, &to_wire, &drop});
	memset(&match, 0, sizeof(match));
	match.outer.ip4.src_ip = htonl(INNER_SOURCE);
	match.outer.ip4.dst_ip = htonl(INNER_DESTINATION);
	memset(&actions.crypto_encap.encap_data, 0, sizeof(actions.crypto_encap.encap_data));
	fill_header(actions.crypto_encap.encap_data, spi);
	actions.crypto.crypto_id = CRYPTO_ID;
	struct doca_flow_pipe_entry *encrypted = add_entry(encrypt, &match, &actions);

	to_pipe.next_pipe = encrypt;
	struct doca_flow_pipe *egress_root = create_pipe(&(struct pipe_options){
		"EGRESS_ROOT", DOCA_FLOW_PIPE_BASIC, DOCA_FLOW_PIPE_DOMAIN_EGRESS, true, &everything, NULL, &to_pipe, &drop});
	add_entry(egress_root, NULL, NULL);

	/* Ingress, from its end: packets that did not authenticate, the session, decryption. */
	memset(&match, 0, sizeof(match));
	match.parser_meta.psp_syndrome = UINT8_MAX;
	struct doca_flow_pipe *syndrome = create_pipe(&(struct pipe_options){
		"SYNDROME", DOCA_FLOW_PIPE_BASIC, DOCA_FLOW_PIPE_DOMAIN_SECURE_INGRESS, false, &match, NULL, &drop, &drop});
	match.parser_meta.psp_syndrome = DOCA_FLOW_CRYPTO_SYNDROME_ICV_FAIL;
	struct doca_flow_pipe_entry *refused = add_entry(syndrome, &match, NULL);

	const struct doca_flow_fwd to_syndrome = {.type = DOCA_FLOW_FWD_PIPE, .next_pipe = syndrome};
	struct doca_flow_match mask;
	memset(&match, 0, sizeof(match));
	memset(&actions, 0, sizeof(actions));
	match.tun.type = DOCA_FLOW_TUN_PSP;
	match.tun.psp.spi = UINT32_MAX;
	match.parser_meta.psp_syndrome = UINT8_MAX;
	match.inner.l3_type = DOCA_FLOW_L3_TYPE_IP4;
	match.inner.ip4.src_ip = UINT32_MAX;
	match.inner.ip4.dst_ip = UINT32_MAX;
	actions.has_crypto_encap = true;
	actions.crypto_encap.action_type = DOCA_FLOW_CRYPTO_REFORMAT_DECAP;
	actions.crypto_encap.net_type = DOCA_FLOW_CRYPTO_HEADER_PSP_TUNNEL;
	actions.crypto_encap.icv_size = 16;
	actions.crypto_encap.data_size = 14;
	memset(actions.crypto_encap.encap_data, 0xff, 14);
	struct doca_flow_pipe *acl = create_pipe(&(struct pipe_options){"ACL", DOCA_FLOW_PIPE_BASIC,
									DOCA_FLOW_PIPE_DOMAIN_SECURE_INGRESS, false, &match,
									&actions, &to_vf, &to_syndrome});
	match.tun.psp.spi = htonl(spi);
	match.parser_meta.psp_syndrome = DOCA_FLOW_CRYPTO_SYNDROME_OK;
	match.inner.ip4.src_ip = htonl(INNER_SOURCE);
	match.inner.ip4.dst_ip = htonl(INNER_DESTINATION);
	static const uint8_t inner_ethernet[14] = {2, 0, 0, 0, 0, 0xd1, 2, 0, 0, 0, 0, 0xa0, 0x08, 0x00};
	memcpy(actions.crypto_encap.encap_data, inner_ethernet, sizeof(inner_ethernet));
	struct doca_flow_pipe_entry *delivered = add_entry(acl, &match, &actions);

	memset(&actions, 0, sizeof(actions));
	actions.crypto.action_type = DOCA_FLOW_CRYPTO_ACTION_DECRYPT;
	actions.crypto.resource_type = DOCA_FLOW_CRYPTO_RESOURCE_PSP;
	actions.crypto.crypto_id = DOCA_FLOW_PSP_DECRYPTION_ID;
	to_pipe.next_pipe = acl;
	struct doca_flow_pipe *decrypt = create_pipe(&(struct pipe_options){"DECRYPT", DOCA_FLOW_PIPE_BASIC,
									    DOCA_FLOW_PIPE_DOMAIN_SECURE_INGRESS, false,
									    &everything, &actions, &to_pipe, &drop});
	add_entry(decrypt, NULL, &actions);

	/* The root comes last, so that no packet comes before all pipes exist. */
	struct doca_flow_pipe *root = create_pipe(&(struct pipe_options){
		"ROOT", DOCA_FLOW_PIPE_CONTROL, DOCA_FLOW_PIPE_DOMAIN_DEFAULT, true, NULL, NULL, NULL, NULL});
	memset(&match, 0, sizeof(match));
	memset(&mask, 0, sizeof(mask));
	match_port(&mask, UINT16_MAX);
	match_port(&match, vf);
	to_pipe.next_pipe = egress_root;
	add_root_entry(root, 1, &match, &mask, &to_pipe);
	match_port(&match, pf);
	match.parser_meta.outer_l4_type = DOCA_FLOW_L4_META_UDP;
	memset(&mask.parser_meta.outer_l4_type, 0xff, sizeof(mask.parser_meta.outer_l4_type));
	match.outer.l4_type_ext = DOCA_FLOW_L4_TYPE_EXT_UDP;
	match.outer.udp.l4_port.dst_port = htons(DOCA_FLOW_PSP_DEFAULT_PORT);
	mask.outer.l4_type_ext = DOCA_FLOW_L4_TYPE_EXT_UDP;
	mask.outer.udp.l4_port.dst_port = UINT16_MAX;
	to_pipe.next_pipe = decrypt;
	add_root_entry(root, 1, &match, &mask, &to_pipe);
	add_root_entry(root, 7, NULL, NULL, &drop);
	wait_for_entries();

	for (int i = 0; i < 1000 && packets_of(delivered) + packets_of(refused) < wanted; i++)
		rte_delay_us_sleep(10000);
	/* Counted packets may still be on their way out. */
	rte_delay_us_sleep(100000);
	printf("encrypted %lu\ndelivered %lu\nrefused %lu\n", (unsigned long)packets_of(encrypted),
	       (unsigned long)packets_of(delivered), (unsigned long)packets_of(refused));
	const int status = packets_of(delivered) + packets_of(refused) >= wanted ? 0 : 1;

	must(doca_flow_port_stop(vf_port), "stop VF");
	must(doca_flow_port_stop(pf_port), "stop PF");
	doca_flow_destroy();
	rte_eth_dev_stop(pf);
	doca_dev_rep_close(rep);
	doca_dev_close(dev);
	rte_eal_cleanup();
	return status;
}
