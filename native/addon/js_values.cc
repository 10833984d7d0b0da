#include "js_values.h"

std::vector<uint8_t> octets_of(const Napi::Value &value)
{
	if (!value.IsTypedArray())
		return {};
	const auto array = value.As<Napi::Uint8Array>();
	return std::vector<uint8_t>(array.Data(), array.Data() + array.ByteLength());
}

uint32_t number_of(const Napi::Object &object, const char *name, uint32_t absent)
{
	const Napi::Value value = object.Get(name);
	return value.IsNumber() ? value.As<Napi::Number>().Uint32Value() : absent;
}

bool flag_of(const Napi::Object &object, const char *name)
{
	const Napi::Value value = object.Get(name);
	return value.IsBoolean() && value.As<Napi::Boolean>().Value();
}

std::string text_of(const Napi::Object &object, const char *name)
{
	const Napi::Value value = object.Get(name);
	return value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
}

namespace {

FieldSpec field_of(const Napi::Value &value)
{
	const auto object = value.As<Napi::Object>();
	FieldSpec field;
	field.field = &doca_field(text_of(object, "name"));
	field.of_entry = flag_of(object, "ofEntry");
	field.value = octets_of(object.Get("value"));
	field.mask = octets_of(object.Get("mask"));
	return field;
}

ForwardSpec forward_of(const Napi::Value &value)
{
	const auto object = value.As<Napi::Object>();
	ForwardSpec forward;
	forward.kind = static_cast<ForwardSpec::Kind>(number_of(object, "kind"));
	forward.target = number_of(object, "target");
	return forward;
}

ActionsSpec actions_of(const Napi::Value &value)
{
	const auto object = value.As<Napi::Object>();
	ActionsSpec actions;
	actions.decrypt = flag_of(object, "decrypt");
	actions.decap = flag_of(object, "decap");
	actions.decap_net_type = static_cast<doca_flow_crypto_encap_net_type>(number_of(object, "decapNetType"));
	actions.ethernet_header = octets_of(object.Get("ethernetHeader"));
	actions.set = list_of<FieldSpec>(object.Get("set"), field_of);
	actions.encap = flag_of(object, "encap");
	actions.encap_net_type = static_cast<doca_flow_crypto_encap_net_type>(number_of(object, "encapNetType"));
	actions.encap_octets = number_of(object, "encapOctets");
	actions.encrypt = flag_of(object, "encrypt");
	actions.crypto_id = number_of(object, "cryptoId");
	return actions;
}

PipeSpec pipe_of(const Napi::Value &value)
{
	const auto object = value.As<Napi::Object>();
	PipeSpec pipe;
	pipe.name = text_of(object, "name");
	pipe.control = flag_of(object, "control");
	pipe.domain = number_of(object, "domain");
	pipe.is_root = flag_of(object, "isRoot");
	pipe.size_entries = number_of(object, "sizeEntries");
	pipe.miss_counter = flag_of(object, "missCounter");
	pipe.counter = flag_of(object, "counter");
	pipe.mirror = object.Get("mirror").As<Napi::Number>().Int32Value();
	pipe.match = list_of<FieldSpec>(object.Get("match"), field_of);
	pipe.actions = list_of<ActionsSpec>(object.Get("actions"), actions_of);
	pipe.forward = forward_of(object.Get("forward"));
	pipe.miss = forward_of(object.Get("miss"));
	return pipe;
}

doca_flow_compare_op comparison_of(const std::string &operation)
{
	if (operation == "lt")
		return DOCA_FLOW_COMPARE_LT;
	if (operation == "le")
		return DOCA_FLOW_COMPARE_LE;
	if (operation == "gt")
		return DOCA_FLOW_COMPARE_GT;
	return operation == "ge" ? DOCA_FLOW_COMPARE_GE : DOCA_FLOW_COMPARE_NE;
}

} // namespace

ControlEntrySpec control_entry_of(const Napi::Value &value)
{
	const auto object = value.As<Napi::Object>();
	ControlEntrySpec entry;
	entry.priority = number_of(object, "priority");
	entry.match = list_of<FieldSpec>(object.Get("match"), field_of);
	if (object.Get("condition").IsObject()) {
		const auto condition = object.Get("condition").As<Napi::Object>();
		entry.condition = ConditionSpec{&doca_field(text_of(condition, "field")),
						comparison_of(text_of(condition, "operation")),
						octets_of(condition.Get("value"))};
	}
	entry.actions = actions_of(object.Get("actions"));
	entry.values.encap_header = octets_of(object.Get("encapHeader"));
	entry.forward = forward_of(object.Get("forward"));
	entry.counter = flag_of(object, "counter");
	entry.mirror = object.Get("mirror").As<Napi::Number>().Int32Value();
	return entry;
}

ProgramSpec program_of(const Napi::Value &value)
{
	const auto object = value.As<Napi::Object>();
	ProgramSpec program;
	program.pipes = list_of<PipeSpec>(object.Get("pipes"), pipe_of);
	program.mirrors = list_of<std::vector<ForwardSpec>>(
		object.Get("mirrors"), [](const Napi::Value &targets) { return list_of<ForwardSpec>(targets, forward_of); });
	return program;
}
