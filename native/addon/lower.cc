#include "lower.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace {

// The lowest priority of a control pipe is its miss: DOCA's control pipes have no fwd_miss of their own.
constexpr uint32_t PRIORITY_MISS = 7;
constexpr uint32_t ETHERNET_OCTETS = 14;
constexpr uint16_t ICV_OCTETS = 16;
// How long the device may take for what is in flight.
constexpr auto ANSWER_TIME = std::chrono::seconds(10);
constexpr uint64_t PROCESS_MICROSECONDS = 10000;
// Indices of an ordered list beyond its pipe's entries: what updates replace lives on until they are done.
constexpr uint32_t LIST_SLACK = 256;

bool is_zero(const void *from, size_t octets)
{
	const auto *at = static_cast<const uint8_t *>(from);
	return std::all_of(at, at + octets, [](uint8_t octet) { return octet == 0; });
}

// Whether a template with this value under this mask would mean "of the entry".
template <typename Struct> bool all_ones_under(const Struct &value, const Struct &mask)
{
	const auto *v = reinterpret_cast<const uint8_t *>(&value);
	const auto *m = reinterpret_cast<const uint8_t *>(&mask);
	for (size_t i = 0; i < sizeof(Struct); i++) {
		if ((v[i] & m[i]) != m[i])
			return false;
	}
	return true;
}

// Adds the members of `from` that `mask` names to `to`.
template <typename Struct> void merge(Struct &to, const Struct &from, const Struct &mask)
{
	auto *t = reinterpret_cast<uint8_t *>(&to);
	const auto *f = reinterpret_cast<const uint8_t *>(&from);
	const auto *m = reinterpret_cast<const uint8_t *>(&mask);
	for (size_t i = 0; i < sizeof(Struct); i++)
		t[i] = static_cast<uint8_t>((t[i] & ~m[i]) | (f[i] & m[i]));
}

template <typename Struct> Struct zeroed()
{
	Struct value;
	memset(static_cast<void *>(&value), 0, sizeof(value));
	return value;
}

std::vector<uint8_t> full_mask(const FieldSpec &field)
{
	if (!field.mask.empty())
		return field.mask;
	return std::vector<uint8_t>(field.field->octets, field.field->flag ? 1 : 0xff);
}

} // namespace

void OperationQueue::process(uint32_t at_most)
{
	const uint32_t before = in_flight_;
	const auto deadline = std::chrono::steady_clock::now() + ANSWER_TIME;
	while (in_flight_ == before) {
		check(doca_flow_entries_process(port_, queue_, PROCESS_MICROSECONDS, at_most), "waiting for entries");
		if (in_flight_ == before && std::chrono::steady_clock::now() > deadline)
			throw Failure(DOCA_ERROR_TIME_OUT, "waiting for entries");
	}
}

void OperationQueue::reserve(uint32_t operations)
{
	// The device goes on with the rest while more is handed over.
	while (in_flight_ > 0 && in_flight_ + operations > depth_)
		process(std::max(1u, depth_ / 4));
}

void OperationQueue::submitted(EntryRecord &record)
{
	record.queue = this;
	record.pending++;
	in_flight_++;
}

void OperationQueue::completed(EntryRecord &record, bool succeeded)
{
	record.pending--;
	record.queue->in_flight_--;
	if (!succeeded && record.failed != nullptr)
		*record.failed = true;
}

void OperationQueue::drain(const EntryRecord &record)
{
	while (record.pending > 0)
		process(0);
}

void OperationQueue::drain()
{
	while (in_flight_ > 0)
		process(0);
}

LoweredProgram::LoweredProgram(ProgramSpec program, LoweringDevice device)
	: program_(std::move(program)), device_(std::move(device)),
	  operations_(device_.port, device_.entry_queue, device_.queue_depth), pipes_(program_.pipes.size())
{
	try {
		for (uint32_t i = 0; i < pipes_.size(); i++)
			pipe_of(i);
		operations_.drain();
	} catch (...) {
		destroy();
		throw;
	}
}

LoweredProgram::~LoweredProgram()
{
	destroy();
}

void LoweredProgram::destroy()
{
	try {
		operations_.drain();
	} catch (const Failure &) {
		// The pipes go, and with them what has not answered.
	}
	for (LoweredPipe &lowered : pipes_) {
		for (EntryRecord &record : lowered.slots) {
			if (record.own_list != nullptr)
				doca_flow_pipe_destroy(record.own_list);
		}
	}
	// Those first that forward to others.
	for (auto at = made_.rbegin(); at != made_.rend(); ++at)
		doca_flow_pipe_destroy(*at);
	made_.clear();
	pipes_.clear();
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
	check(doca_flow_pipe_cfg_set_domain(cfg, static_cast<doca_flow_pipe_domain>(spec.domain)), doing + ", domain");
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
			data = spec.ethernet_of_entry() ? (values == nullptr ? nullptr : &values->ethernet_header) : &spec.ethernet_header;
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

namespace {

void check_possible(const PipeSpec &pipe, const ActionsSpec &actions)
{
	const auto refuse = [&pipe](const char *what) {
		throw Failure(DOCA_ERROR_NOT_SUPPORTED, "pipe " + pipe.name + ", " + what);
	};
	if (actions.decap && actions.encap)
		refuse("decap and encap in one action template");
	if (actions.decrypt && actions.encrypt)
		refuse("decrypt and encrypt in one action template");
}

// Which part of an action template comes when, where crypto stands in an ordered list: what the fields of `set` mean for
// what follows decides.
bool sets_after_crypto(const ActionsSpec &actions)
{
	if (!actions.decrypt && !actions.decap)
		return false;
	return std::any_of(actions.set.begin(), actions.set.end(),
			   [](const FieldSpec &field) { return !field.field->metadata; });
}

// The template's `set` fields; what all ones would make "of the entry" is returned in `repeated`.
void template_sets(const ActionsSpec &spec, doca_flow_actions &actions, doca_flow_actions &mask, doca_flow_actions &repeated,
		   bool fixed)
{
	for (const FieldSpec &field : spec.set) {
		const DocaField &doca = *field.field;
		auto one_value = zeroed<doca_flow_actions>();
		auto one_mask = zeroed<doca_flow_actions>();
		const std::vector<uint8_t> bits = full_mask(field);
		doca.to_actions(one_mask, bits.data());
		one_mask.tun.type = DOCA_FLOW_TUN_NONE;
		if (field.of_entry)
			doca.to_actions(one_value, bits.data());
		else
			doca.to_actions(one_value, field.value.data());
		if (one_value.tun.type != DOCA_FLOW_TUN_NONE)
			actions.tun.type = mask.tun.type = repeated.tun.type = one_value.tun.type;
		merge(actions, one_value, one_mask);
		merge(mask, one_mask, one_mask);
		if (!fixed && !field.of_entry && all_ones_under(one_value, one_mask))
			merge(repeated, one_value, one_mask);
	}
}

} // namespace

void LoweredProgram::write_port(doca_flow_match &match, const uint8_t *logical) const
{
	const uint32_t number = static_cast<uint32_t>(logical[0] << 8 | logical[1]);
	// A port that there is not has a number that no port has.
	compat::match_port(match, number < 2 ? device_.dpdk_ports[number] : UINT16_MAX - 1);
}

// Adds a field to a template, or without `repeated` to a control entry's match.
void LoweredProgram::add_field(const FieldSpec &field, doca_flow_match &match, doca_flow_match &mask,
			       doca_flow_match *repeated)
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
			lowered.lists[i] = create_list(spec, spec.actions[i], name, spec.size_entries, &onward, nullptr);
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
	bool failed = false;
	lowered.miss.counted = spec.miss_counter;
	lowered.miss.failed = &failed;
	operations_.reserve(1);
	check(compat::add_control_entry(operations_.queue(), PRIORITY_MISS, lowered.pipe, nullptr, nullptr, nullptr, nullptr,
					nullptr, &monitor, &miss, &lowered.miss, &lowered.miss.entry),
	      doing + ", miss");
	operations_.submitted(lowered.miss);
	operations_.drain();
	lowered.miss.failed = nullptr;
	if (failed)
		throw Failure(DOCA_ERROR_DRIVER, doing + ", miss");
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
				check(doca_flow_pipe_cfg_set_hash_map_algorithm(cfg, DOCA_FLOW_PIPE_HASH_MAP_ALGORITHM_FLOODING), doing);
			},
			&changeable, nullptr);
		bool failed = false;
		for (uint32_t i = 0; i < copies.size(); i++) {
			EntryRecord &record = flood_records_.emplace_back();
			record.failed = &failed;
			operations_.reserve(1);
			check(doca_flow_pipe_hash_add_entry(operations_.queue(), flood, i, 0, nullptr, nullptr, &copies[i], compat::NO_WAIT,
							    &record, &record.entry),
			      doing);
			operations_.submitted(record);
			operations_.drain(record);
			record.failed = nullptr;
		}
		if (failed)
			throw Failure(DOCA_ERROR_DRIVER, doing);
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

#if PSP_ORDERED_LISTS

namespace {

struct ListElements {
	doca_flow_crypto crypto = zeroed<doca_flow_crypto>();
	doca_flow_actions actions = zeroed<doca_flow_actions>();
	doca_flow_actions mask = zeroed<doca_flow_actions>();
	doca_flow_ordered_list_element elements[2];
	doca_flow_ordered_list list = zeroed<doca_flow_ordered_list>();

	void finish(const doca_flow_actions &with_crypto, bool after_actions)
	{
		crypto.has_crypto_encap = with_crypto.has_crypto_encap;
		crypto.crypto_encap = with_crypto.crypto_encap;
		crypto.crypto = with_crypto.crypto;
		memset(static_cast<void *>(elements), 0, sizeof(elements));
		elements[0].type = DOCA_FLOW_ORDERED_LIST_ELEMENT_CRYPTO;
		elements[0].crypto = &crypto;
		elements[1].type = DOCA_FLOW_ORDERED_LIST_ELEMENT_ACTIONS;
		elements[1].actions = &actions;
		elements[1].actions_mask = &mask;
		list.idx = 0;
		list.size = after_actions ? 2 : 1;
		list.elements = elements;
	}
};

} // namespace

std::unique_ptr<LoweredProgram::ActionList> LoweredProgram::create_list(const PipeSpec &spec, const ActionsSpec &actions,
									const std::string &name, uint32_t size,
									const doca_flow_fwd *forward, EntryRecord *own)
{
	auto list = std::make_unique<ActionList>();
	list->after_actions = sets_after_crypto(actions);
	const bool sets_of_entry = list->after_actions && !actions.set.empty();
	list->shared = !actions.encap && !(actions.encrypt && actions.crypto_id == 0) && !actions.ethernet_of_entry() &&
		       !sets_of_entry && forward->type != DOCA_FLOW_FWD_CHANGEABLE;
	list->size = list->shared ? 1 : size + LIST_SLACK;
	ListElements elements;
	auto with_crypto = zeroed<doca_flow_actions>();
	fill_actions(actions, nullptr, false, true, with_crypto);
	auto unused = zeroed<doca_flow_actions>();
	// Every list entry repeats all values, so that nothing needs to be a constant of the template.
	if (list->after_actions)
		template_sets(actions, elements.actions, elements.mask, unused, false);
	elements.finish(with_crypto, list->after_actions);
	doca_flow_ordered_list *lists[] = {&elements.list};
	const std::string doing = "pipe " + name;
	list->pipe = create(
		spec, DOCA_FLOW_PIPE_ORDERED_LIST, name,
		[&](doca_flow_pipe_cfg *cfg) {
			check(doca_flow_pipe_cfg_set_nr_entries(cfg, list->size), doing + ", nr_entries");
			check(doca_flow_pipe_cfg_set_ordered_lists(cfg, lists, 1), doing + ", ordered_lists");
		},
		forward, nullptr);
	if (list->shared) {
		EntryRecord &record = own != nullptr ? *own : list->shared_record;
		if (own == nullptr)
			record.failed = &list->shared_failed;
		add_list_entry(*list, actions, ValuesSpec{}, 0, nullptr, record, &record.list_entry);
		operations_.drain(record);
		if (list->shared_failed)
			throw Failure(DOCA_ERROR_DRIVER, doing);
	}
	return list;
}

uint32_t LoweredProgram::take_list_index(ActionList &list)
{
	if (list.free.empty() && list.next == list.size)
		throw Failure(DOCA_ERROR_FULL, "an ordered list's indices");
	if (list.free.empty())
		return list.next++;
	const uint32_t index = list.free.back();
	list.free.pop_back();
	return index;
}

void LoweredProgram::add_list_entry(ActionList &list, const ActionsSpec &actions, const ValuesSpec &values, uint32_t index,
				    const doca_flow_fwd *forward, EntryRecord &record, doca_flow_pipe_entry **entry)
{
	ListElements elements;
	auto with_crypto = zeroed<doca_flow_actions>();
	fill_actions(actions, &values, false, true, with_crypto);
	if (list.after_actions) {
		auto mask = zeroed<doca_flow_actions>();
		auto unused = zeroed<doca_flow_actions>();
		template_sets(actions, elements.actions, mask, unused, true);
		fill_actions(actions, &values, true, false, elements.actions);
		elements.mask = mask;
	}
	elements.finish(with_crypto, list.after_actions);
	operations_.reserve(1);
	check(doca_flow_pipe_ordered_list_add_entry(operations_.queue(), list.pipe, index, &elements.list, forward,
						    compat::NO_WAIT, &record, entry),
	      "an ordered list's entry");
	operations_.submitted(record);
}

#else

std::unique_ptr<LoweredProgram::ActionList> LoweredProgram::create_list(const PipeSpec &, const ActionsSpec &,
									const std::string &, uint32_t, const doca_flow_fwd *,
									EntryRecord *)
{
	return nullptr;
}

uint32_t LoweredProgram::take_list_index(ActionList &)
{
	return 0;
}

void LoweredProgram::add_list_entry(ActionList &, const ActionsSpec &, const ValuesSpec &, uint32_t, const doca_flow_fwd *,
				    EntryRecord &, doca_flow_pipe_entry **)
{
}

#endif

EntryRecord &LoweredProgram::slot_of(uint32_t pipe, uint32_t slot, bool *failed)
{
	std::deque<EntryRecord> &slots = pipes_[pipe].slots;
	if (slot >= slots.size())
		slots.resize(slot + 1);
	EntryRecord &record = slots[slot];
	operations_.drain(record);
	record.failed = failed;
	return record;
}

void LoweredProgram::add(uint32_t pipe, uint32_t slot, uint8_t action_index, const ValuesSpec &values,
			 const ForwardSpec &forward, bool *failed)
{
	const PipeSpec &spec = program_.pipes[pipe];
	LoweredPipe &lowered = pipes_[pipe];
	EntryRecord &record = slot_of(pipe, slot, failed);
	record = EntryRecord{};
	record.failed = failed;
	record.action_index = action_index;
	record.counted = spec.counter;
	const std::string doing = "an entry of pipe " + spec.name;

	doca_flow_match match = lowered.repeated;
	size_t at = 0;
	for (const FieldSpec &field : spec.match) {
		if (!field.of_entry)
			continue;
		const DocaField &doca = *field.field;
		if (doca.port)
			write_port(match, values.match.data() + at);
		else
			doca.to_match(match, values.match.data() + at, false);
		at += doca.octets;
	}

	auto actions = zeroed<doca_flow_actions>();
	const bool has_actions = !spec.actions.empty();
	ActionList *list = nullptr;
	if (has_actions) {
		const ActionsSpec &action = spec.actions[action_index];
		actions = lowered.repeated_actions[action_index];
		list = lowered.lists[action_index].get();
		fill_actions(action, &values, list == nullptr || !list->after_actions, list == nullptr, actions);
	}

	const bool own_forward = spec.forward.kind == ForwardSpec::OF_ENTRY;
	auto fwd = zeroed<doca_flow_fwd>();
	const doca_flow_fwd *fwd_given = lowered.changeable ? &fwd : nullptr;
	if (own_forward) {
		fwd = forward_of(forward);
	} else if (lowered.changeable && list == nullptr) {
		auto monitor = zeroed<doca_flow_monitor>();
		if (spec.mirror >= 0)
			mirrored(spec, spec.mirror, spec.forward, fwd, monitor);
		else
			fwd = forward_of(spec.forward);
	}
	auto list_fwd = zeroed<doca_flow_fwd>();
	if (list != nullptr) {
		if (!list->shared) {
			record.list_index = take_list_index(*list);
			if (own_forward)
				record.given = std::make_unique<GivenSpec>(GivenSpec{values, forward});
			add_list_entry(*list, spec.actions[action_index], values, record.list_index, own_forward ? &fwd : nullptr,
				       record, &record.list_entry);
		}
		list_fwd.type = DOCA_FLOW_FWD_ORDERED_LIST_PIPE;
		list_fwd.ordered_list_pipe.pipe = list->pipe;
		list_fwd.ordered_list_pipe.idx = record.list_index;
		fwd_given = &list_fwd;
	}
	operations_.reserve(1);
	check(compat::add_entry(operations_.queue(), lowered.pipe, &match, action_index, has_actions ? &actions : nullptr, nullptr,
				fwd_given, false, &record, &record.entry),
	      doing);
	operations_.submitted(record);
}

void LoweredProgram::update(uint32_t pipe, uint32_t slot, const ValuesSpec *values, const ForwardSpec *forward, bool *failed)
{
	const PipeSpec &spec = program_.pipes[pipe];
	LoweredPipe &lowered = pipes_[pipe];
	EntryRecord &record = slot_of(pipe, slot, failed);
	if (record.given != nullptr) {
		if (values != nullptr)
			record.given->values = *values;
		if (forward != nullptr)
			record.given->forward = *forward;
		values = &record.given->values;
		forward = &record.given->forward;
	}
	const std::string doing = "update of an entry of pipe " + spec.name;
	ActionList *list = spec.actions.empty() ? nullptr : lowered.lists[record.action_index].get();
	auto actions = zeroed<doca_flow_actions>();
	const bool has_actions = values != nullptr && !spec.actions.empty();
	if (has_actions) {
		actions = lowered.repeated_actions[record.action_index];
		fill_actions(spec.actions[record.action_index], values, list == nullptr || !list->after_actions, list == nullptr,
			     actions);
	}
	auto fwd = zeroed<doca_flow_fwd>();
	const doca_flow_fwd *fwd_given = nullptr;
	if (forward != nullptr) {
		fwd = forward_of(*forward);
		fwd_given = &fwd;
	}
	doca_flow_pipe_entry *former_list_entry = nullptr;
	uint32_t former_list_index = 0;
	auto list_fwd = zeroed<doca_flow_fwd>();
	if (list != nullptr && !list->shared && values != nullptr) {
		// A new list entry, then the switch, then the old one goes: no packet sees a gap.
		former_list_entry = record.list_entry;
		former_list_index = record.list_index;
		record.list_index = take_list_index(*list);
		add_list_entry(*list, spec.actions[record.action_index], *values, record.list_index, fwd_given, record,
			       &record.list_entry);
		list_fwd.type = DOCA_FLOW_FWD_ORDERED_LIST_PIPE;
		list_fwd.ordered_list_pipe.pipe = list->pipe;
		list_fwd.ordered_list_pipe.idx = record.list_index;
		fwd_given = &list_fwd;
	}
	if (!has_actions && fwd_given == nullptr)
		return;
	operations_.reserve(1);
	check(compat::update_entry(operations_.queue(), lowered.pipe, record.action_index, has_actions ? &actions : nullptr,
				   fwd_given, record.entry),
	      doing);
	operations_.submitted(record);
	if (former_list_entry != nullptr) {
		operations_.drain(record);
		operations_.reserve(1);
		check(doca_flow_pipe_remove_entry(operations_.queue(), compat::NO_WAIT, former_list_entry), doing);
		operations_.submitted(record);
		operations_.drain(record);
		list->free.push_back(former_list_index);
	}
}

void LoweredProgram::put_control(uint32_t pipe, uint32_t slot, const ControlEntrySpec &entry, bool *failed)
{
	const PipeSpec &spec = program_.pipes[pipe];
	LoweredPipe &lowered = pipes_[pipe];
	EntryRecord &record = slot_of(pipe, slot, failed);
	const std::string doing = "an entry of pipe " + spec.name;
	check_possible(spec, entry.actions);

	auto match = zeroed<doca_flow_match>();
	auto mask = zeroed<doca_flow_match>();
	for (const FieldSpec &field : entry.match)
		add_field(field, match, mask, nullptr);
	for (const FieldSpec &field : entry.match)
		field.field->need(match, mask);
	auto condition = zeroed<doca_flow_match_condition>();
	if (entry.condition) {
		const DocaField &doca = *entry.condition->field;
		const bool also_matched = std::any_of(entry.match.begin(), entry.match.end(),
						      [&doca](const FieldSpec &field) { return field.field == &doca; });
		if (doca.string == nullptr || also_matched || doca.port)
			throw Failure(DOCA_ERROR_NOT_SUPPORTED,
				      doing + ", a condition on " + doca.name + (also_matched ? ", which it matches too" : ""));
		condition.operation = entry.condition->operation;
		condition.field_op.a.field_string = doca.string;
		condition.field_op.width = doca.octets * 8u;
		doca.to_match(match, entry.condition->value.data(), false);
		doca.select(match);
		doca.select(mask);
		doca.need(match, mask);
	}

	auto actions = zeroed<doca_flow_actions>();
	auto actions_mask = zeroed<doca_flow_actions>();
	auto unused = zeroed<doca_flow_actions>();
	const bool lists = PSP_ORDERED_LISTS && entry.actions.crypto();
	const bool after = lists && sets_after_crypto(entry.actions);
	if (!after)
		template_sets(entry.actions, actions, actions_mask, unused, true);
	fill_actions(entry.actions, &entry.values, false, !lists, actions);

	auto monitor = zeroed<doca_flow_monitor>();
	if (entry.counter)
		monitor.counter_type = DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
	auto fwd = zeroed<doca_flow_fwd>();
	bool has_forward = true;
	if (entry.mirror >= 0)
		has_forward = mirrored(spec, entry.mirror, entry.forward, fwd, monitor);
	else
		fwd = forward_of(entry.forward);
	const doca_flow_fwd *fwd_given = has_forward ? &fwd : nullptr;
	doca_flow_pipe_entry *former = record.entry;
	doca_flow_pipe *former_list = record.own_list;
	if (former != nullptr) {
		// What it has counted stays with the record.
		const CounterValue value = read_counter(record);
		record.former_packets = value.packets;
		record.former_octets = value.octets;
	} else {
		record = EntryRecord{};
		record.failed = failed;
	}
	auto list_fwd = zeroed<doca_flow_fwd>();
	record.own_list = nullptr;
	if (lists) {
		static uint32_t number = 0;
		std::unique_ptr<ActionList> list =
			create_list(spec, entry.actions, spec.name + "_ENTRY_" + std::to_string(number++), 1, &fwd, &record);
		// It lives as long as the entry.
		made_.pop_back();
		record.own_list = list->pipe;
		if (!list->shared)
			add_list_entry(*list, entry.actions, entry.values, 0, nullptr, record, &record.list_entry);
		operations_.drain();
		list_fwd.type = DOCA_FLOW_FWD_ORDERED_LIST_PIPE;
		list_fwd.ordered_list_pipe.pipe = list->pipe;
		fwd_given = &list_fwd;
	}
	record.counted = entry.counter;
	const bool has_actions = !is_zero(&actions, sizeof(actions)) || !is_zero(&actions_mask, sizeof(actions_mask));
	operations_.reserve(1);
	check(compat::add_control_entry(operations_.queue(), entry.priority, lowered.pipe, &match, &mask,
					entry.condition ? &condition : nullptr, has_actions ? &actions : nullptr,
					has_actions ? &actions_mask : nullptr, &monitor, fwd_given, &record, &record.entry),
	      doing);
	operations_.submitted(record);
	if (former != nullptr) {
		operations_.drain(record);
		operations_.reserve(1);
		check(doca_flow_pipe_remove_entry(operations_.queue(), compat::NO_WAIT, former), doing);
		operations_.submitted(record);
		operations_.drain(record);
		if (former_list != nullptr)
			doca_flow_pipe_destroy(former_list);
	}
}

void LoweredProgram::remove(uint32_t pipe, uint32_t slot, bool *failed)
{
	const PipeSpec &spec = program_.pipes[pipe];
	LoweredPipe &lowered = pipes_[pipe];
	EntryRecord &record = slot_of(pipe, slot, failed);
	const std::string doing = "removal of an entry of pipe " + spec.name;
	const CounterValue value = read_counter(record);
	lowered.former.packets += value.packets;
	lowered.former.octets += value.octets;
	operations_.reserve(1);
	check(doca_flow_pipe_remove_entry(operations_.queue(), compat::NO_WAIT, record.entry), doing);
	operations_.submitted(record);
	if (record.list_entry != nullptr || record.own_list != nullptr) {
		operations_.drain(record);
		if (record.own_list != nullptr) {
			doca_flow_pipe_destroy(record.own_list);
		} else {
			operations_.reserve(1);
			check(doca_flow_pipe_remove_entry(operations_.queue(), compat::NO_WAIT, record.list_entry), doing);
			operations_.submitted(record);
			operations_.drain(record);
			lowered.lists[record.action_index]->free.push_back(record.list_index);
		}
	}
	record.entry = nullptr;
	record.list_entry = nullptr;
	record.own_list = nullptr;
	record.counted = false;
	record.former_packets = 0;
	record.former_octets = 0;
}

void LoweredProgram::forget(uint32_t pipe, uint32_t slot)
{
	EntryRecord &record = slot_of(pipe, slot, nullptr);
	if (record.own_list != nullptr) {
		doca_flow_pipe_destroy(record.own_list);
	} else if (record.list_entry != nullptr) {
		operations_.reserve(1);
		check(doca_flow_pipe_remove_entry(operations_.queue(), compat::NO_WAIT, record.list_entry), "removal of an ordered list's entry");
		operations_.submitted(record);
		operations_.drain(record);
	}
	record = EntryRecord{};
}

CounterValue LoweredProgram::read_counter(const EntryRecord &record) const
{
	CounterValue value{record.former_packets, record.former_octets};
	if (record.counted && record.entry != nullptr) {
		auto query = zeroed<doca_flow_resource_query>();
		check(doca_flow_resource_query_entry(record.entry, &query), "a counter");
		value.packets += query.counter.total_pkts;
		value.octets += query.counter.total_bytes;
	}
	return value;
}

CounterValue LoweredProgram::entry_counter(uint32_t pipe, uint32_t slot)
{
	return read_counter(slot_of(pipe, slot, nullptr));
}

CounterValue LoweredProgram::miss_counter(uint32_t pipe)
{
	LoweredPipe &lowered = pipes_[pipe];
	if (program_.pipes[pipe].control)
		return read_counter(lowered.miss);
	auto query = zeroed<doca_flow_resource_query>();
	check(doca_flow_resource_query_pipe_miss(lowered.pipe, &query), "the miss counter of pipe " + program_.pipes[pipe].name);
	return {query.counter.total_pkts, query.counter.total_bytes};
}

CounterValue LoweredProgram::total_counter(uint32_t pipe)
{
	LoweredPipe &lowered = pipes_[pipe];
	CounterValue total = lowered.former;
	for (const EntryRecord &record : lowered.slots) {
		const CounterValue value = read_counter(record);
		total.packets += value.packets;
		total.octets += value.octets;
	}
	return total;
}
