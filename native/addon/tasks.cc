#include "tasks.h"

#include <memory>
#include <new>

#include "control_thread.h"

namespace {

struct Task {
	Napi::Promise::Deferred deferred;
	Finish finish;
	std::unique_ptr<Failure> failure;
};

// The state of one JavaScript environment.
struct Environment {
	Napi::ThreadSafeFunction tasks;
	// While tasks are pending the environment is kept alive.
	uint32_t pending = 0;
};

Napi::Error error_of(Napi::Env env, const Failure &failure)
{
	Napi::Error error = Napi::Error::New(env, failure.what());
	error.Set("code", Napi::String::New(env, failure.name()));
	return error;
}

void finish_task(Napi::Env env, Napi::Function, Task *task)
{
	const std::unique_ptr<Task> guard(task);
	// Without an environment: it is being torn down, and nobody waits for the promise.
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

} // namespace

void prepare_tasks(Napi::Env env)
{
	auto *environment = new Environment();
	environment->tasks = Napi::ThreadSafeFunction::New(env, Napi::Function::New(env, [](const Napi::CallbackInfo &) {}),
							   "psp-gateway control thread", 0, 1);
	environment->tasks.Unref(env);
	env.SetInstanceData(environment);
}

Napi::Value run_task(Napi::Env env, std::function<Finish()> work)
{
	auto *environment = env.GetInstanceData<Environment>();
	auto *task = new Task{Napi::Promise::Deferred::New(env), nullptr, nullptr};
	const Napi::Promise promise = task->deferred.Promise();
	if (environment->pending++ == 0)
		environment->tasks.Ref(env);
	const Napi::ThreadSafeFunction tasks = environment->tasks;
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

Napi::Value rejected(Napi::Env env, const Failure &failure)
{
	const auto deferred = Napi::Promise::Deferred::New(env);
	deferred.Reject(error_of(env, failure).Value());
	return deferred.Promise();
}

Napi::Object failure_object(Napi::Env env, const std::string &code, const std::string &reason)
{
	Napi::Object failure = Napi::Object::New(env);
	failure.Set("code", Napi::String::New(env, code));
	failure.Set("reason", Napi::String::New(env, reason));
	return failure;
}
