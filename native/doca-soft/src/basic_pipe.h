// BASIC pipes: one match template, for whose open fields the entries give values.
#pragma once

#include "exact_table.h"
#include "pipe.h"

namespace soft {

// Reads the fields that a pipe compares. Fields with fixed values are compared at once; those that entries give form a key.
class KeyReader {
public:
	void layout(const std::vector<MatchField> &fields);
	// Finds the packets that have all fields and the fixed values. Writes their positions in `packets`, in order, and their
	// keys, key_words() for each. Returns their number.
	uint32_t read(Packet **packets, uint32_t count, uint8_t *positions, uint64_t *keys) const;
	uint32_t key_words() const { return key_words_; }
	bool draws_random() const { return random_; }
	// Writes the key of an entry that gives the values in `match`: key_words() words of 64 bits.
	void entry_key(const doca_flow_match *match, uint8_t *key) const;

private:
	struct Step {
		MatchField field;
		// The word of the key.
		uint32_t at;
	};
	PacketTest test_;
	std::vector<Step> steps_;
	uint32_t key_words_ = 0;
	bool random_ = false;
	// Empty when all bits count.
	std::vector<uint64_t> mask_;
};

class BasicPipe : public doca_flow_pipe {
public:
	// Made for `expected` entries, and takes up to `max`, of which none may have the key of another one with `refuses_equal`.
	// `monitors`: whether they may monitor more than a counter of their own.
	BasicPipe(const std::vector<MatchField> &fields, std::vector<Actions> actions, uint32_t expected, uint32_t max,
		  bool refuses_equal, bool monitors);

	void process(Packet **packets, uint32_t count, Forward *results, Datapath &datapath) override;
	bool install(doca_flow_pipe_entry &entry) override;
	void uninstall(doca_flow_pipe_entry &entry) override;

	const KeyReader &reader() const { return reader_; }
	const std::vector<Actions> &actions() const { return actions_; }

private:
	void find(Packet **packets, uint32_t count, EntryHot **found) const;
	bool has_equal(const doca_flow_pipe_entry &entry) const;
	void prefetch_record(const EntryHot *hot) const;
	void hit(Packet &packet, EntryHot &entry, Forward &result, Datapath &datapath);

	KeyReader reader_;
	std::vector<Actions> actions_;
	ExactTable table_;
	// The newest entry of a pipe whose match leaves nothing open, so that all keys are equal; and its record.
	doca_flow_pipe_entry *newest_ = nullptr;
	EntryHot *only_ = nullptr;
	bool decrypts_ = false;
	const bool refuses_equal_;
};

} // namespace soft
