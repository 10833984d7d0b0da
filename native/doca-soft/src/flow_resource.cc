// The API's functions for shared resources (key slots, mirrors, counters, meters), and for keys of the PSP security protocol; of these
// one of doca_soft.h as well.
#include <cstring>
#include <memory>

#include <doca_soft.h>

#include "api.h"
#include "library.h"
#include "log.h"
#include "psp_header.h"
#include "release.h"

using namespace soft;

struct doca_flow_crypto_psp_spi_key_bulk {
	Device *device;
	uint32_t version;
	std::vector<uint32_t> spis;
	std::vector<uint8_t> keys;

	void wipe()
	{
		explicit_bzero(keys.data(), keys.size());
		std::fill(spis.begin(), spis.end(), 0);
	}
};

namespace {

doca_error_t set_psp(Device &device, uint32_t id, const doca_flow_shared_resource_cfg &cfg)
{
	const doca_flow_crypto_key_cfg &key = cfg.psp_cfg.key_cfg;
	if (key.key == nullptr)
		return invalid("key slot %u: no key", id);
	const uint32_t octets = key.key_type == DOCA_FLOW_CRYPTO_KEY_128 ? 16 : 32;
	if (DEFECTS && device.defect() == Defect::KEYS_KEPT && device.slots().get(id).octets != 0)
		return DOCA_SUCCESS;
	if (!device.slots().set(id, reinterpret_cast<const uint8_t *>(key.key), octets))
		return invalid("key slot %u; they are above 0 and below %u", id, device.slots().count());
	return DOCA_SUCCESS;
}

#if DOCA_SOFT_RELEASE_ < 302
// The device of a mirror, which is configured before it is bound: that of the ports and pipes that it names.
Device *device_of_mirror(const doca_flow_resource_mirror_cfg &mirror)
{
	for (int i = 0; i < mirror.nr_targets; i++) {
		const doca_flow_fwd &fwd = mirror.target[i].fwd;
		if (fwd.type == DOCA_FLOW_FWD_PIPE && fwd.next_pipe != nullptr)
			return fwd.next_pipe->device;
		if (fwd.type == DOCA_FLOW_FWD_PORT)
			return device_of_port(fwd.port_id);
	}
	if (mirror.fwd.type == DOCA_FLOW_FWD_PIPE && mirror.fwd.next_pipe != nullptr)
		return mirror.fwd.next_pipe->device;
	const doca_flow_port *any = doca_flow_port_switch_get(nullptr);
	return any == nullptr ? nullptr : any->device;
}

doca_error_t set_mirror(uint32_t id, const doca_flow_shared_resource_cfg &cfg)
{
	const doca_flow_resource_mirror_cfg &mirror = cfg.mirror_cfg;
	Device *const device = device_of_mirror(mirror);
	if (device == nullptr)
		return DOCA_ERROR_BAD_STATE;
	if (mirror.nr_targets < 1 || mirror.target == nullptr)
		return invalid("mirror %u: no targets", id);
	MirrorTargets targets;
	for (int i = 0; i < mirror.nr_targets; i++) {
		if (mirror.target[i].has_encap)
			return not_supported("mirror %u: a target with encapsulation", id);
		Forward forward;
		const doca_error_t result = read_forward(*device, &mirror.target[i].fwd, forward);
		if (result != DOCA_SUCCESS)
			return result;
		if (mirror.target[i].fwd.type == DOCA_FLOW_FWD_NONE || forward.kind == Forward::CHANGEABLE)
			return invalid("mirror %u: target %d has no forward", id, i);
		targets.targets.push_back(forward);
	}
	targets.has_original = mirror.fwd.type != DOCA_FLOW_FWD_NONE;
	if (targets.has_original) {
		const doca_error_t result = read_forward(*device, &mirror.fwd, targets.original);
		if (result != DOCA_SUCCESS)
			return result;
		if (targets.original.kind == Forward::CHANGEABLE)
			return invalid("mirror %u: its own forward must say where to", id);
	}
	device->run([&] { device->set_mirror(id, std::move(targets)); });
	return DOCA_SUCCESS;
}
#else
doca_error_t set_mirror(uint32_t, const doca_flow_shared_resource_cfg &)
{
	return DOCA_ERROR_NOT_SUPPORTED;
}
#endif

// Numbers begin with 0, unlike those of key slots and mirrors.
doca_error_t find_shared_rss(uint32_t id, SharedRss *&shared)
{
	if (id >= library->shared_rss.size())
		return invalid("shared RSS %u; they are below %zu", id, library->shared_rss.size());
	shared = &library->shared_rss[id];
	return DOCA_SUCCESS;
}

doca_error_t set_rss(uint32_t id, const doca_flow_resource_rss_cfg &rss)
{
	SharedRss *shared = nullptr;
	const doca_error_t result = find_shared_rss(id, shared);
	if (result != DOCA_SUCCESS)
		return result;
	if (rss.nr_queues < 1 || rss.queues_array == nullptr)
		return invalid("shared RSS %u: no queues", id);
	*shared = {true,
		   shared->is_bound,
		   rss.outer_flags,
		   rss.inner_flags,
		   rss.rss_hash_func,
		   std::vector<uint16_t>(rss.queues_array, rss.queues_array + rss.nr_queues)};
	return DOCA_SUCCESS;
}

doca_error_t bind_rss(const uint32_t *ids, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		SharedRss *shared = nullptr;
		const doca_error_t result = find_shared_rss(ids[i], shared);
		if (result != DOCA_SUCCESS)
			return result;
		shared->is_bound = true;
	}
	return DOCA_SUCCESS;
}

std::vector<Device *> *owners_of(doca_flow_shared_resource_type type)
{
	if (type == DOCA_FLOW_SHARED_RESOURCE_PSP)
		return &library->psp_owner;
	return is_mirror(type) ? &library->mirror_owner : nullptr;
}

bool is_monitor(doca_flow_shared_resource_type type)
{
	return type == DOCA_FLOW_SHARED_RESOURCE_COUNTER || type == DOCA_FLOW_SHARED_RESOURCE_METER;
}

doca_error_t not_there(doca_flow_shared_resource_type type, uint32_t id)
{
	return invalid("there is no shared %s %u", type == DOCA_FLOW_SHARED_RESOURCE_METER ? "meter" : "counter", id);
}

// One of the library's, or one that a port has handed out.
template <typename Resource> Resource *find(SharedTable<Resource> &table, uint32_t id, const doca_flow_port *port)
{
	return port == nullptr ? table.find(id) : table.find_bound(id, port->device);
}

SharedMonitors &shared_of(const doca_flow_port *port)
{
	return port == nullptr ? *library->shared : port->device->shared();
}

doca_error_t set_monitor(const doca_flow_port *port, doca_flow_shared_resource_type type, uint32_t id,
			 const doca_flow_shared_resource_cfg &cfg)
{
	SharedMonitors &shared = shared_of(port);
	// Of a counter nothing is to be said.
	if (type == DOCA_FLOW_SHARED_RESOURCE_COUNTER)
		return find(shared.counters, id, port) != nullptr ? DOCA_SUCCESS : not_there(type, id);
	SharedMeter *const meter = find(shared.meters, id, port);
	return meter != nullptr ? meter->configure(cfg.meter_cfg) : not_there(type, id);
}

doca_error_t bind_monitors(SharedMonitors &shared, doca_flow_shared_resource_type type, const uint32_t *ids, uint32_t count,
			   const Device *device)
{
	const bool bound = type == DOCA_FLOW_SHARED_RESOURCE_COUNTER ? shared.counters.bind(ids, count, device)
								     : shared.meters.bind(ids, count, device);
	return bound ? DOCA_SUCCESS : invalid("a shared counter or meter that is not there cannot be bound");
}

doca_error_t query_counters(const doca_flow_port *port, const uint32_t *ids, doca_flow_resource_query *queries, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const SharedCounter *const counter = find(shared_of(port).counters, ids[i], port);
		if (counter == nullptr)
			return not_there(DOCA_FLOW_SHARED_RESOURCE_COUNTER, ids[i]);
		counter->read(queries[i]);
	}
	return DOCA_SUCCESS;
}

} // namespace

doca_error_t doca_flow_shared_resource_set_cfg(enum doca_flow_shared_resource_type type, uint32_t id,
					       struct doca_flow_shared_resource_cfg *cfg)
try {
	REQUIRE(cfg != nullptr);
	if (library == nullptr)
		return DOCA_ERROR_BAD_STATE;
	if (is_monitor(type))
		return set_monitor(nullptr, type, id, *cfg);
	if (type == DOCA_FLOW_SHARED_RESOURCE_RSS)
		return set_rss(id, cfg->rss_cfg);
	std::vector<Device *> *owners = owners_of(type);
	if (owners == nullptr)
		return not_supported("shared resources of type %d", type);
	if (id == 0 || id >= owners->size())
		return invalid("shared resource %u of type %d; they are above 0 and below %zu", id, type, owners->size());
	if (is_mirror(type))
		return set_mirror(id, *cfg);
	Device *owner = (*owners)[id];
	if (owner == nullptr)
		return invalid("key slot %u is not bound to a port", id);
	return set_psp(*owner, id, *cfg);
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

doca_error_t doca_flow_shared_resources_bind(enum doca_flow_shared_resource_type type, uint32_t *ids, uint32_t count,
					     void *bindable)
{
	REQUIRE(ids != nullptr && count > 0);
	if (library == nullptr)
		return DOCA_ERROR_BAD_STATE;
	std::vector<Device *> *owners = owners_of(type);
	if (owners == nullptr && !is_monitor(type) && type != DOCA_FLOW_SHARED_RESOURCE_RSS)
		return not_supported("shared resources of type %d", type);
	// Any port may use them then.
	if (is_monitor(type) && bindable == nullptr)
		return bind_monitors(*library->shared, type, ids, count, nullptr);
	std::lock_guard<std::mutex> guard(library->mutex);
	// `bindable` is a port or one of its pipes; nullptr means the only device.
	Device *device = nullptr;
	for (const doca_flow_port *port : library->ports) {
		if (port == bindable || (bindable == nullptr && port->is_switch))
			device = port->device;
		for (const auto &pipe : port->device->pipes) {
			if (pipe.get() == bindable)
				device = port->device;
		}
	}
	if (device == nullptr)
		return invalid("shared resources are bound to a port or a pipe that is not there");
	if (is_monitor(type))
		return bind_monitors(*library->shared, type, ids, count, device);
	if (type == DOCA_FLOW_SHARED_RESOURCE_RSS)
		return bind_rss(ids, count);
	for (uint32_t i = 0; i < count; i++) {
		if (ids[i] == 0 || ids[i] >= owners->size())
			return invalid("shared resource %u of type %d; they are above 0 and below %zu", ids[i], type,
				       owners->size());
		(*owners)[ids[i]] = device;
	}
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_shared_resources_query(enum doca_flow_shared_resource_type type, uint32_t *ids,
					      struct doca_flow_resource_query *queries, uint32_t count)
{
	REQUIRE(ids != nullptr && queries != nullptr && count > 0);
	if (library == nullptr)
		return DOCA_ERROR_BAD_STATE;
	if (type != DOCA_FLOW_SHARED_RESOURCE_COUNTER)
		return not_supported("doca_flow_shared_resources_query of type %d", type);
	return query_counters(nullptr, ids, queries, count);
}

#if DOCA_SOFT_RELEASE_ >= 302

namespace {

// A shared meter is one of the port's meters.
doca_error_t hand_out(Device &device, doca_flow_shared_resource_type type, uint32_t &id)
{
	if (!library->cfg.port_resources)
		return DOCA_ERROR_EMPTY;
	if (type == DOCA_FLOW_SHARED_RESOURCE_COUNTER)
		return device.shared().counters.hand_out(&device, id) ? DOCA_SUCCESS : DOCA_ERROR_EMPTY;
	if (!device.meters().take())
		return DOCA_ERROR_EMPTY;
	if (device.shared().meters.hand_out(&device, id))
		return DOCA_SUCCESS;
	device.meters().give_back(1);
	return DOCA_ERROR_EMPTY;
}

doca_error_t take_back(Device &device, doca_flow_shared_resource_type type, uint32_t id)
{
	const bool is_meter = type == DOCA_FLOW_SHARED_RESOURCE_METER;
	const bool taken = library->cfg.port_resources &&
			   (is_meter ? device.shared().meters.take_back(id) : device.shared().counters.take_back(id));
	if (taken && is_meter)
		device.meters().give_back(1);
	return taken ? DOCA_SUCCESS : invalid("shared resource %u of type %d was not handed out", id, type);
}

} // namespace

doca_error_t doca_flow_port_shared_resource_get(struct doca_flow_port *port, enum doca_flow_shared_resource_type type,
						uint32_t *id)
try {
	REQUIRE(port != nullptr && id != nullptr);
	if (is_monitor(type))
		return hand_out(*port->device, type, *id);
	if (type != DOCA_FLOW_SHARED_RESOURCE_PSP)
		return not_supported("port resources of type %d", type);
	if (!port->psp_free.empty()) {
		*id = port->psp_free.back();
		port->psp_free.pop_back();
	} else if (port->psp_next <= port->psp_slots) {
		*id = port->psp_next++;
	} else {
		return DOCA_ERROR_EMPTY;
	}
	port->psp_taken[*id] = true;
	return DOCA_SUCCESS;
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

doca_error_t doca_flow_port_shared_resource_put(struct doca_flow_port *port, enum doca_flow_shared_resource_type type,
						uint32_t id)
try {
	REQUIRE(port != nullptr);
	if (is_monitor(type))
		return take_back(*port->device, type, id);
	if (type != DOCA_FLOW_SHARED_RESOURCE_PSP)
		return not_supported("port resources of type %d", type);
	if (id >= port->psp_taken.size() || !port->psp_taken[id])
		return invalid("key slot %u was not handed out", id);
	port->psp_free.push_back(id);
	port->psp_taken[id] = false;
	return DOCA_SUCCESS;
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

doca_error_t doca_flow_port_shared_resource_set_cfg(struct doca_flow_port *port, enum doca_flow_shared_resource_type type,
						    uint32_t id, struct doca_flow_shared_resource_cfg *cfg)
{
	REQUIRE(port != nullptr && cfg != nullptr);
	if (is_monitor(type))
		return set_monitor(port, type, id, *cfg);
	if (type != DOCA_FLOW_SHARED_RESOURCE_PSP)
		return not_supported("port resources of type %d", type);
	return set_psp(*port->device, id, *cfg);
}

doca_error_t doca_flow_port_shared_resources_query(struct doca_flow_port *port, enum doca_flow_shared_resource_type type,
						   uint32_t *ids, struct doca_flow_resource_query *queries, uint32_t count)
{
	REQUIRE(port != nullptr && ids != nullptr && queries != nullptr && count > 0);
	if (type != DOCA_FLOW_SHARED_RESOURCE_COUNTER)
		return not_supported("doca_flow_port_shared_resources_query of type %d", type);
	return query_counters(port, ids, queries, count);
}

#endif

doca_error_t doca_flow_crypto_psp_master_key_rotate(struct doca_flow_port *port)
{
	REQUIRE(port != nullptr);
	port->device->master_keys().rotate();
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_crypto_psp_spi_key_bulk_alloc(struct doca_flow_port *port, enum doca_flow_crypto_key_type type,
						     uint32_t count, struct doca_flow_crypto_psp_spi_key_bulk **bulk)
try {
	REQUIRE(port != nullptr && bulk != nullptr && count > 0);
	auto made = std::make_unique<doca_flow_crypto_psp_spi_key_bulk>();
	made->device = port->device;
	made->version = type == DOCA_FLOW_CRYPTO_KEY_128 ? 0 : 1;
	made->spis.resize(count);
	made->keys.resize(size_t{count} * psp_key_octets(made->version));
	*bulk = made.release();
	return DOCA_SUCCESS;
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

doca_error_t doca_soft_psp_spi_key_bulk_set_gmac(struct doca_flow_crypto_psp_spi_key_bulk *bulk)
{
	REQUIRE(bulk != nullptr);
	if (!bulk->device->has_gmac())
		return DOCA_ERROR_NOT_SUPPORTED;
	bulk->version |= PSP_VERSION_GMAC;
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_crypto_psp_spi_key_bulk_generate(struct doca_flow_crypto_psp_spi_key_bulk *bulk)
{
	REQUIRE(bulk != nullptr);
	const auto count = static_cast<uint32_t>(bulk->spis.size());
	// Without SPIs left the device needs a new master key.
	if (!bulk->device->master_keys().generate(bulk->version, count, bulk->spis.data(), bulk->keys.data()))
		return DOCA_ERROR_EMPTY;
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_crypto_psp_spi_key_bulk_get(struct doca_flow_crypto_psp_spi_key_bulk *bulk, uint32_t index, uint32_t *spi,
						   uint32_t *key)
{
	REQUIRE(bulk != nullptr && spi != nullptr && key != nullptr && index < bulk->spis.size());
	const uint32_t octets = psp_key_octets(bulk->version);
	*spi = bulk->spis[index];
	memcpy(key, bulk->keys.data() + size_t{index} * octets, octets);
	// A store of this library itself, so that only a sanitizer in this library detects it.
	if (DEFECTS && bulk->device->defect() == Defect::OVERFLOWS)
		reinterpret_cast<volatile uint8_t *>(key)[DOCA_FLOW_CRYPTO_KEY_LEN_MAX] = 0;
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_crypto_psp_spi_key_wipe(struct doca_flow_crypto_psp_spi_key_bulk *bulk, uint32_t index)
{
	REQUIRE(bulk != nullptr && index < bulk->spis.size());
	const uint32_t octets = psp_key_octets(bulk->version);
	explicit_bzero(bulk->keys.data() + size_t{index} * octets, octets);
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_crypto_psp_spi_key_bulk_clear(struct doca_flow_crypto_psp_spi_key_bulk *bulk)
{
	REQUIRE(bulk != nullptr);
	bulk->wipe();
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_crypto_psp_spi_key_bulk_free(struct doca_flow_crypto_psp_spi_key_bulk *bulk)
{
	REQUIRE(bulk != nullptr);
	bulk->wipe();
	delete bulk;
	return DOCA_SUCCESS;
}
