// Pipes of DOCA, made one by one and destroyed in the reverse order.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "compat.h"
#include "program.h"

class DocaPipes {
public:
	using Configure = std::function<void(doca_flow_pipe_cfg *)>;

	explicit DocaPipes(doca_flow_port *port) : port_(port) {}

	// Makes a pipe; `configure` sets what is special to its type. Throws Failure, which names the pipe.
	doca_flow_pipe *create(const std::string &name, doca_flow_pipe_type type, doca_flow_pipe_domain domain,
			       const Configure &configure, const doca_flow_fwd *forward, const doca_flow_fwd *miss);
	void destroy(doca_flow_pipe *pipe);
	void destroy_all();

private:
	doca_flow_port *port_;
	std::vector<doca_flow_pipe *> made_;
};

// The domain of DOCA that the program's pipe is in.
doca_flow_pipe_domain domain_of(const PipeSpec &spec);
