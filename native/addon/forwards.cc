#include "forwards.h"

#include "doca_structs.h"
#include "failure.h"

namespace {

class Order {
public:
	explicit Order(const ProgramSpec &program) : program_(program), seen_(program.pipes.size()) {}

	void append(uint32_t index)
	{
		if (seen_[index])
			return;
		seen_[index] = true;
		const PipeSpec &pipe = program_.pipes[index];
		if (!pipe.control) {
			follow(pipe.forward);
			if (pipe.mirror >= 0) {
				for (const ForwardSpec &target : program_.mirrors[static_cast<size_t>(pipe.mirror)])
					follow(target);
			}
		}
		follow(pipe.miss);
		order_.push_back(index);
	}
	std::vector<uint32_t> take() { return std::move(order_); }

private:
	void follow(const ForwardSpec &forward)
	{
		if (forward.kind == ForwardSpec::PIPE)
			append(forward.target);
	}

	const ProgramSpec &program_;
	std::vector<bool> seen_;
	std::vector<uint32_t> order_;
};

} // namespace

doca_flow_fwd Forwards::forward_of(const ForwardSpec &forward)
{
	auto fwd = zeroed<doca_flow_fwd>();
	switch (forward.kind) {
	case ForwardSpec::PIPE:
		fwd.type = DOCA_FLOW_FWD_PIPE;
		fwd.next_pipe = pipes_[forward.target];
		break;
	case ForwardSpec::PORT:
		fwd.type = DOCA_FLOW_FWD_PORT;
		fwd.port_id = device_.dpdk_ports[forward.target];
		break;
	case ForwardSpec::RSS:
		compat::set_rss(fwd, rss_queues_);
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

std::vector<uint32_t> building_order(const ProgramSpec &program)
{
	Order order(program);
	for (uint32_t index = 0; index < program.pipes.size(); index++)
		order.append(index);
	return order.take();
}
