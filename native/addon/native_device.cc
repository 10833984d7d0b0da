#include "native_device.h"

#include <memory>
#include <strings.h>

#include "../guard/guard_binding.h"
#include "batch.h"
#include "device.h"
#include "js_values.h"
#include "tasks.h"

namespace {

// Batches of received packets that may wait for JavaScript's thread. While there are as many, receivers do not poll.
constexpr size_t BATCHES_WAITING = 16;

// A device that was opened, shared by the object in JavaScript and by the tasks that are under way.
struct Opened {
	std::unique_ptr<Device> device;
	ProgramSpec program;
	Napi::ThreadSafeFunction receiver;
	bool receiving = false;
};

// Overwrites the stack at the end of a task that handles keys: saved registers, and locals of libraries, stand on it.
struct BurnStack {
	~BurnStack() { guard::burn_stack(); }
};

Device &device_of(const std::shared_ptr<Opened> &opened)
{
	if (opened->device == nullptr)
		throw Failure(DOCA_ERROR_SHUTDOWN, "the device is closed");
	return *opened->device;
}

// Hands received packets to JavaScript's handler.
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
		// An uncaught exception, as from any other callback of Node's.
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
			 InstanceMethod<&NativeDevice::counters>("counters"),
			 InstanceMethod<&NativeDevice::kernel_drops>("kernelDrops"),
			 InstanceMethod<&NativeDevice::transmit>("transmit"), InstanceMethod<&NativeDevice::close>("close")});
	}

	explicit NativeDevice(const Napi::CallbackInfo &info) : Napi::ObjectWrap<NativeDevice>(info)
	{
		opened_ = *info[0].As<Napi::External<std::shared_ptr<Opened>>>().Data();
	}

private:
	// The methods of src/hal-doca/native.ts.

	Napi::Value build(const Napi::CallbackInfo &info)
	{
		auto program = std::make_shared<ProgramSpec>();
		try {
			*program = program_of(info[0]);
		} catch (const Failure &failure) {
			return rejected(info.Env(), failure);
		}
		return run_task(info.Env(), [opened = opened_, program] {
			device_of(opened).build(*program);
			opened->program = std::move(*program);
			return undefined();
		});
	}

	Napi::Value unbuild(const Napi::CallbackInfo &info)
	{
		return run_task(info.Env(), [opened = opened_] {
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
		return run_task(info.Env(), [opened = opened_, batch, controls]() -> Finish {
			std::vector<BatchFailure> failures = run_batch(device_of(opened).program(), opened->program, *batch,
								       *controls);
			return [failures = std::move(failures)](Napi::Env env) -> Napi::Value {
				Napi::Array list = Napi::Array::New(env, failures.size());
				for (uint32_t i = 0; i < failures.size(); i++) {
					Napi::Object failure = failure_object(env, failures[i].code, failures[i].reason);
					failure.Set("index", Napi::Number::New(env, failures[i].index));
					list.Set(i, failure);
				}
				return list;
			};
		});
	}

	// Arguments: the ids, the keys without gaps, and the length of each key. Value: a failure or null for each.
	Napi::Value set_keys(const Napi::CallbackInfo &info)
	{
		std::vector<uint32_t> ids = items_of<Napi::Uint32Array>(info[0]);
		auto keys = std::make_shared<std::vector<uint8_t>>(octets_of(info[1]));
		std::vector<uint8_t> lengths = octets_of(info[2]);
		return run_task(info.Env(),
				[opened = opened_, ids = std::move(ids), keys, lengths = std::move(lengths)]() -> Finish {
					const BurnStack burn;
					// Wipes the copy of the keys whatever happens.
					const std::shared_ptr<void> wiped(
						nullptr, [keys](void *) { explicit_bzero(keys->data(), keys->size()); });
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
							const auto &[code, reason] = failures[i];
							if (code.empty())
								list.Set(i, env.Null());
							else
								list.Set(i, failure_object(env, code, reason));
						}
						return list;
					};
				});
	}

	Napi::Value clear_keys(const Napi::CallbackInfo &info)
	{
		std::vector<uint32_t> ids = items_of<Napi::Uint32Array>(info[0]);
		return run_task(info.Env(), [opened = opened_, ids = std::move(ids)] {
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
		const bool gmac = info[2].ToBoolean();
		return run_task(info.Env(), [opened = opened_, key_octets, count, gmac]() -> Finish {
			const BurnStack burn;
			auto spis = std::make_shared<std::vector<uint32_t>>(count);
			const std::shared_ptr<std::vector<uint8_t>> keys(new std::vector<uint8_t>(size_t{count} * key_octets),
									 [](std::vector<uint8_t> *octets) {
										 explicit_bzero(octets->data(), octets->size());
										 delete octets;
									 });
			device_of(opened).generate_keys(key_octets, gmac, count, spis->data(), keys->data());
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
		return run_task(info.Env(), [opened = opened_] {
			const BurnStack burn;
			device_of(opened).rotate_master_key();
			return undefined();
		});
	}

	// Arguments: pairs of pipe and slot, where slot -1 means the pipe's misses and -2 all its entries together. Value: packets and
	// octets for each pair.
	Napi::Value counters(const Napi::CallbackInfo &info)
	{
		std::vector<int32_t> wanted = items_of<Napi::Int32Array>(info[0]);
		return run_task(info.Env(), [opened = opened_, wanted = std::move(wanted)]() -> Finish {
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

	Napi::Value kernel_drops(const Napi::CallbackInfo &info)
	{
		return run_task(info.Env(), [opened = opened_]() -> Finish {
			uint64_t packets = 0;
			const bool known = compat::kernel_drops(device_of(opened).dpdk_port(0), packets);
			return [known, packets](Napi::Env env) -> Napi::Value {
				return known ? Napi::Value(Napi::BigInt::New(env, packets)) : env.Null();
			};
		});
	}

	// Arguments: frames, and the packet metadata of each. Returns how many frames were taken, from the first on.
	Napi::Value transmit(const Napi::CallbackInfo &info)
	{
		const auto frames = info[0].As<Napi::Array>();
		std::vector<std::pair<const uint8_t *, size_t>> pointers;
		for (uint32_t i = 0; i < frames.Length(); i++) {
			const auto frame = frames.Get(i).As<Napi::Uint8Array>();
			pointers.emplace_back(frame.Data(), frame.ByteLength());
		}
		const std::vector<uint32_t> packet_metas = items_of<Napi::Uint32Array>(info[1]);
		if (closing_ || opened_->device == nullptr)
			return Napi::Number::New(info.Env(), 0);
		return Napi::Number::New(info.Env(), opened_->device->transmit(pointers, packet_metas));
	}

	Napi::Value close(const Napi::CallbackInfo &info)
	{
		closing_ = true;
		return run_task(info.Env(), [opened = opened_]() -> Finish {
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

DeviceOptions options_of(const Napi::Object &object)
{
	DeviceOptions options;
	options.pci_address = text_of(object, "pciAddress");
	options.representor = text_of(object, "representor");
	options.rss_queues = static_cast<uint16_t>(number_of(object, "rssQueues", 1));
	options.key_slots = number_of(object, "keySlots");
	options.counters = number_of(object, "counters");
	options.devices = number_of(object, "devices", 1);
	options.buffers = number_of(object, "buffers", 8192);
	options.memory_megabytes = number_of(object, "memoryMegabytes");
	options.psp_words = object.Get("pspWords").ToBoolean();
	options.log_level = number_of(object, "logLevel", DOCA_LOG_LEVEL_WARNING);
	options.eal_arguments = list_of<std::string>(
		object.Get("ealArguments"), [](const Napi::Value &value) { return value.As<Napi::String>().Utf8Value(); });
	return options;
}

} // namespace

Napi::Value open_device(const Napi::CallbackInfo &info)
{
	const Napi::Env env = info.Env();
	const DeviceOptions options = options_of(info[0].As<Napi::Object>());
	auto opened = std::make_shared<Opened>();
	opened->receiver = Napi::ThreadSafeFunction::New(env, info[1].As<Napi::Function>(), "psp-gateway received packets",
							 BATCHES_WAITING, 1);
	opened->receiving = true;
	return run_task(env, [opened, options]() -> Finish {
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
			// A receiver that is not released keeps the process alive.
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
			result.Set("pspWords", Napi::Boolean::New(env, FlowLibrary::has_psp_words()));
			result.Set("gmac", Napi::Boolean::New(env, opened->device->has_gmac()));
			result.Set("release", Napi::String::New(env, DOCA_VERSION_STRING));
			return result;
		};
	});
}
