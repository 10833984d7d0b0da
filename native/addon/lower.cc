#include "lower.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "templates.h"

namespace {

// The lowest priority of a control pipe is its miss: DOCA's control pipes have no fwd_miss of their own.
constexpr uint32_t PRIORITY_MISS = 7;
constexpr uint32_t ETHERNET_OCTETS = 14;
constexpr uint16_t ICV_OCTETS = 16;

} // namespace

LoweredProgram::LoweredProgram(ProgramSpec program, LoweringDevice device)
	: program_(std::move(program)), device_(std::move(device)),
	  operations_(device_.port, device_.entry_queue, device_.queue_depth), pipes_(program_.pipes.size())
{
}

void LoweredProgram::build()
{
	for (uint32_t i = 0; i < pipes_.size(); i++)
		pipe_of(i);
	operations_.drain();
}

void LoweredProgram::close()
{
	if (std::exchange(closed_, true))
		return;
	try {
		operations_.drain();
	} catch (const Failure &) {
		// What the device did not answer is waited for no longer.
		for (EntryRecord &record : own_records_)
			record.pending_count = 0;
		for (LoweredPipe &lowered : pipes_) {
			lowered.miss.pending_count = 0;
			for (EntryRecord &record : lowered.slots)
				record.pending_count = 0;
		}
	}
	// Without them no packet comes to the others, whose entries forward to pipes that were made before and after them.
	for (size_t index = 0; index < pipes_.size(); index++) {
		doca_flow_pipe *const root = pipes_[index].pipe;
		if (!program_.pipes[index].is_root || root == nullptr)
			continue;
		made_.erase(std::find(made_.begin(), made_.end(), root));
		doca_flow_pipe_destroy(root);
	}
	for (LoweredPipe &lowered : pipes_) {
		for (EntryRecord &record : lowered.slots) {
			if (record.own_list != nullptr)
				doca_flow_pipe_destroy(record.own_list);
			record.own_list = nullptr;
		}
		lowered.pipe = nullptr;
	}
	for (auto at = made_.rbegin(); at != made_.rend(); ++at)
		doca_flow_pipe_destroy(*at);
	made_.clear();
}

// The pipe that was made last.
void LoweredProgram::destroy_last()
{
	doca_flow_pipe_destroy(made_.back());
	made_.pop_back();
}

void LoweredProgram::abandon()
{
	for (LoweredPipe &lowered : pipes_) {
		for (EntryRecord &record : lowered.slots)
			record.failed = nullptr;
	}
}

void LoweredProgram::now(EntryRecord &record, const std::string &doing, const std::function<doca_error_t()> &hand_over)
{
	bool failed = false;
	bool *const told = record.failed;
	record.failed = &failed;
	try {
		operations_.reserve(1);
		check(hand_over(), doing);
		operations_.drain(record);
	} catch (const Failure &) {
		record.failed = told;
		throw;
	}
	record.failed = told;
	if (failed)
		throw Failure(DOCA_ERROR_DRIVER, doing);
}

doca_flow_pipe *LoweredProgram::pipe_of(uint32_t index)
{
	LoweredPipe &lowered = pipes_[index];
	if (lowered.pipe != nullptr)
		return lowered.pipe;
	lowered.building = true;
	if (program_.pipes[index].control)
		create_control(index);
	else
		create_basic(index);
	lowered.building = false;
	return lowered.pipe;
}

doca_flow_fwd LoweredProgram::forward_of(const ForwardSpec &forward)
{
	auto fwd = zeroed<doca_flow_fwd>();
	switch (forward.kind) {
	case ForwardSpec::PIPE:
		fwd.type = DOCA_FLOW_FWD_PIPE;
		fwd.next_pipe = pipe_of(forward.target);
		break;
	case ForwardSpec::PORT:
		fwd.type = DOCA_FLOW_FWD_PORT;
		fwd.port_id = device_.dpdk_ports[forward.target];
		break;
	case ForwardSpec::RSS:
		compat::set_rss(fwd, device_.rss_queues);
		break;
	case ForwardSpec::DROP:
		fwd.type = DOCA_FLOW_FWD_DROP;
		break;
	case ForwardSpec::KERNEL:
		fwd.type = DOCA_FLOW_FWD_TARGET;
		check(doca_flow_get_target(DOCA_FLOW_TARGET_KERNEL, &fwd.target), "a forward to the kernel");
		break;
	case ForwardSpec::OF_ENTRY:
		fwd.type = DOCA_FLOW_FWD_CHANGEABLE;
		break;
	}
	return fwd;
}

doca_flow_pipe *LoweredProgram::create(const PipeSpec &spec, doca_flow_pipe_type type, const std::string &name,
				       const std::function<void(doca_flow_pipe_cfg *)> &fill, const doca_flow_fwd *forward,
				       const doca_flow_fwd *miss)
{
	doca_flow_pipe_cfg *cfg = nullptr;
	const std::string doing = "pipe " + name;
	check(doca_flow_pipe_cfg_create(&cfg, device_.port), doing);
	const std::unique_ptr<doca_flow_pipe_cfg, doca_error_t (*)(doca_flow_pipe_cfg *)> guard(cfg, doca_flow_pipe_cfg_destroy);
	check(doca_flow_pipe_cfg_set_name(cfg, name.c_str()), doing + ", name");
	check(doca_flow_pipe_cfg_set_type(cfg, type), doing + ", type");
	const auto domain = static_cast<doca_flow_pipe_domain>(spec.domain);
	check(doca_flow_pipe_cfg_set_domain(cfg, spec.is_root ? compat::root_domain(domain) : domain), doing + ", domain");
	fill(cfg);
	doca_flow_pipe *pipe = nullptr;
	check(doca_flow_pipe_create(cfg, forward, miss, &pipe), doing);
	made_.push_back(pipe);
	return pipe;
}

// Values, and crypto, of an action template (`values` nullptr) or of an entry.
void LoweredProgram::fill_actions(const ActionsSpec &spec, const ValuesSpec *values, bool sets, bool crypto,
				  doca_flow_actions &actions)
{
	if (sets && values != nullptr) {
		size_t at = 0;
		for (const FieldSpec &field : spec.set) {
			if (!field.of_entry)
				continue;
			const DocaField &doca = *field.field;
			doca.to_actions(actions, values->set.data() + at);
			at += doca.octets;
		}
	}
	if (!crypto)
		return;
	if (spec.decrypt || spec.encrypt) {
		actions.crypto.resource_type = DOCA_FLOW_CRYPTO_RESOURCE_PSP;
		actions.crypto.action_type = spec.decrypt ? DOCA_FLOW_CRYPTO_ACTION_DECRYPT : DOCA_FLOW_CRYPTO_ACTION_ENCRYPT;
		if (spec.decrypt)
			actions.crypto.crypto_id = DOCA_FLOW_PSP_DECRYPTION_ID;
		else if (spec.crypto_id != 0)
			actions.crypto.crypto_id = device_.crypto_id(spec.crypto_id);
		else
			actions.crypto.crypto_id = values == nullptr ? UINT32_MAX : device_.crypto_id(values->crypto_id);
	}
	if (!spec.decap && !spec.encap)
		return;
	doca_flow_crypto_encap_action &encap = actions.crypto_encap;
	actions.has_crypto_encap = true;
	encap.icv_size = ICV_OCTETS;
	const std::vector<uint8_t> *data = nullptr;
	if (spec.decap) {
		encap.action_type = DOCA_FLOW_CRYPTO_REFORMAT_DECAP;
		encap.net_type = spec.decap_net_type;
		const bool tunnel = spec.decap_net_type == DOCA_FLOW_CRYPTO_HEADER_PSP_TUNNEL;
		encap.data_size = tunnel ? ETHERNET_OCTETS : 0;
		if (tunnel)
			data = spec.ethernet_of_entry() ? (values == nullptr ? nullptr : &values->ethernet_header)
							: &spec.ethernet_header;
	} else {
		encap.action_type = DOCA_FLOW_CRYPTO_REFORMAT_ENCAP;
		encap.net_type = spec.encap_net_type;
		encap.data_size = static_cast<uint16_t>(spec.encap_octets);
		data = values == nullptr ? nullptr : &values->encap_header;
	}
	// All ones in a template: each entry's own.
	memset(encap.encap_data, 0xff, encap.data_size);
	if (data != nullptr)
		memcpy(encap.encap_data, data->data(), std::min<size_t>(data->size(), encap.data_size));
}

void LoweredProgram::write_port(doca_flow_match &match, const uint8_t *logical) const
{
	const uint32_t number = static_cast<uint32_t>(logical[0] << 8 | logical[1]);
	// A port that there is not has a number that no port has.
	compat::match_port(match, number < 2 ? device_.dpdk_ports[number] : UINT16_MAX - 1);
}

// Adds a field to a template, or without `repeated` to a control entry's match.
void LoweredProgram::add_field(const FieldSpec &field, doca_flow_match &match, doca_flow_match &mask, doca_flow_match *repeated)
{
	const DocaField &doca = *field.field;
	const std::vector<uint8_t> bits = full_mask(field);
	if (doca.port && std::any_of(bits.begin(), bits.end(), [](uint8_t octet) { return octet != 0xff; }))
		throw Failure(DOCA_ERROR_NOT_SUPPORTED, "a mask of parser_meta.port_id");
	auto one_value = zeroed<doca_flow_match>();
	auto one_mask = zeroed<doca_flow_match>();
	doca.to_match(one_mask, bits.data(), true);
	if (field.of_entry)
		doca.to_match(one_value, bits.data(), true);
	else if (doca.port)
		write_port(one_value, field.value.data());
	else
		doca.to_match(one_value, field.value.data(), false);
	doca.select(match);
	doca.select(mask);
	if (repeated != nullptr) {
		doca.select(*repeated);
		if (!field.of_entry && all_ones_under(one_value, one_mask))
			merge(*repeated, one_value, one_mask);
	}
	merge(match, one_value, one_mask);
	merge(mask, one_mask, one_mask);
}

void LoweredProgram::create_basic(uint32_t index)
{
	const PipeSpec &spec = program_.pipes[index];
	LoweredPipe &lowered = pipes_[index];
	auto match = zeroed<doca_flow_match>();
	auto mask = zeroed<doca_flow_match>();
	memset(static_cast<void *>(&lowered.repeated), 0, sizeof(lowered.repeated));
	for (const FieldSpec &field : spec.match)
		add_field(field, match, mask, &lowered.repeated);
	// After the program's own, which take precedence.
	for (const FieldSpec &field : spec.match)
		field.field->need(match, mask);

	std::vector<doca_flow_actions> actions(spec.actions.size(), zeroed<doca_flow_actions>());
	std::vector<doca_flow_actions> masks = actions;
	std::vector<doca_flow_actions *> action_pointers;
	std::vector<doca_flow_actions *> mask_pointers;
	lowered.repeated_actions = actions;
	lowered.lists.resize(spec.actions.size());
	bool any_crypto = false;
	bool any_plain = spec.actions.empty();
	for (size_t i = 0; i < spec.actions.size(); i++) {
		const ActionsSpec &action = spec.actions[i];
		check_possible(spec, action);
		any_crypto |= action.crypto();
		any_plain |= !action.crypto();
		if (!PSP_ORDERED_LISTS || !sets_after_crypto(action))
			template_sets(action, actions[i], masks[i], lowered.repeated_actions[i], false);
		if (!PSP_ORDERED_LISTS)
			fill_actions(action, nullptr, false, true, actions[i]);
		action_pointers.push_back(&actions[i]);
		mask_pointers.push_back(&masks[i]);
	}

	// Where packets go after the actions.
	auto monitor = zeroed<doca_flow_monitor>();
	if (spec.counter)
		monitor.counter_type = DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
	doca_flow_fwd onward = forward_of(spec.forward);
	bool has_forward = true;
	if (spec.mirror >= 0) {
		if (spec.forward.kind == ForwardSpec::OF_ENTRY)
			throw Failure(DOCA_ERROR_NOT_SUPPORTED, "pipe " + spec.name + ", a mirror with forwards of entries");
		has_forward = mirrored(spec, spec.mirror, spec.forward, onward, monitor);
	}
	doca_flow_fwd forward = onward;
	lowered.changeable = spec.forward.kind == ForwardSpec::OF_ENTRY;
	if (PSP_ORDERED_LISTS && any_crypto) {
		for (size_t i = 0; i < spec.actions.size(); i++) {
			if (!spec.actions[i].crypto())
				continue;
			const std::string name = spec.name + "_LIST_" + std::to_string(i);
			lowered.lists[i] = create_list(spec, spec.actions[i], name, spec.size_entries, onward);
			if (lowered.lists[i]->shared) {
				EntryRecord &record = own_records_.emplace_back();
				now(record, "pipe " + name, [&] {
					return add_list_entry(*lowered.lists[i], spec.actions[i], ValuesSpec{}, 0, nullptr,
							      record);
				});
			}
		}
		if (any_plain || lowered.lists.size() > 1) {
			lowered.changeable = true;
			forward = zeroed<doca_flow_fwd>();
			forward.type = DOCA_FLOW_FWD_CHANGEABLE;
		} else {
			const ActionList &list = *lowered.lists[0];
			forward = zeroed<doca_flow_fwd>();
			forward.type = DOCA_FLOW_FWD_ORDERED_LIST_PIPE;
			forward.ordered_list_pipe.pipe = list.pipe;
			forward.ordered_list_pipe.idx = list.shared ? 0 : UINT32_MAX;
		}
	}
	const doca_flow_fwd miss = forward_of(spec.miss);

	const std::string doing = "pipe " + spec.name;
	lowered.pipe = create(
		spec, DOCA_FLOW_PIPE_BASIC, spec.name,
		[&](doca_flow_pipe_cfg *cfg) {
			check(doca_flow_pipe_cfg_set_is_root(cfg, spec.is_root), doing + ", is_root");
			check(doca_flow_pipe_cfg_set_nr_entries(cfg, spec.size_entries), doing + ", nr_entries");
			check(doca_flow_pipe_cfg_set_match(cfg, &match, &mask), doing + ", match");
			if (!actions.empty())
				check(doca_flow_pipe_cfg_set_actions(cfg, action_pointers.data(), mask_pointers.data(), nullptr,
								     actions.size()),
				      doing + ", actions");
			check(doca_flow_pipe_cfg_set_monitor(cfg, &monitor), doing + ", monitor");
			check(doca_flow_pipe_cfg_set_miss_counter(cfg, spec.miss_counter), doing + ", miss_counter");
		},
		has_forward ? &forward : nullptr, &miss);
}

void LoweredProgram::create_control(uint32_t index)
{
	const PipeSpec &spec = program_.pipes[index];
	LoweredPipe &lowered = pipes_[index];
	const std::string doing = "pipe " + spec.name;
	// The target of the miss, and with it whatever stands behind it, comes first.
	const doca_flow_fwd miss = forward_of(spec.miss);
	lowered.pipe = create(
		spec, DOCA_FLOW_PIPE_CONTROL, spec.name,
		[&](doca_flow_pipe_cfg *cfg) {
			check(doca_flow_pipe_cfg_set_is_root(cfg, spec.is_root), doing + ", is_root");
			// One for the miss, and room for replacements before what they replace goes.
			check(doca_flow_pipe_cfg_set_nr_entries(cfg, spec.size_entries + 2), doing + ", nr_entries");
		},
		nullptr, nullptr);
	auto monitor = zeroed<doca_flow_monitor>();
	if (spec.miss_counter)
		monitor.counter_type = DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
	lowered.miss.counted = spec.miss_counter;
	now(lowered.miss, doing + ", miss", [&] {
		return operations_.add(lowered.miss, &EntryRecord::entry, [&](doca_flow_pipe_entry **made) {
			return compat::add_control_entry(operations_.queue(), PRIORITY_MISS, lowered.pipe, nullptr, nullptr,
							 nullptr, nullptr, nullptr, &monitor, &miss, &lowered.miss, made);
		});
	});
}

bool LoweredProgram::mirrored(const PipeSpec &from, int32_t mirror, const ForwardSpec &forward, doca_flow_fwd &fwd,
			      doca_flow_monitor &monitor)
{
	const bool ingress = from.domain <= DOCA_FLOW_PIPE_DOMAIN_SECURE_INGRESS;
	const std::string key = std::to_string(mirror) + "/" + std::to_string(forward.kind) + "/" +
				std::to_string(forward.target) + "/" + (ingress ? "in" : "out");
	const std::vector<ForwardSpec> &targets = program_.mirrors[static_cast<size_t>(mirror)];
	const std::string doing = "mirror " + key;
	memset(static_cast<void *>(&fwd), 0, sizeof(fwd));
#if PSP_ORDERED_LISTS
	(void)monitor;
	auto found = floods_.find(key);
	if (found == floods_.end()) {
		std::vector<doca_flow_fwd> copies;
		for (const ForwardSpec &target : targets)
			copies.push_back(forward_of(target));
		copies.push_back(forward_of(forward));
		PipeSpec spec;
		spec.domain = ingress ? DOCA_FLOW_PIPE_DOMAIN_DEFAULT : DOCA_FLOW_PIPE_DOMAIN_EGRESS;
		auto changeable = zeroed<doca_flow_fwd>();
		changeable.type = DOCA_FLOW_FWD_CHANGEABLE;
		doca_flow_pipe *flood = create(
			spec, DOCA_FLOW_PIPE_HASH, "MIRROR_" + std::to_string(floods_.size()),
			[&](doca_flow_pipe_cfg *cfg) {
				check(doca_flow_pipe_cfg_set_nr_entries(cfg, static_cast<uint32_t>(copies.size())), doing);
				check(doca_flow_pipe_cfg_set_hash_map_algorithm(cfg, DOCA_FLOW_PIPE_HASH_MAP_ALGORITHM_FLOODING),
				      doing);
			},
			&changeable, nullptr);
		try {
			for (uint32_t i = 0; i < copies.size(); i++) {
				EntryRecord &record = own_records_.emplace_back();
				now(record, doing, [&] {
					return operations_.add(record, &EntryRecord::entry, [&](doca_flow_pipe_entry **made) {
						return doca_flow_pipe_hash_add_entry(operations_.queue(), flood, i, 0, nullptr,
										     nullptr, &copies[i], compat::NO_WAIT,
										     &record, made);
					});
				});
			}
		} catch (const Failure &) {
			destroy_last();
			throw;
		}
		found = floods_.emplace(key, flood).first;
	}
	fwd.type = DOCA_FLOW_FWD_HASH_PIPE;
	fwd.hash_pipe.pipe = found->second;
	fwd.hash_pipe.algorithm = DOCA_FLOW_PIPE_HASH_MAP_ALGORITHM_FLOODING;
	return true;
#else
	auto found = mirror_ids_.find(key);
	if (found == mirror_ids_.end()) {
		std::vector<doca_flow_mirror_target> copies;
		for (const ForwardSpec &target : targets) {
			auto copy = zeroed<doca_flow_mirror_target>();
			copy.fwd = forward_of(target);
			copies.push_back(copy);
		}
		auto cfg = zeroed<doca_flow_shared_resource_cfg>();
		cfg.mirror_cfg.nr_targets = static_cast<int>(copies.size());
		cfg.mirror_cfg.target = copies.data();
		if (ingress)
			cfg.mirror_cfg.fwd = forward_of(forward);
		uint32_t id = device_.take_mirror();
		check(doca_flow_shared_resource_set_cfg(DOCA_FLOW_SHARED_RESOURCE_MIRROR, id, &cfg), doing);
		check(doca_flow_shared_resources_bind(DOCA_FLOW_SHARED_RESOURCE_MIRROR, &id, 1, device_.port), doing);
		found = mirror_ids_.emplace(key, id).first;
	}
	monitor.shared_mirror_id = found->second;
	// On the way in the mirror itself says where the packet goes, on the way out the pipe does.
	fwd = forward_of(forward);
	return !ingress;
#endif
}
