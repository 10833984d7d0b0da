/**
 * All parts of the library under one name each, for scripts and for trying things. Programs better import the part that they need,
 * `psp-gateway/packet` and so on: this loads all of them.
 *
 * @packageDocumentation
 */
export * as capture from './capture.js';
export * as hal from './hal.js';
export * as packet from './packet.js';
export * as psp from './psp.js';
export * as sim from './sim.js';
export * as topology from './topology.js';
