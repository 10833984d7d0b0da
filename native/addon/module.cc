// The addon's face: src/hal-doca/native.ts describes it. Everything that may wait runs in the control thread; results come
// back to the event loop as promises.
#include <napi.h>

#include <algorithm>
#include <memory>

#include "batch.h"
#include "control_thread.h"
#include "device.h"
#include "../guard/guard_binding.h"

namespace {

// ---- From JavaScript to plain structures ----

std::vector<uint8_t> octets_of(const Napi::Value &value)
{
	if (!value.IsTypedArray())
		return {};
	const auto array = value.As<Napi::Uint8Array>();
	return std::vector<uint8_t>(array.Data(), array.Data() + array.ByteLength());
}

uint32_t number_of(const Napi::Object &object, const char *name, uint32_t absent = 0)
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

template <typename Item, typename Read> std::vector<Item> list_of(const Napi::Value &value, Read read)
{
	std::vector<Item> items;
	if (!value.IsArray())
		return items;
	const auto array = value.As<Napi::Array>();
	for (uint32_t i = 0; i < array.Length(); i++)
		items.push_back(read(array.Get(i)));
	return items;
}

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

// ---- From the control thread to promises ----

Napi::Error error_of(Napi::Env env, const Failure &failure)
{
	Napi::Error error = Napi::Error::New(env, failure.what());
	error.Set("code", Napi::String::New(env, failure.name()));
	return error;
}

// Makes the result in JavaScript's thread.
using Finish = std::function<Napi::Value(Napi::Env)>;

struct Task {
	Napi::Promise::Deferred deferred;
	Finish finish;
	std::unique_ptr<Failure> failure;
};

// What belongs to one JavaScript environment.
struct Environment {
	Napi::ThreadSafeFunction tasks;
	uint32_t pending = 0;
};

void finish_task(Napi::Env env, Napi::Function, Task *task)
{
	const std::unique_ptr<Task> guard(task);
	// The environment is going down.
	if (env == nullptr)
		return;
	const Napi::HandleScope scope(env);
	auto *environment = env.GetInstanceData<Environment>();
	if (--environment->pending == 0)
		environment->tasks.Unref(env);
	if (task->failure != nullptr) {
		task->deferred.Reject(error_of(env, *task->failure).Value());
		return;
	}
	try {
		task->deferred.Resolve(task->finish(env));
	} catch (const Napi::Error &error) {
		task->deferred.Reject(error.Value());
	}
}

// At the end of a job that handles keys: registers that were saved, and locals of libraries, stand on the stack.
struct BurnStack {
	~BurnStack() { guard::burn_stack(); }
};

// Runs `work` in the control thread; what it returns makes the promise's value.
Napi::Value run(Napi::Env env, std::function<Finish()> work)
{
	auto *environment = env.GetInstanceData<Environment>();
	auto *task = new Task{Napi::Promise::Deferred::New(env), nullptr, nullptr};
	const Napi::Promise promise = task->deferred.Promise();
	if (environment->pending++ == 0)
		environment->tasks.Ref(env);
	Napi::ThreadSafeFunction tasks = environment->tasks;
	ControlThread::instance().post([task, tasks, work = std::move(work)]() {
		try {
			task->finish = work();
		} catch (const Failure &failure) {
			task->failure = std::make_unique<Failure>(failure);
		} catch (const std::bad_alloc &) {
			task->failure = std::make_unique<Failure>(DOCA_ERROR_NO_MEMORY, "the addon");
		} catch (const std::exception &error) {
			task->failure = std::make_unique<Failure>(DOCA_ERROR_UNEXPECTED, error.what());
		}
		if (tasks.BlockingCall(task, finish_task) != napi_ok)
			delete task;
	});
	return promise;
}

Finish undefined()
{
	return [](Napi::Env env) { return env.Undefined(); };
}

// A typed array of its own with what is at `from`, which may be nullptr where there is nothing.
template <typename Array, typename Item> Array array_of(Napi::Env env, const Item *from, size_t count)
{
	Array array = Array::New(env, count);
	std::copy_n(from, count, array.Data());
	return array;
}

// ---- A device ----

// Shared by the object in JavaScript and by jobs that are under way.
struct Opened {
	std::unique_ptr<Device> device;
	ProgramSpec program;
	Napi::ThreadSafeFunction receiver;
	bool receiving = false;
};

Device &device_of(const std::shared_ptr<Opened> &opened)
{
	if (opened->device == nullptr)
		throw Failure(DOCA_ERROR_SHUTDOWN, "the device is closed");
	return *opened->device;
}

void deliver(Napi::Env env, Napi::Function handler, std::vector<ReceivedPacket> *packets)
{
	const std::unique_ptr<std::vector<ReceivedPacket>> guard(packets);
	if (env == nullptr)
		return;
	const Napi::HandleScope scope(env);
	Napi::Array batch = Napi::Array::New(env, packets->size());
	for (uint32_t i = 0; i < packets->size(); i++) {
		const ReceivedPacket &packet = (*packets)[i];
		Napi::Object object = Napi::Object::New(env);
		object.Set("frame", array_of<Napi::Uint8Array>(env, packet.frame.data(), packet.frame.size()));
		object.Set("packetMeta", Napi::Number::New(env, packet.packet_meta));
		batch.Set(i, object);
	}
	try {
		handler.Call({batch});
	} catch (const Napi::Error &error) {
		// As from any other callback of Node's.
		napi_fatal_exception(env, error.Value());
	}
}

class NativeDevice : public Napi::ObjectWrap<NativeDevice> {
public:
	static Napi::Function define(Napi::Env env)
	{
		return DefineClass(
			env, "NativeDevice",
			{InstanceMethod<&NativeDevice::build>("build"), InstanceMethod<&NativeDevice::unbuild>("unbuild"),
			 InstanceMethod<&NativeDevice::apply>("apply"), InstanceMethod<&NativeDevice::set_keys>("setKeys"),
			 InstanceMethod<&NativeDevice::clear_keys>("clearKeys"),
			 InstanceMethod<&NativeDevice::generate_keys>("generateKeys"),
			 InstanceMethod<&NativeDevice::rotate>("rotateMasterKey"),
			 InstanceMethod<&NativeDevice::counters>("counters"), InstanceMethod<&NativeDevice::transmit>("transmit"),
			 InstanceMethod<&NativeDevice::close>("close")});
	}

	explicit NativeDevice(const Napi::CallbackInfo &info) : Napi::ObjectWrap<NativeDevice>(info)
	{
		opened_ = *info[0].As<Napi::External<std::shared_ptr<Opened>>>().Data();
	}

private:
	Napi::Value build(const Napi::CallbackInfo &info)
	{
		auto program = std::make_shared<ProgramSpec>();
		try {
			*program = program_of(info[0]);
		} catch (const Failure &failure) {
			return rejected(info.Env(), failure);
		}
		return run(info.Env(), [opened = opened_, program] {
			device_of(opened).build(*program);
			opened->program = std::move(*program);
			return undefined();
		});
	}

	Napi::Value unbuild(const Napi::CallbackInfo &info)
	{
		return run(info.Env(), [opened = opened_] {
			device_of(opened).unbuild();
			return undefined();
		});
	}

	Napi::Value apply(const Napi::CallbackInfo &info)
	{
		auto batch = std::make_shared<std::vector<uint8_t>>(octets_of(info[0]));
		auto controls = std::make_shared<std::vector<ControlEntrySpec>>();
		try {
			*controls = list_of<ControlEntrySpec>(info[1], control_entry_of);
		} catch (const Failure &failure) {
			return rejected(info.Env(), failure);
		}
		return run(info.Env(), [opened = opened_, batch, controls]() -> Finish {
			std::vector<BatchFailure> failures = run_batch(device_of(opened).program(), opened->program, *batch,
								       *controls);
			return [failures = std::move(failures)](Napi::Env env) -> Napi::Value {
				Napi::Array list = Napi::Array::New(env, failures.size());
				for (uint32_t i = 0; i < failures.size(); i++) {
					Napi::Object failure = Napi::Object::New(env);
					failure.Set("index", Napi::Number::New(env, failures[i].index));
					failure.Set("code", Napi::String::New(env, failures[i].code));
					failure.Set("reason", Napi::String::New(env, failures[i].reason));
					list.Set(i, failure);
				}
				return list;
			};
		});
	}

	// Ids; keys one after the other; the octets of each.
	Napi::Value set_keys(const Napi::CallbackInfo &info)
	{
		const auto ids_array = info[0].As<Napi::Uint32Array>();
		std::vector<uint32_t> ids(ids_array.Data(), ids_array.Data() + ids_array.ElementLength());
		auto keys = std::make_shared<std::vector<uint8_t>>(octets_of(info[1]));
		std::vector<uint8_t> lengths = octets_of(info[2]);
		return run(info.Env(), [opened = opened_, ids = std::move(ids), keys, lengths = std::move(lengths)]() -> Finish {
			const BurnStack burn;
			// Whatever happens, no copy stays.
			const std::shared_ptr<void> wiped(nullptr,
							  [keys](void *) { explicit_bzero(keys->data(), keys->size()); });
			Device &device = device_of(opened);
			std::vector<std::pair<std::string, std::string>> failures(ids.size());
			size_t at = 0;
			for (size_t i = 0; i < ids.size(); i++) {
				try {
					device.set_key(ids[i], keys->data() + at, lengths[i]);
				} catch (const Failure &failure) {
					failures[i] = {failure.name(), failure.what()};
				}
				at += lengths[i];
			}
			return [failures = std::move(failures)](Napi::Env env) -> Napi::Value {
				Napi::Array list = Napi::Array::New(env, failures.size());
				for (uint32_t i = 0; i < failures.size(); i++) {
					if (failures[i].first.empty()) {
						list.Set(i, env.Null());
						continue;
					}
					Napi::Object failure = Napi::Object::New(env);
					failure.Set("code", Napi::String::New(env, failures[i].first));
					failure.Set("reason", Napi::String::New(env, failures[i].second));
					list.Set(i, failure);
				}
				return list;
			};
		});
	}

	Napi::Value clear_keys(const Napi::CallbackInfo &info)
	{
		const auto ids_array = info[0].As<Napi::Uint32Array>();
		std::vector<uint32_t> ids(ids_array.Data(), ids_array.Data() + ids_array.ElementLength());
		return run(info.Env(), [opened = opened_, ids = std::move(ids)] {
			const BurnStack burn;
			for (const uint32_t id : ids)
				device_of(opened).clear_key(id);
			return undefined();
		});
	}

	Napi::Value generate_keys(const Napi::CallbackInfo &info)
	{
		const uint32_t key_octets = info[0].As<Napi::Number>().Uint32Value();
		const uint32_t count = info[1].As<Napi::Number>().Uint32Value();
		return run(info.Env(), [opened = opened_, key_octets, count]() -> Finish {
			const BurnStack burn;
			auto spis = std::make_shared<std::vector<uint32_t>>(count);
			const std::shared_ptr<std::vector<uint8_t>> keys(new std::vector<uint8_t>(size_t{count} * key_octets),
									 [](std::vector<uint8_t> *octets) {
										 explicit_bzero(octets->data(), octets->size());
										 delete octets;
									 });
			device_of(opened).generate_keys(key_octets, count, spis->data(), keys->data());
			return [spis, keys](Napi::Env env) -> Napi::Value {
				Napi::Object result = Napi::Object::New(env);
				result.Set("spis", array_of<Napi::Uint32Array>(env, spis->data(), spis->size()));
				result.Set("keys", array_of<Napi::Uint8Array>(env, keys->data(), keys->size()));
				return result;
			};
		});
	}

	Napi::Value rotate(const Napi::CallbackInfo &info)
	{
		return run(info.Env(), [opened = opened_] {
			const BurnStack burn;
			device_of(opened).rotate_master_key();
			return undefined();
		});
	}

	// Pairs of pipe and slot; slot -1: its misses, -2: all its entries together. Packets and octets of each.
	Napi::Value counters(const Napi::CallbackInfo &info)
	{
		const auto array = info[0].As<Napi::Int32Array>();
		std::vector<int32_t> wanted(array.Data(), array.Data() + array.ElementLength());
		return run(info.Env(), [opened = opened_, wanted = std::move(wanted)]() -> Finish {
			LoweredProgram &program = device_of(opened).program();
			std::vector<uint64_t> numbers;
			for (size_t i = 0; i + 1 < wanted.size(); i += 2) {
				const auto pipe = static_cast<uint32_t>(wanted[i]);
				const int32_t slot = wanted[i + 1];
				const CounterValue value = slot == -1 ? program.miss_counter(pipe)
							   : slot == -2
								   ? program.total_counter(pipe)
								   : program.entry_counter(pipe, static_cast<uint32_t>(slot));
				numbers.push_back(value.packets);
				numbers.push_back(value.octets);
			}
			return [numbers = std::move(numbers)](Napi::Env env) -> Napi::Value {
				return array_of<Napi::BigUint64Array>(env, numbers.data(), numbers.size());
			};
		});
	}

	// Frames and their packet metadata. How many were taken.
	Napi::Value transmit(const Napi::CallbackInfo &info)
	{
		const auto frames = info[0].As<Napi::Array>();
		const auto metas = info[1].As<Napi::Uint32Array>();
		std::vector<std::pair<const uint8_t *, size_t>> pointers;
		for (uint32_t i = 0; i < frames.Length(); i++) {
			const auto frame = frames.Get(i).As<Napi::Uint8Array>();
			pointers.emplace_back(frame.Data(), frame.ByteLength());
		}
		const std::vector<uint32_t> packet_metas(metas.Data(), metas.Data() + metas.ElementLength());
		if (closing_ || opened_->device == nullptr)
			return Napi::Number::New(info.Env(), 0);
		return Napi::Number::New(info.Env(), opened_->device->transmit(pointers, packet_metas));
	}

	Napi::Value close(const Napi::CallbackInfo &info)
	{
		closing_ = true;
		return run(info.Env(), [opened = opened_]() -> Finish {
			if (opened->device != nullptr)
				opened->device->stop();
			opened->device.reset();
			return [opened](Napi::Env env) -> Napi::Value {
				if (opened->receiving)
					opened->receiver.Release();
				opened->receiving = false;
				return env.Undefined();
			};
		});
	}

	static Napi::Value rejected(Napi::Env env, const Failure &failure)
	{
		const auto deferred = Napi::Promise::Deferred::New(env);
		deferred.Reject(error_of(env, failure).Value());
		return deferred.Promise();
	}

	std::shared_ptr<Opened> opened_;
	bool closing_ = false;
};

Napi::Value port_information(Napi::Env env, const Device &device, size_t logical)
{
	const PortInformation &port = device.port(logical);
	Napi::Object object = Napi::Object::New(env);
	const auto octets = [env](const uint8_t *from, size_t count) { return array_of<Napi::Uint8Array>(env, from, count); };
	object.Set("name", Napi::String::New(env, port.name));
	object.Set("mac", octets(port.mac.data(), port.mac.size()));
	object.Set("ipv4", octets(port.ipv4.data(), port.ipv4.size()));
	object.Set("ipv6", octets(port.ipv6.data(), port.ipv6.size()));
	object.Set("mtuOctets", Napi::Number::New(env, port.mtu_octets));
	object.Set("dpdkPort", Napi::Number::New(env, device.dpdk_port(logical)));
	return object;
}

// Options, and the handler of received packets. {device, ports, release}.
Napi::Value open_device(const Napi::CallbackInfo &info)
{
	const Napi::Env env = info.Env();
	const auto object = info[0].As<Napi::Object>();
	DeviceOptions options;
	options.pci_address = text_of(object, "pciAddress");
	options.representor = text_of(object, "representor");
	options.rss_queues = static_cast<uint16_t>(number_of(object, "rssQueues", 1));
	options.key_slots = number_of(object, "keySlots");
	options.counters = number_of(object, "counters");
	options.devices = number_of(object, "devices", 1);
	options.buffers = number_of(object, "buffers", 8192);
	options.memory_megabytes = number_of(object, "memoryMegabytes");
	options.log_level = number_of(object, "logLevel", DOCA_LOG_LEVEL_WARNING);
	options.eal_arguments = list_of<std::string>(
		object.Get("ealArguments"), [](const Napi::Value &value) { return value.As<Napi::String>().Utf8Value(); });
	// Batches that wait for JavaScript's thread; receivers stop to poll when there are more.
	constexpr size_t BATCHES_WAITING = 16;
	auto opened = std::make_shared<Opened>();
	opened->receiver = Napi::ThreadSafeFunction::New(env, info[1].As<Napi::Function>(), "psp-gateway received packets",
							 BATCHES_WAITING, 1);
	opened->receiving = true;
	return run(env, [opened, options]() -> Finish {
		try {
			opened->device = std::make_unique<Device>(options);
			Napi::ThreadSafeFunction receiver = opened->receiver;
			opened->device->receive([receiver](std::vector<ReceivedPacket> &batch) {
				auto *packets = new std::vector<ReceivedPacket>(std::move(batch));
				const napi_status status = receiver.NonBlockingCall(packets, deliver);
				if (status == napi_ok)
					return true;
				batch = std::move(*packets);
				delete packets;
				return false;
			});
		} catch (...) {
			opened->device.reset();
			// Else it keeps the process alive.
			opened->receiver.Release();
			opened->receiving = false;
			throw;
		}
		return [opened](Napi::Env env) -> Napi::Value {
			Napi::Array ports = Napi::Array::New(env, 2);
			ports.Set(0u, port_information(env, *opened->device, 0));
			ports.Set(1u, port_information(env, *opened->device, 1));
			auto *shared = new std::shared_ptr<Opened>(opened);
			const Napi::Function constructor = NativeDevice::define(env);
			Napi::Object device = constructor.New({Napi::External<std::shared_ptr<Opened>>::New(env, shared)});
			delete shared;
			Napi::Object result = Napi::Object::New(env);
			result.Set("device", device);
			result.Set("ports", ports);
			result.Set("release", Napi::String::New(env, DOCA_VERSION_STRING));
			return result;
		};
	});
}

// What src/hal-doca/addon-fields.ts holds against PipeHAL's fields.
Napi::Array fields(Napi::Env env)
{
	Napi::Array list = Napi::Array::New(env);
	for (const DocaField *field : doca_fields()) {
		Napi::Object object = Napi::Object::New(env);
		object.Set("name", Napi::String::New(env, field->name));
		object.Set("widthBits", Napi::Number::New(env, field->flag ? 1 : field->octets * 8));
		object.Set("writable", Napi::Boolean::New(env, field->to_actions != nullptr));
		list.Set(list.Length(), object);
	}
	return list;
}

Napi::Object initialize(Napi::Env env, Napi::Object exports)
{
	auto *environment = new Environment();
	environment->tasks = Napi::ThreadSafeFunction::New(env, Napi::Function::New(env, [](const Napi::CallbackInfo &) {}),
							   "psp-gateway control thread", 0, 1);
	environment->tasks.Unref(env);
	env.SetInstanceData(environment);
	exports.Set("openDevice", Napi::Function::New(env, open_device));
	exports.Set("fields", fields(env));
	exports.Set("guard", guard::binding(env));
	return exports;
}

} // namespace

NODE_API_MODULE(psp_gateway_doca, initialize)
