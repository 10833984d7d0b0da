// Tasks of the control thread, whose results come back to JavaScript as promises.
#pragma once

#include <napi.h>

#include <functional>

#include "failure.h"

// Makes a task's value in JavaScript's thread, after the control thread has done the work.
using Finish = std::function<Napi::Value(Napi::Env)>;

// Prepares an environment of JavaScript; before its first task.
void prepare_tasks(Napi::Env env);

// Runs `work` in the control thread. Returns a promise, which gets the value that `work`'s result makes, or the Failure that
// `work` throws.
Napi::Value run_task(Napi::Env env, std::function<Finish()> work);

// The result of work whose promise has no value.
Finish undefined();

// A promise that is rejected with `failure`.
Napi::Value rejected(Napi::Env env, const Failure &failure);

// A failure that is a value, not a rejection: {code, reason}.
Napi::Object failure_object(Napi::Env env, const std::string &code, const std::string &reason);
