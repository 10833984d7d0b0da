// The API's functions doca_flow_port_*, and those of doca_soft.h.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include <doca_soft.h>
#include <rte_ethdev.h>

#include "api.h"
#include "entropy.h"
#include "library.h"
#include "log.h"
#include "release.h"

using namespace soft;

struct doca_flow_port_cfg {
	int port_id = -1;
	doca_dev *dev = nullptr;
	doca_dev_rep *rep = nullptr;
	uint16_t priv_data_octets = 0;
	uint32_t psp_slots = 0;
	doca_flow_port_operation_state state = DOCA_FLOW_PORT_OPERATION_STATE_ACTIVE;
	uint32_t counters = 0;
	uint32_t meters = 0;
};

// Whether traffic goes through the pipes of a port in this state. Only one program can have a device here, so that a port which is to
// take over at once, or one that is to be ready for another's end, is the one that counts.
static bool is_connected(doca_flow_port_operation_state state)
{
	return state != DOCA_FLOW_PORT_OPERATION_STATE_UNCONNECTED;
}

doca_error_t doca_flow_port_cfg_create(struct doca_flow_port_cfg **cfg)
try {
	REQUIRE(cfg != nullptr);
	*cfg = new doca_flow_port_cfg();
	return DOCA_SUCCESS;
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

doca_error_t doca_flow_port_cfg_destroy(struct doca_flow_port_cfg *cfg)
{
	REQUIRE(cfg != nullptr);
	delete cfg;
	return DOCA_SUCCESS;
}

#if DOCA_SOFT_RELEASE_ >= 300
doca_error_t doca_flow_port_cfg_set_port_id(struct doca_flow_port_cfg *cfg, uint16_t port_id)
{
	REQUIRE(cfg != nullptr);
	cfg->port_id = port_id;
	return DOCA_SUCCESS;
}
#endif

// Up to 2.10 they are the port's number; later ones are a driver's, and have no effect.
doca_error_t doca_flow_port_cfg_set_devargs(struct doca_flow_port_cfg *cfg, const char *devargs)
{
	REQUIRE(cfg != nullptr && devargs != nullptr);
	if (!PORT_NUMBER_IN_DEVARGS)
		return DOCA_SUCCESS;
	char *end = nullptr;
	const long number = strtol(devargs, &end, 10);
	if (end == devargs || *end != '\0' || number < 0 || number > UINT16_MAX)
		return not_supported("devargs of a port other than its number");
	cfg->port_id = static_cast<int>(number);
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_port_cfg_set_dev(struct doca_flow_port_cfg *cfg, struct doca_dev *dev)
{
	REQUIRE(cfg != nullptr);
	cfg->dev = dev;
	return DOCA_SUCCESS;
}

#if DOCA_SOFT_RELEASE_ >= 300
doca_error_t doca_flow_port_cfg_set_dev_rep(struct doca_flow_port_cfg *cfg, struct doca_dev_rep *dev_rep)
{
	REQUIRE(cfg != nullptr);
	cfg->rep = dev_rep;
	return DOCA_SUCCESS;
}
#endif

#if DOCA_SOFT_RELEASE_ >= 210
doca_error_t doca_flow_port_cfg_set_actions_mem_size(struct doca_flow_port_cfg *cfg, uint32_t size)
{
	REQUIRE(cfg != nullptr && size >= 64 && (size & (size - 1)) == 0);
	return DOCA_SUCCESS;
}
#endif

doca_error_t doca_flow_port_cfg_set_operation_state(struct doca_flow_port_cfg *cfg, enum doca_flow_port_operation_state state)
{
	REQUIRE(cfg != nullptr && state >= DOCA_FLOW_PORT_OPERATION_STATE_ACTIVE &&
		state <= DOCA_FLOW_PORT_OPERATION_STATE_UNCONNECTED);
	cfg->state = state;
	return DOCA_SUCCESS;
}

#if DOCA_SOFT_RELEASE_ < 303
doca_error_t doca_flow_port_cfg_set_rss_cfg(struct doca_flow_port_cfg *cfg, const struct doca_flow_resource_rss_cfg *rss)
{
	REQUIRE(cfg != nullptr && rss != nullptr);
	return not_supported("doca_flow_port_cfg_set_rss_cfg");
}
#endif

doca_error_t doca_flow_port_cfg_set_priv_data_size(struct doca_flow_port_cfg *cfg, uint16_t size)
{
	REQUIRE(cfg != nullptr);
	cfg->priv_data_octets = size;
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_port_cfg_set_service_threads_core(struct doca_flow_port_cfg *cfg, uint32_t)
{
	REQUIRE(cfg != nullptr);
	return DOCA_SUCCESS;
}

// The period has no effect, because counters are always up to date.
doca_error_t doca_flow_port_cfg_set_service_threads_cycle(struct doca_flow_port_cfg *cfg, uint32_t)
{
	REQUIRE(cfg != nullptr);
	return DOCA_SUCCESS;
}

#if DOCA_SOFT_RELEASE_ >= 302
doca_error_t doca_flow_port_cfg_set_nr_resources(struct doca_flow_port_cfg *cfg, enum doca_flow_resource type,
						 uint32_t nr_resources)
{
	REQUIRE(cfg != nullptr);
	if (type == DOCA_FLOW_RESOURCE_PSP)
		cfg->psp_slots = nr_resources;
	else if (type == DOCA_FLOW_RESOURCE_COUNTER)
		cfg->counters = nr_resources;
	else if (type == DOCA_FLOW_RESOURCE_METER && nr_resources <= METERS_MAX)
		cfg->meters = nr_resources;
	else if (type != DOCA_FLOW_RESOURCE_RSS && nr_resources > 0)
		return not_supported("%u port resources of type %d", nr_resources, type);
	return DOCA_SUCCESS;
}
#endif

// Those of the library, or of the port.
static std::shared_ptr<SharedMonitors> shared_monitors_of(const doca_flow_port_cfg &cfg)
{
	if (!library->cfg.port_resources)
		return library->shared;
	return std::make_shared<SharedMonitors>(SharedMonitors::Room{0, std::min(cfg.counters, SHARED_COUNTERS_MAX)},
						SharedMonitors::Room{0, std::min(cfg.meters, SHARED_METERS_MAX)});
}

doca_error_t doca_flow_port_start(const struct doca_flow_port_cfg *cfg, struct doca_flow_port **port)
try {
	REQUIRE(cfg != nullptr && port != nullptr && cfg->port_id >= 0);
	if (library == nullptr)
		return DOCA_ERROR_BAD_STATE;
	const auto dpdk_port = static_cast<uint16_t>(cfg->port_id);
	Device *device = device_of_port(dpdk_port);
	if (device == nullptr)
		return invalid("port %u is not one that doca_dpdk_port_probe made", dpdk_port);
	const doca_flow_cfg &global = library->cfg;
	const bool is_switch = dpdk_port == device->first_port();
	if (global.mode == Mode::VNF && !is_switch)
		return not_supported("port %u in mode vnf: it is a representor's", dpdk_port);
	if (cfg->dev == nullptr && cfg->rep == nullptr && (is_switch || !PORT_ID_IS_ENOUGH))
		return invalid("port %u: neither dev nor dev_rep is given", dpdk_port);
	std::lock_guard<std::mutex> guard(library->mutex);
	for (const doca_flow_port *other : library->ports) {
		if (other->dpdk_port == dpdk_port)
			return DOCA_ERROR_ALREADY_EXIST;
	}
	if (!is_switch && !device->running())
		return invalid("port %u is a representor; its device's PF starts first", dpdk_port);
	auto started = std::make_unique<doca_flow_port>();
	started->device = device;
	started->dpdk_port = dpdk_port;
	started->is_switch = is_switch;
	started->priv_data.resize(cfg->priv_data_octets);
	// Allocates before the port starts: a port that is started must be in the list.
	library->ports.reserve(library->ports.size() + 1);
	if (is_switch) {
		started->psp_slots = cfg->psp_slots;
		started->psp_taken.resize(size_t{cfg->psp_slots} + 1);
		const uint32_t slots = global.port_resources ? cfg->psp_slots + 1 : global.psp_slots;
		std::shared_ptr<Worker> worker = library->worker.lock();
		if (worker == nullptr)
			worker = std::make_shared<Worker>(device->core());
		// Packets go from one port's pipes to another's in one thread.
		if (global.mode == Mode::VNF)
			library->worker = worker;
		const uint32_t meters = global.port_resources ? cfg->meters : global.meters;
		device->start({global.mode, global.pipe_queues, global.queue_depth, slots, meters, shared_monitors_of(*cfg)},
			      std::move(worker));
		const bool connected = is_connected(cfg->state);
		device->run([&] { device->datapath().connected = connected; });
		device->switch_port = started.get();
	}
	library->ports.push_back(started.get());
	*port = started.release();
	return DOCA_SUCCESS;
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

doca_error_t doca_flow_port_stop(struct doca_flow_port *port)
{
	REQUIRE(port != nullptr);
	if (library == nullptr)
		return DOCA_ERROR_BAD_STATE;
	std::lock_guard<std::mutex> guard(library->mutex);
	auto &ports = library->ports;
	if (port->is_switch) {
		const bool others = std::any_of(ports.begin(), ports.end(), [port](const doca_flow_port *other) {
			return other != port && other->device == port->device;
		});
		if (others)
			return DOCA_ERROR_IN_USE;
		std::vector<RemovedEntry> gone = std::move(port->device->removed_entries);
		if (port->device->reports_removed()) {
			for (const DevicePipe &pipe : port->device->pipes)
				pipe->append_installed(gone);
		}
		port->device->stop();
		report_removed(gone);
		port->device->switch_port = nullptr;
		library->shared->counters.unbind(port->device);
		library->shared->meters.unbind(port->device);
		std::replace(library->psp_owner.begin(), library->psp_owner.end(), port->device, static_cast<Device *>(nullptr));
		std::replace(library->mirror_owner.begin(), library->mirror_owner.end(), port->device,
			     static_cast<Device *>(nullptr));
	}
	ports.erase(std::find(ports.begin(), ports.end(), port));
	delete port;
	return DOCA_SUCCESS;
}

uint8_t *doca_flow_port_priv_data(struct doca_flow_port *port)
{
	return port == nullptr ? nullptr : port->priv_data.data();
}

// Up to 3.0 called once for a pair, later for each of its directions. Whether ports are paired decides nothing here.
doca_error_t doca_flow_port_pair(struct doca_flow_port *port, struct doca_flow_port *pair)
{
	REQUIRE(port != nullptr && pair != nullptr && port != pair);
	if (library == nullptr)
		return DOCA_ERROR_BAD_STATE;
	return library->cfg.mode == Mode::VNF ? DOCA_SUCCESS : not_supported("doca_flow_port_pair: it belongs to mode vnf");
}

struct doca_flow_port *doca_flow_port_switch_get(const struct doca_flow_port *port)
{
	if (port != nullptr)
		return port->device->switch_port;
	if (library == nullptr)
		return nullptr;
	std::lock_guard<std::mutex> guard(library->mutex);
	for (doca_flow_port *started : library->ports) {
		if (started->is_switch)
			return started;
	}
	return nullptr;
}

void doca_flow_port_pipes_flush(struct doca_flow_port *port)
{
	if (port == nullptr || !port->is_switch)
		return;
	Device &device = *port->device;
	device.run([&device] {
		if (device.reports_removed()) {
			for (const DevicePipe &pipe : device.pipes)
				pipe->append_installed(device.removed_entries);
		}
		device.remove_pipes();
	});
	if (device.completions() == Completions::INSIDE)
		report_removed(std::exchange(device.removed_entries, {}));
}

doca_error_t doca_flow_port_operation_state_modify(struct doca_flow_port *port, enum doca_flow_port_operation_state state)
{
	REQUIRE(port != nullptr && state >= DOCA_FLOW_PORT_OPERATION_STATE_ACTIVE &&
		state <= DOCA_FLOW_PORT_OPERATION_STATE_UNCONNECTED);
	if (!port->is_switch)
		return not_supported("doca_flow_port_operation_state_modify of a representor's port");
	Device &device = *port->device;
	device.run([&] { device.datapath().connected = is_connected(state); });
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_port_calc_entropy(struct doca_flow_port *port, struct doca_flow_entropy_format *header, uint16_t *entropy)
{
	REQUIRE(port != nullptr && header != nullptr && entropy != nullptr);
	EntropyFields fields{};
	if (header->l3_type == DOCA_FLOW_L3_TYPE_IP4) {
		memcpy(fields.destination + 12, &header->ip4.dst_ip, 4);
		memcpy(fields.source + 12, &header->ip4.src_ip, 4);
		fields.protocol = header->ip4.next_proto;
	} else {
		memcpy(fields.destination, header->ip6.dst_ip, 16);
		memcpy(fields.source, header->ip6.src_ip, 16);
		fields.protocol = header->ip6.next_proto;
	}
	if (has_ports(*header)) {
		memcpy(fields.destination_port, &header->transport.dst_port, 2);
		memcpy(fields.source_port, &header->transport.src_port, 2);
	}
	if (fields.protocol == 0)
		fields.protocol = protocol_by_type(*header);
	store16(reinterpret_cast<uint8_t *>(entropy), device_entropy(fields));
	return DOCA_SUCCESS;
}

#if DOCA_SOFT_RELEASE_ < 301
void doca_flow_port_pipes_dump(struct doca_flow_port *port, FILE *file)
{
	if (port == nullptr)
		return;
	for (const DevicePipe &pipe : port->device->pipes)
		doca_flow_pipe_dump(pipe.get(), file);
}
#endif

#if DOCA_SOFT_RELEASE_ >= 302
doca_error_t doca_flow_port_update_default_miss(struct doca_flow_port *port, enum doca_flow_port_default_miss_type type, bool)
{
	REQUIRE(port != nullptr);
	return not_supported("doca_flow_port_update_default_miss to %d", type);
}

doca_error_t doca_flow_port_query_default_miss(struct doca_flow_port *port, struct doca_flow_resource_query *query)
{
	REQUIRE(port != nullptr && query != nullptr);
	return not_supported("doca_flow_port_query_default_miss");
}
#endif

doca_error_t doca_soft_quiesce(uint32_t timeout_ms)
{
	for (Device *device : open_devices()) {
		if (!device->quiesce(timeout_ms))
			return DOCA_ERROR_TIME_OUT;
	}
	return DOCA_SUCCESS;
}

doca_error_t doca_soft_get_set_up(uint16_t dpdk_port_id, struct doca_soft_set_up *set_up)
{
	REQUIRE(set_up != nullptr);
	Device *device = device_of_port(dpdk_port_id);
	if (device == nullptr || !device->running())
		return DOCA_ERROR_NOT_FOUND;
	*set_up = {};
	set_up->promiscuous = rte_eth_promiscuous_get(device->first_port());
	for (const uint16_t queue : library->cfg.default_rss) {
		if (set_up->default_rss_count < DOCA_SOFT_DEFAULT_RSS_MAX)
			set_up->default_rss[set_up->default_rss_count++] = queue;
	}
	const doca_flow_pipe *root = device->datapath().egress_root;
	set_up->egress_root_domain = root == nullptr ? -1 : static_cast<int>(root->domain);
	return DOCA_SUCCESS;
}

doca_error_t doca_soft_kernel_drops(uint16_t dpdk_port_id, uint64_t *packets)
{
	Device *device = device_of_port(dpdk_port_id);
	if (device == nullptr || !device->running())
		return DOCA_ERROR_NOT_FOUND;
	device->run([&] { *packets = device->datapath().counts.kernel_drops; });
	return DOCA_SUCCESS;
}

doca_error_t doca_soft_rss_packets(uint16_t dpdk_port_id, uint64_t *packets)
{
	Device *device = device_of_port(dpdk_port_id);
	if (device == nullptr || !device->running())
		return DOCA_ERROR_NOT_FOUND;
	*packets = device->datapath().to_application.packets.load(std::memory_order_acquire);
	return DOCA_SUCCESS;
}
