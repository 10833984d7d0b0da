// The API's functions doca_flow_cfg_*, doca_flow_init and doca_flow_destroy.
#include <algorithm>
#include <cstring>
#include <iterator>
#include <memory>
#include <string>

#include <doca_flow_tune_server.h>

#include "api.h"
#include "library.h"
#include "log.h"
#include "release.h"

using namespace soft;

Library *soft::library = nullptr;

struct doca_flow_tune_server_cfg {};

static constexpr uint32_t SHARED_RSS_MAX = 1024;

// Whether a word of a mode is known, with what it says or without effect here.
static bool is_mode_word(const std::string &word)
{
	static const char *const WORDS[] = {"vnf", "switch", "expert", "hws", "isolated", "cpds"};
	return std::find(std::begin(WORDS), std::end(WORDS), word) != std::end(WORDS) || word.rfind("hairpinq_num=", 0) == 0;
}

doca_error_t doca_flow_cfg_create(struct doca_flow_cfg **cfg)
try {
	REQUIRE(cfg != nullptr);
	*cfg = new doca_flow_cfg();
	return DOCA_SUCCESS;
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

doca_error_t doca_flow_cfg_destroy(struct doca_flow_cfg *cfg)
{
	REQUIRE(cfg != nullptr);
	delete cfg;
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_cfg_set_pipe_queues(struct doca_flow_cfg *cfg, uint16_t pipe_queues)
{
	REQUIRE(cfg != nullptr && pipe_queues > 0);
	cfg->pipe_queues = pipe_queues;
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_cfg_set_queue_depth(struct doca_flow_cfg *cfg, uint32_t queue_depth)
{
	REQUIRE(cfg != nullptr && queue_depth > 0);
	cfg->queue_depth = queue_depth;
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_cfg_set_nr_counters(struct doca_flow_cfg *cfg, uint32_t nr_counters)
{
	REQUIRE(cfg != nullptr);
	cfg->counters = nr_counters;
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_cfg_set_nr_meters(struct doca_flow_cfg *cfg, uint32_t nr_meters)
{
	REQUIRE(cfg != nullptr);
	if (nr_meters > METERS_MAX)
		return not_supported("%u meters; up to %u", nr_meters, METERS_MAX);
	cfg->meters = nr_meters;
	return DOCA_SUCCESS;
}

// The words of a mode come in any order. Unknown ones are taken with a log line, since most say how large something is to be.
doca_error_t doca_flow_cfg_set_mode_args(struct doca_flow_cfg *cfg, const char *mode_args)
try {
	REQUIRE(cfg != nullptr && mode_args != nullptr);
	const std::string list = std::string(mode_args) + ",";
	bool is_vnf = false;
	bool is_switch = false;
	bool is_expert = false;
	for (size_t at = 0; at < list.size();) {
		const size_t end = list.find(',', at);
		const std::string word = list.substr(at, end - at);
		is_vnf |= word == "vnf";
		is_switch |= word == "switch";
		is_expert |= word == "expert";
		if (!word.empty() && !is_mode_word(word))
			log_sdk(DOCA_LOG_LEVEL_WARNING, "the word %s of mode %s has no effect", word.c_str(), mode_args);
		at = end + 1;
	}
	if (is_vnf == is_switch)
		return invalid("mode %s; one of vnf and switch is needed", mode_args);
	cfg->mode = is_vnf ? Mode::VNF : is_expert ? Mode::EXPERT : Mode::SWITCH;
	return DOCA_SUCCESS;
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

doca_error_t doca_flow_cfg_set_nr_shared_resource(struct doca_flow_cfg *cfg, uint32_t nr_shared_resource,
						  enum doca_flow_shared_resource_type type)
{
	REQUIRE(cfg != nullptr && type >= 0 && static_cast<int>(type) < SHARED_RESOURCE_TYPES);
	// An entry has 16 bits for its mirror's number.
	if (is_mirror(type) && nr_shared_resource > UINT16_MAX + 1)
		return not_supported("%u mirrors; up to %d", nr_shared_resource, UINT16_MAX + 1);
	if (type == DOCA_FLOW_SHARED_RESOURCE_COUNTER && nr_shared_resource > SHARED_COUNTERS_MAX)
		return not_supported("%u shared counters; up to %u", nr_shared_resource, SHARED_COUNTERS_MAX);
	if (type == DOCA_FLOW_SHARED_RESOURCE_METER && nr_shared_resource > SHARED_METERS_MAX)
		return not_supported("%u shared meters; up to %u", nr_shared_resource, SHARED_METERS_MAX);
	if (type == DOCA_FLOW_SHARED_RESOURCE_COUNTER)
		cfg->shared_counters = nr_shared_resource;
	else if (type == DOCA_FLOW_SHARED_RESOURCE_METER)
		cfg->shared_meters = nr_shared_resource;
	else if (type == DOCA_FLOW_SHARED_RESOURCE_PSP)
		cfg->psp_slots = nr_shared_resource;
	else if (is_mirror(type))
		cfg->mirrors = nr_shared_resource;
	else if (type == DOCA_FLOW_SHARED_RESOURCE_RSS && nr_shared_resource <= SHARED_RSS_MAX)
		cfg->shared_rss = nr_shared_resource;
	else if (nr_shared_resource > 0)
		return not_supported("%u shared resources of type %d", nr_shared_resource, type);
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_cfg_set_cb_entry_process(struct doca_flow_cfg *cfg, doca_flow_entry_process_cb cb)
{
	REQUIRE(cfg != nullptr && cb != nullptr);
	cfg->entry_callback = cb;
	return DOCA_SUCCESS;
}

// The callback is never called, because pipes do not grow.
doca_error_t doca_flow_cfg_set_cb_pipe_process(struct doca_flow_cfg *cfg, doca_flow_pipe_process_cb)
{
	REQUIRE(cfg != nullptr);
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_cfg_set_cb_shared_resource_unbind(struct doca_flow_cfg *cfg, doca_flow_shared_resource_unbind_cb cb)
{
	REQUIRE(cfg != nullptr && cb != nullptr);
	return not_supported("doca_flow_cfg_set_cb_shared_resource_unbind");
}

doca_error_t doca_flow_cfg_set_rss_key(struct doca_flow_cfg *cfg, const uint8_t *rss_key, uint32_t rss_key_len)
{
	REQUIRE(cfg != nullptr && rss_key != nullptr && rss_key_len > 0);
	return not_supported("doca_flow_cfg_set_rss_key");
}

#if DOCA_SOFT_RELEASE_ >= 301
doca_error_t doca_flow_cfg_set_tune_cfg(struct doca_flow_cfg *cfg, struct doca_flow_tune_cfg *tune_cfg)
{
	REQUIRE(cfg != nullptr && tune_cfg != nullptr);
	return not_supported("doca_flow_cfg_set_tune_cfg");
}
#endif

#if DOCA_SOFT_RELEASE_ < 302
// The queues have no effect, because every forward to RSS names its own. doca_soft_get_set_up returns them.
doca_error_t doca_flow_cfg_set_default_rss(struct doca_flow_cfg *cfg, const struct doca_flow_resource_rss_cfg *rss)
try {
	REQUIRE(cfg != nullptr && rss != nullptr);
	if (rss->nr_queues < 1 || rss->queues_array == nullptr)
		return invalid("a default RSS without queues");
	cfg->default_rss.assign(rss->queues_array, rss->queues_array + rss->nr_queues);
	return DOCA_SUCCESS;
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}
#else
doca_error_t doca_flow_cfg_set_resource_mode(struct doca_flow_cfg *cfg, enum doca_flow_resource_mode mode)
{
	REQUIRE(cfg != nullptr);
	cfg->port_resources = mode == DOCA_FLOW_RESOURCE_MODE_PORT;
	return DOCA_SUCCESS;
}
#endif

doca_error_t doca_flow_init(struct doca_flow_cfg *cfg)
try {
	REQUIRE(cfg != nullptr);
	if (library != nullptr)
		return DOCA_ERROR_BAD_STATE;
	auto made = std::make_unique<Library>();
	made->cfg = *cfg;
	made->psp_owner.resize(cfg->psp_slots);
	made->mirror_owner.resize(cfg->mirrors);
	definitions = cfg->definitions;
	define_words(definitions.match);
	made->shared = std::make_shared<SharedMonitors>(SharedMonitors::Room{cfg->shared_counters, cfg->shared_counters},
							SharedMonitors::Room{cfg->shared_meters, cfg->shared_meters});
	made->shared_rss.resize(cfg->shared_rss);
	library = made.release();
	return DOCA_SUCCESS;
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

void doca_flow_destroy(void)
{
	delete library;
	library = nullptr;
}

#if DOCA_SOFT_RELEASE_ >= 301
doca_error_t doca_flow_tune_cfg_create(struct doca_flow_tune_cfg **cfg)
{
	REQUIRE(cfg != nullptr);
	return not_supported("doca_flow_tune_cfg_create");
}

doca_error_t doca_flow_tune_cfg_destroy(struct doca_flow_tune_cfg *)
{
	return not_supported("doca_flow_tune_cfg_destroy");
}

doca_error_t doca_flow_tune_cfg_set_profile(struct doca_flow_tune_cfg *, enum doca_flow_tune_profile)
{
	return not_supported("doca_flow_tune_cfg_set_profile");
}
#endif

// The configuration is kept although there is no server: programs end where they cannot make one.
doca_error_t doca_flow_tune_server_cfg_create(struct doca_flow_tune_server_cfg **cfg)
try {
	REQUIRE(cfg != nullptr);
	*cfg = new doca_flow_tune_server_cfg();
	return DOCA_SUCCESS;
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

// No server reads the file.
doca_error_t doca_flow_tune_server_cfg_set_cfg_file_path(struct doca_flow_tune_server_cfg *cfg, const char *path)
{
	REQUIRE(cfg != nullptr && path != nullptr);
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_tune_server_cfg_destroy(struct doca_flow_tune_server_cfg *cfg)
{
	REQUIRE(cfg != nullptr);
	delete cfg;
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_tune_server_init(struct doca_flow_tune_server_cfg *)
{
	return not_supported("doca_flow_tune_server_init");
}

void doca_flow_tune_server_destroy(void) {}
