// Where DOCA's log goes: standard output, without waiting for whoever reads it. A thread that carries packets may log, and a terminal
// that has been stopped, or a pipe that nobody reads, would stop it too.
#pragma once

#include <cstdint>
#include <cstdio>

// A stream that never waits: lines that standard output does not take now are lost, and counted. It stays for as long as the process.
// Throws Failure.
FILE *log_stream();

// Lines that were lost so far.
uint64_t lost_log_lines();
