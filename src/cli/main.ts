#!/usr/bin/env node
/** The process: what its streams and its failures do. What it is asked for is `program.ts`. */
import { endAtOnce, watchStandardStreams } from './failure.js';
import { runProgram } from './program.js';

watchStandardStreams();
process.on('uncaughtException', endAtOnce);
await runProgram(process.argv.slice(2)).catch(endAtOnce);
