#include "doca_pipes.h"

#include <algorithm>
#include <memory>

#include "failure.h"

doca_flow_pipe *DocaPipes::create(const std::string &name, doca_flow_pipe_type type, doca_flow_pipe_domain domain,
				  const Configure &configure, const doca_flow_fwd *forward, const doca_flow_fwd *miss)
{
	doca_flow_pipe_cfg *cfg = nullptr;
	const std::string doing = "pipe " + name;
	check(doca_flow_pipe_cfg_create(&cfg, port_), doing);
	const std::unique_ptr<doca_flow_pipe_cfg, doca_error_t (*)(doca_flow_pipe_cfg *)> guard(cfg, doca_flow_pipe_cfg_destroy);
	check(doca_flow_pipe_cfg_set_name(cfg, name.c_str()), doing + ", name");
	check(doca_flow_pipe_cfg_set_type(cfg, type), doing + ", type");
	check(doca_flow_pipe_cfg_set_domain(cfg, domain), doing + ", domain");
	configure(cfg);
	doca_flow_pipe *pipe = nullptr;
	check(doca_flow_pipe_create(cfg, forward, miss, &pipe), doing);
	made_.push_back(pipe);
	return pipe;
}

void DocaPipes::destroy(doca_flow_pipe *pipe)
{
	// From the end: those that go before the others were made last.
	const auto found = std::find(made_.rbegin(), made_.rend(), pipe);
	made_.erase(std::next(found).base());
	doca_flow_pipe_destroy(pipe);
}

void DocaPipes::destroy_all()
{
	for (auto at = made_.rbegin(); at != made_.rend(); ++at)
		doca_flow_pipe_destroy(*at);
	made_.clear();
}

doca_flow_pipe_domain domain_of(const PipeSpec &spec)
{
	const auto domain = static_cast<doca_flow_pipe_domain>(spec.domain);
	return spec.is_root ? compat::root_domain(domain) : domain;
}
