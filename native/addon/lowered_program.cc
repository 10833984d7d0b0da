#include "lowered_program.h"

#include <utility>

#include "failure.h"
#include "pipe_builder.h"

LoweredProgram::LoweredProgram(ProgramSpec program, LoweringDevice device)
	: program_(std::move(program)), device_(std::move(device)),
	  operations_(device_.port, device_.entry_queue, device_.queue_depth), doca_pipes_(device_.port),
	  forwards_(device_, program_.pipes.size()), shape_(program_, device_, doca_pipes_, forwards_, operations_),
	  pipes_(program_.pipes.size()), slots_(program_, pipes_, doca_pipes_, operations_),
	  basic_(program_, device_, pipes_, slots_, forwards_, shape_, operations_),
	  control_(program_, device_, pipes_, doca_pipes_, slots_, forwards_, shape_, operations_)
{
}

void LoweredProgram::build()
{
	PipeBuilder builder(device_, doca_pipes_, forwards_, shape_, operations_);
	for (const uint32_t index : building_order(program_)) {
		builder.build(program_.pipes[index], pipes_[index]);
		forwards_.set_pipe(index, pipes_[index].pipe);
	}
	operations_.drain();
}

void LoweredProgram::close()
{
	if (std::exchange(closed_, true))
		return;
	try {
		operations_.drain();
	} catch (const Failure &) {
		operations_.give_up();
	}
	// Without the roots no packet comes to the other pipes, whose entries may forward to pipes that were made before or after
	// them.
	for (size_t index = 0; index < pipes_.size(); index++) {
		if (program_.pipes[index].is_root && pipes_[index].pipe != nullptr)
			doca_pipes_.destroy(pipes_[index].pipe);
	}
	doca_pipes_.destroy_all();
}
