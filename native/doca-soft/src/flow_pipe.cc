// The API's functions doca_flow_pipe_cfg_*, and those that make and destroy pipes.
#include <algorithm>
#include <cstring>
#include <utility>

#include "api.h"
#include "basic_pipe.h"
#include "control_pipe.h"
#include "library.h"
#include "list_pipes.h"
#include "log.h"
#include "release.h"

using namespace soft;

struct doca_flow_pipe_cfg {
	doca_flow_port *port;
	std::string name = "unnamed";
	doca_flow_pipe_type type = DOCA_FLOW_PIPE_BASIC;
	doca_flow_pipe_domain domain = DOCA_FLOW_PIPE_DOMAIN_DEFAULT;
	bool is_root = false;
	uint32_t nr_entries = 8192;
	bool has_mask = false;
	Extended<doca_flow_match> match{definitions.match};
	Extended<doca_flow_match> mask{definitions.match};
	std::vector<Extended<doca_flow_actions>> actions;
	// One for each of the actions; `masked` says which of them were given.
	std::vector<Extended<doca_flow_actions>> action_masks;
	std::vector<bool> masked;
	std::vector<std::vector<Descriptor>> descriptors;
	doca_flow_monitor monitor = {};
	bool miss_counter = false;
	uint32_t hash_algorithm = 0;
	std::vector<ListTemplate> ordered_lists;
};

namespace {

// How many action templates a pipe may have: entries name them by an octet.
constexpr uint32_t ACTION_TEMPLATES_MAX = UINT8_MAX;

doca_error_t read_monitor(const doca_flow_monitor &monitor, doca_flow_pipe &pipe)
{
	if (monitors_more(monitor) && !pipe.has_monitors())
		return not_supported("pipe %s: meters, aging or shared counters of a pipe of type %d", pipe.name.c_str(),
				     pipe.type);
	// Entries of control pipes have monitors of their own.
	if (pipe.type != DOCA_FLOW_PIPE_CONTROL)
		pipe.monitor = monitor;
	pipe.counted = monitor.counter_type == DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
	const uint32_t mirror = mirror_of(monitor);
	// All ones: each entry gives its own.
	if (mirror == UINT32_MAX)
		return DOCA_SUCCESS;
	if (mirror != 0 && mirror >= library->mirror_owner.size())
		return invalid("pipe %s: there is no mirror %u", pipe.name.c_str(), mirror);
	pipe.mirror = static_cast<uint16_t>(mirror);
	return DOCA_SUCCESS;
}

// The number of entries that a pipe takes, of which its configuration says that it will have `entries`.
uint32_t room_for(const Device &device, uint32_t entries)
{
	if (!device.nr_entries_is_a_hint())
		return entries;
	return static_cast<uint32_t>(std::min<uint64_t>(uint64_t{entries} + MORE_ENTRIES_MAX, UINT32_MAX));
}

// As Defect::COOKIES_IGNORED has it.
void ignore_cookie(std::vector<MatchField> &fields)
{
	for (MatchField &field : fields) {
		if (strcmp(field.place->name, "tun.psp.vc") == 0)
			memset(field.mask, 0, sizeof(field.mask));
	}
}

doca_error_t make_pipe(const doca_flow_pipe_cfg &cfg, std::unique_ptr<doca_flow_pipe> &pipe)
{
	const char *name = cfg.name.c_str();
	const Device &device = *cfg.port->device;
	const uint32_t room = room_for(device, cfg.nr_entries);
	switch (cfg.type) {
	case DOCA_FLOW_PIPE_BASIC: {
		std::vector<MatchField> fields;
		const doca_error_t read = read_template(*cfg.match, cfg.has_mask ? &*cfg.mask : nullptr, fields);
		if (read != DOCA_SUCCESS)
			return read;
		if (DEFECTS && device.defect() == Defect::COOKIES_IGNORED)
			ignore_cookie(fields);
		std::vector<Actions> actions(cfg.actions.size());
		for (size_t i = 0; i < actions.size(); i++) {
			const doca_flow_actions *mask = cfg.masked[i] ? &*cfg.action_masks[i] : nullptr;
			const uint32_t key_slots = cfg.port->device->key_slots();
			const doca_error_t compiled = actions[i].compile(*cfg.actions[i], mask, cfg.descriptors[i], false,
									 key_slots);
			if (compiled != DOCA_SUCCESS)
				return compiled;
		}
		const bool refuses_equal = device.equal_keys() == EqualKeys::REFUSED;
		pipe = std::make_unique<BasicPipe>(fields, std::move(actions), cfg.nr_entries, room, refuses_equal,
						   monitors_more(cfg.monitor));
		return DOCA_SUCCESS;
	}
	case DOCA_FLOW_PIPE_CONTROL:
		pipe = std::make_unique<ControlPipe>(cfg.nr_entries, room);
		return DOCA_SUCCESS;
	case DOCA_FLOW_PIPE_ORDERED_LIST:
		if (!HAS_ORDERED_LISTS)
			break;
		if (cfg.ordered_lists.empty())
			return invalid("pipe %s: an ordered list pipe without lists", name);
		pipe = std::make_unique<OrderedListPipe>(cfg.ordered_lists, cfg.nr_entries);
		return DOCA_SUCCESS;
	case DOCA_FLOW_PIPE_HASH:
		if (!HAS_HASH_PIPES)
			break;
		if (!is_flooding(cfg.hash_algorithm))
			return not_supported("pipe %s: hash algorithm %u; only FLOODING is", name, cfg.hash_algorithm);
		pipe = std::make_unique<FloodingPipe>(cfg.nr_entries);
		return DOCA_SUCCESS;
	default:
		break;
	}
	return not_supported("pipe %s: type %d", name, cfg.type);
}

// Whether roots of this domain get the packets that leave.
bool is_egress_root(doca_flow_pipe_domain domain)
{
	return domain == DOCA_FLOW_PIPE_DOMAIN_EGRESS ||
	       (HAS_SECURE_EGRESS_ROOT && domain == DOCA_FLOW_PIPE_DOMAIN_SECURE_EGRESS);
}

doca_error_t check_root(const doca_flow_pipe_cfg &cfg, Datapath &datapath)
{
	const char *name = cfg.name.c_str();
	if (!cfg.is_root)
		return DOCA_SUCCESS;
	if (cfg.type != DOCA_FLOW_PIPE_BASIC && cfg.type != DOCA_FLOW_PIPE_CONTROL)
		return invalid("pipe %s: a pipe of type %d cannot be root", name, cfg.type);
	if (cfg.domain != DOCA_FLOW_PIPE_DOMAIN_DEFAULT && !is_egress_root(cfg.domain))
		return invalid("pipe %s: a root in domain %d", name, cfg.domain);
	const doca_flow_pipe *there = cfg.domain == DOCA_FLOW_PIPE_DOMAIN_DEFAULT ? datapath.ingress_root : datapath.egress_root;
	if (there != nullptr) {
		log_sdk(DOCA_LOG_LEVEL_ERROR, "pipe %s: %s is root of this domain already", name, there->name.c_str());
		return DOCA_ERROR_ALREADY_EXIST;
	}
	return DOCA_SUCCESS;
}

} // namespace

doca_error_t doca_flow_pipe_cfg_create(struct doca_flow_pipe_cfg **cfg, struct doca_flow_port *port)
try {
	REQUIRE(cfg != nullptr && port != nullptr);
	*cfg = new doca_flow_pipe_cfg();
	(*cfg)->port = port;
	return DOCA_SUCCESS;
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

doca_error_t doca_flow_pipe_cfg_destroy(struct doca_flow_pipe_cfg *cfg)
{
	REQUIRE(cfg != nullptr);
	delete cfg;
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_pipe_cfg_set_name(struct doca_flow_pipe_cfg *cfg, const char *name)
try {
	REQUIRE(cfg != nullptr && name != nullptr);
	cfg->name = name;
	return DOCA_SUCCESS;
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

doca_error_t doca_flow_pipe_cfg_set_label(struct doca_flow_pipe_cfg *cfg, const char *label)
{
	REQUIRE(cfg != nullptr && label != nullptr);
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_pipe_cfg_set_type(struct doca_flow_pipe_cfg *cfg, enum doca_flow_pipe_type type)
{
	REQUIRE(cfg != nullptr);
	cfg->type = type;
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_pipe_cfg_set_domain(struct doca_flow_pipe_cfg *cfg, enum doca_flow_pipe_domain domain)
{
	REQUIRE(cfg != nullptr);
	cfg->domain = domain;
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_pipe_cfg_set_is_root(struct doca_flow_pipe_cfg *cfg, bool is_root)
{
	REQUIRE(cfg != nullptr);
	cfg->is_root = is_root;
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_pipe_cfg_set_nr_entries(struct doca_flow_pipe_cfg *cfg, uint32_t nr_entries)
{
	REQUIRE(cfg != nullptr && nr_entries > 0);
	cfg->nr_entries = nr_entries;
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_pipe_cfg_set_match(struct doca_flow_pipe_cfg *cfg, const struct doca_flow_match *match,
					  const struct doca_flow_match *match_mask)
try {
	REQUIRE(cfg != nullptr && match != nullptr);
	cfg->match = Extended(*match, definitions.match);
	cfg->has_mask = match_mask != nullptr;
	if (cfg->has_mask)
		cfg->mask = Extended(*match_mask, definitions.match);
	return DOCA_SUCCESS;
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

doca_error_t doca_flow_pipe_cfg_set_actions(struct doca_flow_pipe_cfg *cfg, struct doca_flow_actions *const *actions,
					    struct doca_flow_actions *const *actions_masks,
					    struct doca_flow_action_descs *const *action_descs, size_t nr_actions)
try {
	REQUIRE(cfg != nullptr && (actions != nullptr || action_descs != nullptr) && nr_actions > 0);
	if (nr_actions > ACTION_TEMPLATES_MAX)
		return invalid("pipe %s: %zu action templates; %u are possible", cfg->name.c_str(), nr_actions,
			       ACTION_TEMPLATES_MAX);
	cfg->actions.assign(nr_actions, Extended<doca_flow_actions>(definitions.actions));
	cfg->action_masks.assign(nr_actions, Extended<doca_flow_actions>(definitions.actions));
	cfg->masked.assign(nr_actions, false);
	cfg->descriptors.assign(nr_actions, {});
	for (size_t i = 0; i < nr_actions; i++) {
		// Descriptors may be all that there is.
		REQUIRE(actions == nullptr || actions[i] != nullptr);
		if (actions != nullptr)
			cfg->actions[i] = Extended(*actions[i], definitions.actions);
		if (actions_masks != nullptr && actions_masks[i] != nullptr) {
			cfg->action_masks[i] = Extended(*actions_masks[i], definitions.actions);
			cfg->masked[i] = true;
		}
		const doca_error_t result = read_descriptors(action_descs == nullptr ? nullptr : action_descs[i],
							     cfg->descriptors[i]);
		if (result != DOCA_SUCCESS)
			return result;
	}
	return DOCA_SUCCESS;
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

doca_error_t doca_flow_pipe_cfg_set_monitor(struct doca_flow_pipe_cfg *cfg, const struct doca_flow_monitor *monitor)
{
	REQUIRE(cfg != nullptr && monitor != nullptr);
	cfg->monitor = *monitor;
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_pipe_cfg_set_ordered_lists(struct doca_flow_pipe_cfg *cfg,
						  struct doca_flow_ordered_list *const *ordered_lists, size_t nr_ordered_lists)
try {
	REQUIRE(cfg != nullptr && ordered_lists != nullptr && nr_ordered_lists > 0);
	return compile_lists(cfg->name, ordered_lists, nr_ordered_lists, cfg->port->device->key_slots(), cfg->ordered_lists);
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

doca_error_t doca_flow_pipe_cfg_set_miss_counter(struct doca_flow_pipe_cfg *cfg, bool enabled)
{
	REQUIRE(cfg != nullptr);
	cfg->miss_counter = enabled;
	return DOCA_SUCCESS;
}

#if DOCA_SOFT_RELEASE_ < 301
// A hint without effect.
doca_error_t doca_flow_pipe_cfg_set_dir_info(struct doca_flow_pipe_cfg *cfg, enum doca_flow_direction_info dir_info)
{
	REQUIRE(cfg != nullptr && dir_info >= DOCA_FLOW_DIRECTION_BIDIRECTIONAL &&
		dir_info <= DOCA_FLOW_DIRECTION_HOST_TO_NETWORK);
	return DOCA_SUCCESS;
}
#endif

doca_error_t doca_flow_pipe_cfg_set_excluded_queue(struct doca_flow_pipe_cfg *cfg, uint16_t)
{
	REQUIRE(cfg != nullptr);
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_pipe_cfg_set_is_resizable(struct doca_flow_pipe_cfg *cfg, bool is_resizable)
{
	REQUIRE(cfg != nullptr);
	return is_resizable ? not_supported("pipe %s: resizing", cfg->name.c_str()) : DOCA_SUCCESS;
}

doca_error_t doca_flow_pipe_cfg_set_congestion_level_threshold(struct doca_flow_pipe_cfg *cfg, uint8_t)
{
	REQUIRE(cfg != nullptr);
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_pipe_cfg_set_user_ctx(struct doca_flow_pipe_cfg *cfg, void *)
{
	REQUIRE(cfg != nullptr);
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_pipe_cfg_set_hash_map_algorithm(struct doca_flow_pipe_cfg *cfg, uint32_t flags)
{
	REQUIRE(cfg != nullptr);
	cfg->hash_algorithm = flags;
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_pipe_create(const struct doca_flow_pipe_cfg *cfg, const struct doca_flow_fwd *fwd,
				   const struct doca_flow_fwd *fwd_miss, struct doca_flow_pipe **pipe)
{
	REQUIRE(cfg != nullptr && pipe != nullptr);
	if (library == nullptr)
		return DOCA_ERROR_BAD_STATE;
	if (!cfg->port->is_switch)
		return invalid("pipe %s: pipes belong to the switch port", cfg->name.c_str());
	Device &device = *cfg->port->device;
	const char *name = cfg->name.c_str();
	if (cfg->type == DOCA_FLOW_PIPE_CONTROL && fwd != nullptr && fwd->type != DOCA_FLOW_FWD_CHANGEABLE)
		return not_supported("pipe %s: a forward of a control pipe; its entries have them", name);
	try {
		std::unique_ptr<doca_flow_pipe> made;
		doca_error_t result = check_root(*cfg, device.datapath());
		if (result == DOCA_SUCCESS)
			result = make_pipe(*cfg, made);
		if (result != DOCA_SUCCESS) {
			log_sdk(DOCA_LOG_LEVEL_ERROR, "pipe %s cannot be made", name);
			return result;
		}
		made->device = &device;
		made->name = cfg->name;
		made->domain = cfg->domain;
		made->is_root = cfg->is_root;
		made->miss_counted = cfg->miss_counter;
		result = read_monitor(cfg->monitor, *made);
		if (result == DOCA_SUCCESS)
			result = read_forward(device, fwd, made->forward);
		if (result == DOCA_SUCCESS)
			result = read_miss(device, cfg->name, fwd_miss, made->miss);
		if (result != DOCA_SUCCESS)
			return result;
		// Without a forward, entries or a mirror give it.
		if (fwd == nullptr)
			made->forward.kind = Forward::CHANGEABLE;
		*pipe = made.get();
		device.run([&] {
			Datapath &datapath = device.datapath();
			device.pipes.reserve(device.pipes.size() + 1);
			if (made->is_root && made->domain == DOCA_FLOW_PIPE_DOMAIN_DEFAULT)
				datapath.ingress_root = made.get();
			if (made->is_root && is_egress_root(made->domain))
				datapath.egress_root = made.get();
			device.pipes.emplace_back(made.release());
			device.worker().exits.pipes++;
		});
		return DOCA_SUCCESS;
	} catch (const std::exception &) {
		return DOCA_ERROR_NO_MEMORY;
	}
}

void doca_flow_pipe_destroy(struct doca_flow_pipe *pipe)
{
	if (pipe == nullptr)
		return;
	Device &device = *pipe->device;
	DevicePipe removed;
	device.run([&] {
		Datapath &datapath = device.datapath();
		if (datapath.ingress_root == pipe)
			datapath.ingress_root = nullptr;
		if (datapath.egress_root == pipe)
			datapath.egress_root = nullptr;
		const auto at = std::find_if(device.pipes.begin(), device.pipes.end(),
					     [pipe](const auto &known) { return known.get() == pipe; });
		removed = std::move(*at);
		device.monitored().leave(*pipe);
		device.pipes.erase(at);
		device.worker().exits.pipes--;
	});
	if (!device.reports_removed())
		return;
	pipe->append_installed(device.removed_entries);
	if (device.completions() == Completions::INSIDE)
		report_removed(std::exchange(device.removed_entries, {}));
}

doca_error_t doca_flow_pipe_update_miss(struct doca_flow_pipe *pipe, const struct doca_flow_fwd *fwd_miss)
try {
	REQUIRE(pipe != nullptr && fwd_miss != nullptr);
	Forward miss;
	const doca_error_t result = read_miss(*pipe->device, pipe->name, fwd_miss, miss);
	if (result == DOCA_SUCCESS)
		pipe->device->run([&] { pipe->miss = miss; });
	return result;
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

void doca_flow_pipe_dump(struct doca_flow_pipe *pipe, FILE *file)
{
	if (pipe == nullptr || file == nullptr)
		return;
	fprintf(file, "pipe %s: type %d, domain %d%s, up to %u entries\n", pipe->name.c_str(), pipe->type, pipe->domain,
		pipe->is_root ? ", root" : "", pipe->entries_max);
}

doca_error_t doca_flow_pipe_calc_hash(struct doca_flow_pipe *pipe, const struct doca_flow_match *match, uint32_t *hash)
{
	REQUIRE(pipe != nullptr && match != nullptr && hash != nullptr);
	return not_supported("doca_flow_pipe_calc_hash");
}
