#include "batch.h"

#include <cstring>
#include <deque>

namespace {

class Reader {
public:
	explicit Reader(const std::vector<uint8_t> &octets) : at_(octets.data()), end_(octets.data() + octets.size()) {}

	bool done() const { return at_ == end_; }
	uint8_t number8() { return *take(1); }
	uint16_t number16()
	{
		uint16_t value;
		memcpy(&value, take(2), 2);
		return value;
	}
	uint32_t number32()
	{
		uint32_t value;
		memcpy(&value, take(4), 4);
		return value;
	}
	void octets(std::vector<uint8_t> &out, size_t count)
	{
		const uint8_t *from = take(count);
		out.assign(from, from + count);
	}

private:
	const uint8_t *take(size_t count)
	{
		if (static_cast<size_t>(end_ - at_) < count)
			throw Failure(DOCA_ERROR_INVALID_VALUE, "a batch of entries ends too early");
		const uint8_t *from = at_;
		at_ += count;
		return from;
	}

	const uint8_t *at_;
	const uint8_t *end_;
};

size_t octets_of_entries(const std::vector<FieldSpec> &fields)
{
	size_t octets = 0;
	for (const FieldSpec &field : fields)
		octets += field.of_entry ? field.field->octets : 0;
	return octets;
}

// Reads the values that an entry gives for an action template.
void read_values(Reader &reader, const ActionsSpec &actions, ValuesSpec &values)
{
	reader.octets(values.set, octets_of_entries(actions.set));
	reader.octets(values.ethernet_header, actions.ethernet_of_entry() ? 14 : 0);
	reader.octets(values.encap_header, actions.encap ? actions.encap_octets : 0);
	values.crypto_id = actions.encrypt && actions.crypto_id == 0 ? reader.number32() : 0;
}

ForwardSpec read_forward(Reader &reader)
{
	ForwardSpec forward;
	forward.kind = static_cast<ForwardSpec::Kind>(reader.number8());
	forward.target = reader.number32();
	return forward;
}

// What has become of an operation.
struct Outcome {
	uint32_t pipe;
	uint32_t slot;
	// It adds an entry.
	bool added = false;
	// DOCA refused it inside the call.
	bool refused = false;
	// DOCA reported its failure later.
	bool failed = false;
};

void hand_over(LoweredProgram &program, const ProgramSpec &spec, const std::vector<uint8_t> &batch,
	       const std::vector<ControlEntrySpec> &controls, std::deque<Outcome> &outcomes, std::vector<BatchFailure> &failures)
{
	Reader reader(batch);
	ValuesSpec values;
	for (uint32_t index = 0; !reader.done(); index++) {
		const auto operation = static_cast<BatchOperation>(reader.number8());
		const uint8_t detail = reader.number8();
		const uint16_t pipe = reader.number16();
		const uint32_t slot = reader.number32();
		const PipeSpec &of = spec.pipes.at(pipe);
		Outcome &outcome = outcomes.emplace_back(Outcome{pipe, slot});
		// Everything is read before the operation runs, so that one that fails does not leave the reader in its middle.
		ForwardSpec forward;
		const bool with_values = operation == BatchOperation::ADD || (detail & 1) != 0;
		const bool with_forward = operation == BatchOperation::ADD ? of.forward.kind == ForwardSpec::OF_ENTRY
									   : (detail & 2) != 0;
		uint32_t control = 0;
		uint8_t action_index = 0;
		static const ActionsSpec none;
		switch (operation) {
		case BatchOperation::ADD:
		case BatchOperation::UPDATE: {
			action_index = reader.number8();
			const ActionsSpec &actions = of.actions.empty() ? none : of.actions.at(action_index);
			reader.octets(values.match, operation == BatchOperation::ADD ? octets_of_entries(of.match) : 0);
			if (with_values)
				read_values(reader, actions, values);
			if (with_forward)
				forward = read_forward(reader);
			break;
		}
		case BatchOperation::ADD_CONTROL:
		case BatchOperation::REPLACE_CONTROL:
			control = reader.number32();
			break;
		case BatchOperation::REMOVE:
			break;
		default:
			throw Failure(DOCA_ERROR_INVALID_VALUE, "a batch of entries with an operation that there is not");
		}
		try {
			switch (operation) {
			case BatchOperation::ADD:
				program.add(pipe, slot, action_index, values, forward, &outcome.failed);
				outcome.added = true;
				break;
			case BatchOperation::UPDATE:
				program.update(pipe, slot, with_values ? &values : nullptr, with_forward ? &forward : nullptr,
					       &outcome.failed);
				break;
			case BatchOperation::REMOVE:
				program.remove(pipe, slot, &outcome.failed);
				break;
			case BatchOperation::ADD_CONTROL:
				program.add_control(pipe, slot, controls.at(control), &outcome.failed);
				outcome.added = true;
				break;
			case BatchOperation::REPLACE_CONTROL:
				program.replace_control(pipe, slot, controls.at(control), &outcome.failed);
				break;
			}
		} catch (const Failure &failure) {
			outcome.refused = true;
			failures.push_back({index, failure.name(), failure.what()});
		}
	}
}

} // namespace

std::vector<BatchFailure> run_batch(LoweredProgram &program, const ProgramSpec &spec, const std::vector<uint8_t> &batch,
				    const std::vector<ControlEntrySpec> &controls)
{
	// A deque, because completions of DOCA write to its elements, which must not move.
	std::deque<Outcome> outcomes;
	std::vector<BatchFailure> failures;
	try {
		hand_over(program, spec, batch, controls, outcomes, failures);
		program.finish();
	} catch (...) {
		program.abandon();
		throw;
	}
	for (uint32_t index = 0; index < outcomes.size(); index++) {
		const Outcome &outcome = outcomes[index];
		if (!outcome.failed || outcome.refused)
			continue;
		failures.push_back({index, "DRIVER", "the device could not do it"});
		if (outcome.added)
			program.forget(outcome.pipe, outcome.slot);
	}
	return failures;
}
