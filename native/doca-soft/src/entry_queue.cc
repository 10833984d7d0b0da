#include "entry_queue.h"

#include <algorithm>
#include <cstdlib>

#include "random_source.h"

namespace soft {
namespace {

constexpr uint32_t LATE_CALLS = 3;

} // namespace

EntryQueue::~EntryQueue()
{
	EntryCommand command{};
	while (commands.pop(command)) {
		free(command.update);
		command.entry->pipe->reported(*command.entry);
	}
	EntryCompletion completion{};
	while (completions.pop(completion))
		completion.entry->pipe->reported(*completion.entry);
	for (const EntryCompletion &unreported : done_)
		unreported.entry->pipe->reported(*unreported.entry);
}

bool EntryQueue::is_too_early()
{
	if (how_ != Completions::LATE || in_flight == 0)
		return false;
	calls_ = (calls_ + 1) % LATE_CALLS;
	return calls_ != 0;
}

bool EntryQueue::take(EntryCompletion &done)
{
	if (how_ != Completions::SHUFFLED)
		return completions.pop(done);
	while (completions.pop(done))
		done_.push_back(done);
	if (done_.empty())
		return false;
	const doca_flow_pipe_entry *const entry = done_[random_of_step(shuffle_ += RANDOM_STEP) % done_.size()].entry;
	// Operations on one entry stay in their order.
	const auto first = std::find_if(done_.begin(), done_.end(),
					[entry](const EntryCompletion &other) { return other.entry == entry; });
	done = *first;
	done_.erase(first);
	return true;
}

} // namespace soft
