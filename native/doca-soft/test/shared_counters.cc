// Counters that entries share, and the numbers of resources.
#include "monitors.h"

using namespace world;

namespace {

// As many as the library takes.
constexpr uint32_t SHARED_COUNTERS_MAX = 1'048'576;
constexpr uint32_t SHARED_METERS_MAX = 65'536;
constexpr uint32_t METERS_MAX = 1'048'576;

doca_flow_monitor shared_counter(uint32_t id)
{
	doca_flow_monitor monitor = {};
	monitor.counter_type = DOCA_FLOW_RESOURCE_TYPE_SHARED;
	monitor.shared_counter.shared_counter_id = id;
	return monitor;
}

uint64_t packets_counted(uint32_t id, uint64_t *octets = nullptr)
{
	doca_flow_resource_query query = {};
	OK(doca_flow_shared_resources_query(DOCA_FLOW_SHARED_RESOURCE_COUNTER, &id, &query, 1));
	if (octets != nullptr)
		*octets = query.counter.total_bytes;
	return query.counter.total_pkts;
}

void entries_share_counters()
{
	start_with_library_resources();
	constexpr auto COUNTER = DOCA_FLOW_SHARED_RESOURCE_COUNTER;
	doca_flow_shared_resource_cfg cfg = {};
	OK(doca_flow_shared_resource_set_cfg(COUNTER, 0, &cfg));
	CHECK(doca_flow_shared_resource_set_cfg(COUNTER, SHARED_COUNTERS, &cfg) == DOCA_ERROR_INVALID_VALUE);
	bind(COUNTER, 0, pf_port);
	doca_flow_pipe *const root = root_with(shared_counter(PER_ENTRY));
	// To a pipe, which is to its port; and to all.
	bind(COUNTER, 1, root);
	bind(COUNTER, 2, nullptr);
	uint32_t outside[] = {3, SHARED_COUNTERS};
	CHECK(doca_flow_shared_resources_bind(COUNTER, outside, 2, pf_port) == DOCA_ERROR_INVALID_VALUE);
	doca_flow_resource_query queries[3] = {};
	CHECK(doca_flow_shared_resources_query(COUNTER, outside, queries, 2) == DOCA_ERROR_INVALID_VALUE);
	CHECK(doca_flow_shared_resources_query(DOCA_FLOW_SHARED_RESOURCE_METER, outside, queries, 1) == DOCA_ERROR_NOT_SUPPORTED);

	// NVIDIA's sample leaves the type of entries out.
	doca_flow_monitor untyped = shared_counter(0);
	untyped.counter_type = DOCA_FLOW_RESOURCE_TYPE_NONE;
	doca_flow_pipe_entry *const first = add(root, 1, &untyped);
	const doca_flow_monitor zero = shared_counter(0);
	const doca_flow_monitor one = shared_counter(1);
	const doca_flow_monitor two = shared_counter(2);
	const doca_flow_monitor unbound = shared_counter(3);
	const doca_flow_monitor missing = shared_counter(SHARED_COUNTERS);
	doca_flow_pipe_entry *const second = add(root, 2, &zero);
	doca_flow_pipe_entry *const third = add(root, 3, &one);
	add(root, 4, &two);
	CHECK(try_add(root, 5, &unbound) == DOCA_ERROR_INVALID_VALUE);
	CHECK(try_add(root, 5, &missing) == DOCA_ERROR_INVALID_VALUE);
	CHECK(try_add(root, 5, nullptr) == DOCA_ERROR_INVALID_VALUE);
	hit(1, 2, 100);
	hit(2, 3, 200);
	hit(3, 1, 300);
	hit(4, 4, 70);
	uint32_t ids[] = {2, 0, 1};
	OK(doca_flow_shared_resources_query(COUNTER, ids, queries, 3));
	CHECK(queries[0].counter.total_pkts == 4 && queries[0].counter.total_bytes == 280);
	CHECK(queries[1].counter.total_pkts == 5 && queries[1].counter.total_bytes == 800);
	CHECK(queries[2].counter.total_pkts == 1 && queries[2].counter.total_bytes == 300);
	// Of an entry its shared counter is asked.
	CHECK(packets_of(first) == 5 && packets_of(second) == 5 && packets_of(third) == 1);

	// What has been counted stays when an entry goes, or counts elsewhere.
	remove(second);
	OK(update_monitor(0, root, &one, first));
	process(0);
	reported();
	hit(1, 10);
	hit(2, 1);
	CHECK(packets_counted(0) == 5 && packets_counted(1) == 11 && packets_of(first) == 11);
	stop();
}

// What a port that has stopped was bound to is bound no more.
void counters_are_bound_until_their_port_stops()
{
	start_with_library_resources();
	bind(DOCA_FLOW_SHARED_RESOURCE_COUNTER, 0, pf_port);
	bind(DOCA_FLOW_SHARED_RESOURCE_COUNTER, 1, nullptr);
	OK(doca_flow_port_stop(vf_port));
	OK(doca_flow_port_stop(pf_port));
	OK(start_flow_port(pf, dev, nullptr, pf_port));
	OK(start_flow_port(pf + 1, nullptr, rep, vf_port));
	doca_flow_pipe *const root = root_with(shared_counter(PER_ENTRY));
	const doca_flow_monitor zero = shared_counter(0);
	const doca_flow_monitor one = shared_counter(1);
	CHECK(try_add(root, 1, &zero) == DOCA_ERROR_INVALID_VALUE);
	add(root, 1, &one);
	stop();
}

// Pipes of several kinds, and templates that leave nothing to entries.
void pipes_share_counters()
{
	start_with_library_resources();
	bind(DOCA_FLOW_SHARED_RESOURCE_COUNTER, 1, pf_port);
	const doca_flow_monitor one = shared_counter(1);
	doca_flow_pipe *const basic = root_with(one);
	add(basic, 1, nullptr);
	hit(1, 2);
	doca_flow_pipe_destroy(basic);
	forget_reports();
	doca_flow_pipe *control;
	PipeOptions options;
	options.type = DOCA_FLOW_PIPE_CONTROL;
	options.is_root = true;
	OK(create(options, control));
	doca_flow_pipe_entry *entry;
	OK(add_control(0, 0, control, nullptr, nullptr, &DROP, 0, &entry, &one));
	process(0);
	hit(1, 3);
	uint64_t octets;
	CHECK(packets_counted(1, &octets) == 5 && octets == 500 && packets_of(entry) == 5);
	// An entry does not have what its template has not.
	doca_flow_pipe_destroy(control);
	forget_reports();
	doca_flow_pipe *const plain = root_with({});
	CHECK(try_add(plain, 1, &one) == DOCA_ERROR_INVALID_VALUE);
	doca_flow_monitor aging = {};
	aging.aging_sec = 1;
	CHECK(try_add(plain, 1, &aging) == DOCA_ERROR_INVALID_VALUE);
	stop();
}

#if DOCA_SOFT_RELEASE_ >= 302
void resources_belong_to_ports(doca_flow_cfg *cfg)
{
	OK(doca_flow_cfg_set_resource_mode(cfg, DOCA_FLOW_RESOURCE_MODE_PORT));
}

void with_resources(doca_flow_port_cfg *cfg)
{
	OK(doca_flow_port_cfg_set_nr_resources(cfg, DOCA_FLOW_RESOURCE_COUNTER, 2));
	OK(doca_flow_port_cfg_set_nr_resources(cfg, DOCA_FLOW_RESOURCE_METER, 2));
	for (const auto none : {DOCA_FLOW_RESOURCE_RSS, DOCA_FLOW_RESOURCE_ENCAP, DOCA_FLOW_RESOURCE_DECAP,
				DOCA_FLOW_RESOURCE_PSP, DOCA_FLOW_RESOURCE_IPSEC_SA})
		OK(doca_flow_port_cfg_set_nr_resources(cfg, none, 0));
	CHECK(doca_flow_port_cfg_set_nr_resources(cfg, DOCA_FLOW_RESOURCE_METER, METERS_MAX + 1) == DOCA_ERROR_NOT_SUPPORTED);
}

void ports_hand_resources_out()
{
	configure_flow = resources_belong_to_ports;
	configure_port = with_resources;
	start();
	constexpr auto COUNTER = DOCA_FLOW_SHARED_RESOURCE_COUNTER;
	constexpr auto METER = DOCA_FLOW_SHARED_RESOURCE_METER;
	uint32_t ids[2];
	uint32_t none;
	OK(doca_flow_port_shared_resource_get(pf_port, COUNTER, &ids[0]));
	doca_flow_pipe *const root = root_with(shared_counter(PER_ENTRY));
	// Not handed out yet.
	const doca_flow_monitor other = shared_counter(1 - ids[0]);
	CHECK(try_add(root, 1, &other) == DOCA_ERROR_INVALID_VALUE);
	OK(doca_flow_port_shared_resource_get(pf_port, COUNTER, &ids[1]));
	CHECK(ids[0] != ids[1]);
	CHECK(doca_flow_port_shared_resource_get(pf_port, COUNTER, &none) == DOCA_ERROR_EMPTY);
	doca_flow_shared_resource_cfg cfg = {};
	OK(doca_flow_port_shared_resource_set_cfg(pf_port, COUNTER, ids[0], &cfg));
	const doca_flow_monitor monitor = shared_counter(ids[0]);
	doca_flow_pipe_entry *const entry = add(root, 1, &monitor);
	hit(1, 3);
	doca_flow_resource_query queries[2] = {};
	OK(doca_flow_port_shared_resources_query(pf_port, COUNTER, ids, queries, 2));
	CHECK(queries[0].counter.total_pkts == 3 && queries[0].counter.total_bytes == 300 && queries[1].counter.total_pkts == 0);
	remove(entry);
	OK(doca_flow_port_shared_resource_put(pf_port, COUNTER, ids[0]));
	CHECK(doca_flow_port_shared_resource_put(pf_port, COUNTER, ids[0]) == DOCA_ERROR_INVALID_VALUE);
	CHECK(doca_flow_port_shared_resources_query(pf_port, COUNTER, ids, queries, 1) == DOCA_ERROR_INVALID_VALUE);
	CHECK(try_add(root, 1, &monitor) == DOCA_ERROR_INVALID_VALUE);
	// The next one begins at 0.
	OK(doca_flow_port_shared_resource_get(pf_port, COUNTER, &none));
	OK(doca_flow_port_shared_resources_query(pf_port, COUNTER, &none, queries, 1));
	CHECK(queries[0].counter.total_pkts == 0);
	doca_flow_pipe_destroy(root);
	forget_reports();

	// Shared meters and those of entries are of one number.
	OK(doca_flow_port_shared_resource_get(pf_port, METER, &ids[0]));
	CHECK(doca_flow_port_shared_resource_set_cfg(pf_port, METER, ids[0] + 1, &cfg) == DOCA_ERROR_INVALID_VALUE);
	OK(doca_flow_port_shared_resource_set_cfg(pf_port, METER, ids[0], &cfg));
	doca_flow_monitor metered = {};
	metered.meter_type = DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
	metered.non_shared_meter.cbs = 100;
	doca_flow_pipe *const pipe = root_with(metered);
	add(pipe, 1, nullptr);
	CHECK(doca_flow_port_shared_resource_get(pf_port, METER, &none) == DOCA_ERROR_EMPTY);
	OK(try_add(pipe, 2, nullptr));
	process(0);
	CHECK((reported() == std::vector<Completion>{{2, 0, false, DOCA_FLOW_ENTRY_OP_ADD}}));
	OK(doca_flow_port_shared_resource_put(pf_port, METER, ids[0]));
	add(pipe, 2, nullptr);
	stop();
}
#else
void ports_hand_resources_out() {}
#endif

void numbers_have_limits()
{
	doca_flow_cfg *cfg;
	OK(doca_flow_cfg_create(&cfg));
	OK(doca_flow_cfg_set_nr_shared_resource(cfg, SHARED_COUNTERS_MAX, DOCA_FLOW_SHARED_RESOURCE_COUNTER));
	OK(doca_flow_cfg_set_nr_shared_resource(cfg, SHARED_METERS_MAX, DOCA_FLOW_SHARED_RESOURCE_METER));
	OK(doca_flow_cfg_set_nr_meters(cfg, METERS_MAX));
	CHECK(doca_flow_cfg_set_nr_shared_resource(cfg, SHARED_COUNTERS_MAX + 1, DOCA_FLOW_SHARED_RESOURCE_COUNTER) ==
	      DOCA_ERROR_NOT_SUPPORTED);
	CHECK(doca_flow_cfg_set_nr_shared_resource(cfg, SHARED_METERS_MAX + 1, DOCA_FLOW_SHARED_RESOURCE_METER) ==
	      DOCA_ERROR_NOT_SUPPORTED);
	CHECK(doca_flow_cfg_set_nr_meters(cfg, METERS_MAX + 1) == DOCA_ERROR_NOT_SUPPORTED);
	OK(doca_flow_cfg_destroy(cfg));
}

const Case CASES[] = {
	{"shared-counters", entries_share_counters},
	{"bound", counters_are_bound_until_their_port_stops},
	{"counters-of-pipes", pipes_share_counters},
	{"resources-of-ports", ports_hand_resources_out},
	{"limits", numbers_have_limits},
};

} // namespace

int main(int argc, char **argv)
{
	return run_case("shared_counters", CASES, argc, argv);
}
